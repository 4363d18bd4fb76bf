//! What must hold of any object: a check ends, and repeats itself.

use narae_manifest::{Rule, Schemas, Severity};
use narae_yaml::Value;
use proptest::prelude::*;

#[test]
fn every_rule_has_an_id_of_its_own_and_one_line_of_documentation() {
    let mut ids: Vec<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), Rule::ALL.len());
    for rule in Rule::ALL {
        assert!(
            rule.summary().ends_with('.') && !rule.summary().contains('\n'),
            "{rule:?}"
        );
        assert!(Severity::Warning < Severity::Error && !rule.severity().as_str().is_empty());
    }
}

#[test]
fn every_version_has_its_fields_and_kinds() {
    let object = super::super::yaml(
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, restartPolicyRules: []}]}}",
    );
    for version in Schemas::kubernetes_versions() {
        let schemas = Schemas::kubernetes(version).unwrap();
        let findings = schemas.check(&[&object]);
        match version {
            "1.33" => {
                assert_eq!(findings[0].rule, Rule::UnknownField);
                assert_eq!(
                    findings[0].suggestion.as_deref(),
                    Some("it is one in Kubernetes 1.34 and later")
                );
            }
            _ => assert_eq!(findings, [], "{version}"),
        }
        assert!(schemas.scope("apps/v1", "Deployment").is_some());
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-zA-Z0-9 ]{0,8}".prop_map(Value::from),
    ];
    let key = prop_oneof![
        proptest::sample::select(vec![
            "spec",
            "template",
            "containers",
            "ports",
            "metadata",
            "labels",
            "resources",
            "limits",
            "cpu",
            "env",
            "name",
        ])
        .prop_map(str::to_owned),
        "[a-z]{1,4}",
    ];
    leaf.prop_recursive(6, 60, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from_iter),
            proptest::collection::vec((key.clone(), inner), 0..5)
                .prop_map(|entries| Value::Mapping(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_object_is_checked_and_twice_the_same(spec in any_value()) {
        let schemas = Schemas::kubernetes("1.36").unwrap();
        let mut object = super::super::yaml("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}");
        object.as_mapping_mut().unwrap().insert("spec", spec.clone());
        let first = schemas.check(&[&object, &spec]);
        prop_assert_eq!(schemas.check(&[&object, &spec]), first.clone());
        for finding in first {
            // It is in the object, or its mapping is.
            let parent = finding.field.parent().unwrap_or_default();
            let whole = if finding.index == Some(0) { &object } else { &spec };
            prop_assert!(whole.at(&finding.field).is_some() || whole.at(&parent).is_some());
        }
    }
}
