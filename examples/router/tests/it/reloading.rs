//! New configurations while requests run: none is lost, none that cannot be taken is.

use std::io::{BufRead as _, Read as _, Write as _};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::backend::{Backend, handing_over};
use crate::process::Router;
use crate::serving::{file, objects};

const RELOADS: usize = 1000;

fn route(first: u32, second: u32) -> String {
    format!(
        "  rules: [{{ backendRefs: [{{ name: a, port: 80, weight: {first} }}, {{ name: b, port: 80, weight: {second} }}] }}]\n"
    )
}

#[test]
fn a_thousand_changes_under_load_fail_no_request() {
    let (a, b) = (Backend::named("a"), Backend::named("b"));
    let services = [("a", a.address), ("b", b.address)];
    let (_directory, path) = file(&objects(&route(1, 1), &services));
    let mut router = Router::serving(&[&path], &[80], &[]);
    router.ignore_log();
    let (stop, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut client = router.client();
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(client.get("/").status(), 200);
                    served.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for reload in 0..RELOADS {
            let weight = u32::try_from(reload % 7 + 1).unwrap();
            std::fs::write(&path, objects(&route(weight, weight), &services)).unwrap();
            assert_eq!(router.admin("POST", "/reload").status(), 200);
        }
        while served.load(Ordering::Relaxed) < 1000 {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn what_streams_goes_on_from_an_endpoint_that_a_change_takes_out() {
    let (first, connections) = handing_over();
    let second = Backend::named("b");
    let route = "  rules: [{ backendRefs: [{ name: a, port: 80 }] }]\n";
    let (_directory, path) = file(&objects(route, &[("a", first)]));
    let router = Router::serving(&[&path], &[80], &[]);
    let mut client = router.client();
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    let mut endpoint = connections.recv().unwrap();
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf";
    endpoint.get_mut().write_all(half).unwrap();
    assert_eq!(client.head().status(), 200);
    for round in 0..10 {
        // Another endpoint, then another service.
        let text = match round {
            0..5 => objects(route, &[("a", second.address)]),
            _ => objects(
                &route.replace("name: a", "name: b"),
                &[("b", second.address)],
            ),
        };
        std::fs::write(&path, text).unwrap();
        assert_eq!(router.admin("POST", "/reload").status(), 200);
        assert_eq!(router.client().get("/").text(), "b");
    }
    // Both ways.
    client.send("3\r\nend\r\n0\r\n\r\n");
    let mut sent = String::new();
    while !sent.ends_with("0\r\n") {
        assert_ne!(endpoint.read_line(&mut sent).unwrap(), 0, "{sent:?}");
    }
    assert!(sent.contains("end"), "{sent:?}");
    endpoint.get_mut().write_all(b"rest").unwrap();
    let mut body = [0; 8];
    client.reader().read_exact(&mut body).unwrap();
    assert_eq!(&body, b"halfrest");
}

#[test]
fn shares_carry_on_across_changes() {
    let (a, b) = (Backend::named("a"), Backend::named("b"));
    let services = [("a", a.address), ("b", b.address)];
    let (_directory, path) = file(&objects(&route(1, 1), &services));
    let router = Router::serving(&[&path], &[80], &[]);
    let mut client = router.client();
    for weight in 1..=100 {
        std::fs::write(&path, objects(&route(weight, weight), &services)).unwrap();
        assert_eq!(router.admin("POST", "/reload").status(), 200);
        assert_eq!(client.get("/").status(), 200);
    }
    assert_eq!((a.received().len(), b.received().len()), (50, 50));
}

#[test]
fn a_change_that_cannot_be_taken_leaves_the_last_one_in_place() {
    let a = Backend::named("a");
    let good = objects(&route(1, 0), &[("a", a.address), ("b", a.address)]);
    let (_directory, path) = file(&good);
    let router = Router::serving(&[&path], &[80], &[]);
    for bad in [
        "{",
        "kind: Gateway\n",
        &good.replace("protocol: HTTP", "protocol: HTTPS"),
    ] {
        std::fs::write(&path, bad).unwrap();
        assert_eq!(router.admin("POST", "/reload").status(), 409, "{bad}");
        assert_eq!(router.client().get("/").text(), "a");
    }
    let failures = "router_reload_failures_total 3\n";
    assert!(router.admin("GET", "/metrics").text().contains(failures));
    std::fs::write(&path, objects("  rules: []\n", &[])).unwrap();
    assert_eq!(router.admin("POST", "/reload").status(), 200);
    assert_eq!(router.client().get("/").status(), 404);
}

#[test]
fn a_changed_file_and_a_hangup_are_noticed() {
    let a = Backend::named("a");
    let with = |rules: &str| objects(rules, &[("a", a.address)]);
    let (_directory, path) = file(&with("  rules: []\n"));
    let router = Router::serving(&[&path], &[80], &["--watch", "0.01"]);
    std::fs::write(&path, with(&route(1, 1).replace("name: b", "name: a"))).unwrap();
    while router.client().get("/").status() != 200 {
        std::thread::yield_now();
    }
    let router = Router::serving(&[&path], &[80], &[]);
    std::fs::write(&path, with("  rules: []\n")).unwrap();
    router.signal("HUP");
    while router.client().get("/").status() != 404 {
        std::thread::yield_now();
    }
}
