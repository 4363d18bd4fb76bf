//! Kubernetes Secrets as a store: a real API server for what it answers, a small fake one for what no honest one does.

mod hostile;

use narae_secrets::SecretBytes;
use narae_secrets::store::kubernetes::KubernetesSecrets;
use narae_secrets::store::{
    Cas, Metadata, SecretPath, Store as _, StoreErrorKind as K, Version, VersionState,
};
use narae_testservers::ControlPlane;

use crate::material::values;

fn path(text: &str) -> SecretPath {
    text.parse().unwrap()
}

fn config_of(plane: &ControlPlane, token: &str) -> kube::Config {
    let address = format!("https://127.0.0.1:{}", plane.port());
    let mut config = kube::Config::new(address.parse().unwrap());
    config.root_cert_file = Some(plane.certificate());
    config.auth_info.token = Some(token.to_owned().into());
    config
}

fn store_of(plane: &ControlPlane, token: &str) -> KubernetesSecrets {
    KubernetesSecrets::connect("cluster", config_of(plane, token)).unwrap()
}

fn kind(store: &KubernetesSecrets, at: &str) -> K {
    store.read(&path(at), None).unwrap_err().kind().clone()
}

#[test]
fn a_real_api_server() {
    let Some(plane) = ControlPlane::start("Kubernetes Secrets as a store") else {
        return;
    };
    let store = store_of(&plane, ControlPlane::TOKEN);
    for namespace in ["shop", "other"] {
        plane.kubectl(&["create", "namespace", namespace]);
    }
    what_is_written_is_read(&plane, &store);
    a_precondition_is_checked(&plane, &store);
    what_is_missing_is_told_apart(&store);
    an_immutable_secret_stays(&plane, &store);
    everything_is_listed(&store);
    who_may_not_is_told_what(&plane);
    credentials_and_certificates_are_checked(&plane);
    drop(plane);
    let gone = kind(&store, "shop/db");
    assert!(matches!(gone, K::Unreachable { .. }), "{gone:?}");
}

fn what_is_written_is_read(plane: &ControlPlane, store: &KubernetesSecrets) {
    let mut data = values([("user", "app"), ("password", "pa55 \"\\ ü\n")]);
    data.insert("raw".to_owned(), SecretBytes::new(vec![0, 0xff, 0x80]));
    let first = store.write(&path("shop/db"), &data, Cas::Absent).unwrap();
    let found = store.read(&path("shop/db"), None).unwrap();
    assert_eq!((&found.data, found.version), (&data, Some(first)));
    let password = plane.kubectl(&["get", "secret", "-n=shop", "db", "-o=jsonpath={.data.raw}"]);
    assert_eq!(password, "AP+A");

    // What others put beside the values stays; what is not written any more goes.
    plane.kubectl(&["label", "secret", "-n=shop", "db", "team=commerce"]);
    plane.kubectl(&["annotate", "secret", "-n=shop", "db", "note=kept"]);
    let data = values([("user", "app"), ("new.key", "")]);
    let second = store.write(&path("shop/db"), &data, Cas::Any).unwrap();
    assert!(second > first);
    let again = store.read(&path("shop/db"), Some(second)).unwrap();
    assert_eq!((&again.data, again.version), (&data, Some(second)));
    assert_eq!(again.stamp, found.stamp, "the same object");
    let beside = "-o=jsonpath={.metadata.labels.team} {.metadata.annotations.note} {.type}";
    let beside = plane.kubectl(&["get", "secret", "-n=shop", "db", beside]);
    assert_eq!(beside, "commerce kept Opaque");
    let labels = [("team".to_owned(), "commerce".to_owned())].into();
    assert_eq!(
        store.metadata(&path("shop/db")).unwrap(),
        Metadata::new(second, vec![(second, VersionState::Live)]).with_custom(labels)
    );
    // Only the newest is kept.
    let old = store.read(&path("shop/db"), Some(first)).unwrap_err();
    assert_eq!(old.kind(), &K::VersionNotFound { version: first });
    assert!(old.to_string().contains("newest only"), "{old}");

    // Made anew, it is another one.
    plane.kubectl(&["delete", "secret", "-n=shop", "db"]);
    store.write(&path("shop/db"), &data, Cas::Any).unwrap();
    let anew = store.read(&path("shop/db"), None).unwrap();
    assert!(anew.stamp.is_some() && anew.stamp != found.stamp);
    // Nothing in it at all.
    plane.kubectl(&["create", "secret", "generic", "-n=shop", "empty"]);
    assert!(
        store
            .read(&path("shop/empty"), None)
            .unwrap()
            .data
            .is_empty()
    );
    plane.kubectl(&["delete", "secret", "-n=shop", "empty"]);
}

