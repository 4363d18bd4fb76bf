//! A JSON Schema for values, checked after all layers are merged. A finding names the file, line
//! and column of the layer that set what is wrong.

use narae_yaml::Reader;

use super::compile::{Compiler, Dialect};
use super::node::{Node, NodeId};
use super::walk::Walk;
use crate::error::Error;
use crate::finding::{Finding, Rule};
use crate::values::Values;

/// What values must be: JSON Schema 2020-12, without references into other files, `contains`,
/// `dependentSchemas` and the `unevaluated…` keywords.
#[derive(Clone, Debug)]
pub struct ValuesSchema {
    nodes: Vec<Node>,
    root: NodeId,
}

impl ValuesSchema {
    /// Reads a schema, in JSON or YAML.
    ///
    /// `name` is what errors call the file, usually its path.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Syntax`](crate::ErrorKind::Syntax) when it is not one YAML document or a
    /// keyword has the wrong type, and [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported)
    /// when a keyword, type or reference is not understood, with its place.
    pub fn read(name: &str, text: &str) -> Result<Self, Error> {
        let document = Reader::new().named(name).read_one(text)?;
        let mut nodes = Vec::new();
        let root =
            Compiler::new(&mut nodes, name.into()).root(&document.root, Dialect::JsonSchema)?;
        Ok(Self { nodes, root })
    }

    /// Everything that is wrong with values. A field that is missing is blamed on who made the
    /// mapping it should be in.
    #[must_use]
    pub fn check(&self, values: &Values) -> Vec<Finding> {
        let mut findings = Walk::new(&self.nodes).findings(self.root, values.as_value());
        for finding in &mut findings {
            let mut path = finding.field.clone();
            while values.origin(&path).is_none() && path.pop().is_some() {}
            // Nobody made the whole: all layers did.
            let origin = match finding.rule {
                Rule::UnknownField => values.key_origin(&path),
                _ => values.origin(&path).cloned(),
            };
            let origin = origin.filter(|_| !path.is_root());
            finding.values = origin.map(|origin| (path, origin)).into_iter().collect();
        }
        findings
    }
}
