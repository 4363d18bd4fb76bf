//! How fast is one request matched, with 10,000 routes?

use std::hint::black_box;

use narae_routing::gateway::Objects;
use narae_routing::matching::{Arrival, Request, Table};
use serde_json::{Value, json};

use crate::report::Report;

const ROUTES: usize = 10_000;
const REQUESTS: usize = 1_000;

/// A hundred hosts with a hundred prefixes each, as services of a company have them.
fn routes() -> Vec<(String, String)> {
    let name = |at: usize| {
        let (host, path) = (at / 100, at % 100);
        (
            format!("team-{host}.example.com"),
            format!("/api/v{}/service-{path}", path % 3 + 1),
        )
    };
    (0..ROUTES).map(name).collect()
}

fn table(routes: &[(String, String)]) -> Table {
    table_with(routes, |_| json!([]))
}

fn table_with(routes: &[(String, String)], headers: impl Fn(usize) -> Value) -> Table {
    let mut objects = Objects::default();
    let gateway = json!({ "metadata": { "name": "gw" }, "spec": { "listeners": [{ "name": "l", "port": 80, "protocol": "HTTP" }] } });
    objects
        .gateways
        .push(serde_json::from_value(gateway).expect("a gateway"));
    for (at, (host, path)) in routes.iter().enumerate() {
        let route = json!({
            "metadata": { "name": format!("route-{at:05}") },
            "spec": {
                "parentRefs": [{ "name": "gw" }],
                "hostnames": [host],
                "rules": [{ "matches": [{ "path": { "value": path }, "headers": headers(at) }] }],
            },
        });
        objects
            .http_routes
            .push(serde_json::from_value(route).expect("a route"));
    }
    Table::compile(&objects).0
}

/// Routes of one host and path that differ only in the value of a header, as tenants of a service do.
fn by_tenant(report: &mut Report) {
    let routes: Vec<(String, String)> =
        vec![("shop.example.com".to_owned(), "/".to_owned()); ROUTES];
    let tenants: Vec<String> = (0..ROUTES).map(|at| format!("tenant-{at}")).collect();
    let table = table_with(
        &routes,
        |at| json!([{ "name": "x-tenant", "value": tenants[at] }]),
    );
    let asked: Vec<&str> = (0..REQUESTS)
        .map(|n| tenants[n * 7 % ROUTES].as_str())
        .collect();
    let ours = || {
        for tenant in &asked {
            let headers = [
                ("accept", "*/*"),
                ("x-tenant", tenant),
                ("x-request-id", "7"),
            ];
            let request = Request::new("GET", "shop.example.com", "/items/42", &headers);
            black_box(
                table
                    .winner(&Arrival::ANYWHERE, &request)
                    .expect("each has a route"),
            );
        }
    };
    let theirs = || {
        for tenant in &asked {
            black_box(
                tenants
                    .iter()
                    .find(|one| one == tenant)
                    .expect("each has a route"),
            );
        }
    };
    report.compare(
        "routing.match_10000_headers_vs_linear_scan",
        "comparing one value after the other, plain Rust",
        &format!("{ROUTES} routes that differ in a header's value, {REQUESTS} requests: divide by {REQUESTS} for one"),
        20,
        ours,
        theirs,
    );
}

pub(super) fn run(report: &mut Report) {
    by_tenant(report);
    let routes = routes();
    let table = table(&routes);
    let arrival = Arrival::ANYWHERE;
    // Every seventh route in turn, with something below its prefix.
    let asked: Vec<(&str, String)> = (0..REQUESTS)
        .map(|n| &routes[n * 7 % ROUTES])
        .map(|(host, path)| (host.as_str(), format!("{path}/items/42?verbose=1")))
        .collect();
    let headers = [
        ("accept", "*/*"),
        ("user-agent", "bench"),
        ("x-request-id", "7"),
    ];
    let ours = || {
        for (host, target) in &asked {
            let request = Request::new("GET", host, target, &headers);
            black_box(table.winner(&arrival, &request).expect("each has a route"));
        }
    };
    // What a router does that keeps its matches sorted: tries one after the other.
    let mut sorted: Vec<&(String, String)> = routes.iter().collect();
    sorted.sort_by_key(|(_, path)| std::cmp::Reverse(path.len()));
    let theirs = || {
        for (host, target) in &asked {
            let path = target.split('?').next().unwrap_or_default();
            let found = sorted.iter().find(|(h, prefix)| {
                h == host
                    && path
                        .strip_prefix(prefix.as_str())
                        .is_some_and(|r| r.is_empty() || r.starts_with('/'))
            });
            black_box(found.expect("each has a route"));
        }
    };
    report.compare(
        "routing.match_10000_vs_linear_scan",
        "a linear scan of sorted matches, as agentgateway has it, plain Rust",
        &format!("{ROUTES} routes of 100 hosts, {REQUESTS} requests: divide by {REQUESTS} for one"),
        20,
        ours,
        theirs,
    );
}