fn a_precondition_is_checked(plane: &ControlPlane, store: &KubernetesSecrets) {
    let at = path("shop/cas");
    let (one, two) = (values([("k", "1")]), values([("k", "2")]));
    let expected = Version::new(7).unwrap();
    let missing = store.write(&at, &one, Cas::Version(expected)).unwrap_err();
    let never = K::CasMismatch {
        current: None,
        expected: Some(expected),
    };
    assert_eq!(missing.kind(), &never);
    let first = store.write(&at, &one, Cas::Absent).unwrap();
    let there = store.write(&at, &two, Cas::Absent).unwrap_err();
    let already = K::CasMismatch {
        current: Some(first),
        expected: None,
    };
    assert_eq!(there.kind(), &already);
    let second = store.write(&at, &two, Cas::Version(first)).unwrap();
    let conflict = store.write(&at, &one, Cas::Version(first)).unwrap_err();
    let newer = K::CasMismatch {
        current: Some(second),
        expected: Some(first),
    };
    assert_eq!(conflict.kind(), &newer);
    assert_eq!(
        store.read(&at, None).unwrap().data,
        two,
        "nothing was written"
    );
    // A label is a change, too.
    plane.kubectl(&["label", "secret", "-n=shop", "cas", "team=commerce"]);
    assert!(store.write(&at, &one, Cas::Version(second)).is_err());

    // Of many who replace the same version, one does.
    let now = store.metadata(&at).unwrap().current;
    let won: usize = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (at, text) = (&at, writer.to_string());
                scope.spawn(move || {
                    let data = values([("k", &*text)]);
                    usize::from(store.write(at, &data, Cas::Version(now)).is_ok())
                })
            })
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .sum()
    });
    assert_eq!(won, 1);
}

fn what_is_missing_is_told_apart(store: &KubernetesSecrets) {
    assert_eq!(kind(store, "shop/none"), K::NotFound);
    let no_namespace = K::NamespaceNotFound {
        namespace: "none".to_owned(),
    };
    assert_eq!(kind(store, "none/db"), no_namespace);
    let data = values([("k", "v")]);
    for cas in [Cas::Any, Cas::Absent, Cas::Version(Version::FIRST)] {
        let error = store.write(&path("none/db"), &data, cas).unwrap_err();
        assert_eq!(error.kind(), &no_namespace, "{cas:?}");
    }
    let error = store.metadata(&path("shop/none")).unwrap_err();
    assert_eq!(error.kind(), &K::NotFound);
    assert!(error.to_string().contains("NAMESPACE/NAME"), "{error}");
}

fn an_immutable_secret_stays(plane: &ControlPlane, store: &KubernetesSecrets) {
    let fixed = "{apiVersion: v1, kind: Secret, metadata: {name: fixed, namespace: shop}, immutable: true, stringData: {k: CANARY-old}}";
    plane.kubectl_with(&["create", "-f", "-"], fixed);
    let error = store
        .write(
            &path("shop/fixed"),
            &values([("k", "CANARY-new")]),
            Cas::Any,
        )
        .unwrap_err();
    assert!(
        matches!(error.kind(), K::Refused { reason } if reason.contains("immutable")),
        "{error}"
    );
    assert!(!format!("{error} {error:?}").contains("CANARY"));
    // A type that wants certain keys.
    let typed = "{apiVersion: v1, kind: Secret, metadata: {name: auth, namespace: shop}, type: kubernetes.io/ssh-auth, stringData: {ssh-privatekey: k}}";
    plane.kubectl_with(&["create", "-f", "-"], typed);
    let error = store
        .write(&path("shop/auth"), &values([("k", "v")]), Cas::Any)
        .unwrap_err();
    assert!(
        matches!(error.kind(), K::Refused { reason } if reason.contains("type")),
        "{error}"
    );
    plane.kubectl(&["delete", "secret", "-n=shop", "auth"]);
}

