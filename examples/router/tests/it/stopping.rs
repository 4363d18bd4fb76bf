//! SIGTERM and SIGINT end the process, not the requests.

use std::io::Write as _;
use std::net::TcpStream;

use crate::backend::{handing_over, ok};
use crate::process::Router;

#[test]
fn sigterm_finishes_the_running_request_and_refuses_new_ones() {
    for signal in ["TERM", "INT"] {
        let (address, connections) = handing_over();
        let router = Router::start(&[("a", address, 1)], &[]);
        let (mut busy, mut idle) = (router.client(), router.client());
        busy.send("GET /busy HTTP/1.1\r\nhost: a\r\n\r\n");
        let mut backend = connections.recv().unwrap();
        router.signal(signal);
        // The unused connection is closed once the router has begun to drain.
        assert!(idle.is_closed());
        assert!(
            TcpStream::connect(router.address).is_err(),
            "the listener is gone"
        );
        backend.get_mut().write_all(&ok("done")).unwrap();
        let response = busy.receive();
        assert_eq!((response.status(), response.text()), (200, "done"));
        assert!(busy.is_closed());
        let (code, log, errors) = router.wait();
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        assert!(log.contains("\"GET /busy HTTP/1.1\" 200 - 0 4 "), "{log}");
    }
}

#[test]
fn a_request_longer_than_the_drain_is_cut_and_that_is_an_error() {
    let (address, connections) = handing_over();
    let router = Router::start(&[("a", address, 1)], &["--drain-timeout", "0.05"]);
    let mut busy = router.client();
    busy.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let backend = connections.recv().unwrap();
    router.signal("TERM");
    let (code, _, errors) = router.wait();
    assert_eq!(code, Some(1));
    assert!(
        errors.starts_with("router: 1 connections were still busy"),
        "{errors}"
    );
    assert!(busy.is_closed());
    drop(backend);
}
