//! Addresses of objects, and the order in which they can be applied.

use narae_manifest::object::{apply_rank, sort_for_apply};
use narae_manifest::{ErrorKind, ObjectId};
use narae_yaml::Value;

use super::yaml;

#[test]
fn an_object_is_addressed_by_version_kind_namespace_and_name() {
    for (object, display, group, version) in [
        (
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: shop, namespace: shop-dev}}",
            "Deployment shop-dev/shop",
            "apps",
            "v1",
        ),
        (
            "{apiVersion: v1, kind: Namespace, metadata: {name: shop-dev}}",
            "Namespace shop-dev",
            "",
            "v1",
        ),
        (
            "{apiVersion: batch/v1, kind: Job, metadata: {generateName: migrate-}}",
            "Job ",
            "batch",
            "v1",
        ),
    ] {
        let id = ObjectId::of(&yaml(object)).unwrap();
        assert_eq!(
            (id.to_string().as_str(), id.group(), id.version()),
            (display, group, version)
        );
    }
    for (object, expected) in [
        (
            "{kind: X}",
            "not a Kubernetes object: it has no `apiVersion`",
        ),
        (
            "{apiVersion: v1}",
            "not a Kubernetes object: it has no `kind`",
        ),
        ("{apiVersion: v1, kind: X}", "X has no `metadata.name`"),
        (
            "{apiVersion: v1, kind: 3}",
            "`kind` must be a string, found a number",
        ),
        (
            "{apiVersion: v1, kind: X, metadata: {name: ''}}",
            "`metadata.name` is empty",
        ),
        ("[1]", "not a Kubernetes object: it has no `apiVersion`"),
    ] {
        let error = ObjectId::of(&yaml(object)).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Object, expected)
        );
    }
}

#[test]
fn what_others_need_is_applied_first_and_webhooks_last() {
    let kinds = [
        "ValidatingWebhookConfiguration",
        "HTTPRoute",
        "Deployment",
        "Service",
        "ConfigMap",
        "CustomResourceDefinition",
        "Namespace",
    ];
    let object = |kind: &&str| {
        yaml(&format!(
            "{{apiVersion: v1, kind: {kind}, metadata: {{name: a}}}}"
        ))
    };
    let mut objects: Vec<Value> = kinds.iter().map(object).collect();
    objects.insert(0, Value::Null);
    sort_for_apply(&mut objects);
    let sorted: Vec<&str> = objects
        .iter()
        .filter_map(|object| object.get("kind")?.as_str())
        .collect();
    assert_eq!(sorted, kinds.iter().rev().copied().collect::<Vec<_>>());
    assert!(objects.last().is_some_and(Value::is_null));
    assert!(
        apply_rank("Namespace") < apply_rank("Secret") && apply_rank("Secret") < apply_rank("Pod")
    );
}