fn everything_is_listed(store: &KubernetesSecrets) {
    store
        .write(&path("other/a.b"), &values([("k", "v")]), Cas::Any)
        .unwrap();
    let list = |prefix: Option<&str>| -> Vec<String> {
        let paths = store.list(prefix.map(path).as_ref()).unwrap();
        paths.iter().map(ToString::to_string).collect()
    };
    assert_eq!(list(Some("shop")), ["shop/cas", "shop/db", "shop/fixed"]);
    assert_eq!(list(Some("shop/db")), ["shop/db"]);
    assert!(list(Some("shop/d")).is_empty());
    assert!(list(Some("none")).is_empty());
    assert!(list(Some("none/db")).is_empty());
    assert_eq!(
        list(None),
        ["other/a.b", "shop/cas", "shop/db", "shop/fixed"]
    );
}

fn who_may_not_is_told_what(plane: &ControlPlane) {
    plane.kubectl(&["create", "serviceaccount", "-n=shop", "reader"]);
    let role = [
        "create",
        "role",
        "-n=shop",
        "reader",
        "--verb=get",
        "--resource=secrets",
    ];
    plane.kubectl(&[&role[..], &["--resource-name=db"]].concat());
    let bound = [
        "create",
        "rolebinding",
        "-n=shop",
        "reader",
        "--role=reader",
    ];
    plane.kubectl(&[&bound[..], &["--serviceaccount=shop:reader"]].concat());
    let token = plane.kubectl(&["create", "token", "-n=shop", "reader"]);
    let store = store_of(plane, token.trim());
    assert!(store.read(&path("shop/db"), None).is_ok());
    let denied = |capability, path: &str| K::PermissionDenied {
        capability,
        path: format!("api/v1/{path}"),
    };
    let error = store.read(&path("shop/cas"), None).unwrap_err();
    assert_eq!(error.kind(), &denied("get", "namespaces/shop/secrets/cas"));
    assert!(
        error
            .to_string()
            .ends_with("a Role bound to this user must"),
        "{error}"
    );
    let write = |at: &str, cas| {
        let error = store
            .write(&path(at), &values([("k", "v")]), cas)
            .unwrap_err();
        error.kind().clone()
    };
    assert_eq!(
        write("shop/db", Cas::Any),
        denied("patch", "namespaces/shop/secrets/db")
    );
    assert_eq!(
        write("shop/new", Cas::Absent),
        denied("create", "namespaces/shop/secrets")
    );
    let list = |prefix: Option<&SecretPath>| store.list(prefix).unwrap_err().kind().clone();
    assert_eq!(list(None), denied("list", "secrets"));
    assert_eq!(
        list(Some(&path("shop"))),
        denied("list", "namespaces/shop/secrets")
    );
    // Who may not look for the namespace cannot know.
    assert_eq!(
        kind(&store, "none/db"),
        denied("get", "namespaces/none/secrets/db")
    );
}

fn credentials_and_certificates_are_checked(plane: &ControlPlane) {
    assert_eq!(kind(&store_of(plane, "CANARY"), "shop/db"), K::TokenRefused);
    let mut config = config_of(plane, ControlPlane::TOKEN);
    config.root_cert_file = Some(crate::material::data("keys/2048.crt"));
    let untrusting = KubernetesSecrets::connect("cluster", config).unwrap();
    let refused = kind(&untrusting, "shop/db");
    assert!(matches!(refused, K::Untrusted { .. }), "{refused:?}");
}
