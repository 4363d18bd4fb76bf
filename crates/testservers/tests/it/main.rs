//! The servers start, answer and end.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use narae_testservers::{ArgoCd, Cluster, ControlPlane, OpenBao, Process, SealedSecrets};

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

#[test]
fn a_deployment_rolls_out_unless_its_image_cannot_be_pulled() {
    let Some(cluster) = Cluster::start("rolling out a Deployment") else {
        return;
    };
    let deployment = |name: &str, tag: &str| {
        format!(
            "apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: default}}
spec:
  replicas: 2
  progressDeadlineSeconds: 2
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: web, image: 'shop/web:{tag}'}}]}}
"
        )
    };
    let apply = ["apply", "--server-side", "-f", "-"];
    let status = |name: &str| {
        let name = format!("deployment/{name}");
        let status = ["rollout", "status", "--timeout=100s", &name];
        cluster.plane.try_kubectl(&status, "")
    };
    cluster.plane.kubectl_with(&apply, &deployment("good", "1"));
    assert!(status("good").status.success(), "{}", cluster.output());
    cluster
        .plane
        .kubectl_with(&apply, &deployment("bad", "bad1"));
    let stuck = status("bad");
    let words = String::from_utf8_lossy(&stuck.stderr);
    assert!(
        words.contains("exceeded its progress deadline"),
        "{stuck:?}"
    );
    let pods = ["get", "pods", "-l", "app=bad"];
    assert!(cluster.plane.kubectl(&pods).contains("ImagePullBackOff"));
}

#[test]
fn argocd_answers_whom_it_knows() {
    let Some(argocd) = ArgoCd::start("starting Argo CD") else {
        return;
    };
    let answer = argocd.ask("GET", "applications");
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = argocd.ask("DELETE", "applications/none");
    assert_eq!(answer.status, 403, "{answer:?}");
}

#[test]
fn a_durable_openbao_keeps_its_content_over_a_crash() {
    let Some(mut server) = OpenBao::start_durable("starting OpenBao") else {
        return;
    };
    server.must("POST", "secret/data/x", r#"{"data":{"k":"kept"}}"#);
    server.kill();
    server.restart();
    assert!(server.must("GET", "secret/data/x", "").contains("kept"));
}

/// Starts a server in a test of its own, kills that test, and waits for the server to be gone.
#[cfg(target_os = "linux")]
#[test]
fn a_server_ends_with_a_test_that_is_killed() {
    const CHILD: &str = "NARAE_TESTSERVERS_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let server = Process::start(Command::new("sleep").arg("1000"), &log);
        eprintln!("\nserver {}", server.id());
        // Until it is killed.
        let _ = std::io::stdin().read(&mut [0]);
        panic!("it was not killed");
    }
    let mut test = Command::new(std::env::current_exe().unwrap())
        .args([
            "a_server_ends_with_a_test_that_is_killed",
            "--exact",
            "--nocapture",
        ])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(test.stderr.take().unwrap()).lines();
    let id = lines.find_map(|line| line.unwrap().strip_prefix("server ").map(str::to_owned));
    let server = format!("/proc/{}", id.unwrap());
    assert!(Path::new(&server).exists());
    test.kill().unwrap();
    test.wait().unwrap();
    // Dead, and until somebody waits for it, a zombie.
    let ended = || {
        std::fs::read_to_string(format!("{server}/stat")).map_or(true, |stat| stat.contains(") Z "))
    };
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !ended() {
        assert!(
            std::time::Instant::now() < end,
            "the server outlived its test"
        );
        std::thread::yield_now();
    }
}
