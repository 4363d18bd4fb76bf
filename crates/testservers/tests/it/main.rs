//! The servers start, answer and end.

use narae_testservers::{ControlPlane, SealedSecrets};

#[test]
fn an_api_server_answers_and_ends_with_its_value() {
    let Some(cluster) = ControlPlane::start("starting an API server") else {
        return;
    };
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: greeting}\ndata: {hello: world}\n";
    cluster.kubectl_with(&["apply", "--server-side", "-f", "-"], map);
    let read = cluster.kubectl(&[
        "get",
        "configmap",
        "greeting",
        "-o",
        "jsonpath={.data.hello}",
    ]);
    assert_eq!(read, "world");
    assert!(
        cluster
            .kubectl(&["version"])
            .contains("Server Version: v1.")
    );

    let mut connection = cluster.connect();
    let path = "/api/v1/namespaces/default/configmaps";
    let made = connection.post(path, r#"{"metadata": {"name": "posted"}}"#);
    assert_eq!(made.status, 201, "{}", made.body);
    // Long enough to come in chunks.
    let all = connection.get("/apis/apps/v1");
    assert!(all.status == 200 && all.body.trim_end().ends_with('}'));
    assert!(connection.get(path).body.contains("posted"));
    drop(connection);

    let address = ("127.0.0.1", cluster.port());
    let folder = cluster.path("");
    assert!(std::net::TcpStream::connect(address).is_ok());
    drop(cluster);
    assert!(std::net::TcpStream::connect(address).is_err());
    assert!(!folder.exists());
}

#[test]
fn the_sealed_secrets_controller_answers_through_the_api_server() {
    let Some(sealed) = SealedSecrets::start("starting the sealed-secrets controller") else {
        return;
    };
    let path = format!("{}/v1/cert.pem", SealedSecrets::PROXY);
    let first = sealed.cluster.kubectl(&["get", "--raw", &path]);
    assert!(first.starts_with("-----BEGIN CERTIFICATE-----"), "{first}");
    sealed.renew_key();
    sealed.cluster.until("the new certificate", || {
        sealed.cluster.kubectl(&["get", "--raw", &path]) != first
    });
    // Nothing of it can be reached from outside.
    assert!(std::net::TcpStream::connect(("127.0.0.1", sealed.cluster.port())).is_err());
}
