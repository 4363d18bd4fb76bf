//! The SealedSecret to be made, and what of the Secret goes into it.

use std::collections::BTreeMap;

use narae_yaml::{Mapping, Value};

use super::SealError;
use crate::sealed::provenance::{ANNOTATION, Record};
use crate::sealed::{Label, Scope};

/// Annotations that hold a copy of the object as it was applied, plaintext included.
pub(in crate::sealed) const LAST_APPLIED: [&str; 2] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubecfg.ksonnet.io/last-applied-configuration",
];

/// The fields of a Secret.
const FIELDS: [&str; 7] = [
    "apiVersion",
    "kind",
    "metadata",
    "type",
    "immutable",
    "data",
    "stringData",
];

/// Metadata a server fills in, or that must not be carried to another object.
const SERVER_FIELDS: [&str; 9] = [
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "ownerReferences",
    "managedFields",
];

/// The object to be made: what is taken over from the Secret.
pub(super) struct Target<'a> {
    secret: &'a Value,
    name: &'a str,
    namespace: &'a str,
    pub(super) label: Label,
}

impl<'a> Target<'a> {
    pub(super) fn of(secret: &'a Value) -> Result<Self, SealError> {
        let text = |field| secret.get(field).and_then(Value::as_str);
        if text("apiVersion") != Some("v1") || text("kind") != Some("Secret") {
            return Err(SealError::NotASecret);
        }
        readable(secret)?;
        let metadata = secret.get("metadata");
        let field = |name| {
            metadata
                .and_then(|metadata| metadata.get(name))
                .and_then(Value::as_str)
                .unwrap_or("")
        };
        let (name, namespace) = (field("name"), field("namespace"));
        if name.is_empty() {
            return Err(SealError::NoName);
        }
        let label = Label::new(Scope::from_metadata(metadata), namespace, name)?;
        Ok(Self {
            secret,
            name,
            namespace,
            label,
        })
    }

    pub(super) fn manifest(&self, encrypted: BTreeMap<String, String>, record: &Record) -> Value {
        let mut annotations = Mapping::new();
        if let Some(scope) = self.label.scope().annotation() {
            annotations.insert(scope.to_owned(), Value::from("true"));
        }
        let mut metadata = Mapping::new();
        metadata.insert("name".to_owned(), Value::from(self.name));
        if !self.namespace.is_empty() {
            metadata.insert("namespace".to_owned(), Value::from(self.namespace));
        }
        if !annotations.is_empty() {
            metadata.insert("annotations".to_owned(), Value::Mapping(annotations));
        }

        let mut template = Mapping::new();
        template.insert("metadata".to_owned(), self.template_metadata());
        for field in ["type", "immutable"] {
            if let Some(value) = self.secret.get(field) {
                template.insert(field.to_owned(), value.clone());
            }
        }
        let mut items = Mapping::new();
        for (name, text) in encrypted {
            items.insert(name, Value::from(text));
        }
        let mut spec = Mapping::new();
        spec.insert("encryptedData".to_owned(), Value::Mapping(items));
        spec.insert("template".to_owned(), Value::Mapping(template));

        let mut manifest = Mapping::new();
        manifest.insert("apiVersion".to_owned(), Value::from("bitnami.com/v1alpha1"));
        manifest.insert("kind".to_owned(), Value::from("SealedSecret"));
        manifest.insert("metadata".to_owned(), Value::Mapping(metadata));
        manifest.insert("spec".to_owned(), Value::Mapping(spec));
        let mut manifest = Value::Mapping(manifest);
        record.annotate(&mut manifest);
        manifest
    }

    fn template_metadata(&self) -> Value {
        let mut metadata = Mapping::new();
        let fields = self.secret.get("metadata").and_then(Value::as_mapping);
        for (field, value) in fields.into_iter().flatten() {
            let value = match value {
                _ if SERVER_FIELDS.contains(&field) => continue,
                Value::Null if ["labels", "annotations"].contains(&field) => continue,
                Value::Mapping(own) if field == "annotations" => match annotations(own) {
                    kept if kept.is_empty() => continue,
                    kept => Value::Mapping(kept),
                },
                other => other.clone(),
            };
            metadata.insert(field.to_owned(), value);
        }
        Value::Mapping(metadata)
    }
}

/// Those that go along. Plaintext in the others is not even copied.
fn annotations(own: &Mapping) -> Mapping {
    let mut kept = Mapping::new();
    for (name, value) in own {
        if name != ANNOTATION && !LAST_APPLIED.contains(&name) {
            kept.insert(name.to_owned(), value.clone());
        }
    }
    kept
}

/// Whether Kubernetes can read what is taken over: kubeseal makes text of numbers and booleans in
/// labels and annotations, and of which text it makes is for the writer to say.
fn readable(secret: &Value) -> Result<(), SealError> {
    let refused = |field: String, value: &Value, expected| {
        let kind = value.kind();
        Err(SealError::Field {
            field,
            kind,
            expected,
        })
    };
    let fields = secret.as_mapping().into_iter().flat_map(Mapping::keys);
    for field in fields.filter(|field| !FIELDS.contains(field)) {
        if let Some(known) = FIELDS
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(field))
        {
            return Err(SealError::Misspelt {
                field: field.to_owned(),
                known,
            });
        }
    }
    for field in ["name", "namespace"] {
        let value = secret
            .get("metadata")
            .and_then(|metadata| metadata.get(field));
        match value {
            None | Some(Value::Null | Value::String(_)) => {}
            Some(other) => return refused(format!("metadata.{field}"), other, "text"),
        }
    }
    match secret.get("immutable") {
        None | Some(Value::Null | Value::Bool(_)) => {}
        Some(other) => return refused("immutable".to_owned(), other, "true or false"),
    }
    match secret.get("type") {
        None | Some(Value::Null | Value::String(_)) => {}
        Some(other) => return refused("type".to_owned(), other, "text"),
    }
    for field in ["labels", "annotations"] {
        let path = format!("metadata.{field}");
        let entries = match secret
            .get("metadata")
            .and_then(|metadata| metadata.get(field))
        {
            None | Some(Value::Null) => continue,
            Some(Value::Mapping(entries)) => entries,
            Some(other) => return refused(path, other, "a mapping"),
        };
        for (key, value) in entries {
            if !matches!(value, Value::Null | Value::String(_)) {
                return refused(format!("{path}[{key:?}]"), value, "text");
            }
        }
    }
    Ok(())
}
