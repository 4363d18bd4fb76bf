//! The schemas of Kubernetes' own kinds, from one table for several versions.
//!
//! `schemas/kubernetes.txt` is made by `schemas/generate.py` from what Kubernetes publishes, and has
//! one line per kind, type and field, with the versions that have it where not all do. Reading it
//! keeps what one version has and notes the fields of the others, to say where they exist.

use std::collections::HashMap;
use std::ops::Range;

use super::lifecycle::{OldKind, Release};
use super::node::{Format, List, Node, NodeId, Others, Types};
use super::{Kind, Schemas, Scope};
use crate::error::{Error, ErrorKind};

/// Lines: `versions`, `kind`, `old`, `type`, and behind a type its fields, indented.
const TABLE: &str = include_str!("../../schemas/kubernetes.txt");

impl Schemas {
    /// The kinds of one version of Kubernetes: `1.36`, or a release of it such as `v1.36.3`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownName`] when there is no table for the version, naming those there are.
    pub fn kubernetes(version: &str) -> Result<Self, Error> {
        let wanted = version.trim_start_matches('v');
        let known = Self::kubernetes_versions().find(|known| {
            let rest = wanted.strip_prefix(known);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '+']))
        });
        let Some(known) = known else {
            let all: Vec<&str> = Self::kubernetes_versions().collect();
            let message = format!(
                "there are no schemas for Kubernetes `{}`",
                version.escape_debug()
            );
            let error = Error::new(ErrorKind::UnknownName, message);
            return Err(error.note(format!("there are those of {}", all.join(", "))));
        };
        Ok(Table::new(known).read())
    }

    /// The versions that [`kubernetes`](Self::kubernetes) knows, oldest first.
    pub fn kubernetes_versions() -> impl DoubleEndedIterator<Item = &'static str> {
        let line = TABLE
            .lines()
            .find_map(|line| line.strip_prefix("versions "));
        line.unwrap_or_default().split(' ')
    }
}

struct Table {
    release: Release,
    schemas: Schemas,
    /// Types by name, made when they are first mentioned.
    types: HashMap<&'static str, NodeId>,
    /// Fields by what they must be: most are one of a few.
    shapes: HashMap<&'static str, NodeId>,
}

impl Table {
    fn new(version: &str) -> Self {
        let schemas = Schemas {
            version: version.to_owned(),
            ..Schemas::default()
        };
        Self {
            release: release(version).unwrap_or_default(),
            schemas,
            types: HashMap::new(),
            shapes: HashMap::new(),
        }
    }

    fn read(mut self) -> Schemas {
        let mut current = None;
        for line in TABLE.lines() {
            let (line, versions) = line.split_once(" @").unwrap_or((line, ""));
            let is_here =
                versions.is_empty() || ranges(versions).any(|range| range.contains(&self.release));
            match line.split_once(' ') {
                Some(("", field)) => {
                    let Some(id) = current else { continue };
                    match is_here {
                        true => self.field(id, field),
                        false => self.elsewhere(id, field, versions),
                    }
                }
                Some(("type", name)) => current = Some(self.named(name)),
                Some(("kind", rest)) if is_here => self.kind(rest),
                Some(("old", rest)) => self.old(rest),
                _ => {}
            }
        }
        for node in &mut self.schemas.nodes {
            node.fields.sort();
            let has = |name: &str| node.fields.iter().any(|(known, _)| **known == *name);
            let mut elsewhere = std::mem::take(&mut node.elsewhere);
            elsewhere.retain(|(name, _)| !has(name));
            node.elsewhere = elsewhere;
        }
        self.schemas
    }

    /// `apps/v1 Deployment deployments namespaced apps.v1.Deployment`
    fn kind(&mut self, line: &'static str) {
        let mut words = line.split(' ');
        let (Some(api_version), Some(kind), Some(_), Some(scope), Some(name)) = (
            words.next(),
            words.next(),
            words.next(),
            words.next(),
            words.next(),
        ) else {
            return;
        };
        let scope = match scope {
            "cluster" => Scope::Cluster,
            _ => Scope::Namespaced,
        };
        let schema = self.named(name);
        let kinds = self
            .schemas
            .kinds
            .entry(api_version.to_owned())
            .or_default();
        let kind_of = Kind {
            schema,
            scope,
            has_defaults: false,
            ignores_status: true,
        };
        kinds.insert(kind.to_owned(), kind_of);
    }

    /// `policy/v1beta1 PodDisruptionBudget 1.21 1.25 policy/v1 PodDisruptionBudget`
    fn old(&mut self, line: &str) {
        let mut words = line.split(' ');
        let (Some(api_version), Some(kind), Some(deprecated), Some(removed)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return;
        };
        self.schemas.old.push(OldKind {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            deprecated: release(deprecated),
            removed: release(removed),
            replacement: words
                .next()
                .zip(words.next())
                .map(|(a, b)| (a.to_owned(), b.to_owned())),
        });
    }

