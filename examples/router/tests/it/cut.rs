//! What ends before its end: answers that break off or stand still count against their endpoint, clients that leave do
//! not, and the access log says it in Envoy's letters.

use std::io::{BufRead as _, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::backend::{Backend, handing_over, ok};
use crate::frames::{
    DATA, END_HEADERS, END_STREAM, HEADERS, PREFACE, REQUEST, SETTINGS, frame, next_frame,
};
use crate::process::Router;
use crate::serving::{file, objects, service};
use crate::standstill::{breaking, is_open};

const HALF: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf";

/// From the status to the bytes sent.
fn logged(router: &mut Router) -> String {
    let line = router.log_line();
    let (_, after) = line.split_once("\" ").expect("a line of the access log");
    after.split(' ').take(4).collect::<Vec<_>>().join(" ")
}

#[test]
fn an_answer_that_breaks_off_is_the_endpoints_failure() {
    let (address, connections) = handing_over();
    let (mut router, _directory) = breaking(address, "", &[]);
    let mut client = router.client();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    connections
        .recv()
        .unwrap()
        .get_mut()
        .write_all(HALF)
        .unwrap();
    assert_eq!(client.head().status(), 200);
    let mut body = Vec::new();
    let _ = client.reader().read_to_end(&mut body);
    assert_eq!(body, b"half");
    assert_eq!(logged(&mut router), "200 UC 0 4");
    assert!(is_open(&router));
    assert_eq!(logged(&mut router).split_once(" 0").unwrap().0, "503 UO");
}

#[test]
fn an_answer_that_stands_still_is_the_endpoints_failure() {
    let (address, connections) = handing_over();
    let (mut router, _directory) = breaking(address, "", &["--stall-timeout", "0.2"]);
    let mut client = router.client();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let mut backend = connections.recv().unwrap();
    backend.get_mut().write_all(HALF).unwrap();
    assert_eq!(client.head().status(), 200);
    let mut body = Vec::new();
    let _ = client.reader().read_to_end(&mut body);
    assert_eq!(logged(&mut router), "200 SI 0 4");
    assert!(is_open(&router));
}

#[test]
fn a_client_that_leaves_amid_an_answer_says_nothing_of_the_endpoint() {
    let large = vec![b'x'; 64 << 20];
    let backend = Backend::answering(move |request| {
        if request.first.starts_with("GET /small") {
            return ok("small");
        }
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", large.len());
        [head.as_bytes(), &large].concat()
    });
    let (mut router, _directory) = breaking(backend.address, "", &[]);
    let mut client = router.client();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(client.head().status(), 200);
    drop(client);
    assert!(logged(&mut router).starts_with("200 DC 0 "));
    assert_eq!(router.client().get("/small").text(), "small");
    assert_eq!(logged(&mut router), "200 - 0 5");
}

#[test]
fn the_log_says_why_there_was_no_answer() {
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    let (silent, _connections) = handing_over();
    let sites = |address: Option<SocketAddr>, retry: &str| {
        let endpoints = address.map_or(String::new(), |address| format!("\"{address}\""));
        format!("  sites: [{{ name: only, endpoints: [{endpoints}] }}]\n  retry: {{ {retry} }}\n")
    };
    let route = "  rules:
  - { matches: [{ path: { value: /once } }], backendRefs: [{ name: once, port: 80 }] }
  - { matches: [{ path: { value: /twice } }], backendRefs: [{ name: twice, port: 80 }] }
  - { matches: [{ path: { value: /never } }], backendRefs: [{ name: never, port: 80 }] }
  - { matches: [{ path: { value: /late } }], backendRefs: [{ name: late, port: 80 }], timeouts: { request: 50ms } }
";
    let text = objects(route, &[])
        + &service("once", &sites(Some(nobody), "attempts: 0"), "")
        + &service("twice", &sites(Some(nobody), "attempts: 1"), "")
        + &service("never", &sites(None, "attempts: 0"), "")
        + &service("late", &sites(Some(silent), "attempts: 0"), "");
    let (_directory, path) = file(&text);
    let mut router = Router::serving(&[&path], &[80], &[]);
    for (target, expected) in [
        ("/once", "502 UF"),
        ("/twice", "502 UF,URX"),
        ("/never", "503 UH"),
        ("/late", "504 UT"),
        ("/", "404 NR"),
    ] {
        router.client().get(target);
        let found = logged(&mut router);
        assert!(
            found.starts_with(&format!("{expected} 0 ")),
            "{target}: {found}"
        );
    }
}

/// An HTTP/2 connection with one request begun.
fn http2(router: &Router, frames: &[Vec<u8>]) -> TcpStream {
    let mut stream = TcpStream::connect(router.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(120)))
        .unwrap();
    stream.write_all(PREFACE).unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    stream.write_all(&frames.concat()).unwrap();
    stream
}

#[test]
fn via_says_in_which_version_a_request_came() {
    let backend = Backend::named("a");
    let router = Router::start(&[("a", backend.address, 1)], &[]);
    let mut stream = http2(
        &router,
        &[frame(HEADERS, END_HEADERS | END_STREAM, 1, &REQUEST)],
    );
    while next_frame(&mut stream).expect("an answer").kind != DATA {}
    router.client().send("GET / HTTP/1.0\r\n\r\n").receive();
    let sent = backend.received();
    let via: Vec<_> = sent.iter().map(|message| message.field("via")).collect();
    assert_eq!(via, [Some("2.0 router"), Some("1.0 router")]);
}

#[test]
fn trailers_of_a_body_that_may_be_sent_twice_go_on() {
    let (address, connections) = handing_over();
    let router = Router::start(&[("a", address, 1)], &[]);
    // `PUT / http a`, `content-length: 4`, `trailer: x-sum`, in HPACK's literals.
    let mut head = vec![0x02, 3, b'P', b'U', b'T', 0x86, 0x84, 0x41, 1, b'a'];
    head.extend([0x0f, 28 - 15, 1, b'4', 0, 7]);
    head.extend(b"trailer\x05x-sum");
    let _stream = http2(
        &router,
        &[
            frame(HEADERS, END_HEADERS, 1, &head),
            frame(DATA, 0, 1, b"body"),
            frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x00\x05x-sum\x017"),
        ],
    );
    let mut backend = connections.recv().unwrap();
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line| line != "\r\n") {
        let mut line = String::new();
        assert_ne!(backend.read_line(&mut line).unwrap(), 0);
        lines.push(line);
    }
    assert_eq!(
        lines,
        ["4\r\n", "body\r\n", "0\r\n", "x-sum: 7\r\n", "\r\n"]
    );
}
