//! Strings that look like something else, or like structure, arrive as they are.

use std::fs;

use narae_yaml::{Path, Value};

use crate::sandbox::Sandbox;

const NASTY: &[(&str, &str)] = &[
    ("YES", "yes"),
    ("UNDERSCORE", "1_000"),
    ("STRUCTURE", ": #{{"),
    ("QUOTED", "\": #{{"),
    ("LINES", "first\nsecond: {a: [b\n\n  third\n"),
    ("OCTAL", "0444"),
    ("EMPTY", ""),
    ("TILDE", "~"),
    ("EXPONENT", "12e4567"),
    ("TEMPLATE", "{{app.name}}"),
    (
        "INJECTION",
        "x\nautomountServiceAccountToken: true\nkind: Pod",
    ),
];

#[test]
fn nasty_values_arrive_unchanged() {
    let sandbox = Sandbox::new();
    let shop = sandbox.shop();
    let mut features = narae_yaml::Mapping::new();
    for (name, text) in NASTY {
        features.insert((*name).to_owned(), Value::from(*text));
    }
    let mut values = narae_yaml::Mapping::new();
    values.insert("features".to_owned(), Value::Mapping(features));
    let written = narae_yaml::write(&Value::Mapping(values));
    let pair = shop.join("values/pairs/idc-dev.yaml");
    fs::write(pair, written).unwrap();
    sandbox.delivered(&["--app", "shop"]);
    let file = sandbox.file("environments/dev/idc/shop/configmap-shop-features.yaml");
    let ours = narae_yaml::read_one(&file).unwrap();
    // A YAML 1.2 reader that has nothing to do with ours must see the same strings.
    let theirs: serde_json::Value = yaml_serde::from_str(&file).unwrap();
    for (name, text) in NASTY {
        let path: Path = format!("data.FEATURE_{name}").parse().unwrap();
        assert_eq!(
            ours.at(&path).and_then(Value::as_str),
            Some(*text),
            "{name} in:\n{file}"
        );
        assert_eq!(
            theirs["data"][format!("FEATURE_{name}")],
            *text,
            "{name} in:\n{file}"
        );
    }
}
