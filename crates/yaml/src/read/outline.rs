//! Reading that keeps nothing but names: for finding out whether a source can be read at all.

use super::tree::{Leaf, Tree, Written};
use crate::Span;
use crate::places::Named;

/// A node of which only the kind is known.
#[derive(Clone)]
pub(crate) struct Outline {
    kind: &'static str,
    /// What keeps a merge key from taking it, if anything does.
    not_merged: Option<&'static str>,
}

/// The name of an entry.
pub(crate) struct Name(Box<str>);

impl Named for Name {
    fn name(&self) -> &str {
        &self.0
    }
}

impl Tree for Outline {
    type Entry = Name;

    fn scalar(leaf: Leaf<'_>) -> Self {
        let kind = leaf.meaning.kind();
        Self {
            kind,
            not_merged: Some(kind),
        }
    }

    fn sequence(items: Vec<Self>, _: Written) -> Self {
        let is_mapping = |item: &&Self| item.kind != MAPPING;
        Self {
            kind: "a sequence",
            not_merged: items.iter().find(is_mapping).map(|item| item.kind),
        }
    }

    fn mapping(_: Vec<Name>, _: Written) -> Self {
        Self {
            kind: MAPPING,
            not_merged: None,
        }
    }

    fn entry(key: Leaf<'_>, _: Self) -> Name {
        Name(key.name().into())
    }

    fn aliased(&self, _: Span, _: &str) -> Self {
        self.clone()
    }

    fn merged(entry: Name) -> Name {
        entry
    }

    /// No entries: whichever they are, they can be merged.
    fn into_merge_sources(self) -> Result<Vec<Vec<Name>>, &'static str> {
        self.not_merged.map_or(Ok(Vec::new()), Err)
    }

    fn kind(&self) -> &'static str {
        self.kind
    }
}

const MAPPING: &str = "a mapping";
