//! Times that routes and flags say: one deadline covers everything before it, and who used the time up is told.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::backend::{Backend, handing_over, ok};
use crate::process::Router;
use crate::serving::{file, objects, service};

/// For what comes at once on any machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// One endpoint behind a route with these timeouts, whose breaker opens at its second failure.
fn serving(timeouts: &str, address: SocketAddr, port: &str, more: &[&str]) -> (Router, TempDir) {
    let route = format!(
        "  rules: [{{ timeouts: {{ {timeouts} }}, backendRefs: [{{ name: a, port: 80 }}] }}]\n"
    );
    let policy = format!(
        "  sites: [{{ name: only, endpoints: [\"{address}\"] }}]\n  \
         breaker: {{ calls: 10, minimumCalls: 2, waitInOpen: 600s }}\n  retry: {{ attempts: 0 }}\n"
    );
    let (directory, path) = file(&(objects(&route, &[]) + &service("a", &policy, port)));
    (Router::serving(&[&path], &[80], more), directory)
}

/// An address where connecting never ends, for as long as the rest lives.
fn black_hole() -> (SocketAddr, Socket, Vec<TcpStream>) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    // Nobody accepts, and once the queue is full nobody gets into it.
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queue.push(stream);
    }
    (address, socket, queue)
}

#[test]
fn an_endpoint_that_uses_up_the_routes_time_has_failed() {
    let (address, connections) = handing_over();
    let (router, _directory) = serving("request: 50ms", address, "", &[]);
    for _ in 0..2 {
        let late = router.client().get("/");
        assert_eq!(
            (late.status(), late.text()),
            (504, "504 the route's time is over\n")
        );
    }
    assert_eq!(router.client().get("/").status(), 503);
    drop(connections);
}

#[test]
fn a_client_that_uses_up_the_routes_time_is_not_the_endpoints_failure() {
    let (address, connections) = handing_over();
    let (router, _directory) = serving("request: 500ms", address, "", &[]);
    let begin = |method: &str, length: usize| {
        let head =
            format!("{method} / HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\nhalf");
        router.client().send(head).receive().status()
    };
    for _ in 0..2 {
        assert_eq!(begin("POST", 100_000), 504);
        // Small enough to be read before it is sent.
        assert_eq!(begin("PUT", 100), 504);
    }
    // Its breaker is closed: somebody is still sent there.
    let mut client = router.client();
    client.send("GET /last HTTP/1.1\r\nhost: a\r\n\r\n");
    let _three = [(); 3].map(|()| connections.recv_timeout(PATIENCE).unwrap());
}

#[test]
fn a_time_for_attempts_begins_with_connecting() {
    let (address, _socket, _queue) = black_hole();
    let patient = ["--connect-timeout", "3600"];
    for port in ["", ", appProtocol: kubernetes.io/h2c"] {
        let (router, _directory) = serving("backendRequest: 100ms", address, port, &patient);
        let late = router.client().get("/");
        assert_eq!(
            (late.status(), late.text()),
            (504, "504 backend a did not answer in time\n")
        );
    }
    let (address, connections) = handing_over();
    let (router, _directory) = serving("backendRequest: 100ms", address, "", &patient);
    assert_eq!(router.client().get("/").status(), 504);
    drop(connections);
}

#[test]
fn a_time_for_attempts_ends_with_the_last_byte() {
    let (address, connections) = handing_over();
    let (router, _directory) = serving("backendRequest: 3s", address, "", &[]);
    let mut client = router.client();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let mut endpoint = connections.recv_timeout(PATIENCE).unwrap();
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf";
    endpoint.get_mut().write_all(half).unwrap();
    assert_eq!(client.head().status(), 200);
    let mut body = Vec::new();
    let cut = client.reader().read_to_end(&mut body);
    assert!(cut.is_ok(), "closed, not waited for in vain: {cut:?}");
    assert_eq!(body, b"half");
}

#[test]
fn requests_that_wait_for_one_http2_connection_wait_no_longer_than_it_may_take() {
    let (address, _socket, _queue) = black_hole();
    let limits = [
        "--connect-timeout",
        "5",
        "--response-timeout",
        "1",
        "--workers",
        "1",
    ];
    let port = ", appProtocol: kubernetes.io/h2c";
    let (router, _directory) = serving("", address, port, &limits);
    thread::scope(|scope| {
        let ask = || router.client().get("/").text().to_owned();
        let asked = [(); 6].map(|()| scope.spawn(ask));
        for answer in asked {
            let answer = answer.join().unwrap();
            assert_eq!(
                answer,
                "504 backend a did not accept the connection in time\n"
            );
        }
    });
}

#[test]
fn an_upload_that_is_tried_elsewhere_may_take_as_long_as_the_first() {
    // Nobody listens there, and nobody else can.
    let nobody = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    nobody.bind(&any.into()).unwrap();
    let address = nobody.local_addr().unwrap().as_socket().unwrap();
    let backend = Backend::answering(|request| ok(&request.body.len().to_string()));
    let policy = format!(
        "  sites: [{{ name: one, endpoints: [\"{}\"] }}, {{ name: two, priority: 1, endpoints: [\"{}\"] }}]\n  \
         retry: {{ attempts: 2 }}\n",
        address, backend.address
    );
    let route = "  rules: [{ backendRefs: [{ name: a, port: 80 }] }]\n";
    let (_directory, path) = file(&(objects(route, &[]) + &service("a", &policy, "")));
    let short = ["--response-timeout", "2", "--connect-timeout", "2"];
    let router = Router::serving(&[&path], &[80], &short);
    let mut client = router.client();
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 50\r\n\r\n");
    // Longer than connecting and an answer may take together.
    for _ in 0..50 {
        thread::sleep(Duration::from_millis(100));
        client.send("x");
    }
    let answer = client.receive();
    assert_eq!((answer.status(), answer.text()), (200, "50"));
}
