//! Configuration files served by the real binary: what routes say happens to real requests. What the decisions
//! are is tested in narae-routing; here is that they are carried out.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::backend::{Backend, handing_over, ok};
use crate::client::{Client, Message};
use crate::process::{Router, run};

/// A file of a configuration, for as long as the directory lives.
pub(crate) fn file(text: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.yaml");
    std::fs::write(&path, text).unwrap();
    (directory, path)
}

/// A gateway on port 80 and services, each with a policy that names its one endpoint.
pub(crate) fn objects(route: &str, services: &[(&str, SocketAddr)]) -> String {
    let mut text = format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{ name: gw }}\n\
         spec: {{ listeners: [{{ name: http, port: 80, protocol: HTTP }}] }}\n---\n\
         apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{ name: route }}\n\
         spec:\n  parentRefs: [{{ name: gw }}]\n{route}"
    );
    for (name, address) in services {
        text.push_str(&service(
            name,
            &format!("  sites: [{{ name: only, endpoints: [\"{address}\"] }}]\n"),
            "",
        ));
    }
    text
}

/// A service and its policy.
pub(crate) fn service(name: &str, policy: &str, port: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{ name: {name} }}\nspec: {{ ports: [{{ port: 80{port} }}] }}\n\
         ---\napiVersion: narae.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {{ name: {name} }}\n\
         spec:\n  targetRefs: [{{ name: {name} }}]\n{policy}"
    )
}

const SHOP: &str = r#"  hostnames: [shop.example, "*.shop.example"]
  rules:
  - matches: [{ path: { value: /cart } }]
    filters:
    - { type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: X-Part, value: cart }], remove: [X-Debug] } }
    - { type: URLRewrite, urlRewrite: { hostname: cart.internal, path: { type: ReplacePrefixMatch, replacePrefixMatch: / } } }
    - { type: ResponseHeaderModifier, responseHeaderModifier: { set: [{ name: X-Served, value: cart }], remove: [Server] } }
    - { type: RequestMirror, requestMirror: { backendRef: { name: b, port: 80 } } }
    backendRefs: [{ name: a, port: 80 }]
  - matches: [{ path: { type: Exact, value: /old } }]
    filters:
    - { type: RequestRedirect, requestRedirect: { scheme: https, hostname: new.example, statusCode: 301 } }
  - matches: [{ path: { value: /split } }]
    backendRefs: [{ name: a, port: 80, weight: 3 }, { name: b, port: 80 }, { name: gone, port: 80 }]
  - matches: [{ path: { value: /late } }]
    timeouts: { request: 50ms }
    backendRefs: [{ name: slow, port: 80 }]
  - matches: [{ path: { value: /canary }, headers: [{ name: x-env, value: canary }] }]
    filters: [{ type: CORS, cors: { allowOrigins: ["https://app.example"] } }]
    backendRefs: [{ name: b, port: 80 }]
"#;

fn shop() -> (Router, Backend, Backend, TempDir) {
    let a = Backend::answering(|request| {
        let length = request.first.len();
        format!(
            "HTTP/1.1 200 OK\r\nserver: a\r\ncontent-length: {length}\r\n\r\n{}",
            request.first
        )
        .into()
    });
    let b = Backend::named("b");
    // Whoever asks here waits for ever.
    let (slow, connections) = handing_over();
    std::mem::forget(connections);
    let services = [("a", a.address), ("b", b.address), ("slow", slow)];
    let (directory, path) = file(&objects(SHOP, &services));
    (Router::serving(&[&path], &[80], &[]), a, b, directory)
}

fn ask(client: &mut Client, target: &str, fields: &str) -> Message {
    client
        .send(format!(
            "GET {target} HTTP/1.1\r\nhost: shop.example\r\n{fields}\r\n"
        ))
        .receive()
}

