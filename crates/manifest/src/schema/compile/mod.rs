//! Schemas as people write them, compiled: the structural schemas of custom resource definitions
//! (`apiextensions.k8s.io/v1`) and JSON Schema (2020-12, and what draft 7 has in common with it)
//! for values.
//!
//! A keyword that is not understood is an error at its place: a schema that is half enforced looks
//! like one that is. Keywords that only describe are skipped, and so are unknown ones that begin
//! with `x-`, which both specifications leave to others.

mod keyword;
mod source;

use std::collections::HashMap;
use std::sync::Arc;

use narae_yaml::{Entry, NodeData};

use super::node::{Node, NodeId, Others, Types};
use crate::error::Error;
use crate::origin::Origin;
use crate::suggestion::nearest;
use source::Source;

/// Which words a schema is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Of a custom resource: fields that are not named are dropped by an API server.
    Structural,
    /// Inside `allOf` and its like of a custom resource, which name no fields of their own.
    Junctor,
    JsonSchema,
}

/// A rule that could not be compiled, or that only makes sense with an older object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SkippedRule {
    /// The API version of the objects it is for.
    pub api_version: String,
    /// The kind of the objects it is for.
    pub kind: String,
    /// Where it stands.
    pub origin: Origin,
    /// Why it is not checked.
    pub reason: String,
    /// Whether it is about how an object changes (`oldSelf`), and asks nothing of one that is created.
    pub is_about_change: bool,
}

pub(super) struct Compiler<'c> {
    pub(super) nodes: &'c mut Vec<Node>,
    pub(super) source: Source,
    /// Every schema by where it stands, as a JSON pointer: what `$ref` names.
    by_pointer: HashMap<String, NodeId>,
    references: Vec<(NodeId, String, Origin)>,
    /// The API version and the kind that the schema is for, when it is for one.
    pub(super) subject: (String, String),
    pub(super) skipped: Vec<SkippedRule>,
}

impl<'c> Compiler<'c> {
    pub(super) fn new(nodes: &'c mut Vec<Node>, name: Arc<str>) -> Self {
        Self {
            nodes,
            source: Source(name),
            by_pointer: HashMap::new(),
            references: Vec::new(),
            subject: Default::default(),
            skipped: Vec::new(),
        }
    }

    /// Compiles a whole schema.
    pub(super) fn root(
        &mut self,
        schema: &narae_yaml::Node,
        dialect: Dialect,
    ) -> Result<NodeId, Error> {
        let id = self.schema(schema, dialect, "")?;
        for (from, pointer, origin) in std::mem::take(&mut self.references) {
            let Some(target) = self.by_pointer.get(&pointer) else {
                let error = self
                    .source
                    .refuse(origin, format!("there is no schema at `#{pointer}`"));
                let known = nearest(&pointer, self.by_pointer.keys().map(String::as_str));
                return Err(match known {
                    Some(known) => error.note(format!("did you mean `#{known}`")),
                    None => error,
                });
            };
            let target = *target;
            if let Some(node) = self.nodes.get_mut(from) {
                node.more().all_of.push(target);
            }
        }
        Ok(id)
    }

    pub(super) fn skip(&mut self, origin: Origin, reason: &str, is_about_change: bool) {
        let (api_version, kind) = self.subject.clone();
        self.skipped.push(SkippedRule {
            api_version,
            kind,
            origin,
            reason: reason.to_owned(),
            is_about_change,
        });
    }

    pub(super) fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn schema(
        &mut self,
        schema: &narae_yaml::Node,
        dialect: Dialect,
        pointer: &str,
    ) -> Result<NodeId, Error> {
        // The number comes first: a schema below may refer to this one.
        let id = self.add(Node::any());
        self.by_pointer.insert(pointer.to_owned(), id);
        let mut draft = Draft {
            id,
            dialect,
            pointer: pointer.to_owned(),
            node: Node::any(),
            preserves: false,
            is_embedded: false,
            nullable: false,
            exclusive: (false, false),
        };
        match &schema.data {
            NodeData::Mapping(entries) => {
                for entry in entries {
                    self.keyword(&mut draft, entry)?;
                }
            }
            NodeData::Scalar(scalar) if dialect == Dialect::JsonSchema => {
                match scalar.value().as_bool() {
                    Some(true) => {}
                    Some(false) => draft.node.more().never = true,
                    None => return Err(self.source.expected(schema, "a schema")),
                }
            }
            _ => return Err(self.source.expected(schema, "a schema, which is a mapping")),
        }
        let node = draft.finish(self)?;
        if let Some(place) = self.nodes.get_mut(id) {
            *place = node;
        }
        #[cfg(feature = "cel")]
        self.skip_misread(id);
        Ok(id)
    }

