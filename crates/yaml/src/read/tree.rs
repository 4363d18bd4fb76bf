//! The two things reading can make: nodes with their places, or plain values.
//!
//! [`Builder`](super::build::Builder) is written once, over this trait, so that both are refused for
//! the same reasons. Values skip everything nodes keep besides the meaning.

use std::borrow::Cow;

use crate::document::{Entry, Meaning, Node, NodeData, Scalar, ScalarStyle};
use crate::places::Named;
use crate::{Mapping, Position, Span, Value};

/// What a builder builds.
pub(super) trait Tree: Clone {
    /// An entry of a mapping.
    type Entry: Named;

    fn scalar(leaf: Leaf<'_>) -> Self;
    fn sequence(items: Vec<Self>, written: Written) -> Self;
    /// No two entries may have the same name.
    fn mapping(entries: Vec<Self::Entry>, written: Written) -> Self;
    fn entry(key: Leaf<'_>, value: Self) -> Self::Entry;

    /// A copy for the alias `name` that stands at `span`.
    fn aliased(&self, span: Span, name: &str) -> Self;
    /// An entry as it is where a merge key brought it.
    fn merged(entry: Self::Entry) -> Self::Entry;

    /// The entries a merge key takes from this: its own, or those of its elements.
    ///
    /// # Errors
    ///
    /// The kind of what is neither a mapping nor a sequence of mappings.
    fn into_merge_sources(self) -> Result<Vec<Vec<Self::Entry>>, &'static str>;
    fn kind(&self) -> &'static str;
}

/// A scalar before it is known whether it is a key or a value.
#[derive(Clone)]
pub(super) struct Leaf<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) style: ScalarStyle,
    pub(super) meaning: Meaning,
    pub(super) written: Written,
}

/// How a node is written, apart from what it holds.
#[derive(Clone)]
pub(super) struct Written {
    pub(super) span: Span,
    pub(super) tag: Option<Box<str>>,
    pub(super) anchor: Option<Box<str>>,
    pub(super) alias: Option<Box<str>>,
}

impl Written {
    fn node(self, data: NodeData) -> Node {
        Node {
            span: self.span,
            tag: self.tag,
            anchor: self.anchor,
            alias: self.alias,
            data,
        }
    }
}

impl Leaf<'_> {
    /// What an empty source holds.
    pub(super) fn nothing() -> Self {
        let start = Position::new(0, 1, 1);
        Self {
            text: Cow::Borrowed(""),
            style: ScalarStyle::Plain,
            meaning: Meaning::Null,
            written: Written {
                span: Span::new(start, start),
                tag: None,
                anchor: None,
                alias: None,
            },
        }
    }

    /// Whether this stands for nothing written at all.
    pub(super) fn is_nothing(&self) -> bool {
        let Written {
            tag, anchor, alias, ..
        } = &self.written;
        self.style == ScalarStyle::Plain
            && self.text.is_empty()
            && tag.is_none()
            && anchor.is_none()
            && alias.is_none()
    }

    /// The string this is as a key, once its meaning has been made one.
    pub(super) fn name(&self) -> &str {
        match &self.meaning {
            Meaning::Other(name) => name,
            _ => &self.text,
        }
    }
}

impl Tree for Node {
    type Entry = Entry;

    fn scalar(leaf: Leaf<'_>) -> Self {
        leaf.written.node(NodeData::Scalar(Scalar {
            text: leaf.text.into_owned(),
            style: leaf.style,
            meaning: leaf.meaning,
        }))
    }

    fn sequence(items: Vec<Self>, written: Written) -> Self {
        written.node(NodeData::Sequence(items))
    }

    fn mapping(entries: Vec<Entry>, written: Written) -> Self {
        written.node(NodeData::Mapping(entries))
    }

    fn entry(key: Leaf<'_>, value: Self) -> Entry {
        Entry {
            key: Self::scalar(key),
            value,
            merged: false,
        }
    }

    fn aliased(&self, span: Span, name: &str) -> Self {
        Self {
            span,
            anchor: None,
            alias: Some(name.into()),
            ..self.clone()
        }
    }

    fn merged(entry: Entry) -> Entry {
        Entry {
            merged: true,
            ..entry
        }
    }

    fn into_merge_sources(self) -> Result<Vec<Vec<Entry>>, &'static str> {
        let entries = |node: Self| match node.data {
            NodeData::Mapping(entries) => Ok(entries),
            _ => Err(node.kind()),
        };
        match self.data {
            NodeData::Sequence(items) => items.into_iter().map(entries).collect(),
            _ => entries(self).map(|entries| vec![entries]),
        }
    }

    fn kind(&self) -> &'static str {
        self.kind()
    }
}

impl Tree for Value {
    type Entry = (String, Self);

    fn scalar(leaf: Leaf<'_>) -> Self {
        leaf.meaning.into_value(|| leaf.text.into_owned())
    }

    fn sequence(items: Vec<Self>, _: Written) -> Self {
        Self::Sequence(items)
    }

    fn mapping(entries: Vec<(String, Self)>, _: Written) -> Self {
        Self::Mapping(Mapping::from_distinct(entries))
    }

    fn entry(key: Leaf<'_>, value: Self) -> (String, Self) {
        let name = match key.meaning {
            Meaning::Other(name) => name.into_string(),
            _ => key.text.into_owned(),
        };
        (name, value)
    }

    fn aliased(&self, _: Span, _: &str) -> Self {
        self.clone()
    }

    fn merged(entry: (String, Self)) -> (String, Self) {
        entry
    }

    fn into_merge_sources(self) -> Result<Vec<Vec<(String, Self)>>, &'static str> {
        let entries = |value: Self| match value {
            Self::Mapping(mapping) => Ok(mapping.into_iter().collect()),
            other => Err(other.kind()),
        };
        match self {
            Self::Sequence(items) => items.into_iter().map(entries).collect(),
            other => entries(other).map(|entries| vec![entries]),
        }
    }

    fn kind(&self) -> &'static str {
        self.kind()
    }
}
