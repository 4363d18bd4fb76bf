//! What policies cost, for large objects and for policies that were made to cost much.

use narae_manifest::{Error, ErrorKind, PolicySet, Violation};
use narae_yaml::{Mapping, Value};

use super::{MATCH, policy};
use crate::yaml;

fn check(text: &str, object: &Value) -> Result<Vec<Violation>, Error> {
    let mut set = PolicySet::new();
    set.add("p.yaml", text)?;
    set.check(&[object])
}

fn config_map(data: Mapping) -> Value {
    let mut object = yaml(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: shop, labels: {a: b, c: d}}}",
    );
    let fields = object.as_mapping_mut().unwrap();
    fields.insert("data", Value::Mapping(data));
    object
}

/// A rule about labels costs what the labels do, however large the rest of the object is.
#[test]
fn only_the_part_that_is_looked_at_counts() {
    let large = || Value::from("x".repeat(1 << 20));
    let object = config_map(
        ["a", "b", "c"]
            .map(|key| (key, large()))
            .into_iter()
            .collect(),
    );
    let all = |map: &str| {
        policy(&format!(
            "{MATCH}  validations: [{{expression: \"{map}.all(k, {map}[k].matches('^[a-z]+$'))\"}}]\n"
        ))
    };
    for map in [
        "object.metadata.labels",
        "object['metadata'].labels",
        "object.?metadata.labels.orValue({})",
        "variables.labels",
    ] {
        let variables =
            "  variables: [{name: labels, expression: object.metadata.labels}]\n  validations";
        let text = all(map).replacen("  validations", variables, 1);
        assert_eq!(check(&text, &object).unwrap(), [], "{map}");
    }
    let absent =
        "!has(object.metadata.annotations) || object.metadata.annotations.all(k, k.matches('^a'))";
    let text = policy(&format!(
        "{MATCH}  validations: [{{expression: \"{absent}\"}}]\n"
    ));
    assert_eq!(check(&text, &object).unwrap(), []);
    let error = check(&all("object.data"), &object).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
}

/// Variables that each name the one before twice.
#[test]
fn a_violation_is_blamed_though_variables_double() {
    let object = config_map(Mapping::new());
    for (first, operator) in [
        ("object.metadata.name == 'nope'", "||"),
        ("object.metadata.name != 'nope'", "=="),
        ("object.metadata.name == 'nope'", "&&"),
    ] {
        let mut variables = format!("    - {{name: v0, expression: \"{first}\"}}\n");
        for level in 1..60 {
            let one = format!("variables.v{}", level - 1);
            variables.push_str(&format!(
                "    - {{name: v{level}, expression: '{one} {operator} {one}'}}\n"
            ));
        }
        let text = policy(&format!(
            "{MATCH}  variables:\n{variables}  validations: [{{expression: '!(!variables.v59 || false) && false'}}]\n"
        ));
        let found = check(&text, &object).unwrap();
        assert_eq!(found.len(), 1, "{operator}");
    }
    // Of a few, the field behind all of them is the one to blame.
    let text = policy(&format!(
        "{MATCH}  variables:\n    - {{name: a, expression: \"object.metadata.name == 'nope'\"}}\n    - {{name: b, expression: variables.a || variables.a}}\n    - {{name: c, expression: variables.b || variables.b}}\n  validations: [{{expression: variables.c}}]\n"
    ));
    let found = check(&text, &object).unwrap();
    assert_eq!(found[0].field.to_string(), "metadata.name");
    assert_eq!(found[0].others, []);
}

#[test]
fn a_policy_has_only_so_many_variables() {
    let object = config_map(Mapping::new());
    let chain = |length: usize| {
        let names = (1..length)
            .map(|i| format!("    - {{name: v{i}, expression: variables.v{}}}\n", i - 1));
        policy(&format!(
            "{MATCH}  variables:\n    - {{name: v0, expression: \"object.metadata.name == 'nope'\"}}\n{}  validations: [{{expression: variables.v{}}}]\n",
            names.collect::<String>(),
            length - 1
        ))
    };
    let found = check(&chain(100), &object).unwrap();
    assert_eq!(found[0].field.to_string(), "metadata.name");
    assert_eq!(check(&chain(256), &object).unwrap().len(), 1);
    for length in [257, 10_000] {
        let error = check(&chain(length), &object).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
        assert_eq!(error.message(), "a policy has at most 256 variables");
    }
}