    /// A type by its name, such as `core.v1.Container`.
    fn named(&mut self, name: &'static str) -> NodeId {
        if let Some(id) = self.types.get(name) {
            return *id;
        }
        let short = name.rsplit_once('.').map_or(name, |(_, short)| short);
        let id = self.add(Node {
            name: Some(short.into()),
            others: Others::Unknown,
            ..native(Types::OBJECT)
        });
        self.types.insert(name, id);
        id
    }

    /// `name! type set|map=keys enum=a|b`; `= type` when the type is another one by another name.
    fn field(&mut self, id: NodeId, line: &'static str) {
        let (name, shape) = line.split_once(' ').unwrap_or((line, "any"));
        if name == "=" {
            let other = self.shape(shape);
            let other = self.schemas.nodes.get(other).cloned();
            if let (Some(node), Some(other)) = (self.schemas.nodes.get_mut(id), other) {
                *node = other;
            }
            return;
        }
        let schema = self.shape(shape);
        let plain = name.trim_end_matches('!');
        if let Some(node) = self.schemas.nodes.get_mut(id) {
            node.fields.push((plain.into(), schema));
            if plain != name {
                node.required.push(plain.into());
            }
        }
    }

    fn elsewhere(&mut self, id: NodeId, line: &str, versions: &str) {
        let name = line.split(' ').next().unwrap_or(line).trim_end_matches('!');
        if let Some(node) = self.schemas.nodes.get_mut(id) {
            let words = versions.trim_end_matches('-').to_owned();
            let words = if versions.ends_with('-') {
                words + " and later"
            } else {
                words
            };
            node.elsewhere.push((name.into(), words.into()));
        }
    }

    fn shape(&mut self, text: &'static str) -> NodeId {
        if let Some(id) = self.shapes.get(text) {
            return *id;
        }
        let mut words = text.split(' ');
        let mut id = self.type_of(words.next().unwrap_or_default());
        for word in words {
            let mut node = self.schemas.nodes.get(id).cloned().unwrap_or_default();
            let strings = |list: &str, at: char| list.split(at).map(Into::into).collect();
            if word == "set" {
                node.list = List::Set;
            } else if let Some(keys) = word.strip_prefix("map=") {
                node.list = List::Map(strings(keys, ','));
            } else if let Some(values) = word.strip_prefix("enum=") {
                // A type of Kubernetes cannot tell the empty text from none, and most have a default.
                let values = values.split('|').chain([""]).map(narae_yaml::Value::from);
                node.more().one_of_values = Some(values.collect());
            }
            id = self.add(node);
        }
        self.shapes.insert(text, id);
        id
    }

    fn type_of(&mut self, text: &'static str) -> NodeId {
        if let Some(inner) = text.strip_prefix("[]") {
            let items = Some(self.shape(inner));
            return self.add(Node {
                items,
                ..native(Types::ARRAY)
            });
        }
        if let Some(inner) = text.strip_prefix("{}") {
            let others = Others::Each(self.shape(inner));
            return self.add(Node {
                others,
                ..native(Types::OBJECT)
            });
        }
        let (types, format) = match text {
            "string" => (Types::STRING, Format::Any),
            "bytes" => (Types::STRING, Format::Bytes),
            "time" => (Types::STRING, Format::Time),
            "micro-time" => (Types::STRING, Format::MicroTime),
            "bool" => (Types::BOOLEAN, Format::Any),
            "int32" => (Types::INTEGER, Format::Int32),
            "int64" => (Types::INTEGER, Format::Int64),
            "number" => (Types::NUMBER, Format::Any),
            "quantity" => (Types::STRING.or(Types::NUMBER), Format::Quantity),
            "int-or-string" => (Types::STRING.or(Types::INTEGER), Format::Int32),
            "object" => (Types::OBJECT, Format::Any),
            "any" => (Types::default(), Format::Any),
            name => return self.named(name),
        };
        self.add(Node {
            format,
            ..native(types)
        })
    }

    fn add(&mut self, node: Node) -> NodeId {
        self.schemas.nodes.push(node);
        self.schemas.nodes.len() - 1
    }
}

fn native(types: Types) -> Node {
    Node {
        null_is_absent: true,
        ..Node::of(types)
    }
}

/// `1.34-` or `1.33-1.34,1.36-`, as releases.
fn ranges(text: &str) -> impl Iterator<Item = Range<Release>> {
    text.split(',').filter_map(|range| {
        let (first, last) = range.split_once('-')?;
        let end = release(last).map_or(Release::MAX, |last| last + 1);
        Some(release(first)?..end)
    })
}

fn release(version: &str) -> Option<Release> {
    version.strip_prefix("1.")?.parse().ok()
}
