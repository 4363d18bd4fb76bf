//! Custom resource definitions (`apiextensions.k8s.io/v1`): their kinds, versions and schemas.
//!
//! `metadata` is checked as that of any object, and as the definition asks of names.

use narae_yaml::{Node as YamlNode, Reader};

use super::compile::{Compiler, Dialect, object_meta};
use super::node::{Node, NodeId, Types};
use super::{Kind, Schemas, Scope};
use crate::error::{Error, ErrorKind};
use crate::origin::Origin;

pub(super) fn add(schemas: &mut Schemas, name: &str, text: &str) -> Result<(), Error> {
    let documents = Reader::new().named(name).read(text)?;
    // What a refused file added must not stay.
    let mut grown = schemas.clone();
    let mut any = false;
    for document in &documents {
        let root = &document.root;
        let is = |field: &str, text: &str| root.get(field).and_then(YamlNode::as_str) == Some(text);
        if is("kind", "CustomResourceDefinition") && is("apiVersion", "apiextensions.k8s.io/v1") {
            Definition { name, root }.add_to(&mut grown)?;
            any = true;
        }
    }
    if !any {
        let message =
            "there is no CustomResourceDefinition of apiextensions.k8s.io/v1 in this file";
        let start = narae_yaml::Position::new(0, 1, 1);
        let error = Error::new(ErrorKind::Unsupported, message);
        return Err(error.at(Origin::at(name.into(), start)));
    }
    *schemas = grown;
    Ok(())
}

struct Definition<'d> {
    name: &'d str,
    root: &'d YamlNode,
}

impl Definition<'_> {
    fn add_to(&self, schemas: &mut Schemas) -> Result<(), Error> {
        let spec = self.part(self.root, "spec")?;
        let group = self.text(spec, "group")?;
        let kind = self.text(self.part(spec, "names")?, "kind")?;
        let scope = match self.text(spec, "scope")? {
            "Cluster" => Scope::Cluster,
            _ => Scope::Namespaced,
        };
        let versions = self.part(spec, "versions")?;
        for version in versions.as_sequence().unwrap_or(&[]) {
            let api_version = format!("{group}/{}", self.text(version, "name")?);
            let served = version.get("served").map(YamlNode::to_value);
            if served == Some(narae_yaml::Value::Bool(false)) {
                continue;
            }
            let schema = self.part(self.part(version, "schema")?, "openAPIV3Schema")?;
            let metadata = object_meta(&mut schemas.nodes);
            let mut compiler = Compiler::new(&mut schemas.nodes, self.name.into());
            compiler.subject = (api_version.clone(), kind.to_owned());
            let root = compiler.root(schema, Dialect::Structural)?;
            let text = compiler.add(Node::of(Types::STRING));
            let skipped = std::mem::take(&mut compiler.skipped);
            schemas.skipped.extend(skipped);
            let metadata = named(&mut schemas.nodes, root, metadata);
            if let Some(node) = schemas.nodes.get_mut(root) {
                complete(node, kind, text, metadata);
            }
            let kinds = schemas.kinds.entry(api_version).or_default();
            kinds.insert(
                kind.to_owned(),
                Kind {
                    schema: root,
                    scope,
                    has_defaults: true,
                    ignores_status: version
                        .get("subresources")
                        .and_then(|all| all.get("status"))
                        .is_some(),
                },
            );
        }
        Ok(())
    }

    fn part<'n>(&self, node: &'n YamlNode, field: &str) -> Result<&'n YamlNode, Error> {
        node.get(field).ok_or_else(|| {
            let message = format!("this part of a definition has no `{field}`");
            let origin = Origin::at(self.name.into(), node.span.start);
            Error::new(ErrorKind::Syntax, message).at(origin)
        })
    }

    fn text<'n>(&self, node: &'n YamlNode, field: &str) -> Result<&'n str, Error> {
        let part = self.part(node, field)?;
        part.as_str().ok_or_else(|| {
            let message = format!("`{field}` must be a string, found {}", part.kind());
            let origin = Origin::at(self.name.into(), part.span.start);
            Error::new(ErrorKind::Syntax, message).at(origin)
        })
    }
}

/// `metadata` with what a definition asks of names, the only thing it may say of it.
fn named(nodes: &mut Vec<Node>, root: NodeId, metadata: NodeId) -> NodeId {
    let own = nodes.get(root).and_then(|root| root.field("metadata"));
    let asked = own.and_then(|own| nodes.get(own)).map(|own| {
        let mut asked = Node::of(Types::OBJECT);
        asked.fields.clone_from(&own.fields);
        asked
    });
    match (asked, nodes.get(metadata).cloned()) {
        (Some(asked), Some(mut node)) if !asked.fields.is_empty() => {
            nodes.push(asked);
            let asked = nodes.len() - 1;
            node.more().all_of.push(asked);
            nodes.push(node);
            nodes.len() - 1
        }
        _ => metadata,
    }
}

/// What every object has, whatever its definition says of it.
fn complete(node: &mut Node, kind: &str, text: usize, metadata: usize) {
    node.name = Some(kind.into());
    node.types = Types::OBJECT;
    let own = ["apiVersion", "kind", "metadata"];
    node.fields.retain(|(name, _)| !own.contains(&&**name));
    let schemas = [text, text, metadata];
    let fields = own.into_iter().zip(schemas);
    node.fields
        .extend(fields.map(|(name, schema)| (name.into(), schema)));
    node.fields.sort();
}
