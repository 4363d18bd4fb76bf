//! No spelling lets a client say who it is.

use narae_routing::gateway::Objects;
use narae_routing::matching::{Arrival, Outcome, Request, Table};
use proptest::prelude::*;
use serde::Deserialize;
use yaml_serde::Value;

const OBJECTS: &str = r#"
kind: Gateway
metadata: { name: edge }
spec: { listeners: [{ name: http, port: 80, protocol: HTTP }] }
---
kind: HTTPRoute
metadata: { name: app }
spec: { parentRefs: [{ name: edge }], rules: [{ backendRefs: [{ name: a, port: 80 }] }] }
---
kind: Service
metadata: { name: a }
spec: { ports: [{ port: 80 }] }
---
kind: AccessPolicy
metadata: { name: staff }
spec:
  targetRefs: [{ kind: Gateway, name: edge }]
  basic: { htpasswd: { secret: users } }
  headers: { user: x-user_name, roles: X-Roles }
"#;

fn table() -> Table {
    let mut objects = Objects::default();
    for document in yaml_serde::Deserializer::from_str(OBJECTS) {
        let value = Value::deserialize(document).unwrap();
        match value["kind"].as_str().unwrap() {
            "Gateway" => (objects.gateways).push(yaml_serde::from_value(value).unwrap()),
            "HTTPRoute" => (objects.http_routes).push(yaml_serde::from_value(value).unwrap()),
            "Service" => (objects.services).push(yaml_serde::from_value(value).unwrap()),
            _ => (objects.access_policies).push(yaml_serde::from_value(value).unwrap()),
        }
    }
    let (table, findings) = Table::compile(&objects);
    assert!(findings.is_empty(), "{findings:?}");
    table
}

fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

proptest! {
    #[test]
    fn no_spelling_of_a_guarded_header_passes(
        names in prop::collection::vec("[xX][-_][uU]ser[-_]name|[xX][-_][rR]oles?|accept", 0..8),
    ) {
        let table = table();
        let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
        let request = Request::new("GET", "h", "/", &headers);
        let decision = table.decide(&Arrival::ANYWHERE, &request);
        let Outcome::Forward(forward) = &decision.outcome else { panic!("{decision:?}") };
        let sent: Vec<String> = forward.headers(&request).into_iter().map(|(name, _)| name).collect();
        let allowed = |name: &&String| !["x-user-name", "x-roles"].contains(&folded(name).as_str());
        prop_assert_eq!(sent.iter().collect::<Vec<_>>(), names.iter().filter(allowed).collect::<Vec<_>>());
        for name in &names {
            prop_assert_eq!(table.guards(name), !allowed(&name));
        }
    }
}

#[test]
fn a_slip_in_a_policy_is_an_error() {
    for wrong in [
        "targetRefs: []\nrequires: {}",
        "targetRefs: []\nrequire: { anyOf: [] }",
        "targetRefs: []\nrequire: { any: [{ roles: admin }] }",
        "require: {}",
        "targetRefs: [{ kind: Gateway, name: a, section: b }]",
    ] {
        let spec = yaml_serde::from_str::<narae_routing::gateway::AccessPolicySpec>(wrong);
        assert!(spec.is_err(), "{wrong}");
    }
}
