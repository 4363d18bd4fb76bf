//! New configurations while requests run: none is lost, none that cannot be taken is.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::backend::Backend;
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
