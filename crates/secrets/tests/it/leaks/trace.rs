//! What dependencies trace and log while secrets pass through them, at the most talkative level.

use narae_testservers::Trace;

#[cfg(feature = "vault")]
#[test]
fn nothing_from_openbao_is_traced() {
    use narae_secrets::store::openbao::{OpenBao, Options};
    use narae_secrets::store::{Cas, Store as _};

    use super::canary::{CANARY, clean};
    use crate::material::secret;
    use crate::server::Server;
    let body = format!(
        r#"{{"data":{{"data":{{"password":"{CANARY}"}},"metadata":{{"version":1,"created_time":"x"}}}}}}"#
    );
    let failed = format!(r#"{{"errors":["{CANARY}"]}}"#);
    let server = Server::start(vec![
        ("/v1/s/data/a".to_owned(), 200, body),
        ("/v1/s/data/b".to_owned(), 500, failed.clone()),
        ("/v1/s/data/c".to_owned(), 200, failed),
    ]);
    let (text, ()) = Trace::of(|| {
        let options = Options::new(format!("http://127.0.0.1:{}", server.port), secret(CANARY));
        let store = OpenBao::connect("main", options).unwrap();
        let found = store.read(&"s/a".parse().unwrap(), None).unwrap();
        assert_eq!(found.data["password"], secret(CANARY));
        assert!(store.read(&"s/b".parse().unwrap(), None).is_err());
        assert!(store.read(&"s/c".parse().unwrap(), None).is_err());
        let data = [("k".to_owned(), secret(CANARY))].into();
        assert!(
            store
                .write(&"s/a".parse().unwrap(), &data, Cas::Any)
                .is_err()
        );
    });
    assert!(text.contains("reqwest::"), "nothing was traced: {text}");
    clean(&text);
}

#[cfg(feature = "kube")]
#[test]
fn nothing_from_the_controller_is_traced() {
    use narae_secrets::sealed::Controller;

    use super::canary::{CANARY, clean};
    use crate::server::Server;
    let path = "/api/v1/namespaces/kube-system/secrets?labelSelector=sealedsecrets.bitnami.com%2Fsealed-secrets-key";
    let key = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, CANARY);
    let body = format!(
        r#"{{"kind": "SecretList", "items": [{{"metadata": {{"name": "k"}}, "data": {{"tls.key": "{key}"}}}}]}}"#
    );
    let server = Server::start(vec![(path.to_owned(), 200, body)]);
    let (text, ()) = Trace::of(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let address = format!("http://127.0.0.1:{}", server.port).parse().unwrap();
            let mut config = kube::Config::new(address);
            config.auth_info.token = Some(CANARY.to_owned().into());
            let controller = Controller::new(kube::Client::try_from(config).unwrap());
            assert!(controller.keys().await.is_err(), "a canary is no key");
            assert!(controller.certificate().await.is_err());
        });
    });
    assert!(text.contains("labelSelector"), "nothing was traced: {text}");
    clean(&text);
}

#[cfg(feature = "kube")]
#[test]
fn nothing_from_kubernetes_is_traced() {
    use narae_secrets::store::Store as _;
    use narae_secrets::store::kubernetes::KubernetesSecrets;

    use super::canary::{CANARY, clean};
    use crate::material::secret;
    use crate::server::Server;
    let value = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, CANARY);
    let body = format!(
        r#"{{"metadata": {{"uid": "u", "resourceVersion": "7"}}, "data": {{"k": "{value}"}}}}"#
    );
    let at = |name: &str| format!("/api/v1/namespaces/shop/secrets/{name}");
    let server = Server::start(vec![(at("db"), 200, body.clone()), (at("odd"), 500, body)]);
    let (text, ()) = Trace::of(|| {
        let address = format!("http://127.0.0.1:{}", server.port).parse().unwrap();
        let mut config = kube::Config::new(address);
        config.auth_info.token = Some(CANARY.to_owned().into());
        let store = KubernetesSecrets::connect("cluster", config).unwrap();
        let found = store.read(&"shop/db".parse().unwrap(), None).unwrap();
        assert_eq!(found.data["k"], secret(CANARY));
        assert!(store.read(&"shop/odd".parse().unwrap(), None).is_err());
    });
    assert!(text.contains("kube_client"), "nothing was traced: {text}");
    clean(&text);
}
