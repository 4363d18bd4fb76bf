//! Whatever objects say, they compile, each listener and each parent has its conditions, and what is left to serve once
//! is left again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_routing::gateway::{ObjectName, Objects};
use narae_routing::matching::status::{Ground, Statuses};
use serde_json::{Value, json};

type Listener<'a> = (u8, u8, u8, &'a str, u8, bool);
type Route<'a> = (u8, u8, &'a str, (u8, &'a str), (u8, &'a str), u32);

fn pick<'t>(of: &[&'t str], which: u8) -> &'t str {
    of[usize::from(which) % of.len()]
}

fuzz_target!(|input: (Vec<Vec<Listener<'_>>>, Vec<Route<'_>>)| {
    let (gateways, routes) = input;
    let mut objects = Objects::default();
    for (at, listeners) in gateways.iter().take(4).enumerate() {
        let listeners = listeners.iter().take(8).enumerate().map(|(place, listener)| {
            let (port, protocol, kind, host, certificate, other) = *listener;
            let kinds: Vec<Value> = match kind % 4 {
                0 => vec![],
                kind => vec![json!({ "kind": pick(&["HTTPRoute", "GRPCRoute", "TCPRoute"], kind) })],
            };
            let reference = json!({ "name": pick(&["good", "gone"], certificate), "namespace": other.then_some("other") });
            json!({ "name": format!("l{place}"), "port": 80 + u16::from(port % 4), "protocol": pick(&["HTTP", "HTTPS", "TCP"], protocol),
                    "hostname": host, "allowedRoutes": { "kinds": kinds }, "tls": { "certificateRefs": [reference] } })
        });
        let listeners: Vec<Value> = listeners.collect();
        let gateway =
            json!({ "metadata": { "name": format!("g{at}") }, "spec": { "listeners": listeners } });
        objects
            .gateways
            .push(serde_json::from_value(gateway).expect("a gateway"));
    }
    for (at, route) in routes.iter().take(8).enumerate() {
        let (gateway, section, host, (kind, path), (matching, header), weight) = *route;
        let parent = json!({ "name": format!("g{}", gateway % 5), "sectionName": format!("l{}", section % 9) });
        let rule = json!({
            "matches": [{ "path": { "type": pick(&["Exact", "PathPrefix", "RegularExpression"], kind), "value": path },
                          "headers": [{ "type": pick(&["Exact", "RegularExpression"], matching), "name": "x", "value": header }] }],
            "backendRefs": [{ "name": "a", "port": 80, "weight": weight }],
        });
        let route = json!({ "metadata": { "name": format!("r{at}") },
                            "spec": { "parentRefs": [parent, { "name": "g0" }], "hostnames": [host], "rules": [rule] } });
        objects
            .http_routes
            .push(serde_json::from_value(route).expect("a route"));
    }
    let ground = Ground::new([ObjectName::new("default", "good")], [80, 81, 82]);
    let statuses = Statuses::of(&objects, &ground);
    assert_eq!(statuses.gateways.len(), objects.gateways.len());
    for (gateway, status) in objects.gateways.iter().zip(&statuses.gateways) {
        assert_eq!(gateway.spec.listeners.len(), status.listeners.len());
    }
    for route in &statuses.routes {
        assert!(
            route
                .parents
                .iter()
                .all(|parent| parent.conditions.len() == 2)
        );
    }
    let listed = |objects: &Objects| -> Vec<String> {
        let listeners = objects
            .gateways
            .iter()
            .flat_map(|gateway| &gateway.spec.listeners);
        listeners.map(|listener| listener.name.clone()).collect()
    };
    ground.keep_programmed(&mut objects);
    let serving = listed(&objects);
    for gateway in Statuses::of(&objects, &ground).gateways {
        let conditions = gateway
            .listeners
            .iter()
            .flat_map(|listener| &listener.conditions);
        assert!(
            conditions
                .filter(|c| c.kind == "Programmed")
                .all(|c| c.holds),
            "{gateway:?}"
        );
    }
    ground.keep_programmed(&mut objects);
    assert_eq!(listed(&objects), serving);
});
