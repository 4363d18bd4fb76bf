//! What no honest API server answers, and what is never asked of one.

use std::time::Duration;

use narae_secrets::store::kubernetes::KubernetesSecrets;
use narae_secrets::store::{Cas, Store as _, StoreErrorKind as K, Version};

use super::{kind, path};
use crate::material::{secret, values};
use crate::server::Server;

const SECRET: &str = "/api/v1/namespaces/shop/secrets/db";

fn store(server: &Server) -> KubernetesSecrets {
    let address = format!("http://127.0.0.1:{}", server.port);
    let config = kube::Config::new(address.parse().unwrap());
    KubernetesSecrets::connect("cluster", config).unwrap()
}

fn answering(status: u16, body: &str) -> Server {
    Server::start(vec![(SECRET.to_owned(), status, body.to_owned())])
}

#[test]
fn only_names_of_kubernetes_are_asked_for() {
    let server = Server::start(vec![]);
    let store = store(&server);
    let long = "a".repeat(64);
    for at in [
        "shop/db/k",
        "Shop/db",
        "shop/DB",
        "shop/-db",
        "shop/db-",
        "-/db",
        "a.b/db",
        "shop/a..b",
        "shop/.a",
        "shop/%2e%2e",
        "shop/a b",
        "shop/a?b",
        "shop/ü",
        "shop/a#b",
        &format!("{long}/db"),
        &format!("shop/{}", "a".repeat(254)),
    ] {
        let refused =
            |kind: &K| matches!(kind, K::Refused { reason } if reason.contains("NAMESPACE/NAME"));
        assert!(refused(&kind(&store, at)), "{at}");
        let write = store.write(&path(at), &values([("k", "v")]), Cas::Any);
        assert!(refused(write.unwrap_err().kind()), "{at}");
    }
    for key in ["", "a/b", "ü", "..", "a b", &"k".repeat(254)] {
        let data = [(key.to_owned(), secret("v"))].into();
        let refused = store.write(&path("shop/db"), &data, Cas::Any).unwrap_err();
        assert!(
            matches!(refused.kind(), K::Refused { .. }),
            "{key}: {refused}"
        );
    }
    let large = values([("k", &*"a".repeat(1024 * 1024 + 1))]);
    let refused = store.write(&path("shop/db"), &large, Cas::Any).unwrap_err();
    assert!(matches!(refused.kind(), K::Refused { .. }), "{refused}");
    assert!(server.asked.lock().unwrap().is_empty());
}

#[test]
fn odd_answers_have_kinds_and_leak_nothing() {
    let odd = |body: &str| {
        let error = store(&answering(200, body))
            .read(&path("shop/db"), None)
            .unwrap_err();
        assert!(
            matches!(error.kind(), K::UnexpectedAnswer { .. }),
            "{body}: {error}"
        );
        assert!(
            !format!("{error} {error:?}").contains("CANARY"),
            "{error:?}"
        );
    };
    for body in [
        "",
        "<h1>CANARY</h1>",
        "null",
        "[]",
        "{}",
        r#"{"metadata": {"resourceVersion": "CANARY"}}"#,
        r#"{"metadata": {"resourceVersion": "0"}}"#,
        r#"{"metadata": {"resourceVersion": 7}}"#,
        r#"{"metadata": {"resourceVersion": "7"}, "data": {"k": "CANARY!"}}"#,
        r#"{"metadata": {"resourceVersion": "7"}, "data": {"k": ["CANARY"]}}"#,
        r#"{"metadata": {"resourceVersion": "7"}, "data": "CANARY"}"#,
    ] {
        odd(body);
    }
    for (status, expected) in [
        (302, K::Redirected { status: 302 }),
        (401, K::TokenRefused),
        (500, K::Server { status: 500 }),
        (409, K::Server { status: 409 }),
    ] {
        let server = answering(status, r#"{"kind": "Status", "message": "CANARY"}"#);
        let error = store(&server).read(&path("shop/db"), None).unwrap_err();
        assert_eq!(error.kind(), &expected);
        assert!(!format!("{error} {error:?}").contains("CANARY"));
        // A redirect would take the credentials elsewhere.
        assert_eq!(server.asked.lock().unwrap().len(), 1);
    }
    let full = r#"{"message": "secrets is forbidden: exceeded quota: q", "details": {}}"#;
    let ending = r#"{"details": {"causes": [{"reason": "NamespaceTerminating"}]}}"#;
    for body in [full, ending] {
        let refused = kind(&store(&answering(403, body)), "shop/db");
        assert!(matches!(refused, K::Refused { .. }), "{refused:?}");
    }
    // A stamp with white space is none; what is not known does not matter.
    let body =
        r#"{"metadata": {"uid": "a b", "resourceVersion": "7", "x": 1}, "data": null, "y": []}"#;
    let found = store(&answering(200, body))
        .read(&path("shop/db"), None)
        .unwrap();
    assert_eq!((found.version, found.stamp), (Version::new(7), None));
}

#[test]
fn time_and_size_are_bounded() {
    let limit = Duration::from_millis(200);
    let late = store(&answering(0, "")).with_timeout(limit);
    assert!(matches!(kind(&late, "shop/db"), K::Timeout { limit: at, .. } if at == limit));
    let large = answering(200, &" ".repeat(100_000));
    let bounded = store(&large).with_max_answer_bytes(50_000);
    let limit_bytes = 50_000;
    assert_eq!(kind(&bounded, "shop/db"), K::TooLarge { limit_bytes });
}

#[test]
fn a_listing_ends_whatever_is_answered() {
    let all = "/api/v1/secrets?limit=500";
    let page = |name: &str, next: &str| {
        format!(
            r#"{{"metadata": {{"continue": "{next}"}}, "items": [{{"metadata": {{"name": "{name}", "namespace": "shop"}}}}]}}"#
        )
    };
    let next = format!("{all}&continue=%61%2F%26");
    let answers = |last: &str| {
        vec![
            (all.to_owned(), 200, page("a", "a/&")),
            (next.clone(), 200, page("b", last)),
        ]
    };
    let server = Server::start(answers(""));
    assert_eq!(
        store(&server).list(None).unwrap(),
        [path("shop/a"), path("shop/b")]
    );
    // The same page for ever.
    let server = Server::start(answers("a/&"));
    assert_eq!(store(&server).list(None).unwrap().len(), 2);
    assert_eq!(server.asked.lock().unwrap().as_slice(), [all, &next]);
    let server = Server::start(vec![(all.to_owned(), 200, page("../x", ""))]);
    let odd = store(&server).list(None).unwrap_err();
    assert!(matches!(odd.kind(), K::UnexpectedAnswer { .. }), "{odd}");
}

#[test]
fn within_a_runtime_it_refuses_and_drops_in_peace() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = store(&Server::start(vec![]));
        assert_eq!(kind(&store, "shop/db"), K::InsideRuntime);
        drop(store);
    });
}
