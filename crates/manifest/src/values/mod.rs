//! Values in layers: base ← site ← stage ← files ← `--set`, each leaf knowing who set it.
//!
//! # Merging
//!
//! As JSON Merge Patch has it (RFC 7386), the same for every layer and whatever their number:
//!
//! - mappings merge, key by key; a new key goes behind the ones that were there;
//! - everything else replaces: a scalar, and a list as a whole;
//! - `null` deletes the key, in every layer alike, the first one included. A later layer may set
//!   it again. Inside a list that is not merged, `null` is a value like any other.
//!
//! A YAML tag on a value says that this value meets the earlier one in another way. It is part of
//! the values, so what a layer means does not depend on which layers stand before it:
//!
//! | written | means |
//! |---|---|
//! | `ports: !append [{port: 9090}]` | these elements behind the earlier ones |
//! | `env: !merge:name [{name: LEVEL, value: debug}]` | two mappings with the same scalar `name` are one element and merge as mappings do, `null` included; a new one goes behind the others |
//! | `- !delete {name: LEVEL}` in such a list | takes the earlier element away, if there is one |
//! | `labels: !replace {team: shop}` | instead of what was there, of whatever type |
//!
//! Where no earlier layer has the list, each is the list it shows. Any other tag but YAML's own
//! (`!!str`) is an error.
//!
//! One thing is stricter than Merge Patch: a mapping never silently becomes a scalar or a list, nor
//! the other way round, because that is nearly always a misplaced indentation. It is an error that
//! names both places; `!replace`, or `null` in a layer between, means it. A scalar may replace a
//! scalar of another type.
//!
//! # Grouping
//!
//! Merging is associative from the left: the merged values of the first layers, written as one
//! file, give with the others the same values as all of them do; only a key that was deleted and
//! set again may have another place in its mapping, its first one. From the right it is so for
//! layers without `null`, without tags and without assignments to elements, because those speak
//! about what is there before.

mod assignment;
mod explanation;
mod index;
mod layer;
mod list;
mod tree;

use std::sync::Arc;

use narae_yaml::{Path, Value};

use crate::error::Error;
use crate::origin::Origin;

pub use explanation::{Explanation, Setting, Use, UseKind};
pub(crate) use index::{Index, Record, ValueId, address};
pub use layer::Layer;

/// The values of all layers, merged.
#[derive(Clone, Debug)]
pub struct Values {
    value: Value,
    index: Arc<Index>,
}

impl Values {
    /// Merges layers, the base first.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when a layer puts a scalar or a list
    /// where an earlier one has a mapping, or the other way round; when a `!merge:KEY` element is
    /// like several earlier ones; when an assignment addresses a list element that is not there
    /// and not the next one, or deletes one.
    pub fn merge(layers: impl IntoIterator<Item = Layer>) -> Result<Self, Error> {
        let mut merged = tree::Tree::empty();
        for layer in layers {
            layer.merge_into(&mut merged)?;
        }
        let mut index = Index::default();
        let value = index.take(merged);
        Ok(Self {
            value,
            index: Arc::new(index),
        })
    }

    /// The value at a path.
    #[must_use]
    pub fn get(&self, path: &Path) -> Option<&Value> {
        self.value.at(path)
    }

    /// Who set the value at a path. A mapping belongs to the first layer that has it.
    #[must_use]
    pub fn origin(&self, path: &Path) -> Option<&Origin> {
        Some(&self.index.record(self.index.find(path)?)?.origin)
    }

    /// Who wrote the key at a path, by the same rule; what has no key of its own, an element or an
    /// assignment, is where its value is.
    #[must_use]
    pub fn key_origin(&self, path: &Path) -> Option<Origin> {
        Some(self.index.record(self.index.find(path)?)?.key_origin())
    }

    /// Whom the winner at a path overrode, oldest first.
    #[must_use]
    pub fn overridden(&self, path: &Path) -> &[Origin] {
        let record = self.index.find(path).and_then(|id| self.index.record(id));
        record.map_or(&[], |record| &record.overridden)
    }

    /// Where the value at a path comes from, and whom it overrode.
    ///
    /// [`Rendering::explain`](crate::Rendering::explain) says the same and where it is used.
    #[must_use]
    pub fn explain(&self, path: &Path) -> Explanation {
        Explanation::of(self, path)
    }

    /// All of them, as one mapping.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        &self.value
    }

    pub(crate) fn index(&self) -> &Arc<Index> {
        &self.index
    }
}
