//! An API server that forgets, refuses and hangs: versions expire between pages and during watches, resources seem to
//! be gone, status is not written, credentials cannot be renewed.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use narae_testservers::Process;
use serde_json::{Value, json};
use tempfile::TempDir;

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

/// An error as the API says it.
fn refused(code: u16) -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
            "reason": "Refused", "message": "refused" })
}

/// What a server has besides routes; a watch of it ends at once.
fn others(resource: &str, watch: bool) -> Vec<u8> {
    match resource {
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
        "services" => list(&[service("a"), service("b")], ""),
        _ => list(&[], ""),
    }
}

/// The resource that a request is about, and whether it watches.
fn asked(first: &str) -> (&str, bool) {
    let target = first.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    (
        path.rsplit('/').next().unwrap_or_default(),
        query.contains("watch=true"),
    )
}

/// Where the two services are.
fn policies(a: &Backend, b: &Backend) -> String {
    let mut text = String::new();
    for (name, backend) in [("a", a), ("b", b)] {
        text.push_str(&format!(
            "---\napiVersion: narae.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {{ name: {name} }}\n\
             spec: {{ targetRefs: [{{ name: {name} }}], sites: [{{ name: only, endpoints: [\"{}\"] }}] }}\n",
            backend.address
        ));
    }
    text
}

