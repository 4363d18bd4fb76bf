//! The compiled table decides as a plain reading of the API's rules does: every match of every
//! route is tried, and the first by the order as the API words it wins.

use std::cmp::Ordering;

use narae_routing::gateway::Objects;
use narae_routing::matching::{Arrival, Request, Table};
use proptest::prelude::*;
use serde_json::{Value, json};

#[derive(Clone, Debug)]
struct Route {
    name: String,
    created: Option<String>,
    hostnames: Vec<&'static str>,
    rules: Vec<Vec<Match>>,
}

#[derive(Clone, Debug)]
struct Match {
    kind: &'static str,
    path: &'static str,
    method: Option<&'static str>,
    headers: Vec<(&'static str, &'static str)>,
    query: Vec<(&'static str, &'static str)>,
}

fn matches() -> impl Strategy<Value = Match> {
    let path = prop_oneof![
        (
            Just("Exact"),
            prop::sample::select(vec!["/", "/a", "/a/", "/a/b", "/b"])
        ),
        (
            Just("PathPrefix"),
            prop::sample::select(vec!["/", "/a", "/a/", "/a/b", "/a/b/c", "/b", "/ab"])
        ),
        (
            Just("RegularExpression"),
            prop::sample::select(vec!["/a.*", "/.*/b", "/(a|ab)", "/[ab]+"])
        ),
    ];
    let conditions = || {
        prop::collection::btree_map(
            prop::sample::select(vec!["x", "y", "z"]),
            prop::sample::select(vec!["1", "2"]),
            0..3,
        )
    };
    let method = prop::option::of(prop::sample::select(vec!["GET", "POST"]));
    (path, method, conditions(), conditions()).prop_map(|((kind, path), method, headers, query)| {
        Match {
            kind,
            path,
            method,
            headers: headers.into_iter().collect(),
            query: query.into_iter().collect(),
        }
    })
}

fn routes() -> impl Strategy<Value = Vec<Route>> {
    let hostnames = prop::sample::subsequence(
        vec!["a.test", "*.test", "*.b.test", "x.b.test", "other.org"],
        0..3,
    );
    let created = prop::option::of(prop::sample::select(vec![
        "2026-01-01T00:00:00Z",
        "2026-01-02T00:00:00Z",
    ]));
    let rules = prop::collection::vec(prop::collection::vec(matches(), 0..4), 1..4);
    let route = (created, hostnames, rules);
    prop::collection::vec(route, 1..12)
        .prop_shuffle()
        .prop_map(|routes| {
            let named = routes.into_iter().enumerate();
            named
                .map(|(at, (created, hostnames, rules))| Route {
                    name: format!("r{at}"),
                    created: created.map(str::to_owned),
                    hostnames,
                    rules,
                })
                .collect()
        })
}

fn objects(routes: &[Route]) -> Objects {
    let gateway = json!({
        "metadata": { "name": "gw", "namespace": "n" },
        "spec": { "listeners": [{ "name": "http", "port": 80, "protocol": "HTTP" }] },
    });
    let conditions = |list: &[(&str, &str)]| -> Value {
        list.iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect()
    };
    let one = |m: &Match| {
        json!({
            "path": { "type": m.kind, "value": m.path },
            "method": m.method,
            "headers": conditions(&m.headers),
            "queryParams": conditions(&m.query),
        })
    };
    let mut objects = Objects::default();
    objects
        .gateways
        .push(serde_json::from_value(gateway).unwrap());
    for route in routes {
        let rules: Vec<Value> = route
            .rules
            .iter()
            .map(|matches| json!({ "matches": matches.iter().map(one).collect::<Vec<_>>() }))
            .collect();
        let route = json!({
            "metadata": { "name": route.name, "namespace": "n", "creationTimestamp": route.created },
            "spec": { "parentRefs": [{ "name": "gw" }], "hostnames": route.hostnames, "rules": rules },
        });
        objects
            .http_routes
            .push(serde_json::from_value(route).unwrap());
    }
    objects
}

/// Route, rule, match.
type Place = (String, usize, usize);

