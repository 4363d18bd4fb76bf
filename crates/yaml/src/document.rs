//! What a document says, with where and how each part was written.

use crate::path::{Path, Segment};
use crate::places::Named;
use crate::{Mapping, Number, Position, Schema, Span, Value};

/// One document of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document {
    /// What it holds; a null scalar without text if it is empty.
    pub root: Node,
}

impl Document {
    /// Whether nothing is written in it: no value, not even `null`.
    pub fn is_empty(&self) -> bool {
        let Node {
            data: NodeData::Scalar(scalar),
            tag: None,
            anchor: None,
            alias: None,
            ..
        } = &self.root
        else {
            return false;
        };
        scalar.style == ScalarStyle::Plain && scalar.text.is_empty()
    }

    /// The value, without places.
    pub fn to_value(&self) -> Value {
        self.root.to_value()
    }

    /// The value, without places and without copying its text.
    pub fn into_value(self) -> Value {
        self.root.into_value()
    }
}

/// A value with its place in the source.
///
/// Aliases are already expanded and merge keys already merged, so a walk meets every value
/// Kubernetes meets. What an alias stands for keeps the places where it was written; only the
/// outermost node has the alias' own place, and says so in [`Node::alias`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node {
    /// Its own text: quotes and brackets included; tag, anchor and a block scalar's header not. A
    /// block collection begins somewhere in its first entry and may end after its last line break.
    pub span: Span,
    /// The tag written on it, `!!str` for `tag:yaml.org,2002:str`.
    pub tag: Option<Box<str>>,
    /// The name of the anchor written on it, without `&`.
    pub anchor: Option<Box<str>>,
    /// The name of the alias this stands for, without `*`.
    pub alias: Option<Box<str>>,
    /// What it holds.
    pub data: NodeData,
}

/// What a node holds.
#[expect(
    clippy::exhaustive_enums,
    reason = "YAML's three kinds of node; aliases are expanded"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeData {
    /// A single value.
    Scalar(Scalar),
    /// Elements, in order.
    Sequence(Vec<Node>),
    /// Entries, in order, no two with the same [`Entry::name`].
    Mapping(Vec<Entry>),
}

/// One entry of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The key: always a scalar.
    pub key: Node,
    /// What it maps to.
    pub value: Node,
    /// Whether it came from a merge key `<<` instead of being written here.
    pub merged: bool,
}

/// A scalar: its text as written (escapes and folding undone), and what that means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    pub(crate) text: String,
    pub(crate) style: ScalarStyle,
    pub(crate) meaning: Meaning,
}

// INVARIANT: `Text` means the value is `text` itself, so that strings are stored once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Text,
    Null,
    Bool(bool),
    Number(Number),
    /// A string other than the text: what `!!binary` holds, or the name of a key like `0x10`.
    Other(Box<str>),
}

impl Meaning {
    /// The value, with `text` for what is written.
    pub(crate) fn into_value(self, text: impl FnOnce() -> String) -> Value {
        match self {
            Self::Text => Value::String(text()),
            Self::Other(text) => Value::String(text.into_string()),
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(truth),
            Self::Number(number) => Value::Number(number),
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text | Self::Other(_) => "a string",
        }
    }
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "YAML's five scalar styles")]
pub enum ScalarStyle {
    /// Without quotes.
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

impl Node {
    /// What it says, without places.
    pub fn to_value(&self) -> Value {
        match &self.data {
            NodeData::Scalar(scalar) => scalar.value(),
            NodeData::Sequence(items) => {
                Value::Sequence(items.iter().map(Self::to_value).collect())
            }
            NodeData::Mapping(entries) => {
                let entry = |entry: &Entry| (entry.name().to_owned(), entry.value.to_value());
                Value::Mapping(Mapping::from_distinct(entries.iter().map(entry).collect()))
            }
        }
    }

