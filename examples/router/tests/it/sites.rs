//! Two sites, one of which dies while requests run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::backend::Mortal;
use crate::client::Client;
use crate::process::Router;
use crate::serving::{file, objects, service};

const RAMP: Duration = Duration::from_secs(2);

/// Asks for ever until told to stop; the answers that were not 200.
fn load(address: std::net::SocketAddr, stop: &AtomicBool) -> Vec<u16> {
    let mut client = Client::connect(address);
    let mut failed = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let status = client.get("/").status();
        failed.extend((status != 200).then_some(status));
    }
    failed
}

/// Asks the admin port until it says so. A state that never comes is ended by the test's own reading limit.
fn wait_for(router: &Router, what: &str, is_so: impl Fn(&serde_json::Value) -> bool) {
    let begun = Instant::now();
    loop {
        let state = router.state();
        if is_so(&state) {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "never {what}: {state:#}"
        );
    }
}

#[test]
fn a_site_dies_under_load_and_comes_back_by_the_policys_bound() {
    let (idc, cloud) = (Mortal::named("idc"), Mortal::named("cloud"));
    let policy = format!(
        "  sites:\n  - {{ name: idc, endpoints: [\"{}\"] }}\n  - {{ name: cloud, priority: 1, endpoints: [\"{}\"] }}\n  \
         healthCheck: {{ interval: 50ms, timeout: 2s, fall: 2, rise: 2 }}\n  \
         breaker: {{ calls: 20, minimumCalls: 5, waitInOpen: 500ms }}\n  \
         outlierDetection: {{ consecutiveFailures: 5, baseEjection: 1s, mostEjectedPercent: 50 }}\n  \
         failover: {{ downDelay: 0s, holdDown: 200ms, ramp: 2s, floor: 10 }}\n  \
         retry: {{ attempts: 2 }}\n",
        idc.address, cloud.address
    );
    let route = "  rules: [{ backendRefs: [{ name: a, port: 80 }] }]\n";
    let (_directory, path) = file(&(objects(route, &[]) + &service("a", &policy, "")));
    let mut router = Router::serving(&[&path], &[80], &[]);
    router.ignore_log();
    let share = |state: &serde_json::Value| state["sites"][0]["share"].as_f64().unwrap();
    wait_for(&router, "probed", |s| {
        s["sites"][0]["endpoints"][0]["up"] == true
    });
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let loads: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| load(router.address, &stop)))
            .collect();
        wait_for(&router, "busy", |s| {
            s["statuses"]["200"].as_u64() > Some(100)
        });
        assert_eq!(share(&router.state()), 1.0);
        idc.kill();
        wait_for(&router, "failed over", |s| share(s) == 0.0);
        wait_for(&router, "out", |s| s["sites"][0]["phase"] == "Out");
        let revived = Instant::now();
        idc.revive();
        let mut last = 0.0;
        while last < 1.0 {
            let now = share(&router.state());
            // The ramp begins after the hold-down, so this is the most that it can have got to.
            let bound = (revived.elapsed().as_secs_f64() / RAMP.as_secs_f64()).clamp(0.1, 1.0);
            assert!(
                now >= last && now <= bound + 1e-9,
                "{now} after {last}, at most {bound}"
            );
            last = now;
            assert!(
                revived.elapsed() < Duration::from_secs(60),
                "never back: {:#}",
                router.state()
            );
        }
        stop.store(true, Ordering::Relaxed);
        for load in loads {
            assert_eq!(load.join().unwrap(), Vec::<u16>::new());
        }
    });
}

#[test]
fn operators_drain_latch_and_shift() {
    let (a, b) = (Mortal::named("a"), Mortal::named("b"));
    let policy = format!(
        "  sites: [{{ name: a, endpoints: [\"{}\"] }}, {{ name: b, endpoints: [\"{}\"] }}]\n",
        a.address, b.address
    );
    let route = "  rules: [{ backendRefs: [{ name: s, port: 80 }] }]\n";
    let (_directory, path) = file(&(objects(route, &[]) + &service("s", &policy, "")));
    let router = Router::serving(&[&path], &[80], &[]);
    let mut client = router.client();
    let mut from_a = || (0..12).filter(|_| client.get("/").text() == "a").count();
    let order = |target: &str| assert_eq!(router.admin("POST", target).text(), "done\n");
    assert_eq!(from_a(), 6);
    order("/weight?service=s&site=a&to=2");
    assert_eq!(from_a(), 8);
    order("/latch?service=s&site=b&to=out");
    assert_eq!(from_a(), 12);
    order("/latch?service=s&site=b&to=in");
    order("/weight?service=s&site=a&to=policy");
    assert_eq!(from_a(), 6);
    order(&format!("/drain?service=s&endpoint={}&to=out", a.address).replace(':', "%3A"));
    assert_eq!(from_a(), 0);
    let state = router.state();
    assert_eq!(state["sites"][0]["endpoints"][0]["drained"], true);
    assert_eq!(state["sites"][1]["latch"], "In");
}
