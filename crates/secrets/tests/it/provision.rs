//! References in, SealedSecrets out: read once, kept while nothing changed, told what came from where; nothing of a value in git.

use narae_secrets::lock::{Lock, LockedError};
use narae_secrets::sealed::{
    Action, PrivateKeys, Provision, ProvisionError, Reason, ReferencedProblemKind as Problem,
    ReferencedSecret, SealedFile, Values, provision,
};
use narae_secrets::store::{Cas, SecretPath, Store as _};
use narae_yaml::Value;

use crate::material::{certificate, data, values};
use crate::resolving::Counting;

const DATABASE: &str = "
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shop}
stringData:
  url: postgres://${ref+vault://main/kv/db#/user}:${ref+vault://main/kv/db#/password}@db/shop
  password: ref+vault://main/kv/db#/password
";
const PAYMENT: &str = "
apiVersion: v1
kind: Secret
metadata: {name: pay, namespace: shop}
data: {key: 'ref+vault://main/kv/pay?decode=base64#/key'}
";

fn value(yaml: &str) -> Value {
    narae_yaml::read_one(yaml).unwrap()
}

fn path(text: &str) -> SecretPath {
    text.parse().unwrap()
}

fn write_database(store: &Counting, password: &str) {
    let data = values([("user", "app"), ("password", password)]);
    store.inner.write(&path("kv/db"), &data, Cas::Any).unwrap();
}

fn store() -> Counting {
    let store = Counting::new("main", false);
    write_database(&store, "CANARY-1");
    let data = values([("key", "Q0FOQVJZLXBheQ==")]);
    store.inner.write(&path("kv/pay"), &data, Cas::Any).unwrap();
    store
}

fn referenced<'a>(secret: &'a Value, previous: Option<&'a Value>) -> ReferencedSecret<'a> {
    ReferencedSecret::read(secret, Values::Interpolated, |path| {
        format!("t.yaml, {path}")
    })
    .unwrap()
    .with_previous(previous)
}

/// The database's Secret alone.
fn provided(
    store: &Counting,
    text: &str,
    previous: Option<&Value>,
    lock: &Lock,
) -> Result<Provision, ProvisionError> {
    let secret = value(text);
    provision(
        &[referenced(&secret, previous)],
        &[store],
        lock,
        &certificate(2048),
    )
}

fn actions(done: &Provision) -> Vec<(&str, Action)> {
    let items = done.secrets.iter().flat_map(|secret| &secret.sealed.items);
    items
        .map(|item| (item.name.as_str(), item.action))
        .collect()
}

/// As it is read again from git.
fn committed(done: &Provision) -> (String, Value) {
    let text = done.secrets[0].sealed.to_yaml();
    let file = SealedFile::read("db.yaml", text.clone()).unwrap();
    (text, file.secrets()[0].value().clone())
}

#[test]
fn every_path_is_read_once_and_sealed_where_it_belongs() {
    let store = store();
    let (database, payment) = (value(DATABASE), value(PAYMENT));
    let secrets = [referenced(&database, None), referenced(&payment, None)];
    let done = provision(&secrets, &[&store], &Lock::default(), &certificate(2048)).unwrap();
    assert_eq!(store.reads(), 2);
    assert_eq!(done.resolved.len(), 3);
    let origins: Vec<(&str, Vec<String>)> = done
        .secrets
        .iter()
        .flat_map(|secret| &secret.origins)
        .map(|(name, from)| {
            (
                name.as_str(),
                from.iter().map(ToString::to_string).collect(),
            )
        })
        .collect();
    let at = |key: &str| format!("ref+vault://main/kv/db?version=1#/{key}");
    assert_eq!(
        origins,
        [
            ("password", vec![at("password")]),
            ("url", vec![at("user"), at("password")]),
            (
                "key",
                vec!["ref+vault://main/kv/pay?version=1&decode=base64#/key".to_owned()]
            ),
        ]
    );
    assert_eq!(done.lock.len(), 2);

    // What the cluster makes of it.
    let keys = PrivateKeys::from_pem(&std::fs::read(data("keys/2048.key.pem")).unwrap()).unwrap();
    let opened = |index: usize, key: &str| {
        let text = done.secrets[index].sealed.to_yaml();
        let file = SealedFile::read("x.yaml", text).unwrap();
        let opened = file.secrets()[0].unseal(&keys).unwrap();
        String::from_utf8(opened.data()[key].expose().to_vec()).unwrap()
    };
    assert_eq!(opened(0, "url"), "postgres://app:CANARY-1@db/shop");
    assert_eq!(opened(0, "password"), "CANARY-1");
    assert_eq!(opened(1, "key"), "CANARY-pay");
    // Nothing of a value, nor of the text around it.
    let all = format!(
        "{} {done:?} {}",
        done.secrets[0].sealed.to_yaml(),
        done.lock
    );
    for absent in ["CANARY", "postgres", "Q0FOQVJZ"] {
        assert!(!all.contains(absent), "{absent} in {all}");
    }
}

