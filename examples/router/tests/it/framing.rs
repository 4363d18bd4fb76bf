//! Requests that two parsers could frame differently never reach a backend that way.

use crate::backend::Backend;
use crate::process::Router;
use crate::serving::{file, objects, service};

fn status_of(request: &str) -> (u16, usize) {
    let backend = Backend::named("a");
    let router = Router::start(
        &[("a", backend.address, 1)],
        &["--max-header-bytes", "2048"],
    );
    let mut client = router.client();
    let status = client.send(request).receive().status();
    assert!(client.is_closed(), "{request:?}");
    (status, backend.received().len())
}

#[test]
fn ambiguous_framing_is_refused_and_the_connection_closed() {
    let refused = [
        "content-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "content-length: 1, 2\r\n\r\nab",
        "content-length: +1\r\n\r\na",
        "content-length: -1\r\n\r\na",
        "content-length: 0x1\r\n\r\na",
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: gzip\r\n\r\n0\r\n\r\n",
        "transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        "x: a\r\n folded\r\n\r\n",
        "x: a\0b\r\n\r\n",
    ];
    for fields in refused {
        let request = format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}");
        assert_eq!(status_of(&request), (400, 0), "{fields:?}");
    }
    let old = "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(status_of(old), (400, 0));
}

/// RFC 9112, section 6.3, lets a server take the transfer coding of a message that also has a length,
/// provided it forwards none of the length and closes afterwards. hyper does; what matters is that
/// nobody behind it can see a second request.
#[test]
fn a_length_beside_chunks_is_dropped_and_nothing_is_smuggled() {
    let smuggled = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    for fields in [
        "content-length: 4\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 4",
    ] {
        let backend = Backend::named("a");
        let router = Router::start(&[("a", backend.address, 1)], &[]);
        let mut client = router.client();
        let request = format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n0\r\n\r\n{smuggled}");
        assert_eq!(client.send(request).receive().status(), 200);
        assert!(client.is_closed(), "{fields}");
        let sent = backend.received();
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert_eq!(sent[0].field("content-length"), None);
        assert_eq!(sent[0].field("transfer-encoding"), Some("chunked"));
        assert!(sent[0].body.is_empty());
    }
}

#[test]
fn chunks_that_are_none_are_refused_and_nothing_behind_them_is_a_request() {
    let smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    for chunk in [
        "zz\r\n",
        "-1\r\n",
        "+1\r\na\r\n",
        "1\r\nab\r\n",
        "1 1\r\na\r\n",
        "fffffffffffffffff\r\n",
    ] {
        let request = format!(
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{smuggled}"
        );
        let (status, _) = status_of(&request);
        assert_eq!(status, 400, "{chunk:?}");
    }
}

#[test]
fn hosts_that_are_missing_doubled_or_malformed_are_refused() {
    let backend = Backend::named("a");
    let router = Router::start(&[("a", backend.address, 1)], &[]);
    for fields in [
        "x: y",
        "host: a\r\nhost: b",
        "host: a b",
        "host: u@a",
        "host: a/b",
    ] {
        let response = router
            .client()
            .send(format!("GET / HTTP/1.1\r\n{fields}\r\n\r\n"))
            .receive();
        assert_eq!(response.status(), 400, "{fields}: {}", response.text());
    }
    let tunnel = router
        .client()
        .send("CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n")
        .receive();
    assert_eq!(tunnel.status(), 501);
    assert!(backend.received().is_empty());
}

#[test]
fn a_request_without_a_host_is_not_for_http2_and_nobody_elses_fault() {
    let backend = Backend::named("a");
    let policy = format!(
        "  sites: [{{ name: only, endpoints: [\"{}\"] }}]\n  breaker: {{ calls: 10, minimumCalls: 1, waitInOpen: 600s }}\n",
        backend.address
    );
    let route = "  rules: [{ backendRefs: [{ name: a, port: 80 }] }]\n";
    let h2c = service("a", &policy, ", appProtocol: kubernetes.io/h2c");
    let (_directory, path) = file(&(objects(route, &[]) + &h2c));
    let router = Router::serving(&[&path], &[80], &[]);
    for request in ["GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nhost:\r\n\r\n"] {
        for _ in 0..2 {
            let response = router.client().send(request).receive();
            assert_eq!(response.status(), 400, "{request:?}: {}", response.text());
        }
    }
    assert_eq!(backend.connections(), 0);
}

#[test]
fn too_large_a_header_section_is_refused() {
    let request = format!(
        "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
        "x".repeat(4096)
    );
    assert_eq!(status_of(&request), (431, 0));
}
