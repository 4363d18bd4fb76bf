//! A custom resource as an API server sees it before it validates: what is absent, or `null` where
//! that is not allowed, and has a default is filled in, level by level (structural schemas,
//! `defaulting` of apiextensions-apiserver). A `null` without a default stays: a server drops it from
//! an object that is created, and refuses it in one that is applied. Decides nothing.
//!
//! O(fields of the value + those of its schemas); [`MAX_DEPTH`] deep at most, where the check stops
//! as well.

use narae_yaml::Value;

use super::node::{Node, NodeId, Others};
use super::walk::MAX_DEPTH;

/// The value with its defaults.
pub(super) fn complete(nodes: &[Node], id: NodeId, value: &Value) -> Value {
    let mut value = value.clone();
    fill(nodes, id, &mut value, 0);
    value
}

fn fill(nodes: &[Node], id: NodeId, value: &mut Value, depth: usize) {
    let Some(node) = nodes.get(id).filter(|_| depth < MAX_DEPTH) else {
        return;
    };
    let schema_of = |key: &str| match (node.field(key), node.others) {
        (Some(field), _) | (None, Others::Each(field)) => {
            nodes.get(field).map(|node| (field, node))
        }
        _ => None,
    };
    match value {
        Value::Mapping(mapping) => {
            for (name, field) in &node.fields {
                let default = nodes.get(*field).and_then(|node| node.default.as_deref());
                if let Some(default) = default
                    && !mapping.contains_key(name)
                {
                    mapping.insert(&**name, default.clone());
                }
            }
            for (key, value) in mapping.iter_mut() {
                if let Some((id, node)) = schema_of(key) {
                    replace_null(node, value);
                    fill(nodes, id, value, depth + 1);
                }
            }
        }
        Value::Sequence(items) => {
            for item in items {
                if let Some((id, node)) = node.items.and_then(|id| Some((id, nodes.get(id)?))) {
                    replace_null(node, item);
                    fill(nodes, id, item, depth + 1);
                }
            }
        }
        _ => {}
    }
}

fn replace_null(node: &Node, value: &mut Value) {
    if let Some(default) = node
        .default
        .as_deref()
        .filter(|_| value.is_null() && node.drops_null)
    {
        *value = default.clone();
    }
}
