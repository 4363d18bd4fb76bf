//! An API server that forgets: versions expire between pages and during watches.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use narae_testservers::Process;
use serde_json::{Value, json};

use crate::backend::Backend;
use crate::client::Client;

/// Endless answers would block a connection: a watch is answered with what there is, and ends.
fn answer(body: &str, status: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").into()
}

fn gone() -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 410,
            "reason": "Expired", "message": "too old resource version" })
}

fn list(items: &[Value], next: &str) -> Vec<u8> {
    let list = json!({ "metadata": { "resourceVersion": "7", "continue": next }, "items": items });
    answer(&list.to_string(), "200 OK")
}

fn route(backend: &str) -> Value {
    json!({
        "metadata": { "name": "shop", "namespace": "default", "generation": 1, "resourceVersion": "1" },
        "spec": { "parentRefs": [{ "name": "gw" }], "rules": [{ "backendRefs": [{ "name": backend, "port": 80 }] }] },
    })
}

fn service(name: &str) -> Value {
    json!({ "metadata": { "name": name, "namespace": "default" }, "spec": { "ports": [{ "port": 80 }] } })
}

#[test]
fn what_has_expired_is_listed_again_and_the_rest_serves_meanwhile() {
    let (a, b) = (Backend::named("a"), Backend::named("b"));
    let watched = AtomicUsize::new(0);
    let second_page = AtomicUsize::new(0);
    let server = Backend::answering(move |request| {
        let target = request.first.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let watch = query.contains("watch=true");
        if request.first.starts_with("PATCH") {
            return answer("{}", "200 OK");
        }
        match path.rsplit('/').next().unwrap_or_default() {
            "httproutes" if watch => {
                watched.fetch_add(1, Ordering::SeqCst);
                let event = json!({ "type": "ERROR", "object": gone() });
                answer(&format!("{event}\n"), "200 OK")
            }
            // Once the watch has expired there is another route.
            "httproutes" if watched.load(Ordering::SeqCst) > 0 => list(&[route("b")], ""),
            "httproutes" => list(&[route("a")], ""),
            _ if watch => answer("", "200 OK"),
            "gatewayclasses" => list(
                &[
                    json!({ "metadata": { "name": "narae" }, "spec": { "controllerName": "narae.dev/router" } }),
                ],
                "",
            ),
            "gateways" => list(
                &[json!({
                    "metadata": { "name": "gw", "namespace": "default", "generation": 1, "resourceVersion": "1" },
                    "spec": { "gatewayClassName": "narae", "listeners": [{ "name": "http", "port": 80, "protocol": "HTTP" }] },
                })],
                "",
            ),
            // The second page expires once, and the list begins anew.
            "services" if query.contains("continue=page2") => {
                match second_page.fetch_add(1, Ordering::SeqCst) {
                    0 => answer(&gone().to_string(), "410 Gone"),
                    _ => list(&[service("b")], ""),
                }
            }
            "services" => list(&[service("a")], "page2"),
            // A resource that the server does not have holds up nobody.
            "grpcroutes" => answer("404 page not found", "404 Not Found"),
            _ => list(&[], ""),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: t\nclusters: [{{ name: t, cluster: {{ server: \"http://{}\" }} }}]\n\
         users: [{{ name: t, user: {{}} }}]\ncontexts: [{{ name: t, context: {{ cluster: t, user: t }} }}]\n",
        server.address
    );
    std::fs::write(&kubeconfig, text).unwrap();
    let policies = folder.path().join("policies.yaml");
    let mut text = String::new();
    for (name, backend) in [("a", &a), ("b", &b)] {
        text.push_str(&format!(
            "---\napiVersion: narae.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {{ name: {name} }}\n\
             spec: {{ targetRefs: [{{ name: {name} }}], sites: [{{ name: only, endpoints: [\"{}\"] }}] }}\n",
            backend.address
        ));
    }
    std::fs::write(&policies, text).unwrap();
    let log = folder.path().join("router.log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_router"));
    command
        .args(["--cluster", "--listen", "80=127.0.0.1:0", "--config"])
        .arg(&policies)
        .env("KUBECONFIG", &kubeconfig);
    let router = Process::start(&mut command, &log);
    let address = loop {
        let output = router.output();
        let ready = output.split_once("router listening on http://");
        if let Some((address, _)) = ready.and_then(|(_, rest)| rest.split_once('\n')) {
            break address.parse().unwrap();
        }
        std::thread::yield_now();
    };
    loop {
        let answer = Client::connect(address).get("/");
        assert_eq!(answer.status(), 200, "{}", router.output());
        if answer.text() == "b" {
            break;
        }
    }
}
