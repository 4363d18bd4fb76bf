//! Backends and clients that fail.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::backend::{Backend, handing_over, ok};
use crate::process::Router;

/// An address nobody listens on.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

#[test]
fn a_dead_backend_is_502_for_its_share_and_only_for_it() {
    let a = Backend::named("a");
    let router = Router::start(&[("a", a.address, 3), ("dead", nobody(), 1)], &[]);
    let mut client = router.client();
    let responses: Vec<_> = (0..40).map(|_| client.get("/")).collect();
    let failed: Vec<_> = responses.iter().filter(|r| r.status() == 502).collect();
    assert_eq!(failed.len(), 10);
    assert_eq!(failed[0].text(), "502 backend dead cannot be reached\n");
    assert_eq!(a.received().len(), 30);
}

#[test]
fn a_backend_that_does_not_answer_is_504() {
    let (address, connections) = handing_over();
    let router = Router::start(
        &[("a", address, 1)],
        &["--response-timeout", "0.05", "--connect-timeout", "0.05"],
    );
    let response = router.client().get("/");
    assert_eq!(
        (response.status(), response.text()),
        (504, "504 backend a did not answer in time\n")
    );
    drop(connections);
}

#[test]
fn a_backend_that_breaks_off_is_502_and_a_post_is_not_repeated() {
    let backend = Backend::answering(|_| Vec::new());
    let router = Router::start(&[("a", backend.address, 1)], &[]);
    let post = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx";
    let response = router.client().send(post).receive();
    assert_eq!(
        (response.status(), response.text()),
        (502, "502 backend a broke off\n")
    );
    assert_eq!(backend.received().len(), 1);
}

#[test]
fn a_get_is_repeated_when_a_kept_connection_turns_out_closed() {
    // Every second request finds its connection closed under it, once it is sent.
    let count = AtomicUsize::new(0);
    let backend = Backend::answering(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        1 | 4 => Vec::new(),
        _ => ok("a"),
    });
    let router = Router::start(&[("a", backend.address, 1)], &[]);
    let mut client = router.client();
    for _ in 0..4 {
        assert_eq!(client.get("/").status(), 200);
    }
}

#[test]
fn a_post_over_a_kept_connection_that_turns_out_closed_is_not_repeated() {
    let backend = Backend::answering(|request| match request.first.as_str() {
        "POST /once HTTP/1.1" => Vec::new(),
        _ => ok("a"),
    });
    let router = Router::start(&[("a", backend.address, 1)], &[]);
    let mut client = router.client();
    for _ in 0..4 {
        assert_eq!(client.get("/").status(), 200);
        let post = "POST /once HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx";
        assert_eq!(client.send(post).receive().status(), 502);
    }
    let posts = backend.received();
    let posts = posts.iter().filter(|m| m.first.starts_with("POST"));
    assert_eq!(posts.count(), 4);
}

#[test]
fn a_backend_at_its_limit_is_503() {
    let (address, connections) = handing_over();
    let router = Router::start(&[("a", address, 1)], &["--max-requests", "1"]);
    let mut first = router.client();
    first.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let mut backend = connections.recv().unwrap();
    let second = router.client().get("/");
    assert_eq!(
        (second.status(), second.text()),
        (503, "503 backend a has as many requests as it may\n")
    );
    backend.get_mut().write_all(&ok("a")).unwrap();
    assert_eq!(first.receive().status(), 200);
}

#[test]
fn a_client_whose_body_stands_still_is_let_go() {
    let (address, connections) = handing_over();
    let router = Router::start(&[("a", address, 1)], &["--stall-timeout", "0.05"]);
    let mut client = router.client();
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf");
    assert_eq!(client.receive().status(), 408);
    drop(connections);
}

#[test]
fn a_client_that_never_ends_its_header_section_is_let_go() {
    let backend = Backend::named("a");
    let router = Router::start(&[("a", backend.address, 1)], &["--header-timeout", "0.05"]);
    let mut client = router.client();
    assert!(client.send("GET / HTTP/1.1\r\nhost: a\r\n").is_closed());
}
