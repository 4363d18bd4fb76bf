//! The servers start, answer and end.

use narae_testservers::ControlPlane;

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

    let address = ("127.0.0.1", cluster.port());
    let folder = cluster.path("");
    assert!(std::net::TcpStream::connect(address).is_ok());
    drop(cluster);
    assert!(std::net::TcpStream::connect(address).is_err());
    assert!(!folder.exists());
}