fn plain(routes: &[Route], request: &Request<'_>) -> Option<Place> {
    let path = request.target.split('?').next().unwrap();
    let query = request
        .target
        .split_once('?')
        .map_or("", |(_, query)| query);
    let mut matching = Vec::new();
    for route in routes {
        let any = [""];
        let hostnames = if route.hostnames.is_empty() {
            &any[..]
        } else {
            &route.hostnames
        };
        let specificity = hostnames
            .iter()
            .filter(|hostname| host_matches(hostname, request.host))
            .map(|hostname| {
                (
                    if hostname.starts_with('*') {
                        0
                    } else {
                        hostname.len()
                    },
                    hostname.len(),
                )
            })
            .max();
        let Some(specificity) = specificity else {
            continue;
        };
        for (rule, matches) in route.rules.iter().enumerate() {
            let everything = [Match {
                kind: "PathPrefix",
                path: "/",
                method: None,
                headers: vec![],
                query: vec![],
            }];
            let matches = if matches.is_empty() {
                &everything[..]
            } else {
                matches
            };
            for (entry, m) in matches.iter().enumerate() {
                let holds = path_matches(m, path)
                    && m.method.is_none_or(|method| method == request.method)
                    && m.headers.iter().all(|(name, value)| {
                        request
                            .headers
                            .iter()
                            .any(|(n, v)| n.eq_ignore_ascii_case(name) && v == value)
                    })
                    && m.query.iter().all(|(name, value)| {
                        query
                            .split('&')
                            .find_map(|pair| pair.strip_prefix(&format!("{name}=")))
                            == Some(value)
                    });
                if holds {
                    matching.push((specificity, m.clone(), route, rule, entry));
                }
            }
        }
    }
    let kind = |m: &Match| {
        ["PathPrefix", "RegularExpression", "Exact"]
            .iter()
            .position(|k| *k == m.kind)
    };
    let length = |m: &Match| match m.kind {
        "PathPrefix" => m.path.trim_end_matches('/').len(),
        _ => m.path.len(),
    };
    matching.sort_by(|(s, m, route, rule, entry), (t, n, other, rule2, entry2)| {
        t.cmp(s)
            .then_with(|| kind(n).cmp(&kind(m)))
            .then_with(|| length(n).cmp(&length(m)))
            .then_with(|| n.method.is_some().cmp(&m.method.is_some()))
            .then_with(|| n.headers.len().cmp(&m.headers.len()))
            .then_with(|| n.query.len().cmp(&m.query.len()))
            .then_with(|| match (&route.created, &other.created) {
                (Some(a), Some(b)) => a.cmp(b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => Ordering::Equal,
            })
            .then_with(|| route.name.cmp(&other.name))
            .then_with(|| (rule, entry).cmp(&(rule2, entry2)))
    });
    let (_, _, route, rule, entry) = matching.first()?;
    Some((format!("n/{}", route.name), *rule, *entry))
}

fn host_matches(hostname: &str, host: &str) -> bool {
    match hostname.strip_prefix('*') {
        _ if hostname.is_empty() => true,
        Some(below) => host.ends_with(below) && host != below,
        None => hostname == host,
    }
}

fn path_matches(m: &Match, path: &str) -> bool {
    match m.kind {
        "Exact" => path == m.path,
        "PathPrefix" => {
            let prefix = m.path.trim_end_matches('/');
            path == prefix || path.starts_with(&format!("{prefix}/"))
        }
        _ => regex::Regex::new(&format!("^(?:{})$", m.path))
            .unwrap()
            .is_match(path),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_table_decides_as_the_api_words_it(
        routes in routes(),
        requests in prop::collection::vec((
            prop::sample::select(vec!["GET", "POST", "PUT"]),
            prop::sample::select(vec!["a.test", "b.test", "x.b.test", "y.x.b.test", "other.org", "none.org"]),
            prop::sample::select(vec!["/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/ab", "/b", "/c/b", "//b", "/a//b"]),
            prop::sample::subsequence(vec![("x", "1"), ("Y", "2"), ("z", "1")], 0..=3),
            prop::sample::select(vec!["", "?x=1", "?y=2&x=2", "?x=1&x=2&z=1"]),
        ), 1..12),
    ) {
        let (table, _) = Table::compile(&objects(&routes));
        for (method, host, path, headers, query) in &requests {
            let target = format!("{path}{query}");
            let request = Request::new(method, host, &target, headers);
            let winner = table.winner(&Arrival::ANYWHERE, &request);
            let place = winner.map(|w| (w.route.to_string(), w.rule, w.entry));
            prop_assert_eq!(&place, &plain(&routes, &request), "{:?}", request);
            // What decides is what won.
            let decision = table.decide(&Arrival::ANYWHERE, &request);
            let rule = decision.rule.map(|r| (r.route.to_string(), r.index));
            prop_assert_eq!(rule, place.map(|(route, rule, _)| (route, rule)));
        }
    }

    #[test]
    fn many_matches_of_one_path_are_told_apart(
        mut routes in prop::collection::vec(prop::collection::vec(matches(), 1..12), 4..16).prop_map(|routes| {
            let named = routes.into_iter().enumerate();
            let route = |(at, matches)| Route { name: format!("r{at}"), created: None, hostnames: vec![], rules: vec![matches] };
            named.map(route).collect::<Vec<_>>()
        }),
        kind in prop::sample::select(vec!["Exact", "PathPrefix"]),
        headers in prop::collection::vec(prop::sample::select(vec![("x", "1"), ("X", "2"), ("y", "1"), ("Y", "2"), ("z", "2")]), 0..4),
        query in prop::sample::select(vec!["", "?x=1", "?y=2&x=2", "?z=2"]),
        method in prop::sample::select(vec!["GET", "PUT"]),
    ) {
        for m in routes.iter_mut().flat_map(|route| &mut route.rules).flatten() {
            (m.kind, m.path) = (kind, "/a");
        }
        // A header sent twice is one value for a table, and several for the plain reading.
        let mut seen: Vec<String> = Vec::new();
        let once = |(name, _): &(&str, &str)| { let new = !seen.contains(&name.to_lowercase()); seen.push(name.to_lowercase()); new };
        let headers: Vec<_> = headers.into_iter().filter(once).collect();
        let (table, _) = Table::compile(&objects(&routes));
        let target = format!("/a{query}");
        let request = Request::new(method, "h", &target, &headers);
        let winner = table.winner(&Arrival::ANYWHERE, &request);
        let place = winner.map(|w| (w.route.to_string(), w.rule, w.entry));
        prop_assert_eq!(place, plain(&routes, &request));
    }

    #[test]
    fn the_order_of_objects_does_not_matter(routes in routes(), path in "/[ab]{0,2}(/[ab]{0,2}){0,2}") {
        let mut turned = routes.clone();
        turned.reverse();
        let request = Request::new("GET", "x.b.test", &path, &[]);
        let place = |routes: &[Route]| {
            let (table, _) = Table::compile(&objects(routes));
            table.winner(&Arrival::ANYWHERE, &request).map(|w| (w.route.to_string(), w.rule, w.entry))
        };
        prop_assert_eq!(place(&routes), place(&turned));
    }
}
