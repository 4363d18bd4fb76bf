//! The controller behind an API server, which here is a small fake: what is asked of it, and every way
//! it can answer badly.

use std::sync::Arc;
use std::time::Duration;

use narae_secrets::sealed::{
    BackupError, CertificateError, Controller, ControllerError, KeyStatus,
};

use crate::material::{certificate, data};
use crate::server::Server;

const SERVICES: &str = "/api/v1/namespaces/kube-system/services/";
const SERVICE: &str = r#"{"kind": "Service", "spec": {"ports": [{"name": "http", "port": 8080}]}}"#;

fn ask<T>(
    server: &Server,
    change: impl FnOnce(Controller) -> Controller,
    call: impl AsyncFnOnce(&Controller) -> T,
) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let address = format!("http://127.0.0.1:{}", server.port).parse().unwrap();
        let client = kube::Client::try_from(kube::Config::new(address)).unwrap();
        call(&change(Controller::new(client))).await
    })
}

fn ask_certificate(server: &Server) -> Result<String, ControllerError> {
    let found = ask(
        server,
        |c| c,
        async |controller| controller.certificate().await,
    );
    found.map(|(certificate, _)| certificate.fingerprint().to_string())
}

fn pem(file: &str) -> String {
    std::fs::read_to_string(data(file)).unwrap()
}

fn service() -> (String, u16, String) {
    (
        format!("{SERVICES}sealed-secrets-controller"),
        200,
        SERVICE.to_owned(),
    )
}

fn proxy(status: u16, body: impl Into<String>) -> (String, u16, String) {
    let path = format!("{SERVICES}http:sealed-secrets-controller:http/proxy/v1/cert.pem");
    (path, status, body.into())
}

#[test]
fn the_certificate_comes_through_the_proxy_of_the_first_port() {
    let server = Server::start(vec![service(), proxy(200, pem("keys/2048.crt"))]);
    assert_eq!(
        ask_certificate(&server).unwrap(),
        certificate(2048).fingerprint().as_str()
    );

    // A port without a name, another service in another namespace, and the PEM as it was.
    let path = "/api/v1/namespaces/sealing/services/sealed-secrets".to_owned();
    let bare = r#"{"spec": {"ports": [{"port": 8080}]}}"#.to_owned();
    let proxy = "/api/v1/namespaces/sealing/services/http:sealed-secrets:/proxy/v1/cert.pem";
    let server = Server::start(vec![
        (path, 200, bare),
        (proxy.to_owned(), 200, pem("keys/3072.crt")),
    ]);
    let found = ask(
        &server,
        |controller| {
            controller
                .with_namespace("sealing")
                .with_service("sealed-secrets")
        },
        async |controller| controller.certificate().await,
    );
    assert_eq!(found.unwrap().1, pem("keys/3072.crt"));
}

#[test]
fn keys_are_found_by_their_label() {
    let encode = |file: &str| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, pem(file));
    let item = |name: &str, bits: u32, status: &str| {
        format!(
            r#"{{"metadata": {{"name": "{name}", "labels": {{"sealedsecrets.bitnami.com/sealed-secrets-key": "{status}"}}}}, "data": {{"tls.crt": "{}", "tls.key": "{}"}}}}"#,
            encode(&format!("keys/{bits}.crt")),
            encode(&format!("keys/{bits}.key.pem"))
        )
    };
    let path = "/api/v1/namespaces/kube-system/secrets?labelSelector=sealedsecrets.bitnami.com%2Fsealed-secrets-key";
    let list = |items: &[String]| {
        format!(
            r#"{{"kind": "SecretList", "apiVersion": "v1", "items": [{}]}}"#,
            items.join(",")
        )
    };
    let body = list(&[item("k1", 2048, "active"), item("k2", 3072, "compromised")]);
    let server = Server::start(vec![(path.to_owned(), 200, body)]);
    let backup = ask(&server, |c| c, async |controller| controller.keys().await).unwrap();
    let names: Vec<&str> = backup.keys().iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["k1", "k2"]);
    assert_eq!(backup.keys()[0].status, KeyStatus::Active);
    assert_eq!(backup.keys()[1].key.key_bits(), 3072);
    assert_eq!(server.asked.lock().unwrap().as_slice(), [path]);

    let server = Server::start(vec![(path.to_owned(), 200, list(&[]))]);
    let nothing = ask(&server, |c| c, async |controller| controller.keys().await);
    assert!(matches!(
        nothing.unwrap_err(),
        ControllerError::Backup(BackupError::Nothing(_))
    ));
}

