//! Sessions keep a client at its backend, whatever the weights, and never decide which rule matches.

use std::time::Duration;

use narae_routing::gateway::Objects;
use narae_routing::matching::{Arrival, HeaderChange, Outcome, Request, Table};
use narae_routing::pool::endpoint_key;
use serde_json::{Value, json};

fn table(weights: [u32; 2], session: &Value) -> Table {
    let objects = [
        json!({ "metadata": { "name": "gw" }, "spec": { "listeners": [{ "name": "l", "port": 443, "protocol": "HTTPS" }] } }),
        json!({ "metadata": { "name": "a" }, "spec": { "ports": [{ "port": 80 }] } }),
        json!({ "metadata": { "name": "b" }, "spec": { "ports": [{ "port": 80 }] } }),
        json!({ "metadata": { "name": "r" }, "spec": { "parentRefs": [{ "name": "gw" }], "rules": [{
            "sessionPersistence": session,
            "backendRefs": [
                { "name": "a", "port": 80, "weight": weights[0] },
                { "name": "b", "port": 80, "weight": weights[1] },
            ],
        }] } }),
    ];
    let [gateway, a, b, route] = objects;
    let mut objects = Objects::default();
    objects
        .gateways
        .push(serde_json::from_value(gateway).unwrap());
    objects.services.push(serde_json::from_value(a).unwrap());
    objects.services.push(serde_json::from_value(b).unwrap());
    objects
        .http_routes
        .push(serde_json::from_value(route).unwrap());
    let (table, findings) = Table::compile(&objects);
    assert!(findings.is_empty(), "{findings:?}");
    table
}

/// The backend, and the header that carries the session, at a second.
fn ask(table: &Table, headers: &[(&str, &str)], now: u64) -> (String, Option<(String, String)>) {
    let request = Request::new("GET", "x.test", "/", headers).at(Duration::from_secs(now));
    let decision = table.decide(&Arrival::ANYWHERE, &request);
    let Outcome::Forward(forward) = decision.outcome else {
        panic!("{decision:?}");
    };
    let session = decision
        .response_headers
        .first()
        .map(|change| match change {
            HeaderChange::Set(name, value) | HeaderChange::Add(name, value) => {
                (name.to_string(), value.to_string())
            }
            HeaderChange::Remove(_) => panic!("{change:?}"),
        });
    (forward.backend.service.name().to_owned(), session)
}

/// What a browser sends for a `Set-Cookie`.
fn cookie(set: &str) -> String {
    format!("other=1; {}", set.split(';').next().unwrap())
}

#[test]
fn a_cookie_overrides_weights_even_zero() {
    let session = json!({ "sessionName": "s" });
    let before = table([1, 0], &session);
    let (backend, set) = ask(&before, &[], 1000);
    let (name, set) = set.unwrap();
    assert_eq!((backend.as_str(), name.as_str()), ("a", "set-cookie"));
    assert!(
        set.starts_with("s=") && set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
        "{set}"
    );
    let after = table([0, 1], &session);
    assert_eq!(
        ask(&after, &[("Cookie", &cookie(&set))], 2000),
        ("a".into(), None)
    );
    // Somebody else, and somebody whose token is not one, go by weight and begin anew.
    for headers in [
        &[][..],
        &[("cookie", "s=1.2"), ("cookie", "s=zz.1.1")],
        &[("cookie", "s=+1.1.1")],
    ] {
        let (backend, set) = ask(&after, headers, 2000);
        assert_eq!(backend, "b");
        assert!(set.is_some());
    }
}

#[test]
fn timeouts_end_a_session() {
    let limited = json!({ "sessionName": "s", "absoluteTimeout": "1m", "idleTimeout": "20s" });
    let before = table([1, 0], &limited);
    let after = table([0, 1], &limited);
    let (_, set) = ask(&before, &[], 1000);
    let first = cookie(&set.unwrap().1);
    assert_eq!(
        ask(&after, &[("cookie", &first)], 1020).0,
        "b",
        "idle too long"
    );
    assert_eq!(
        ask(&after, &[("cookie", &first)], 999).0,
        "b",
        "from the future"
    );
    let mut now = 1000;
    let mut carried = first;
    while now + 15 < 1060 {
        now += 15;
        let (backend, set) = ask(&after, &[("cookie", &carried)], now);
        assert_eq!(backend, "a", "at {now}");
        carried = cookie(&set.unwrap().1);
    }
    assert_eq!(
        ask(&after, &[("cookie", &carried)], 1060).0,
        "b",
        "over after a minute, however busy"
    );
}

#[test]
fn a_permanent_cookie_says_when_it_ends() {
    let permanent = json!({ "sessionName": "s", "absoluteTimeout": "1h", "cookieConfig": { "lifetimeType": "Permanent" } });
    let (_, set) = ask(&table([1, 0], &permanent), &[], 1000);
    assert!(set.unwrap().1.ends_with("; Max-Age=3600"));
}

#[test]
fn a_header_carries_a_session_too() {
    let header = json!({ "type": "Header", "sessionName": "X-Session" });
    let (_, set) = ask(&table([1, 0], &header), &[], 1000);
    let (name, value) = set.unwrap();
    assert_eq!(name, "X-Session");
    let after = table([0, 1], &header);
    assert_eq!(
        ask(&after, &[("x-session", &value)], 2000),
        ("a".into(), None)
    );
}

#[test]
fn a_session_is_kept_at_its_endpoint() {
    let table = table([1, 1], &json!({ "type": "Header", "sessionName": "x-s" }));
    let asked = |headers: &[(&str, &str)]| {
        let request = Request::new("GET", "x.test", "/", headers);
        let decision = table.decide(&Arrival::ANYWHERE, &request);
        let Outcome::Forward(forward) = decision.outcome else {
            panic!("{:?}", decision.outcome);
        };
        let kept = forward.session.unwrap();
        assert_eq!(
            decision.response_headers,
            kept.change().into_iter().collect::<Vec<_>>()
        );
        (forward.backend.service.name().to_owned(), kept)
    };
    let (backend, begun) = asked(&[]);
    assert_eq!(begun.endpoint(), None);
    let key = endpoint_key("10.0.0.7:80");
    let Some(HeaderChange::Set(_, token)) = begun.with(key) else {
        panic!("{:?}", begun.with(key));
    };
    for _ in 0..3 {
        let (again, kept) = asked(&[("x-s", &token)]);
        assert_eq!((again, kept.endpoint()), (backend.clone(), Some(key)));
        // Nothing to say while it stays, and something once it moves.
        assert_eq!((kept.change(), kept.with(key)), (None, None));
        assert!(kept.with(endpoint_key("10.0.0.8:80")).is_some());
    }
    // What is no token begins anew.
    let (_, other) = asked(&[("x-s", &format!("{token}.1"))]);
    assert_eq!(other.endpoint(), None);
    assert!(other.change().is_some());
}
