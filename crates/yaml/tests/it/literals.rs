//! What plain and tagged scalars mean: `tests/data/literals.txt`, recorded from Go's reader.

use narae_yaml::{Reader, Schema, Value};

fn meaning(literal: &str, schema: Schema) -> Option<Value> {
    let document = Reader::new()
        .with_schema(schema)
        .read_one(&format!("v: {literal}\n"))
        .ok()?;
    document.into_value().get("v").cloned()
}

fn recorded(column: &str) -> Option<Value> {
    match column {
        "refused" => None,
        ".inf" => Some(f64::INFINITY.into()),
        "-.inf" => Some(f64::NEG_INFINITY.into()),
        ".nan" => Some(f64::NAN.into()),
        json => Some(serde_json::from_str(json).expect("a JSON value")),
    }
}

/// A line of the table.
pub(crate) struct Row {
    pub(crate) literal: &'static str,
    pub(crate) kubernetes: Option<Value>,
    pub(crate) core: Option<Value>,
}

pub(crate) fn rows() -> Vec<Row> {
    let lines = include_str!("../data/literals.txt").lines();
    let rows: Vec<Row> = lines
        .filter(|line| !line.starts_with("# "))
        .map(|line| {
            let mut columns = line.split('\t');
            let mut next = || columns.next().expect("three columns");
            Row {
                literal: next(),
                kubernetes: recorded(next()),
                core: recorded(next()),
            }
        })
        .collect();
    assert!(rows.len() > 190, "only {} rows", rows.len());
    rows
}

#[test]
fn every_literal_means_what_was_recorded() {
    let mut wrong = Vec::new();
    for row in rows() {
        for (expected, schema) in [
            (&row.kubernetes, Schema::Kubernetes),
            (&row.core, Schema::Core),
        ] {
            let got = meaning(row.literal, schema);
            if *expected != got {
                wrong.push(format!(
                    "{} as {schema:?}: expected {expected:?}, got {got:?}",
                    row.literal
                ));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn keys_are_named_as_go_names_them() {
    for (key, name) in [
        ("yes", "true"),
        ("off", "false"),
        ("y", "true"),
        ("0x10", "16"),
        ("-010", "-8"),
        ("1.50", "1.5"),
        ("1.0", "1"),
        ("1e5", "100000"),
        ("1e6", "1e+06"),
        ("1e-7", "1e-07"),
        ("123456789.5", "1.2345679e+08"),
        ("18446744073709551616", "1.8446744e+19"),
        ("-0.0", "-0"),
        ("-0", "0"),
        (".Inf", ".inf"),
        ("-.inf", "-.inf"),
        (".NaN", ".nan"),
        ("'yes'", "yes"),
        ("!!str 1.0", "1.0"),
        ("!!binary aGk=", "hi"),
    ] {
        let value = narae_yaml::read_one(&format!("{key}: 1\n")).expect(key);
        let names: Vec<&str> = value.as_mapping().unwrap().keys().collect();
        assert_eq!(names, [name], "{key}");
    }
    for key in [
        "null",
        "~",
        "? ",
        "? [a]\n",
        "? {a: b}\n",
        "18446744073709551615",
    ] {
        assert!(
            narae_yaml::read_one(&format!("{key}: 1\n")).is_err(),
            "{key}"
        );
    }
}

#[test]
fn merge_keys_let_written_and_earlier_entries_win() {
    let source = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  first: 0\n  <<: [*a, *b]\n  z: 3\n";
    let value = narae_yaml::read_one(source).unwrap();
    let merged: Vec<(&str, u64)> = value
        .get("c")
        .unwrap()
        .as_mapping()
        .unwrap()
        .iter()
        .map(|(k, v)| (k, v.as_u64().unwrap()))
        .collect();
    assert_eq!(merged, [("first", 0), ("x", 1), ("true", 1), ("z", 3)]);
    let written_before = narae_yaml::read_one("x: 1\n<<: {x: 2}\n").unwrap();
    assert_eq!(written_before.get("x").and_then(Value::as_u64), Some(1));
    let quoted = narae_yaml::read_one("'<<': {x: 2}\n").unwrap();
    assert!(quoted.get("<<").is_some());
}
