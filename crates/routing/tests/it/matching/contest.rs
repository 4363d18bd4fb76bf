//! Who loses and why, and what of routes will be regretted.

use narae_routing::gateway::Objects;
use narae_routing::matching::{Arrival, Key, Request, Table, Verdict};
use serde_json::{Value, json};

fn table(routes: &[Value]) -> Table {
    let mut objects = Objects::default();
    let gateway = json!({ "metadata": { "name": "gw" }, "spec": { "listeners": [
        { "name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": { "namespaces": { "from": "All" } } },
    ] } });
    objects
        .gateways
        .push(serde_json::from_value(gateway).unwrap());
    for route in routes {
        objects
            .http_routes
            .push(serde_json::from_value(route.clone()).unwrap());
    }
    Table::compile(&objects).0
}

fn route(name: &str, hosts: &[&str], rules: &Value) -> Value {
    let (namespace, name) = name.split_once('/').unwrap();
    json!({
        "metadata": { "name": name, "namespace": namespace, "creationTimestamp": format!("20{:02}-01-01T00:00:00Z", name.len()) },
        "spec": { "parentRefs": [{ "name": "gw", "namespace": "default" }], "hostnames": hosts, "rules": rules },
    })
}

#[test]
fn every_match_that_was_asked_says_what_came_of_it() {
    let rules = json!([
        { "matches": [{ "path": { "value": "/a/b" } }] },
        { "matches": [{ "path": { "value": "/a" }, "method": "GET" }, { "path": { "value": "/a" } }] },
        { "matches": [{ "path": { "value": "/a/b" }, "headers": [{ "name": "x-env", "value": "canary" }] }] },
        { "matches": [{ "path": { "value": "/a/b" }, "queryParams": [{ "name": "v", "value": "2" }] }] },
        { "matches": [{ "path": { "type": "Exact", "value": "/a/b" }, "method": "POST" }] },
        { "matches": [{ "path": { "value": "/z" } }] },
        { "matches": [{ "path": { "value": "/a/b" } }] },
    ]);
    let table = table(&[
        route("n/one", &["shop.example"], &rules),
        route(
            "n/three",
            &["shop.example"],
            &json!([{ "matches": [{ "path": { "value": "/a/b" } }] }]),
        ),
        route(
            "n/two",
            &["shop.example"],
            &json!([{ "matches": [{ "path": { "value": "/a/b" } }] }]),
        ),
        route(
            "n/wide",
            &["*.example"],
            &json!([{ "matches": [{ "path": { "type": "Exact", "value": "/a/b/c" } }] }]),
        ),
        route("n/else", &["other.example"], &json!([{}])),
    ]);
    let headers = [("x-env", "prod")];
    let request = Request::new("GET", "shop.example", "/a/b/c?v=1", &headers);
    let contest = table.contest(&Arrival::ANYWHERE, &request);
    assert_eq!(
        (contest.listener.unwrap().listener, contest.elsewhere),
        ("http", 1)
    );
    let said: Vec<(String, usize, &Verdict)> = contest
        .contenders
        .iter()
        .map(|c| {
            (
                format!("{} {}", c.rule.route.name(), c.rule.index),
                c.entry,
                &c.verdict,
            )
        })
        .collect();
    let expected = [
        ("one 4", 0, Verdict::OtherPath),
        ("one 2", 0, Verdict::OtherHeader("x-env".into())),
        ("one 3", 0, Verdict::OtherQuery("v".into())),
        ("one 0", 0, Verdict::Wins),
        ("one 6", 0, Verdict::Loses(Key::Place)),
        ("two 0", 0, Verdict::Loses(Key::Name)),
        ("three 0", 0, Verdict::Loses(Key::Age)),
        ("one 1", 0, Verdict::Loses(Key::Path)),
        ("one 1", 1, Verdict::Loses(Key::Path)),
        ("one 5", 0, Verdict::OtherPath),
        ("wide 0", 0, Verdict::Loses(Key::Hostname)),
    ];
    let mut expected: Vec<_> = expected
        .iter()
        .map(|(r, e, v)| ((*r).to_owned(), *e, v))
        .collect();
    // A longer path goes before a shorter one: `/a` is longer than `/z` by nothing, so names decide.
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    let sort =
        |list: &mut Vec<(String, usize, &Verdict)>| list.sort_by_key(|(r, e, _)| (r.clone(), *e));
    let mut said = said;
    sort(&mut said);
    sort(&mut expected);
    assert_eq!(said, expected);
    let words = "holds, but loses by a less specific hostname";
    assert_eq!(Verdict::Loses(Key::Hostname).to_string(), words);
    let nowhere = table.contest(&Arrival::ANYWHERE.at_port(81), &request);
    assert!(nowhere.listener.is_none() && nowhere.contenders.is_empty());
}

#[test]
fn what_never_decides_is_found() {
    let canary =
        json!({ "path": { "value": "/a" }, "headers": [{ "name": "X-Env", "value": "c" }] });
    let again =
        json!({ "path": { "value": "/a/" }, "headers": [{ "name": "x-env", "value": "c" }] });
    let table = table(&[
        route(
            "n/a",
            &["shop.example"],
            &json!([{ "matches": [canary] }, { "matches": [again] }]),
        ),
        route(
            "m/bb",
            &["shop.example", "b.example"],
            &json!([{ "matches": [canary] }]),
        ),
        route(
            "n/ccc",
            &["c.example"],
            &json!([
                { "matches": [{ "path": { "type": "RegularExpression", "value": "/.*" } }] },
                { "matches": [{ "path": { "value": "/x" } }] },
                { "matches": [{ "path": { "type": "Exact", "value": "/y" } }] },
                { "backendRefs": [{ "name": "s", "port": 80, "weight": 0 }] },
            ]),
        ),
    ]);
    let said: Vec<String> = table.check().iter().map(ToString::to_string).collect();
    let expected = [
        "HTTPRoute n/a rule 1: match 0 never decides: HTTPRoute n/a rule 0 takes its requests first, wherever it is attached",
        "HTTPRoute n/ccc rule 1: match 0 never decides: HTTPRoute n/ccc rule 0 takes its requests first, wherever it is attached",
        "HTTPRoute n/ccc rule 3: match 0 never decides: HTTPRoute n/ccc rule 0 takes its requests first, wherever it is attached",
        "host shop.example of listener default/gw/http is claimed by routes of several namespaces: m/bb, n/a",
        "HTTPRoute n/ccc rule 3: all weights are 0, so its requests get 500",
    ];
    assert_eq!(said, expected);
}
