//! A field that is null: absent from what an API server knows by itself, there in a custom resource.

use narae_manifest::PolicySet;

use super::{MATCH, policy};
use crate::yaml;

/// Whether an object passes a policy of one rule.
fn passes(expression: &str, object: &str) -> bool {
    let text = policy(&format!(
        "{MATCH}  validations: [{{expression: \"{expression}\"}}]\n"
    ));
    let mut set = PolicySet::new();
    set.add("p.yaml", &text).unwrap();
    set.check(&[&yaml(object)]).unwrap().is_empty()
}

fn of(api_version: &str, fields: &str) -> String {
    format!(
        "apiVersion: {api_version}\nkind: Thing\nmetadata: {{name: x, labels: ~}}\nspec: {fields}\n"
    )
}

#[test]
fn a_field_of_kubernetes_that_is_null_is_absent() {
    let probed = "object.spec.containers.all(c, has(c.livenessProbe))";
    for (probe, expected) in [
        ("", false),
        (", livenessProbe: ", false),
        (", livenessProbe: ~", false),
        (", livenessProbe: {}", true),
    ] {
        let object = of("apps/v1", &format!("{{containers: [{{name: a{probe}}}]}}"));
        assert_eq!(passes(probed, &object), expected, "for {probe:?}");
    }
    for version in ["v1", "apps/v1", "networking.k8s.io/v1"] {
        let object = of(version, "{replicas: ~, list: [~, 1]}");
        assert!(passes("!has(object.spec.replicas)", &object), "{version}");
        // An element of a list keeps its place.
        assert!(passes("size(object.spec.list) == 2", &object), "{version}");
    }
}

#[test]
fn a_field_of_a_custom_resource_that_is_null_is_there() {
    for group in ["example.com/v1", "gateway.networking.k8s.io/v1"] {
        let object = of(group, "{replicas: ~}");
        assert!(passes("has(object.spec.replicas)", &object), "{group}");
        assert!(passes("object.spec.replicas == null", &object), "{group}");
        // Its metadata is Kubernetes'.
        assert!(passes("!has(object.metadata.labels)", &object), "{group}");
    }
}