#[test]
fn routes_are_carried_out() {
    let (router, a, b, _directory) = shop();
    let client = &mut router.client();
    let cart = ask(client, "/cart/7?x=1", "x-debug: yes\r\n");
    assert_eq!((cart.status(), cart.text()), (200, "GET /7?x=1 HTTP/1.1"));
    assert_eq!(
        (cart.field("x-served"), cart.field("server")),
        (Some("cart"), None)
    );
    let sent = &a.received()[0];
    assert_eq!(sent.field("host"), Some("cart.internal"));
    assert_eq!(
        (sent.field("x-part"), sent.field("x-debug")),
        (Some("cart"), None)
    );

    let old = ask(client, "/old", "");
    assert_eq!(
        (old.status(), old.field("location")),
        (301, Some("https://new.example/old"))
    );

    let mut statuses = [0; 600];
    (0..50).for_each(|_| statuses[usize::from(ask(client, "/split", "").status())] += 1);
    assert_eq!((statuses[200], statuses[500]), (40, 10));
    let from_a = a
        .received()
        .iter()
        .filter(|m| m.first.contains("/split"))
        .count();
    assert_eq!(from_a, 30);

    let late = ask(&mut router.client(), "/late", "");
    assert_eq!(
        (late.status(), late.text()),
        (504, "504 the route's time is over\n")
    );

    let canary = ask(
        client,
        "/canary",
        "x-env: canary\r\norigin: https://app.example\r\n",
    );
    assert_eq!(
        canary.field("access-control-allow-origin"),
        Some("https://app.example")
    );
    assert_eq!(canary.text(), "b");
    assert_eq!(ask(client, "/canary", "").status(), 404);
    let elsewhere = client
        .send("GET /cart HTTP/1.1\r\nhost: other.example\r\n\r\n")
        .receive();
    assert_eq!(elsewhere.status(), 404);
    // The copy of the first request arrives when it does.
    let mirrored = || {
        b.received()
            .iter()
            .any(|m| m.first == "GET /7?x=1 HTTP/1.1")
    };
    while !mirrored() {
        std::thread::yield_now();
    }
    let metrics = router.admin("GET", "/metrics");
    for line in [
        "router_requests_total{service=\"b\",code=\"200\"} ",
        "router_requests_total{service=\"\",code=\"301\"} 1\n",
        "router_requests_total{service=\"slow\",code=\"504\"} 1\n",
        "router_mirrored_total{service=\"b\"} 1\n",
        "router_site_share{service=\"a\",site=\"only\"} 1\n",
        "# TYPE router_request_seconds histogram\n",
    ] {
        assert!(metrics.text().contains(line), "{line}{}", metrics.text());
    }
}

