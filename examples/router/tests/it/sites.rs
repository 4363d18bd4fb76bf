//! Two sites, one of which dies while requests run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::backend::{Backend, Mortal};
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

fn slice(ready: bool, address: std::net::SocketAddr) -> String {
    format!(
        "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
         metadata: {{ name: s-1, labels: {{ kubernetes.io/service-name: s }} }}\n\
         ports: [{{ port: {} }}]\n\
         endpoints: [{{ addresses: [{}], conditions: {{ ready: {ready} }} }}]\n",
        address.port(),
        address.ip()
    )
}

#[test]
fn unready_pods_leave_the_other_site_and_what_operators_decided() {
    let (idc, cloud) = (Mortal::named("idc"), Mortal::named("cloud"));
    let policy = format!(
        "  sites:\n  - {{ name: idc, service: s }}\n  - {{ name: cloud, priority: 1, endpoints: [\"{}\"] }}\n  \
         failover: {{ downDelay: 600s }}\n",
        cloud.address
    );
    let route = "  rules: [{ backendRefs: [{ name: s, port: 80 }] }]\n";
    let with =
        |ready: bool| objects(route, &[]) + &service("s", &policy, "") + &slice(ready, idc.address);
    let (_directory, path) = file(&with(true));
    let mut router = Router::serving(&[&path], &[80], &[]);
    router.ignore_log();
    let reload = |text: &str| {
        std::fs::write(&path, text).unwrap();
        assert_eq!(router.admin("POST", "/reload").status(), 200);
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let load = scope.spawn(|| load(router.address, &stop));
        assert_eq!(router.client().get("/").text(), "idc");
        reload(&with(false));
        for _ in 0..10 {
            assert_eq!(router.client().get("/").text(), "cloud");
        }
        reload(&with(true));
        assert_eq!(router.client().get("/").text(), "idc");
        stop.store(true, Ordering::Relaxed);
        assert_eq!(load.join().unwrap(), Vec::<u16>::new());
    });
    let latched = "/latch?service=s&site=idc&to=out";
    assert_eq!(router.admin("POST", latched).text(), "done\n");
    // Its route gone, and there again: two steps of one change.
    for text in [
        with(false),
        with(true),
        objects("  rules: []\n", &[]),
        with(true),
    ] {
        reload(&text);
    }
    assert_eq!(router.state()["sites"][0]["latch"], "Out");
    assert_eq!(router.client().get("/").text(), "cloud");
}

#[test]
fn two_ports_of_a_service_have_names_of_their_own_and_both_are_probed() {
    let (a, b) = (Mortal::named("a"), Mortal::named("b"));
    let policy = format!(
        "  sites: [{{ name: \"north [1]\", endpoints: [\"{}\", \"{}\"] }}]\n  \
         healthCheck: {{ interval: 50ms, timeout: 2s, fall: 2, rise: 2 }}\n",
        a.address, b.address
    );
    let route = "  rules:\n  - backendRefs: [{ name: s, port: 80 }]\n  \
         - { matches: [{ path: { value: /more } }], backendRefs: [{ name: s, port: 81 }] }\n";
    let text = objects(route, &[]) + &service("s", &policy, " }, { port: 81");
    let (_directory, path) = file(&text);
    let router = Router::serving(&[&path], &[80], &[]);
    let services = || -> Vec<serde_json::Value> {
        let state: serde_json::Value =
            serde_json::from_slice(&router.admin("GET", "/state").body).unwrap();
        state["services"].as_array().unwrap().clone()
    };
    let names: Vec<_> = services().iter().map(|s| s["name"].clone()).collect();
    assert_eq!(names, ["s:80", "s:81"]);
    let begun = Instant::now();
    let probed = |services: &[serde_json::Value]| {
        let endpoints =
            |s: &serde_json::Value| s["sites"][0]["endpoints"].as_array().unwrap().clone();
        services.iter().flat_map(endpoints).all(|e| e["up"] == true)
    };
    while !probed(&services()) {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{:#?}",
            services()
        );
    }
    // As a browser's form writes it.
    let drain =
        format!("/drain?service=s%3A81&endpoint={}&to=out", a.address).replace("1:", "1%3A");
    assert_eq!(router.admin("POST", &drain).text(), "done\n");
    assert_eq!(
        router
            .admin("POST", "/weight?service=s%3A80&site=north+%5B1%5D&to=2")
            .text(),
        "done\n"
    );
    let services = services();
    assert_eq!(services[0]["sites"][0]["weight"], 2);
    assert_eq!(services[0]["sites"][0]["endpoints"][0]["drained"], false);
    assert_eq!(services[1]["sites"][0]["endpoints"][0]["drained"], true);
}