/// A router of that server's gateways, with its files.
fn router(server: &Backend, a: &Backend, b: &Backend, user: &str) -> (TempDir, Process) {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: t\nclusters: [{{ name: t, cluster: {{ server: \"http://{}\" }} }}]\n\
         users: [{{ name: t, user: {user} }}]\ncontexts: [{{ name: t, context: {{ cluster: t, user: t }} }}]\n",
        server.address
    );
    std::fs::write(folder.path().join("kubeconfig"), text).unwrap();
    std::fs::write(folder.path().join("policies.yaml"), policies(a, b)).unwrap();
    let router = started(folder.path());
    (folder, router)
}

fn started(folder: &Path) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_router"));
    command
        .current_dir(folder)
        .args(["--cluster", "--listen", "80=127.0.0.1:0", "--watch", "3600"])
        .args(["--config", "policies.yaml"])
        .env("KUBECONFIG", "kubeconfig");
    Process::start(&mut command, &folder.join("router.log"))
}

fn until(router: &Process, what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "never {what}: {}",
            router.output()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn address(router: &Process) -> SocketAddr {
    let address = || {
        let output = router.output();
        let (_, rest) = output.split_once("router listening on http://")?;
        rest.split_once('\n')?.0.parse().ok()
    };
    until(router, "listening", || address().is_some());
    address().unwrap()
}

/// Asks until `b` answers; meanwhile everything is served.
fn serves_until_b(router: &Process) {
    let address = address(router);
    until(router, "served by b", || {
        let answer = Client::connect(address).get("/");
        assert_eq!(answer.status(), 200, "{}", router.output());
        answer.text() == "b"
    });
}

#[test]
fn what_has_expired_is_listed_again_and_the_rest_serves_meanwhile() {
    let (a, b) = (Backend::named("a"), Backend::named("b"));
    let watched = AtomicUsize::new(0);
    let second_page = AtomicUsize::new(0);
    let server = Backend::answering(move |request| {
        if request.first.starts_with("PATCH") {
            return answer("{}", "200 OK");
        }
        match asked(&request.first) {
            ("httproutes", true) => {
                watched.fetch_add(1, Ordering::SeqCst);
                let event = json!({ "type": "ERROR", "object": gone() });
                answer(&format!("{event}\n"), "200 OK")
            }
            // Once the watch has expired there is another route.
            ("httproutes", false) if watched.load(Ordering::SeqCst) > 0 => list(&[route("b")], ""),
            ("httproutes", false) => list(&[route("a")], ""),
            // The second page expires once, and the list begins anew.
            ("services", false) if request.first.contains("continue=page2") => {
                match second_page.fetch_add(1, Ordering::SeqCst) {
                    0 => answer(&gone().to_string(), "410 Gone"),
                    _ => list(&[service("b")], ""),
                }
            }
            ("services", false) => list(&[service("a")], "page2"),
            // A resource that the server does not have holds up nobody.
            ("grpcroutes", _) => answer("404 page not found", "404 Not Found"),
            (resource, watch) => others(resource, watch),
        }
    });
    let (_folder, router) = router(&server, &a, &b, "{}");
    serves_until_b(&router);
}

#[test]
fn status_that_is_never_written_holds_up_no_changes() {
    let (a, b) = (Backend::named("a"), Backend::named("b"));
    let patched = AtomicBool::default();
    let server = Backend::answering(move |request| {
        if request.first.starts_with("PATCH") {
            patched.store(true, Ordering::SeqCst);
            loop {
                std::thread::park();
            }
        }
        match asked(&request.first) {
            ("httproutes", true) => {
                // Once status is being written there is another route.
                while !patched.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                let mut route = route("b");
                route["metadata"]["generation"] = json!(2);
                let event = json!({ "type": "MODIFIED", "object": route });
                answer(&format!("{event}\n"), "200 OK")
            }
            ("httproutes", false) => list(&[route("a")], ""),
            (resource, watch) => others(resource, watch),
        }
    });
    let (_folder, router) = router(&server, &a, &b, "{}");
    serves_until_b(&router);
}

#[test]
fn an_object_whose_status_is_refused_holds_up_no_other() {
    let (a, b) = (Backend::named("a"), Backend::named("b"));
    let server = Backend::answering(|request| {
        if request.first.contains("/gatewayclasses/") {
            return answer(&refused(422).to_string(), "422 Unprocessable Entity");
        }
        if request.first.starts_with("PATCH") {
            return answer("{}", "200 OK");
        }
        match asked(&request.first) {
            ("httproutes", false) => list(&[route("a")], ""),
            (resource, watch) => others(resource, watch),
        }
    });
    let (_folder, router) = router(&server, &a, &b, "{}");
    for path in ["/gatewayclasses/", "/gateways/", "/httproutes/"] {
        until(&router, path, || {
            let received = server.received();
            let mut written = received.iter().filter(|m| m.first.starts_with("PATCH"));
            written.any(|m| m.first.contains(path))
        });
    }
}

#[test]
fn a_resource_is_not_given_up_for_one_answer() {
    let (a, b) = (Backend::named("a"), Backend::named("b"));
    let watched = AtomicUsize::new(0);
    let listed = AtomicUsize::new(0);
    let server = Backend::answering(move |request| {
        if request.first.starts_with("PATCH") {
            return answer("{}", "200 OK");
        }
        match asked(&request.first) {
            ("httproutes", true) => match watched.fetch_add(1, Ordering::SeqCst) {
                0 => answer(&refused(404).to_string(), "404 Not Found"),
                _ => answer("", "200 OK"),
            },
            ("httproutes", false) => match listed.fetch_add(1, Ordering::SeqCst) {
                0 => list(&[route("a")], ""),
                1 => answer(&refused(404).to_string(), "404 Not Found"),
                _ => list(&[route("b")], ""),
            },
            (resource, watch) => others(resource, watch),
        }
    });
    let (_folder, router) = router(&server, &a, &b, "{}");
    serves_until_b(&router);
}

#[test]
fn what_could_not_be_loaded_is_loaded_with_the_next_change_of_any_kind() {
    let (a, b) = (Backend::named("a"), Backend::named("b"));
    let changed = Arc::new(AtomicBool::default());
    let sent = Arc::new(AtomicUsize::default());
    let (other, sending) = (Arc::clone(&changed), Arc::clone(&sent));
    let server = Backend::answering(move |request| {
        if request.first.starts_with("PATCH") {
            return answer("{}", "200 OK");
        }
        match asked(&request.first) {
            ("httproutes", true) => {
                // The same again and again: only somebody's status has changed.
                std::thread::sleep(Duration::from_millis(100));
                let mut route = route("a");
                if other.load(Ordering::SeqCst) {
                    route = self::route("b");
                    route["metadata"]["generation"] = json!(2);
                    sending.fetch_add(1, Ordering::SeqCst);
                }
                let event = json!({ "type": "MODIFIED", "object": route });
                answer(&format!("{event}\n"), "200 OK")
            }
            ("httproutes", false) => list(&[route("a")], ""),
            (resource, watch) => others(resource, watch),
        }
    });
    let (folder, router) = router(&server, &a, &b, "{}");
    address(&router);
    let file = folder.path().join("policies.yaml");
    std::fs::write(&file, "kind: [").unwrap();
    changed.store(true, Ordering::SeqCst);
    // The first of them is new, and cannot be loaded; what follows it is not new.
    until(&router, "refused", || {
        let output = router.output();
        sent.load(Ordering::SeqCst) > 5 && output.contains("the last configuration goes on")
    });
    assert_eq!(Client::connect(address(&router)).get("/").text(), "a");
    std::fs::write(&file, policies(&a, &b)).unwrap();
    serves_until_b(&router);
}

#[test]
fn a_list_that_never_ends_is_given_up() {
    let (a, b) = (Backend::named("a"), Backend::named("b"));
    let pages = AtomicUsize::new(0);
    let server = Backend::answering(move |request| {
        if request.first.starts_with("PATCH") {
            return answer("{}", "200 OK");
        }
        match asked(&request.first) {
            ("httproutes", false) => {
                let page = pages.fetch_add(1, Ordering::SeqCst);
                list(&[route("a")], &format!("page{page}"))
            }
            (resource, watch) => others(resource, watch),
        }
    });
    let (_folder, router) = router(&server, &a, &b, "{}");
    let words = "the list has more than 100000 objects; what is known goes on";
    until(&router, "given up", || router.output().contains(words));
}

#[test]
fn what_a_helper_says_of_credentials_is_not_said_again() {
    const HELPER: &str = r#"
test -e broken && { echo s3cr3t-token >&2; exit 1; }
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"s3cr3t-token","expirationTimestamp":"2020-01-01T00:00:00Z"}}'
"#;
    let (a, b) = (Backend::named("a"), Backend::named("b"));
    let server = Backend::answering(|request| {
        if request.first.starts_with("PATCH") {
            return answer("{}", "200 OK");
        }
        let (resource, watch) = asked(&request.first);
        others(resource, watch)
    });
    let user = json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh", "args": ["-c", HELPER], "interactiveMode": "Never",
    } });
    let (folder, first) = router(&server, &a, &b, &user.to_string());
    address(&first);
    std::fs::write(folder.path().join("broken"), "").unwrap();
    let words = "the credentials of the cluster cannot be read or renewed";
    let said = |router: &Process| {
        until(router, "said", || router.output().contains(words));
        assert!(!router.output().contains("s3cr3t"), "{}", router.output());
    };
    said(&first);
    // Nor when it starts.
    drop(first);
    let second = started(folder.path());
    said(&second);
}
