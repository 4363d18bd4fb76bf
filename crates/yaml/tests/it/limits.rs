//! No source costs more than the limits say.

use narae_yaml::{Error, ErrorKind, Limits, Reader};

fn limit(result: Result<Vec<narae_yaml::Document>, Error>) -> &'static str {
    match result.map_err(|error| error.kind().clone()) {
        Ok(_) => "none",
        Err(ErrorKind::Limit { limit, .. }) => limit,
        Err(_) => "another error",
    }
}

fn read(source: &str, limits: Limits) -> Result<Vec<narae_yaml::Document>, Error> {
    Reader::new().with_limits(limits).read(source)
}

#[test]
fn each_limit_is_named_and_exact() {
    let limits = Limits::default();
    assert_eq!(limit(read("a: 1\n", limits.with_max_bytes(5))), "none");
    assert_eq!(limit(read("a: 1\n", limits.with_max_bytes(4))), "max_bytes");
    assert_eq!(
        limit(
            Reader::new()
                .with_limits(limits.with_max_bytes(4))
                .read_bytes(b"a: 1\xff")
        ),
        "max_bytes"
    );
    assert_eq!(limit(read("[[1]]", limits.with_max_depth(2))), "none");
    assert_eq!(limit(read("[[1]]", limits.with_max_depth(1))), "max_depth");
    assert_eq!(
        limit(read("a:\n  b:\n    c: 1\n", limits.with_max_depth(3))),
        "none"
    );
    assert_eq!(
        limit(read("a:\n  b:\n    c: 1\n", limits.with_max_depth(2))),
        "max_depth"
    );
    assert_eq!(
        limit(read("a:\n- - - 1\n", limits.with_max_depth(3))),
        "max_depth"
    );
    assert_eq!(
        limit(read("a: 1\nb: 2\n", limits.with_max_nodes(5))),
        "none"
    );
    assert_eq!(
        limit(read("a: 1\nb: 2\n", limits.with_max_nodes(4))),
        "max_nodes"
    );
    assert_eq!(
        limit(read(
            "a: &a [1, 2]\nb: [*a, *a]\n",
            limits.with_max_alias_nodes(6)
        )),
        "none"
    );
    assert_eq!(
        limit(read(
            "a: &a [1, 2]\nb: [*a, *a]\n",
            limits.with_max_alias_nodes(5)
        )),
        "max_alias_nodes"
    );
    assert_eq!(
        limit(read("1\n---\n2\n", limits.with_max_documents(2))),
        "none"
    );
    assert_eq!(
        limit(read("1\n---\n2\n", limits.with_max_documents(1))),
        "max_documents"
    );
}

#[test]
fn depth_counts_what_aliases_stand_for() {
    let mut source = String::from("a0: &a0 [1]\n");
    for level in 1..50 {
        source.push_str(&format!("a{level}: &a{level} [[[*a{}]]]\n", level - 1));
    }
    assert_eq!(limit(read(&source, Limits::default())), "max_depth");
}

#[test]
fn deep_sources_are_refused_whatever_they_nest() {
    for source in [
        "[".repeat(1_000_000),
        "{a: ".repeat(500_000),
        "- ".repeat(500_000),
        "? ".repeat(500_000),
        (0..5000)
            .map(|level| format!("{}a:\n", " ".repeat(level)))
            .collect(),
    ] {
        assert!(read(&source, Limits::default()).is_err());
    }
}

#[test]
fn the_deepest_value_can_be_used() {
    let limits = Limits::default().with_max_depth(usize::MAX);
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let document = Reader::new()
        .with_limits(limits)
        .read_one(&deep(Limits::DEEPEST))
        .unwrap();
    assert_eq!(limit(read(&deep(Limits::DEEPEST + 1), limits)), "max_depth");
    let value = document.to_value();
    assert_eq!(value, document.clone().into_value());
    assert_eq!(
        narae_yaml::from_node::<narae_yaml::Value>(document.root).unwrap(),
        value
    );
    let written = narae_yaml::write(&value);
    assert_eq!(
        Reader::new()
            .with_limits(limits)
            .read_one(&written)
            .unwrap()
            .into_value(),
        value
    );
}

#[test]
fn billion_laughs_are_refused_before_they_are_told() {
    let mut source = String::from("a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for (name, before) in ('b'..='z').zip('a'..) {
        source.push_str(&format!(
            "{name}{name}: &{name} [{}]\n",
            vec![format!("*{before}"); 9].join(", ")
        ));
    }
    assert_eq!(limit(read(&source, Limits::default())), "max_alias_nodes");

    let mut merges = String::from("a: &a {k0: 0, k1: 1}\n");
    for (name, before) in ('b'..='z').zip('a'..) {
        merges.push_str(&format!(
            "{name}{name}: &{name} {{<<: [{}]}}\n",
            vec![format!("*{before}"); 9].join(", ")
        ));
    }
    // Merging the same entries nine times over adds nothing, but copying them first would.
    assert_eq!(
        limit(read(&merges, Limits::default().with_max_alias_nodes(500))),
        "max_alias_nodes"
    );
}

#[test]
fn anchors_inside_anchors_do_not_multiply() {
    let nested: String = (0..100).map(|level| format!("&a{level} [")).collect();
    let source = format!(
        "x: {nested}{}{}\ny: *a0\n",
        "1, ".repeat(100_000),
        "]".repeat(100)
    );
    assert_eq!(limit(read(&source, Limits::default())), "max_nodes");
}

#[test]
fn a_large_stream_is_well_within_the_defaults() {
    let document = format!(
        "kind: ConfigMap\nmetadata: {{name: shop}}\ndata:\n  text: {}\n",
        "x".repeat(1500)
    );
    let stream = vec![document.as_str(); 2000].join("---\n");
    assert!(stream.len() > 3_000_000);
    assert_eq!(narae_yaml::read(&stream).unwrap().len(), 2000);
}

#[test]
fn many_keys_are_not_compared_pairwise() {
    let source: String = (0..100_000).map(|key| format!("key{key}: 1\n")).collect();
    assert_eq!(
        narae_yaml::read_one(&source)
            .unwrap()
            .as_mapping()
            .unwrap()
            .len(),
        100_000
    );
    let twice = format!("{source}key7: 2\n");
    let error = narae_yaml::read_one(&twice).unwrap_err().to_string();
    assert_eq!(error, "100001:1: duplicate key `key7` (first at 8:1)");
}
