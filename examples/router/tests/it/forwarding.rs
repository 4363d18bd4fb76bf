//! What passes, what ends at the router, what is added.

use std::io::{BufRead as _, Write as _};

use crate::backend::{Backend, handing_over, ok};
use crate::process::Router;
use narae_logparse::{Format, Value};

fn one(backend: &Backend) -> Router {
    Router::start(&[("a", backend.address, 1)], &[])
}

#[test]
fn fields_about_the_connection_end_here_both_ways() {
    let backend = Backend::answering(|_| {
        b"HTTP/1.1 200 OK\r\nconnection: keep-alive, X-Secret-Hop\r\nx-secret-hop: 1\r\n\
          keep-alive: timeout=5\r\nproxy-connection: x\r\nupgrade: h2c\r\nx-kept: yes\r\n\
          content-length: 2\r\n\r\nok"
            .to_vec()
    });
    let router = one(&backend);
    let request = "GET /a?b=c HTTP/1.1\r\nhost: shop.example:81\r\nconnection: x-one, keep-alive\r\n\
                   connection: é, X-Two\r\nx-one: 1\r\nx-two: 2\r\nte: trailers\r\nupgrade: websocket\r\n\
                   keep-alive: 5\r\nproxy-connection: keep-alive\r\nx-forwarded-for: 10.0.0.1\r\n\
                   x-forwarded-proto: https\r\nexpect: nothing\r\nx-kept: yes\r\n\r\n";
    let response = router.client().send(request).receive();
    for gone in [
        "x-secret-hop",
        "keep-alive",
        "proxy-connection",
        "upgrade",
        "connection",
    ] {
        assert_eq!(response.field(gone), None, "{gone}");
    }
    assert_eq!(
        (response.field("x-kept"), response.text()),
        (Some("yes"), "ok")
    );

    let sent = &backend.received()[0];
    assert_eq!(sent.first, "GET /a?b=c HTTP/1.1");
    for gone in [
        "connection",
        "x-one",
        "x-two",
        "te",
        "upgrade",
        "keep-alive",
        "proxy-connection",
        "expect",
    ] {
        assert_eq!(sent.field(gone), None, "{gone}");
    }
    assert_eq!(sent.field("host"), Some("shop.example:81"));
    assert_eq!(sent.field("x-forwarded-for"), Some("10.0.0.1, 127.0.0.1"));
    assert_eq!(sent.field("x-forwarded-proto"), Some("http"));
    assert_eq!(sent.field("via"), Some("1.1 router"));
    assert_eq!(sent.field("x-kept"), Some("yes"));
}

