//! Custom resource definitions (`apiextensions.k8s.io/v1`): their kinds, versions and schemas.
//!
//! `metadata` is checked as that of any object; the little a definition may say of it is not read.

use narae_yaml::{Node as YamlNode, Reader};

use super::compile::{Compiler, Dialect};
use super::node::{Node, Types};
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
            let metadata = metadata_of(schemas);
            let mut compiler = Compiler::new(&mut schemas.nodes, self.name.into());
            let root = compiler.root(schema, Dialect::Structural)?;
            let text = compiler.add(Node::of(Types::STRING));
            let skipped = std::mem::take(&mut compiler.skipped);
            schemas.skipped.extend(skipped);
            if let Some(node) = schemas.nodes.get_mut(root) {
                complete(node, kind, text, metadata);
            }
            let kinds = schemas.kinds.entry(api_version).or_default();
            kinds.insert(
                kind.to_owned(),
                Kind {
                    schema: root,
                    scope,
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

/// The schema of `metadata`: Kubernetes' own where it is known.
fn metadata_of(schemas: &mut Schemas) -> usize {
    let known = schemas
        .nodes
        .iter()
        .position(|node| node.name.as_deref() == Some("ObjectMeta"));
    known.unwrap_or_else(|| {
        schemas.nodes.push(Node {
            name: Some("ObjectMeta".into()),
            ..Node::of(Types::OBJECT)
        });
        schemas.nodes.len() - 1
    })
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
