//! A SealedSecret as a whole: names, scopes, the template.

use std::collections::BTreeMap;

use narae_yaml::{Node, Value};

use super::{Check, Report};
use crate::sealed::Scope;
use crate::sealed::seal::LAST_APPLIED;

pub(super) fn check(seen: &mut BTreeMap<(String, String), String>, report: &mut Report<'_, '_>) {
    let secret = report.secret;
    let own = secret.position();
    if let Err(error) = secret.label() {
        report.add(Check::Label, own, None, error.to_string());
    }
    let id = (secret.namespace().to_owned(), secret.name().to_owned());
    let place = secret.place(own);
    match seen.get(&id) {
        Some(first) => {
            let message = format!("there is another of this name at {first}");
            report.add(Check::DuplicateSecret, own, None, message);
        }
        None => {
            seen.insert(id, place);
        }
    }
    scopes(report);
    template(report);
    readable(report);
    for metadata in [Some(&secret.node), secret.spec("template")] {
        applied(metadata.and_then(|node| node.get("metadata")), report);
    }
}

fn scopes(report: &mut Report<'_, '_>) {
    let secret = report.secret;
    let annotations = secret
        .node
        .get("metadata")
        .and_then(|metadata| metadata.get("annotations"));
    let mut set = Vec::new();
    for scope in [Scope::ClusterWide, Scope::NamespaceWide] {
        let name = scope.annotation().unwrap_or_default();
        let Some(node) = annotations.and_then(|annotations| annotations.get(name)) else {
            continue;
        };
        if node.as_str() == Some("true") {
            set.push(node.position());
        } else {
            let message = format!("`{name}` is ignored: it is not the text `true`");
            report.add(Check::ScopeAnnotation, node.position(), None, message);
        }
    }
    if let [_, second] = set.as_slice() {
        let message = "both scopes are set, and cluster-wide wins".to_owned();
        report.add(Check::ScopeAnnotation, *second, None, message);
    }
    let template = secret
        .template()
        .and_then(|template| template.get("metadata"));
    let (own, asked) = (secret.scope(), Scope::from_metadata(template));
    if template.is_some_and(|metadata| !metadata.is_null()) && own != asked {
        let position = secret
            .spec("template")
            .map_or(secret.position(), Node::position);
        let message =
            format!("the template's scope is {asked}, the SealedSecret's {own}, which counts");
        report.add(Check::ScopeMismatch, position, None, message);
    }
}

fn template(report: &mut Report<'_, '_>) {
    let Some(template) = report.secret.spec("template") else {
        return;
    };
    let (name, namespace) = (report.secret.name(), report.secret.namespace());
    let metadata = template.get("metadata");
    for (field, own) in [("name", name), ("namespace", namespace)] {
        let Some(node) = metadata.and_then(|metadata| metadata.get(field)) else {
            continue;
        };
        if let Some(other) = node
            .as_str()
            .filter(|other| *other != own && !other.is_empty())
        {
            let message =
                format!("the template's {field} is `{other}`, the SealedSecret's `{own}`");
            report.add(Check::TemplateName, node.position(), None, message);
        }
    }
    for field in ["data", "stringData"] {
        let entries = template.get(field).and_then(Node::as_mapping);
        for entry in entries.unwrap_or_default() {
            let literal = match entry.value.to_value() {
                Value::Null => false,
                // Something that is rendered from the items is why the field exists.
                Value::String(text) => !text.is_empty() && !text.contains("{{"),
                _ => true,
            };
            if literal {
                let key = entry.name();
                let message = format!("`spec.template.{field}.{key}` is plaintext in the file");
                report.add(Check::Plaintext, entry.key.position(), None, message);
            }
        }
    }
}

fn is_null(node: &Node) -> bool {
    node.to_value().is_null()
}

/// The controller reads the whole object or nothing of it: what is no text where text belongs is enough.
fn readable(report: &mut Report<'_, '_>) {
    let secret = report.secret;
    let template = secret.spec("template");
    let of_template = template.and_then(|template| template.get("metadata"));
    let mut wrong = Vec::new();
    for (place, metadata) in [
        ("metadata", secret.node.get("metadata")),
        ("spec.template.metadata", of_template),
    ] {
        for field in ["labels", "annotations"] {
            let node = metadata.and_then(|metadata| metadata.get(field));
            let Some(node) = node.filter(|node| !is_null(node)) else {
                continue;
            };
            let Some(entries) = node.as_mapping() else {
                wrong.push((format!("{place}.{field}"), node, "a mapping"));
                continue;
            };
            let others = entries
                .iter()
                .filter(|entry| entry.value.as_str().is_none() && !is_null(&entry.value));
            wrong.extend(others.map(|entry| {
                let path = format!("{place}.{field}[{:?}]", entry.name());
                (path, &entry.value, "text")
            }));
        }
    }
    let field = |name| {
        let node: Option<&Node> = template.and_then(|template| template.get(name));
        node.filter(|node| !is_null(node))
    };
    if let Some(node) = field("type").filter(|node| node.as_str().is_none()) {
        wrong.push(("spec.template.type".to_owned(), node, "text"));
    }
    let is_bool = |node: &Node| matches!(node.to_value(), Value::Bool(_));
    if let Some(node) = field("immutable").filter(|node| !is_bool(node)) {
        wrong.push(("spec.template.immutable".to_owned(), node, "true or false"));
    }
    for (path, node, expected) in wrong {
        let message = format!("`{path}` is {}, expected {expected}", node.kind());
        report.add(Check::Unreadable, node.position(), None, message);
    }
}

/// What `kubectl apply` remembers of a Secret is its plaintext; of a SealedSecret it is the ciphertext.
fn applied(metadata: Option<&Node>, report: &mut Report<'_, '_>) {
    let annotations = metadata.and_then(|metadata| metadata.get("annotations"));
    for name in LAST_APPLIED {
        let node = annotations.and_then(|annotations| annotations.get(name));
        let Some(node) = node.filter(|node| {
            node.as_str()
                .is_some_and(|text| !text.contains("SealedSecret"))
        }) else {
            continue;
        };
        let message = format!("annotation `{name}` holds the Secret as it was applied");
        report.add(Check::Plaintext, node.position(), None, message);
    }
}