#[test]
fn a_client_cannot_have_the_routers_own_fields_removed() {
    let backend = Backend::named("a");
    let router = one(&backend);
    let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: host, x-forwarded-for, via\r\n\
                   x-forwarded-for: 10.0.0.1\r\n\r\n";
    assert_eq!(router.client().send(request).receive().status(), 200);
    let sent = &backend.received()[0];
    assert_eq!(sent.field("host"), Some("a"));
    assert_eq!(sent.field("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(sent.field("via"), Some("1.1 router"));
}

#[test]
fn the_host_is_the_targets_when_the_target_names_one() {
    let backend = Backend::named("a");
    let router = one(&backend);
    let absolute = "GET http://real.example/x HTTP/1.1\r\nhost: other.example\r\n\r\n";
    assert_eq!(router.client().send(absolute).receive().status(), 200);
    let old = router.client().send("GET / HTTP/1.0\r\n\r\n").receive();
    assert_eq!((old.status(), old.text()), (200, "a"));
    let sent = backend.received();
    assert_eq!(sent[0].first, "GET /x HTTP/1.1");
    assert_eq!(sent[0].field("host"), Some("real.example"));
    assert_eq!(sent[1].field("host"), Some(""));
}

#[test]
fn bodies_pass_whole_in_both_framings() {
    let backend = Backend::answering(|request| {
        let mut response = ok("");
        let length = format!("content-length: {}", request.body.len());
        response = String::from_utf8(response)
            .unwrap()
            .replace("content-length: 0", &length)
            .into();
        response.extend_from_slice(&request.body);
        response
    });
    let router = one(&backend);
    let body: Vec<u8> = (0..1 << 20)
        .map(|i: u32| i.to_le_bytes()[i as usize % 3])
        .collect();
    let mut client = router.client();
    client.send(format!(
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
        body.len()
    ));
    assert!(client.send(&body).receive().body == body, "by length");
    client.send("PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    for chunk in body.chunks(10_000) {
        client
            .send(format!("{:x}\r\n", chunk.len()))
            .send(chunk)
            .send("\r\n");
    }
    assert!(client.send("0\r\n\r\n").receive().body == body, "by chunks");
    let sent = backend.received();
    assert_eq!(sent[0].field("content-length"), Some("1048576"));
    assert_eq!(sent[0].field("transfer-encoding"), None);
    assert_eq!(sent[1].field("content-length"), None);
    assert_eq!(sent[1].field("transfer-encoding"), Some("chunked"));
}

#[test]
fn a_get_keeps_the_body_that_it_came_with() {
    let backend = Backend::answering(|request| ok(std::str::from_utf8(&request.body).unwrap()));
    let router = one(&backend);
    let mut client = router.client();
    for framing in [
        "transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        "content-length: 4\r\n\r\nbody",
    ] {
        client.send(format!("GET / HTTP/1.1\r\nhost: a\r\n{framing}"));
        assert_eq!(client.receive().text(), "body", "{framing}");
    }
    // One that has none gets none.
    assert_eq!(client.get("/").text(), "");
    let sent = backend.received();
    assert_eq!(sent[0].field("transfer-encoding"), Some("chunked"));
    assert_eq!(sent[1].field("content-length"), Some("4"));
    assert_eq!(sent[2].field("transfer-encoding"), None);
}

/// Each side waits for a part of the other's body before it sends more of its own: only a proxy that
/// streams both ways at once lets this end.
#[test]
fn bodies_stream_both_ways_at_once() {
    let (address, connections) = handing_over();
    let router = Router::start(&[("a", address, 1)], &[]);
    let mut client = router.client();
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    let mut backend = connections.recv().unwrap();
    backend
        .get_mut()
        .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        .unwrap();
    let mut line = String::new();
    while client.reader().read_line(&mut line).unwrap() > 2 {
        line.clear();
    }
    for round in 0..64 {
        let chunk = vec![b'a' + round % 26; 16_384];
        client.send("4000\r\n").send(&chunk).send("\r\n");
        assert_eq!(read_chunk(&mut backend, chunk.len()), chunk);
        backend.get_mut().write_all(b"4000\r\n").unwrap();
        backend.get_mut().write_all(&chunk).unwrap();
        backend.get_mut().write_all(b"\r\n").unwrap();
        assert_eq!(read_chunk(client.reader(), chunk.len()), chunk);
    }
}

/// Reads chunks until `length` bytes of body are there.
fn read_chunk(reader: &mut impl std::io::BufRead, length: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < length {
        let mut size = String::new();
        reader.read_line(&mut size).unwrap();
        let mut chunk = vec![0; usize::from_str_radix(size.trim_end(), 16).unwrap() + 2];
        reader.read_exact(&mut chunk).unwrap();
        body.extend_from_slice(&chunk[..chunk.len() - 2]);
    }
    body
}

#[test]
fn heads_and_not_modified_have_length_but_no_body() {
    let backend = Backend::answering(|request| match request.first.as_str() {
        "HEAD /head HTTP/1.1" => b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n".to_vec(),
        _ => b"HTTP/1.1 304 Not Modified\r\netag: \"x\"\r\n\r\n".to_vec(),
    });
    let router = one(&backend);
    let mut client = router.client();
    client.send("HEAD /head HTTP/1.1\r\nhost: a\r\n\r\n");
    let mut head = String::new();
    while client.reader().read_line(&mut head).unwrap() > 2 {}
    assert!(head.contains("content-length: 12\r\n"), "{head}");
    client.send("GET /same HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let same = client.receive();
    assert_eq!((same.status(), same.text()), (304, ""));
}

#[test]
fn what_comes_behind_an_answer_without_a_body_is_nobodys() {
    // A body where none may be, an answer nobody asked for, and one announced before it.
    for answer in [
        "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nstray",
        "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\nstray",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison",
        "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ] {
        let backend = Backend::answering(move |request| match request.first.as_str() {
            "GET /next HTTP/1.1" => ok("next"),
            _ => answer.into(),
        });
        let router = one(&backend);
        let mut client = router.client();
        client.send("HEAD /first HTTP/1.1\r\nhost: a\r\n\r\n");
        assert!(client.head().status() < 400, "{answer}");
        for _ in 0..3 {
            let first = client.send("GET /first HTTP/1.1\r\nhost: a\r\n\r\n").head();
            assert!(matches!(first.status(), 200 | 204 | 304), "{answer}");
            assert_eq!(client.get("/next").text(), "next", "{answer}");
        }
    }
}

#[test]
fn connections_to_a_backend_are_kept() {
    let backend = Backend::named("a");
    let router = one(&backend);
    let mut client = router.client();
    for _ in 0..50 {
        assert_eq!(client.get("/").status(), 200);
    }
    // One, but that a client may be back before its connection is.
    assert!(backend.connections() < 10, "{}", backend.connections());
}

#[test]
fn the_access_log_is_envoys_and_cannot_be_forged() {
    let backend = Backend::named("a");
    let mut router = one(&backend);
    let read = |line: &str| {
        let record = Format::Envoy.parse(line.trim_end().as_bytes()).expect(line);
        let text = |name: &str| match record.get(name) {
            Some(Value::Number(number)) => number.literal().into_owned(),
            value => value
                .and_then(Value::to_str)
                .unwrap_or_default()
                .into_owned(),
        };
        [
            "method",
            "path",
            "status",
            "response_flags",
            "user_agent",
            "authority",
            "upstream_host",
        ]
        .map(text)
    };
    let address = backend.address.to_string();
    assert_eq!(router.client().get("/plain").status(), 200);
    let expected = ["GET", "/plain", "200", "", "", "shop.example", &address].map(str::to_owned);
    assert_eq!(read(&router.log_line()), expected);
    let request = "GET / HTTP/1.1\r\nhost: a\r\nuser-agent: x\" \"é\r\n\r\n";
    assert_eq!(router.client().send(request).receive().status(), 200);
    let line = router.log_line();
    assert!(line.contains(r#" "x\x22 \x22\xC3\xA9" "#), "{line}");
    assert_eq!(read(&line)[2], "200");
    let nameless = router.client().send("GET / HTTP/1.1\r\n\r\n").receive();
    assert_eq!(nameless.status(), 400);
    assert_eq!(read(&router.log_line())[2], "400");
}
