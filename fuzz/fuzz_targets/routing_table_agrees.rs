//! A compiled table picks the match that the API's words pick, tried one by one: exact before prefix, longer before
//! shorter, then a method, more headers, the first route by name, the first rule.
#![no_main]

use std::cmp::Reverse;

use libfuzzer_sys::fuzz_target;
use narae_routing::gateway::Objects;
use narae_routing::matching::{Arrival, Request, Table};
use serde_json::{Value, json};

/// Exact, path, with a method, headers.
type Match = (bool, [u8; 3], bool, u8);

fn path(segments: [u8; 3]) -> String {
    let names = ["", "a", "ab", "b"];
    let segments = segments.map(|segment| names[usize::from(segment % 4)]);
    let segments: Vec<&str> = segments.into_iter().take_while(|s| !s.is_empty()).collect();
    format!("/{}", segments.join("/"))
}

fn names(headers: u8) -> Vec<String> {
    (0..4)
        .filter(|bit| headers >> bit & 1 == 1)
        .map(|bit| format!("x-{bit}"))
        .collect()
}

fuzz_target!(|input: (Vec<Vec<Match>>, [u8; 3], bool, u8)| {
    let (routes, asked, get, headers) = input;
    let routes: Vec<Vec<Match>> = routes
        .into_iter()
        .take(8)
        .map(|r| r.into_iter().take(16).collect())
        .collect();
    let mut objects = Objects::default();
    let read = |value: Value| serde_json::from_value(value).expect("a gateway");
    objects.gateways.push(read(json!({ "metadata": { "name": "gw" }, "spec": { "listeners": [{ "name": "l", "port": 80, "protocol": "HTTP" }] } })));
    for (at, matches) in routes.iter().enumerate() {
        let rules = matches.iter().map(|(exact, segments, method, headers)| {
            let kind = if *exact { "Exact" } else { "PathPrefix" };
            let headers: Vec<Value> = names(*headers).iter().map(|n| json!({ "name": n, "value": "1" })).collect();
            let method = method.then_some("GET");
            json!({ "matches": [{ "path": { "type": kind, "value": path(*segments) }, "method": method, "headers": headers }] })
        });
        let rules: Vec<Value> = rules.collect();
        let route = json!({ "metadata": { "name": format!("r{at}") }, "spec": { "parentRefs": [{ "name": "gw" }], "rules": rules } });
        objects
            .http_routes
            .push(serde_json::from_value(route).expect("a route"));
    }
    let (table, findings) = Table::compile(&objects);
    assert!(findings.is_empty(), "{findings:?}");

    let (target, sent) = (path(asked), names(headers));
    let sent: Vec<(&str, &str)> = sent.iter().map(|name| (name.as_str(), "1")).collect();
    let request = Request::new(if get { "GET" } else { "PUT" }, "h", &target, &sent);
    let holds = |(exact, segments, method, wanted): &Match| {
        let own = path(*segments);
        let below = || own == "/" || target == own || target.starts_with(&format!("{own}/"));
        (if *exact { target == own } else { below() })
            && (!method || get)
            && wanted & 15 & !headers == 0
    };
    let all = routes.iter().enumerate().flat_map(|(route, matches)| {
        matches
            .iter()
            .enumerate()
            .map(move |(rule, one)| (route, rule, one))
    });
    let first = all
        .filter(|(_, _, one)| holds(one))
        .min_by_key(|(route, rule, one)| {
            let (exact, segments, method, wanted) = one;
            // `/` as a prefix is no character, since its slash does not count.
            let length = path(*segments).trim_end_matches('/').len();
            (
                !exact,
                Reverse(length),
                !method,
                Reverse((wanted & 15).count_ones()),
                *route,
                *rule,
            )
        });
    let won = table.winner(&Arrival::ANYWHERE, &request);
    let won = won.map(|winner| (winner.route.name().to_owned(), winner.rule));
    assert_eq!(
        won,
        first.map(|(route, rule, _)| (format!("r{route}"), rule))
    );
});
