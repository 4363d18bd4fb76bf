//! Addresses of objects, and the order in which they can be applied.

use narae_manifest::object::{apply_rank, sort_for_apply};
use narae_manifest::{ErrorKind, ObjectId, TemplateSet, Values};
use narae_yaml::Value;

use super::yaml;

mod pod;
mod quantity;

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
            "`metadata.name` of X is empty",
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
fn an_address_is_of_a_form_that_can_be_shown_and_be_part_of_a_path() {
    let object = |kind: &str, field: &str, text: &str| {
        let mut object = yaml("{apiVersion: v1, kind: X, metadata: {name: a, namespace: b}}");
        *object.at_mut(&"kind".parse().unwrap()).unwrap() = kind.into();
        *object.at_mut(&field.parse().unwrap()).unwrap() = text.into();
        object
    };
    let longest = "K".repeat(63);
    for kind in ["X", "V2", longest.as_str()] {
        assert!(ObjectId::of(&object(kind, "metadata.name", "a")).is_ok());
    }
    let too_long = "K".repeat(64);
    for kind in ["2X", "a b", "A/B", "A\n", "Ä", "A-B", too_long.as_str()] {
        let error = ObjectId::of(&object(kind, "metadata.name", "a")).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (
                ErrorKind::Object,
                "`kind` must be a letter with letters and digits behind it, at most 63"
            )
        );
    }
    for field in ["metadata.name", "metadata.namespace"] {
        for name in ["a", "a.b-c", "system:node", "..."] {
            assert!(ObjectId::of(&object("X", field, name)).is_ok(), "{name}");
        }
        for name in ["a b", "a\u{a0}b", "a\n", "\u{1b}[2J", "a/b", "a%2fb"] {
            let error = ObjectId::of(&object("X", field, name)).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("`{field}` of X must not have white space, control characters, `/` or `%`")
            );
        }
        for name in [".", ".."] {
            let error = ObjectId::of(&object("X", field, name)).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("`{field}` of X must not be `.` or `..`")
            );
        }
        let error = ObjectId::of(&object("X", field, "")).unwrap_err();
        assert_eq!(error.to_string(), format!("`{field}` of X is empty"));
    }
    for api_version in ["a/b/c", "/v1", "apps/", "v 1", "v1\n"] {
        let error = ObjectId::of(&object("X", "apiVersion", api_version)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`apiVersion` must be like `apps/v1` or `v1`"
        );
    }
}

#[test]
fn a_rendered_document_without_an_address_is_named_by_its_template() {
    let mut set = TemplateSet::new();
    set.add(
        "t.yaml",
        "kind: A\napiVersion: v1\nmetadata: {name: a}\n---\nkind: B\napiVersion: v1\n",
    )
    .unwrap();
    let rendering = set.render(&Values::merge([]).unwrap()).unwrap();
    let ids: Vec<String> = rendering
        .objects
        .iter()
        .map(|rendered| match rendered.id() {
            Ok(id) => id.to_string(),
            Err(error) => error.to_string(),
        })
        .collect();
    assert_eq!(ids, ["A a", "t.yaml:5:1: B has no `metadata.name`"]);
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
