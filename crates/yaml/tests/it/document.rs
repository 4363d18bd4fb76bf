//! Documents, nodes and their places.

use narae_yaml::{Document, NodeData, Path, Reader, ScalarStyle, Value};

fn one(source: &str) -> Document {
    Reader::new().read_one(source).expect(source)
}

/// Every node's own text, in order of walking.
fn texts<'a>(source: &'a str, node: &narae_yaml::Node, found: &mut Vec<&'a str>) {
    found.push(&source[node.span.range()]);
    match &node.data {
        NodeData::Scalar(_) => {}
        NodeData::Sequence(items) => items.iter().for_each(|item| texts(source, item, found)),
        NodeData::Mapping(entries) => entries.iter().for_each(|entry| {
            texts(source, &entry.key, found);
            texts(source, &entry.value, found);
        }),
    }
}

#[test]
fn spans_cut_out_what_is_written() {
    let source = "\u{feff}# 주석\r\n열쇠: &a !!str \"값\" # c\r\nlist:\r\n- 'it''s'\r\n- [1, {x: ~}]\r\nempty:\r\nblock: |\r\n  a\r\n";
    let document = one(source);
    let mut found = Vec::new();
    texts(source, &document.root, &mut found);
    // Block collections are not exact, everything else is.
    found.retain(|text| !text.contains("- "));
    assert_eq!(
        found,
        [
            "열쇠",
            "\"값\"",
            "list",
            "'it''s'",
            "[1, {x: ~}]",
            "1",
            "{x: ~}",
            "x",
            "~",
            "empty",
            "",
            "block",
            "a\r\n"
        ]
    );
    let scalar = document.root.get("열쇠").unwrap();
    assert_eq!(
        (scalar.tag.as_deref(), scalar.anchor.as_deref()),
        (Some("!!str"), Some("a"))
    );
    assert_eq!((scalar.position().line, scalar.position().column), (2, 14));
    let item = document
        .root
        .at(&"list[1][1].x".parse::<Path>().unwrap())
        .unwrap();
    assert_eq!((item.position().line, item.position().column), (5, 11));
    let empty = document.root.get("empty").unwrap();
    assert_eq!((empty.position().line, empty.position().column), (6, 7));
}

#[test]
fn scalars_keep_how_they_were_written() {
    let document =
        one("a: 1.20\nb: '1.20'\nc: \"x\\ty\"\nd: |-\n  t\ne: >-\n  t\n  u\n0x10: yes\n");
    let scalar = |key: &str| document.root.get(key).unwrap().as_scalar().unwrap();
    assert_eq!(
        (scalar("a").text(), scalar("a").style(), scalar("a").value()),
        ("1.20", ScalarStyle::Plain, 1.2.into())
    );
    assert_eq!(
        (scalar("b").style(), scalar("b").as_str()),
        (ScalarStyle::SingleQuoted, Some("1.20"))
    );
    assert_eq!(
        (scalar("c").style(), scalar("c").text()),
        (ScalarStyle::DoubleQuoted, "x\ty")
    );
    assert_eq!(
        (scalar("d").style(), scalar("d").text()),
        (ScalarStyle::Literal, "t")
    );
    assert_eq!(
        (scalar("e").style(), scalar("e").text()),
        (ScalarStyle::Folded, "t u")
    );
    let entry = document.root.entry("16").unwrap();
    assert_eq!(
        (entry.key.as_scalar().unwrap().text(), entry.value.kind()),
        ("0x10", "a boolean")
    );
}

#[test]
fn aliases_and_merges_are_expanded_and_say_so() {
    let document = one("base: &b {x: 1}\nsame: *b\nmore:\n  <<: *b\n  y: 2\n");
    let same = document.root.get("same").unwrap();
    assert_eq!(
        (same.alias.as_deref(), same.position().line),
        (Some("b"), 2)
    );
    assert_eq!(same.get("x").unwrap().position().line, 1);
    let more = document.root.get("more").unwrap();
    let merged: Vec<(&str, bool)> = more
        .as_mapping()
        .unwrap()
        .iter()
        .map(|e| (e.name(), e.merged))
        .collect();
    // `y` is a boolean word, and so a key named `true`.
    assert_eq!(merged, [("x", true), ("true", false)]);
}

#[test]
fn documents_are_counted_as_written() {
    let values = |source: &str| narae_yaml::read(source).expect(source);
    assert_eq!(values(""), []);
    assert_eq!(values("# only a comment\n"), []);
    assert_eq!(values("---\n"), [Value::Null]);
    assert_eq!(
        values("--- 1\n--- 2\n...\n"),
        [Value::from(1), Value::from(2)]
    );
    assert_eq!(narae_yaml::read_one("").unwrap(), Value::Null);
    assert_eq!(
        narae_yaml::read_one("---\na: 1\n---\n# end\n")
            .unwrap()
            .get("a"),
        Some(&Value::from(1))
    );
    assert!(narae_yaml::read_one("~\n---\n1\n").is_err());
    assert_eq!(
        narae_yaml::read_one("%YAML 1.2\n---\n1\n").unwrap(),
        Value::from(1)
    );
}

#[test]
fn anchors_end_with_their_document() {
    assert!(narae_yaml::read("a: &x 1\n---\nb: *x\n").is_err());
}

#[test]
fn line_breaks_alone_are_kept_if_asked() {
    for (source, expected) in [
        ("- |+\n\n\n", "\n\n"),
        ("- |+\n\n\n- x\n", "\n\n"),
        ("- >+\n\n\n- x\n", "\n\n"),
        ("- |\n\n\n- x\n", ""),
        ("- |-\n\n- x\n", ""),
    ] {
        let value = narae_yaml::read_one(source).unwrap();
        assert_eq!(value[0].as_str(), Some(expected), "{source:?}");
    }
}