#[test]
fn what_did_not_change_keeps_its_bytes() {
    let store = store();
    let none = Lock::default();
    let first = provided(&store, DATABASE, None, &none).unwrap();
    let (text, previous) = committed(&first);
    let again = provided(&store, DATABASE, Some(&previous), &none).unwrap();
    assert_eq!(
        actions(&again),
        [("password", Action::Kept), ("url", Action::Kept)]
    );
    assert_eq!(committed(&again).0, text);
    // The record says where it came from.
    assert!(
        text.contains(
            "|ref+vault://main/kv/db?version=1#/user|ref+vault://main/kv/db?version=1#/password "
        ),
        "{text}"
    );

    let changed = Action::Resealed(Reason::SourceChanged);
    // Another text of the same references.
    let other = DATABASE.replace("@db/shop", "@db2/shop");
    let edited = provided(&store, &other, Some(&previous), &none).unwrap();
    assert_eq!(
        actions(&edited),
        [("password", Action::Kept), ("url", changed)]
    );
    // The same text with its references the other way round.
    let swapped = DATABASE
        .replace("#/user}:", "#/x}:")
        .replace("#/password}@", "#/user}@")
        .replace("#/x}:", "#/password}:");
    let swapped = provided(&store, &swapped, Some(&previous), &none).unwrap();
    assert_eq!(
        actions(&swapped),
        [("password", Action::Kept), ("url", changed)]
    );
    // Another version.
    write_database(&store, "CANARY-2");
    let newer = provided(&store, DATABASE, Some(&previous), &none).unwrap();
    assert_eq!(actions(&newer), [("password", changed), ("url", changed)]);
    assert!(newer.lock.to_string().contains("version=2"));
    // Unless the lock says otherwise.
    let locked = provided(&store, DATABASE, Some(&previous), &first.lock).unwrap();
    assert_eq!(
        actions(&locked),
        [("password", Action::Kept), ("url", Action::Kept)]
    );
    assert_eq!(locked.lock, first.lock);
}

#[test]
fn nothing_is_sealed_when_something_is_missing() {
    let store = store();
    let missing = DATABASE.replace("kv/db#/user", "kv/none#/user");
    let error = provided(&store, &missing, None, &Lock::default()).unwrap_err();
    assert!(
        matches!(error, ProvisionError::Locked(LockedError::Resolve(_))),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .starts_with("t.yaml, stringData.url: ref+vault://main/kv/none#/user: "),
        "{error}"
    );
    let store = Counting::new("main", false);
    let lock = "# narae-secrets lock 1\nmain kv/db version=1 stamp=another\n";
    write_database(&store, "CANARY");
    let changed = provided(&store, DATABASE, None, &Lock::read("x", lock).unwrap()).unwrap_err();
    assert!(
        matches!(changed, ProvisionError::Locked(LockedError::Changed(_))),
        "{changed}"
    );
    let nameless = DATABASE.replace("name: db, ", "");
    let error = provided(&store, &nameless, None, &Lock::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot seal shop/: the Secret has no metadata.name"
    );
    write_database(&store, &"v".repeat(600 * 1024));
    let twice = DATABASE.replace("#/user}", "#/password}");
    let error = provided(&store, &twice, None, &Lock::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("t.yaml, stringData.url: longer than"),
        "{error}"
    );
}

#[test]
fn what_is_no_reference_is_told_with_its_place() {
    let problems = |text: &str, values: Values| -> Vec<(String, Problem)> {
        let secret = value(text);
        let error = ReferencedSecret::read(&secret, values, |path| format!("t.yaml, {path}"));
        let error = error.err();
        assert!(!format!("{error:?}").contains("CANARY"));
        let problems = error.iter().flat_map(|error| error.problems());
        problems
            .map(|problem| (problem.path.to_string(), problem.kind.clone()))
            .collect()
    };
    let text = "
apiVersion: v1
kind: Secret
data: {a: CANARY, b: 7, c: null, twice: 'ref+vault://main/kv/db#/k'}
stringData:
  twice: ref+vault://main/kv/db#/k
  d: ref+vault://main/kv/db
  e: x ${ref+vault://main/kv/db#/k}
  f: x ${ref+vault://main/kv/db
";
    let whole = problems(text, Values::References);
    let paths: Vec<&str> = whole.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "data.a",
            "data.b",
            "data.c",
            "stringData.twice",
            "stringData.d",
            "stringData.e",
            "stringData.f"
        ]
    );
    assert_eq!(whole[3].1, Problem::Twice);
    assert!(matches!(whole[4].1, Problem::Reference(_)));
    // References within a text are on request.
    assert_eq!(whole[5].1, Problem::Literal);
    let within = problems(text, Values::Interpolated);
    assert_eq!(within.len(), 6);
    assert!(
        matches!(within[5].1, Problem::Interpolation(_)),
        "{within:?}"
    );
    assert_eq!(
        problems("{stringData: [CANARY]}", Values::References)[0].1,
        Problem::Literal
    );
    assert!(problems("{stringData: null}", Values::References).is_empty());
}