#[test]
fn what_operators_decided_outlives_a_restart() {
    let (a, b) = (Mortal::named("a"), Mortal::named("b"));
    let policy = format!(
        "  sites: [{{ name: a, endpoints: [\"{}\"] }}, {{ name: b, endpoints: [\"{}\"] }}, {{ name: c, endpoints: [\"{}\"] }}]\n",
        a.address, b.address, "127.0.0.1:1"
    );
    let route = "  rules: [{ backendRefs: [{ name: s, port: 80 }] }]\n";
    let text = objects(route, &[]) + &service("s", &policy, "");
    let (directory, path) = file(&text);
    let state = directory.path().join("state.json");
    let flags = ["--state", state.to_str().unwrap()];
    let decided = |router: &Router| {
        let sites = router.state()["sites"].clone();
        let drained = sites[2]["endpoints"][0]["drained"].clone();
        (
            sites[0]["weight"].clone(),
            sites[1]["latch"].clone(),
            drained,
        )
    };
    let router = Router::serving(&[&path], &[80], &flags);
    for order in [
        "/weight?service=s&site=a&to=5",
        "/latch?service=s&site=b&to=out",
        "/drain?service=s&endpoint=127.0.0.1%3A1&to=out",
    ] {
        assert_eq!(router.admin("POST", order).text(), "done\n");
    }
    let before = decided(&router);
    assert_eq!(before, (5.into(), "Out".into(), true.into()));
    // Killed, not stopped: an order is kept once it is answered.
    drop(router);
    let router = Router::serving(&[&path], &[80], &flags);
    assert_eq!(decided(&router), before);
    assert_eq!(router.client().get("/").text(), "a");
    router.signal("TERM");
    assert_eq!(router.wait().0, Some(0));
    // Its route comes later than the router.
    std::fs::write(&path, objects("  rules: []\n", &[])).unwrap();
    let router = Router::serving(&[&path], &[80], &flags);
    std::fs::write(&path, &text).unwrap();
    assert_eq!(router.admin("POST", "/reload").status(), 200);
    assert_eq!(decided(&router), before);
    drop(router);
    // What is no state is no reason to begin without one.
    std::fs::write(&state, "{\"services\": 1}").unwrap();
    let refused = crate::process::run(&["--config", path.to_str().unwrap(), flags[0], flags[1]]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(said.contains("state.json: invalid type"), "{said}");
    assert!(said.contains("move it away"), "{said}");
}

#[test]
fn a_session_stays_at_its_endpoint() {
    let backends = ["a", "b", "c"].map(Backend::named);
    let addresses: Vec<String> = backends
        .iter()
        .map(|b| format!("\"{}\"", b.address))
        .collect();
    let policy = format!(
        "  sites: [{{ name: all, endpoints: [{}] }}]\n",
        addresses.join(", ")
    );
    let route = "  rules: [{ sessionPersistence: { sessionName: s }, backendRefs: [{ name: s, port: 80 }] }]\n";
    let text = objects(route, &[]) + &service("s", &policy, "");
    let (_directory, path) = file(&text);
    let router = Router::serving(&[&path], &[80], &[]);
    let mut client = router.client();
    let mut ask = |cookie: &str| {
        let request = format!("GET / HTTP/1.1\r\nhost: h\r\n{cookie}\r\n");
        let answer = client.send(request).receive();
        let set = answer.field("set-cookie").map(str::to_owned);
        (answer.text().to_owned(), set)
    };
    for _ in 0..5 {
        let (first, set) = ask("");
        let set = set.unwrap();
        let cookie = format!("cookie: {}\r\n", set.split(';').next().unwrap());
        for _ in 0..20 {
            assert_eq!(ask(&cookie), (first.clone(), None));
        }
    }
    let asked = backends
        .iter()
        .filter(|backend| !backend.received().is_empty());
    assert_eq!(asked.count(), 3, "sessions begin everywhere");
}
