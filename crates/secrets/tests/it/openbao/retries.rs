//! What is sent again, and what is not.

use narae_secrets::store::openbao::{Changes, OpenBao};
use narae_secrets::store::{Cas, Store as _, StoreErrorKind as K};

use super::{Fake, answer, kind, path, quick, version};
use crate::material::{secret, values};

const GOOD: &str = r#"{"data":{"data":{"k":"v"},"metadata":{"version":1}}}"#;
const WRITTEN: &str = r#"{"data":{"version":1}}"#;
const MISMATCH: &str =
    r#"{"errors":["check-and-set parameter did not match the current version"]}"#;

fn store(fake: &Fake) -> OpenBao {
    OpenBao::connect("main", fake.options().with_retries(quick())).unwrap()
}

fn after(first: &[&str], then: &str) -> Fake {
    let mut answers: Vec<_> = first.iter().map(|status| answer(status, "{}")).collect();
    answers.push(answer("200 OK", then));
    Fake::in_turn(answers)
}

#[test]
fn reads_are_repeated_and_writes_where_nothing_was_done() {
    let at = path("secret/x");
    for first in [
        &["429 Too Many", "503 X"][..],
        &["500 X", "502 X"],
        &["473 X", "412 X"],
    ] {
        let fake = after(first, GOOD);
        assert_eq!(store(&fake).read(&at, None).unwrap().data["k"], secret("v"));
        assert_eq!(fake.seen.try_iter().count(), 3);
    }
    let data = values([("k", "v")]);
    let fake = after(&["429 Too Many", "473 X"], WRITTEN);
    assert_eq!(
        store(&fake).write(&at, &data, Cas::Any).unwrap(),
        version(1)
    );

    // It may have been done. The second of two with a check-and-set would say that nothing was written.
    let changes = Changes::from([("k".to_owned(), None)]);
    for cas in [Cas::Any, Cas::Absent, Cas::Version(version(1))] {
        let write = |store: OpenBao| store.write(&at, &data, cas);
        let patch = |store: OpenBao| store.patch(&at, &changes, cas);
        for write in [&write as &dyn Fn(OpenBao) -> _, &patch] {
            let fake = Fake::in_turn(vec![answer("502 X", "{}"), answer("400 X", MISMATCH)]);
            let error = write(store(&fake)).unwrap_err();
            assert_eq!(error.kind(), &K::Server { status: 502 });
            assert!(
                error.to_string().contains("may have been written"),
                "{error}"
            );
            assert_eq!(fake.seen.try_iter().count(), 1);
        }
    }
    // Credentials that were made and lost are not made again.
    let fake = after(&["502 X"], WRITTEN);
    assert!(store(&fake).credentials(&path("database/creds/x")).is_err());
    assert_eq!(fake.seen.try_iter().count(), 1);
    // Nor are wrapping tokens.
    let fake = after(&["502 X"], WRITTEN);
    let minute = std::time::Duration::from_secs(60);
    assert!(store(&fake).read_wrapped(&at, None, minute).is_err());
    assert_eq!(fake.seen.try_iter().count(), 1);
}

#[test]
fn a_connection_that_breaks_is_tried_again_for_reads() {
    let fake = Fake::in_turn(vec![
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec(),
        answer("200 OK", GOOD),
    ]);
    assert!(store(&fake).read(&path("secret/x"), None).is_ok());
}

#[test]
fn a_server_that_keeps_failing_is_asked_less() {
    let fake = Fake::answering("503 X", "{}");
    let store = store(&fake);
    for _ in 0..20 {
        assert_eq!(kind(&store, "secret/x", None), K::Server { status: 503 });
    }
    // Twenty first attempts, and the ten retries of the budget.
    assert_eq!(fake.seen.try_iter().count(), 30);
}