#[test]
fn every_bad_answer_has_its_error() {
    let error = |answers: Vec<_>| ask_certificate(&Server::start(answers)).unwrap_err();
    let what = "fetch the certificate from kube-system/sealed-secrets-controller".to_owned();
    let read = "read the Service kube-system/sealed-secrets-controller".to_owned();
    assert_eq!(error(vec![]), ControllerError::NotFound(read.clone()));
    for status in [401, 403] {
        assert_eq!(
            error(vec![service(), proxy(status, "")]),
            ControllerError::Forbidden(what.clone())
        );
    }
    // A redirect would take the credentials elsewhere.
    // (kube's client asks again after 429, 503 and 504, until the time is over.)
    for status in [302, 500, 502] {
        let expected = ControllerError::Status {
            what: what.clone(),
            status,
        };
        assert_eq!(error(vec![service(), proxy(status, "c4n4ry")]), expected);
    }
    for body in ["", "[]", "{}", r#"{"spec": {"ports": []}}"#] {
        let path = service().0;
        let expected = ControllerError::Answer {
            what: read.clone(),
            reason: "it is no Service with a port",
        };
        assert_eq!(
            error(vec![(path, 200, body.to_owned())]),
            expected,
            "{body}"
        );
    }
    let path = service().0;
    let odd = r#"{"spec": {"ports": [{"name": "a/../b"}]}}"#.to_owned();
    assert_eq!(
        error(vec![(path, 200, odd)]),
        ControllerError::Name("a/../b".to_owned())
    );
    assert_eq!(
        error(vec![service(), proxy(200, "<html>")]),
        ControllerError::Certificate(CertificateError::NoCertificate)
    );
}

#[test]
fn names_never_become_other_paths() {
    let server = Server::start(vec![]);
    for name in ["", "a/b", "..", "a?b", "a%2fb", "A", &"a".repeat(64)] {
        let error = ask(
            &server,
            |controller| controller.with_namespace(name),
            async |controller| controller.keys().await.unwrap_err(),
        );
        assert_eq!(error, ControllerError::Name(name.to_owned()));
        let error = ask(
            &server,
            |controller| controller.with_service(name),
            async |controller| controller.certificate().await.unwrap_err(),
        );
        assert_eq!(error, ControllerError::Name(name.to_owned()));
    }
    assert!(server.asked.lock().unwrap().is_empty());
}

#[test]
fn time_and_size_are_bounded() {
    let limit = Duration::from_millis(200);
    let server = Server::start(vec![service(), proxy(0, "")]);
    let error = ask(
        &server,
        |controller| controller.with_timeout(limit),
        async |controller| controller.certificate().await.unwrap_err(),
    );
    assert_eq!(error, ControllerError::Timeout(limit));
    let server = Server::start(vec![service(), proxy(200, "x".repeat(100_000))]);
    let error = ask(
        &server,
        |controller| controller.with_max_answer_bytes(50_000),
        async |controller| controller.certificate().await.unwrap_err(),
    );
    assert_eq!(error, ControllerError::TooLarge(50_000));
    let gone = Server {
        port: 1,
        asked: Arc::default(),
    };
    let error = ask_certificate(&gone).unwrap_err();
    assert!(
        matches!(&error, ControllerError::Unreachable(why) if why.contains("refused")),
        "{error}"
    );
}
