//! Values in layers: base ← site ← stage ← assignments, each leaf knowing who set it.
//!
//! Merging is that of JSON Merge Patch (RFC 7386), the same for every layer and whatever their
//! number:
//!
//! - mappings merge, key by key; a new key goes behind the ones that were there;
//! - everything else replaces: a scalar, and a list as a whole;
//! - `null` deletes the key, in every layer alike, the first one included. A later layer may set
//!   it again. Inside a list, which is never merged, `null` is a value like any other.
//!
//! One thing is stricter: a mapping never silently becomes a scalar or a list, nor the other way
//! round, because that is nearly always a misplaced indentation. It is an error that names both
//! places; a layer that means it deletes with `null` first. A scalar may replace a scalar of
//! another type.

mod index;
mod layer;
mod tree;

use std::sync::Arc;

use narae_yaml::{Path, Value};

use crate::error::Error;
use crate::origin::Origin;

pub(crate) use index::{Index, ValueId, address};
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
    /// where an earlier one has a mapping, or the other way round; when an assignment addresses a
    /// list element that does not exist, or deletes one.
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

    /// Whom the winner at a path overrode, oldest first.
    #[must_use]
    pub fn overridden(&self, path: &Path) -> &[Origin] {
        let record = self.index.find(path).and_then(|id| self.index.record(id));
        record.map_or(&[], |record| &record.overridden)
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