#[test]
fn a_configuration_that_cannot_be_taken_ends_the_start_and_says_why() {
    let twice = "  sites: [{ name: x, endpoints: [\"127.0.0.1:1\", \"127.0.0.1:1\"] }]\n";
    let route = "  rules: [{ backendRefs: [{ name: a, port: 80 }] }]\n";
    let both = "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: two }\n\
                spec: { listeners: [{ name: s, port: 80, protocol: HTTPS, tls: { certificateRefs: [{ name: c }] } }] }\n";
    let secret = "---\napiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\nmetadata: { name: c }\n\
                  stringData: { tls.crt: hunter2, tls.key: hunter2 }\n";
    let cases = [
        (
            objects(route, &[]) + &service("a", twice, ""),
            "endpoint `127.0.0.1:1` is listed twice",
        ),
        (
            objects(route, &[]) + both,
            "port 80 has listeners of both HTTP and HTTPS",
        ),
        (
            objects(route, &[]) + secret,
            "tls.crt is not a chain of certificates in PEM",
        ),
        ("kind: x\n".to_owned(), "not a Kubernetes object"),
        (
            "apiVersion: v1\nkind: Service\nmetadata: { name: a }\n".to_owned(),
            "no gateway has a listener",
        ),
    ];
    for (text, says) in cases {
        let (_directory, path) = file(&text);
        let output = run(&[
            "--config",
            path.to_str().unwrap(),
            "--listen",
            "80=127.0.0.1:0",
        ]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(says), "{says}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn websocket_passes_both_ways_and_ends_with_either_side() {
    let (address, connections) = handing_over();
    let route = "  rules: [{ backendRefs: [{ name: a, port: 80 }] }]\n";
    let (_directory, path) = file(&objects(route, &[("a", address)]));
    let router = Router::serving(&[&path], &[80], &[]);
    let mut client = router.client();
    client.send(
        "GET /chat HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n",
    );
    let mut backend = connections.recv().unwrap();
    let switch = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                  sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    backend.get_mut().write_all(switch.as_bytes()).unwrap();
    let head = client.head();
    assert_eq!(
        (head.status(), head.field("upgrade")),
        (101, Some("websocket"))
    );
    for round in 0..20_u8 {
        let frame = vec![round; 10_000];
        client.send(&frame);
        let mut got = vec![0; frame.len()];
        backend.read_exact(&mut got).unwrap();
        assert_eq!(got, frame);
        backend.get_mut().write_all(&frame).unwrap();
        client.reader().read_exact(&mut got).unwrap();
        assert_eq!(got, frame);
    }
    drop(backend);
    assert!(client.is_closed());
}

#[test]
fn an_answer_that_switches_unasked_is_refused() {
    let switch =
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let backend = Backend::answering(|_| switch.into());
    let route = "  rules: [{ backendRefs: [{ name: a, port: 80 }] }]\n";
    let (_directory, path) = file(&objects(route, &[("a", backend.address)]));
    let router = Router::serving(&[&path], &[80], &[]);
    assert_eq!(router.client().get("/").status(), 502);
}

#[test]
fn what_may_be_repeated_is_tried_elsewhere_and_a_post_only_if_it_never_left() {
    // One endpoint breaks every request off once it has it, one refuses connections, one works.
    let broken = Backend::answering(|_| Vec::new());
    let works = Backend::answering(|request| ok(&String::from_utf8_lossy(&request.body)));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let start = |first: SocketAddr| {
        let policy = format!(
            "  sites: [{{ name: one, endpoints: [\"{first}\"] }}, {{ name: two, priority: 1, endpoints: [\"{}\"] }}]\n  \
             retry: {{ attempts: 2 }}\n",
            works.address
        );
        let route = "  rules: [{ backendRefs: [{ name: a, port: 80 }] }]\n";
        let (directory, path) = file(&(objects(route, &[]) + &service("a", &policy, "")));
        (Router::serving(&[&path], &[80], &[]), directory)
    };
    let send = |router: &Router, method: &str| {
        let request = format!("{method} / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody");
        let answer = router.client().send(request).receive();
        (answer.status(), String::from_utf8(answer.body).unwrap())
    };
    let (router, _directory) = start(broken.address);
    assert_eq!(send(&router, "PUT"), (200, "body".into()));
    assert_eq!(send(&router, "POST").0, 502);
    let (router, _directory) = start(nobody);
    assert_eq!(send(&router, "PUT"), (200, "body".into()));
    assert_eq!(send(&router, "POST"), (200, "body".into()));
}

#[test]
fn admin_asks_for_a_header_that_no_web_page_sends() {
    let (router, _a, _b, _directory) = shop();
    assert_eq!(router.admin("GET", "/healthz").status(), 200);
    assert_eq!(
        router.admin("GET", "/").field("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(
        router
            .admin("POST", "/drain?service=a&endpoint=nobody&to=out")
            .status(),
        404
    );
    assert_eq!(
        router
            .admin("POST", "/latch?service=a&site=only&to=up")
            .status(),
        400
    );
    let bare = router
        .admin_client()
        .send("POST /reload HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .receive();
    assert_eq!(bare.status(), 403);
}

#[test]
fn copies_for_which_there_is_no_room_say_nothing_of_the_endpoint() {
    let a = Backend::named("a");
    // The first copy keeps its only place.
    let (slow, connections) = handing_over();
    let policy = format!(
        "  sites: [{{ name: only, endpoints: [\"{slow}\"] }}]\n  \
         breaker: {{ calls: 10, minimumCalls: 2, waitInOpen: 600s }}\n"
    );
    let route = "  rules:\n  - filters:\n    \
                 - { type: RequestMirror, requestMirror: { backendRef: { name: b, port: 80 } } }\n    \
                 backendRefs: [{ name: a, port: 80 }]\n";
    let config = objects(route, &[("a", a.address)]) + &service("b", &policy, "");
    let (_directory, path) = file(&config);
    let router = Router::serving(&[&path], &[80], &["--max-requests", "1"]);
    let copies = || {
        let metrics = router.admin("GET", "/metrics");
        let (_, rest) = metrics
            .text()
            .split_once("router_mirrored_total{service=\"b\"} ")?;
        rest.split('\n').next()?.parse::<u32>().ok()
    };
    router.client().get("/");
    let held = connections.recv().unwrap();
    let begun = Instant::now();
    // With an open breaker there would be no more of them.
    while copies() < Some(10) {
        router.client().get("/");
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", copies());
    }
    drop(held);
}
