//! Paths in normal form, and that nobody gets round a guarded rule by another spelling.

use std::borrow::Cow;

use narae_routing::gateway::Objects;
use narae_routing::matching::{Arrival, Outcome, Request, Table, normal_target};
use proptest::prelude::*;
use serde::Deserialize;
use yaml_serde::Value;

use super::cases::add;

#[test]
fn a_path_has_one_normal_form() {
    for (written, normal) in [
        ("/", "/"),
        ("", ""),
        ("*", "*"),
        ("/a/b", "/a/b"),
        ("/a/b/", "/a/b/"),
        ("/%61%2D%7e", "/a-~"),
        ("/%2e%2E/x", "/x"),
        ("/a/./b/../c", "/a/c"),
        ("/a/b/..", "/a/"),
        ("/a/.", "/a/"),
        ("/../../a", "/a"),
        ("//a///b//", "/a/b/"),
        ("/a/...", "/a/..."),
        ("/.a/..b", "/.a/..b"),
        ("/a%2Fb%5c%00%zz%2", "/a%2Fb%5c%00%zz%2"),
        ("/%2541", "/%2541"),
        ("/a?x=//../%61", "/a?x=//../%61"),
        ("/b/..?", "/?"),
        ("/%C3%A9", "/%C3%A9"),
    ] {
        assert_eq!(normal_target(written), normal, "{written}");
        let is_same = matches!(normal_target(written), Cow::Borrowed(_));
        assert_eq!(is_same, written == normal, "{written}");
    }
}

const GUARDED: &str = "
{ kind: Gateway, metadata: { name: gw }, spec: { listeners: [{ name: http, port: 80, protocol: HTTP }] } }
---
kind: HTTPRoute
metadata: { name: app }
spec:
  parentRefs: [{ name: gw }]
  rules:
  - { name: open, backendRefs: [{ name: a, port: 80 }] }
  - { name: closed, matches: [{ path: { value: /a/b } }], backendRefs: [{ name: a, port: 80 }] }
---
{ kind: Service, metadata: { name: a }, spec: { ports: [{ port: 80 }] } }
---
kind: AccessPolicy
metadata: { name: closed }
spec: { targetRefs: [{ kind: HTTPRoute, name: app, sectionName: closed }], require: {} }
";

fn table() -> Table {
    let mut objects = Objects::default();
    for document in yaml_serde::Deserializer::from_str(GUARDED) {
        add(
            "guarded",
            Value::deserialize(document).unwrap(),
            &mut objects,
        );
    }
    let (table, _) = Table::compile(&objects);
    table
}

/// What a lenient server makes of a path: parameters cut off, everything decoded, backslashes as slashes, dot segments
/// and empty ones gone.
fn understood(path: &str) -> Vec<String> {
    let path = path.split('?').next().unwrap();
    let cut: Vec<&str> = path
        .split('/')
        .map(|s| s.split(';').next().unwrap())
        .collect();
    let cut = cut.join("/");
    let mut bytes = Vec::new();
    let mut rest = cut.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    let mut segments: Vec<String> = Vec::new();
    for segment in String::from_utf8_lossy(&bytes).split(['/', '\\']) {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            name => segments.push(name.split(';').next().unwrap().to_owned()),
        }
    }
    segments
}

proptest! {
    #[test]
    fn nobody_gets_round_a_guarded_rule(path in "/([/.%ab;]|%2[eEfF]|%61|%62|%5[cC]|%25|%3[bB]|\\\\){0,12}") {
        let table = table();
        for target in [path.as_str(), &normal_target(&path)] {
            let request = Request::new("GET", "h", target, &[]);
            let decision = table.decide(&Arrival::ANYWHERE, &request);
            if let Outcome::Forward(forward) = &decision.outcome {
                let seen = understood(&forward.target);
                prop_assert!(!seen.starts_with(&["a".to_owned(), "b".to_owned()]), "{target}: {seen:?}");
            }
        }
    }

    /// Once is enough, but for what only comes to be an escape by decoding another.
    #[test]
    fn a_normal_form_is_normal(path in "/([/.ab]|%2[eEfF]|%61|%C3){0,12}") {
        let normal = normal_target(&path).into_owned();
        prop_assert_eq!(normal_target(&normal), normal.as_str());
    }
}