    /// Schemas by name: `properties`, `$defs`.
    fn named(
        &mut self,
        draft: &Draft,
        dialect: Dialect,
        entry: &Entry,
    ) -> Result<Vec<(Box<str>, NodeId)>, Error> {
        let entries = self.source.mapping(&entry.value)?;
        let below = format!("{}/{}", draft.pointer, entry.name());
        let compile = |entry: &Entry| {
            let name = entry.name();
            let pointer = format!("{below}/{}", name.replace('~', "~0").replace('/', "~1"));
            Ok((name.into(), self.schema(&entry.value, dialect, &pointer)?))
        };
        entries.iter().map(compile).collect()
    }

    fn list(&mut self, draft: &Draft, entry: &Entry) -> Result<Vec<NodeId>, Error> {
        let items = self.source.sequence(&entry.value)?;
        let below = format!("{}/{}", draft.pointer, entry.name());
        let compile = |(index, item): (usize, &narae_yaml::Node)| {
            self.schema(item, draft.inner(), &format!("{below}/{index}"))
        };
        items.iter().enumerate().map(compile).collect()
    }

    fn one(&mut self, draft: &Draft, dialect: Dialect, entry: &Entry) -> Result<NodeId, Error> {
        let pointer = format!("{}/{}", draft.pointer, entry.name());
        self.schema(&entry.value, dialect, &pointer)
    }
}

/// The schema of `metadata`: Kubernetes' own where it is known.
pub(super) fn object_meta(nodes: &mut Vec<Node>) -> NodeId {
    let known = nodes
        .iter()
        .position(|node| node.name.as_deref() == Some("ObjectMeta"));
    known.unwrap_or_else(|| {
        nodes.push(Node {
            name: Some("ObjectMeta".into()),
            null_is_absent: true,
            ..Node::of(Types::OBJECT)
        });
        nodes.len() - 1
    })
}

/// A schema while its keywords are read, in whatever order they stand.
pub(super) struct Draft {
    id: NodeId,
    dialect: Dialect,
    pointer: String,
    pub(super) node: Node,
    /// `x-kubernetes-preserve-unknown-fields`.
    preserves: bool,
    /// `x-kubernetes-embedded-resource`.
    is_embedded: bool,
    nullable: bool,
    /// Whether the minimum and the maximum are excluded: flags, in Kubernetes' dialect.
    exclusive: (bool, bool),
}

impl Draft {
    /// The dialect of `allOf` and its like.
    fn inner(&self) -> Dialect {
        match self.dialect {
            Dialect::JsonSchema => Dialect::JsonSchema,
            Dialect::Structural | Dialect::Junctor => Dialect::Junctor,
        }
    }

    fn finish(mut self, compiler: &mut Compiler<'_>) -> Result<Node, Error> {
        let node = &mut self.node;
        if self.nullable && !node.types.is_any() {
            node.types = node.types.or(Types::NULL);
        }
        node.is_structural = self.dialect != Dialect::JsonSchema;
        node.drops_null = self.dialect == Dialect::Structural && !self.nullable;
        if let Some(constraints) = &mut node.more {
            let (least, most) = (&mut constraints.minimum, &mut constraints.maximum);
            for (bound, exclusive) in [(least, self.exclusive.0), (most, self.exclusive.1)] {
                if let Some(bound) = bound {
                    bound.exclusive |= exclusive;
                }
            }
        }
        let is_closed = self.dialect == Dialect::Structural
            && !self.preserves
            && matches!(node.others, Others::Anything)
            && (node.types.has(Types::OBJECT) || !node.fields.is_empty());
        if is_closed {
            node.others = Others::Unknown;
        }
        if self.is_embedded {
            let own = ["apiVersion", "kind", "metadata"];
            node.fields.retain(|(name, _)| !own.contains(&&**name));
            for name in ["apiVersion", "kind"] {
                let mut text = Node::of(Types::STRING);
                text.more().length.least = Some(1);
                node.fields.push((name.into(), compiler.add(text)));
                node.required.push(name.into());
            }
            let metadata = object_meta(compiler.nodes);
            node.fields.push(("metadata".into(), metadata));
        }
        node.fields.sort();
        #[cfg(feature = "cel")]
        {
            self.node.holds = super::typed::holds(compiler.nodes, &self.node);
        }
        Ok(self.node)
    }
}
