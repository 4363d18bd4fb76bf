//! Several threads serve, and nobody can tell.

use crate::backend::{Backend, handing_over, ok};
use crate::process::Router;
use std::io::Write as _;

const WORKERS: [&str; 2] = ["--workers", "4"];

#[test]
fn shares_are_exact_over_all_workers() {
    let (a, b) = (Backend::named("a"), Backend::named("b"));
    let router = Router::start(&[("a", a.address, 3), ("b", b.address, 1)], &WORKERS);
    // Connections are spread: while these are open, each worker has two of them.
    let mut clients: Vec<_> = (0..8).map(|_| router.client()).collect();
    for _ in 0..5 {
        for client in &mut clients {
            assert_eq!(client.get("/").status(), 200);
        }
    }
    assert_eq!((a.received().len(), b.received().len()), (30, 10));
    // Each worker keeps connections of its own, and uses them again.
    assert!(a.connections() < 20, "{}", a.connections());
}

#[test]
fn the_limit_of_a_backend_is_one_for_all_workers() {
    let (address, connections) = handing_over();
    let more = ["--workers", "4", "--max-requests", "2"];
    let router = Router::start(&[("a", address, 1)], &more);
    let mut busy: Vec<_> = (0..2).map(|_| router.client()).collect();
    let mut backends = Vec::new();
    for client in &mut busy {
        client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        backends.push(connections.recv().unwrap());
    }
    for _ in 0..4 {
        assert_eq!(router.client().get("/").status(), 503);
    }
    for (client, backend) in busy.iter_mut().zip(&mut backends) {
        backend.get_mut().write_all(&ok("a")).unwrap();
        assert_eq!(client.receive().status(), 200);
    }
}

#[test]
fn a_request_is_counted_whichever_worker_served_it() {
    let backend = Backend::named("a");
    let (_folder, config) = crate::serving::file(&crate::serving::objects(
        "  rules: [{ backendRefs: [{ name: a, port: 80 }] }]\n",
        &[("a", backend.address)],
    ));
    let router = Router::serving(&[&config], &[80], &WORKERS);
    let mut clients: Vec<_> = (0..8).map(|_| router.client()).collect();
    for client in &mut clients {
        assert_eq!(client.get("/").status(), 200);
    }
    // They are counted when their answers are out, which clients may see first.
    drop(clients);
    let counted = || -> u64 {
        let text = router.admin("GET", "/metrics").text().to_owned();
        let line = "router_requests_total{service=\"a\",code=\"200\"} ";
        let found = text.lines().find_map(|l| l.strip_prefix(line));
        found.map_or(0, |count| count.parse().unwrap())
    };
    let counted = (0..10_000).map(|_| counted()).find(|count| *count >= 8);
    assert_eq!(counted, Some(8));
}

#[test]
fn without_an_access_log_nothing_is_written_but_ready_lines() {
    let backend = Backend::named("a");
    let router = Router::start(&[("a", backend.address, 1)], &["--no-access-log"]);
    assert_eq!(router.client().get("/").status(), 200);
    router.signal("TERM");
    let (code, log, errors) = router.wait();
    assert_eq!((code, log.as_str(), errors.as_str()), (Some(0), "", ""));
}