    /// What it says, without places and without copying its text.
    pub fn into_value(self) -> Value {
        match self.data {
            NodeData::Scalar(scalar) => scalar.into_value(),
            NodeData::Sequence(items) => {
                Value::Sequence(items.into_iter().map(Self::into_value).collect())
            }
            NodeData::Mapping(entries) => {
                let entry = |entry: Entry| {
                    let (name, value) = entry.into_parts();
                    (name, value.into_value())
                };
                Value::Mapping(Mapping::from_distinct(
                    entries.into_iter().map(entry).collect(),
                ))
            }
        }
    }

    /// Where it begins.
    pub fn position(&self) -> Position {
        self.span.start
    }

    /// The node at `path` from here.
    pub fn at(&self, path: &Path) -> Option<&Self> {
        path.segments()
            .iter()
            .try_fold(self, |node, segment| match segment {
                Segment::Key(key) => node.entry(key).map(|entry| &entry.value),
                Segment::Index(index) => node.as_sequence()?.get(*index),
            })
    }

    /// The value of `key`, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of `key`, if this is a mapping that has it. Looks through the entries in order.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.as_mapping()?.iter().find(|entry| entry.name() == key)
    }

    /// The scalar, if this is one.
    pub fn as_scalar(&self) -> Option<&Scalar> {
        match &self.data {
            NodeData::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The text, if this is a scalar whose value is a string.
    pub fn as_str(&self) -> Option<&str> {
        self.as_scalar()?.as_str()
    }

    /// The elements, if this is a sequence.
    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.data {
            NodeData::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if this is a mapping.
    pub fn as_mapping(&self) -> Option<&[Entry]> {
        match &self.data {
            NodeData::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The kind, as messages name it: `a string`, `a mapping`, …
    pub fn kind(&self) -> &'static str {
        match &self.data {
            NodeData::Scalar(scalar) => scalar.meaning.kind(),
            NodeData::Sequence(_) => "a sequence",
            NodeData::Mapping(_) => "a mapping",
        }
    }

    /// The name this node has as a key.
    pub(crate) fn into_name(self) -> String {
        match self.data {
            NodeData::Scalar(Scalar {
                meaning: Meaning::Other(name),
                ..
            }) => name.into_string(),
            NodeData::Scalar(scalar) => scalar.text,
            // The builder refuses every other key.
            NodeData::Sequence(_) | NodeData::Mapping(_) => String::new(),
        }
    }
}

impl Entry {
    /// The key as the string it is for Kubernetes: `yes` is named `true`, `0x10` is named `16`.
    pub fn name(&self) -> &str {
        self.key.as_str().unwrap_or_default()
    }

    /// Its name and its value, without copying either.
    pub fn into_parts(self) -> (String, Node) {
        (self.key.into_name(), self.value)
    }
}

impl Named for Entry {
    fn name(&self) -> &str {
        self.name()
    }
}

impl Scalar {
    /// The text, with escapes and folding undone: `1.20` stays `1.20`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How it is written.
    pub fn style(&self) -> ScalarStyle {
        self.style
    }

    /// The string, if its value is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.meaning {
            Meaning::Text => Some(&self.text),
            Meaning::Other(text) => Some(text),
            Meaning::Null | Meaning::Bool(_) | Meaning::Number(_) => None,
        }
    }

    /// What it means.
    pub fn value(&self) -> Value {
        self.meaning.clone().into_value(|| self.text.clone())
    }

    /// What it means, without copying the text.
    pub fn into_value(self) -> Value {
        self.meaning.into_value(|| self.text)
    }

    /// What it would mean to Kubernetes without its tag: `!local 5` is the string `5`, and the
    /// number to a program that takes `!local` for a word of its own. Unlike in a document that
    /// was read, a number may be infinite or none.
    pub fn untagged_value(&self) -> Value {
        let plain = (self.style == ScalarStyle::Plain)
            .then(|| Schema::Kubernetes.resolve(&self.text))
            .flatten();
        plain.unwrap_or_else(|| self.text.as_str().into())
    }
}
