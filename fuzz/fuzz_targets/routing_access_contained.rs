//! Whatever a verified token says, what a backend is told is visible ASCII with no more roles than the token lists, and
//! whatever a client sends, nobody unverified is told of.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use narae_routing::gateway::Objects;
use narae_routing::matching::{Arrival, Claims, Identity, Outcome, Presented, Request, Table};
use serde_json::{Value, json};

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let read = |value: Value| serde_json::from_value(value).expect("an object");
    let mut objects = Objects::default();
    objects.gateways.push(serde_json::from_value(json!({ "metadata": { "name": "gw" }, "spec": { "listeners": [{ "name": "l", "port": 80, "protocol": "HTTP" }] } })).expect("a gateway"));
    objects.services.push(
        serde_json::from_value(
            json!({ "metadata": { "name": "a" }, "spec": { "ports": [{ "port": 80 }] } }),
        )
        .expect("a service"),
    );
    objects.http_routes.push(serde_json::from_value(json!({ "metadata": { "name": "r" }, "spec": { "parentRefs": [{ "name": "gw" }], "rules": [{ "backendRefs": [{ "name": "a", "port": 80 }] }] } })).expect("a route"));
    objects.access_policies.push(read(json!({ "metadata": { "name": "p" }, "spec": {
        "targetRefs": [{ "kind": "Gateway", "name": "gw" }],
        "jwt": { "issuer": "i", "audiences": ["a"], "jwks": { "file": "f" }, "rolesClaims": ["a.b", "a"] },
        "headers": { "user": "x-user", "roles": "x-roles", "claims": [{ "claim": "a.b.c", "name": "x-claim" }] } } })));
    Table::compile(&objects).0
});

fuzz_target!(|input: (&str, Vec<(&str, &str)>)| {
    let (claims, headers) = input;
    let claims = serde_json::from_str::<Claims>(claims);
    let identity = claims.ok().map(Identity::of_claims);
    let presented = identity
        .as_ref()
        .map_or(Presented::Nothing, Presented::Identity);
    let request = Request::new("GET", "h", "/", &headers).presenting(presented);
    let decision = TABLE.decide(&Arrival::ANYWHERE, &request);
    let Outcome::Forward(forward) = &decision.outcome else {
        panic!("{decision:?}")
    };
    for (name, value) in forward.headers(&request) {
        let lower = name.to_ascii_lowercase().replace('_', "-");
        if ["x-user", "x-roles", "x-claim"].contains(&lower.as_str()) {
            assert!(identity.is_some() && !name.contains('_'), "{name}: {value}");
            assert!(
                value.bytes().all(|b| (b' '..=b'~').contains(&b)) && !value.is_empty(),
                "{value:?}"
            );
        }
    }
});
