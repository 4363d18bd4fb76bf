//! Whatever a client sends, a redirect is one line of visible ASCII, a forwarded path has a root, and
//! what decides is the match that wins.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use narae_routing::gateway::Objects;
use narae_routing::matching::{Arrival, Outcome, Request, Table};
use serde_json::json;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let redirect = json!({ "type": "RequestRedirect", "requestRedirect": { "path": { "type": "ReplacePrefixMatch", "replacePrefixMatch": "/new" } } });
    let rewrite = json!({ "type": "URLRewrite", "urlRewrite": { "path": { "type": "ReplacePrefixMatch", "replacePrefixMatch": "" } } });
    let to = json!([{ "name": "a", "port": 80 }]);
    let mut objects = Objects::default();
    objects.gateways.push(serde_json::from_value(json!({ "metadata": { "name": "gw" }, "spec": { "listeners": [{ "name": "l", "port": 80, "protocol": "HTTP" }] } })).expect("a gateway"));
    objects.services.push(
        serde_json::from_value(
            json!({ "metadata": { "name": "a" }, "spec": { "ports": [{ "port": 80 }] } }),
        )
        .expect("a service"),
    );
    objects.http_routes.push(serde_json::from_value(json!({ "metadata": { "name": "r" }, "spec": { "parentRefs": [{ "name": "gw" }], "rules": [
        { "matches": [{ "path": { "value": "/r" } }], "filters": [redirect] },
        { "matches": [{ "path": { "value": "/w" } }], "filters": [rewrite], "backendRefs": to, "sessionPersistence": {} },
        { "matches": [{ "path": { "type": "RegularExpression", "value": "/.*x" }, "queryParams": [{ "name": "q", "value": "1" }] }], "backendRefs": to },
        { "matches": [{ "headers": [{ "name": "x", "value": "1" }] }], "filters": [{ "type": "CORS", "cors": { "allowOrigins": ["https://*.b.c"] } }], "backendRefs": to },
    ] } })).expect("a route"));
    Table::compile(&objects).0
});

fuzz_target!(|input: (&str, &str, &str, Vec<(&str, &str)>)| {
    let (method, host, target, headers) = input;
    let request = Request::new(method, host, target, &headers);
    let winner = TABLE.winner(&Arrival::ANYWHERE, &request).map(|w| w.rule);
    let decision = TABLE.decide(&Arrival::ANYWHERE, &request);
    assert_eq!(decision.rule.map(|rule| rule.index), winner);
    match decision.outcome {
        Outcome::Redirect { location, .. } => {
            assert!(
                (location.starts_with("http://")
                    || location.starts_with("/.")
                    || !location.starts_with("//"))
                    && location.bytes().all(|b| b.is_ascii_graphic())
            );
        }
        Outcome::Forward(forward) => {
            assert!(forward.target.starts_with('/') || target.starts_with('?') || target.is_empty())
        }
        _ => {}
    }
});
