//! What a split picks when its owner keeps a list: a place in the list, known by an id that outlives it.

use std::hash::{Hash, Hasher};

/// Equal by its id alone, so that a [`Split`](crate::Split) carries its lag to wherever it stands next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot<I> {
    pub(crate) id: I,
    pub(crate) at: usize,
}

impl<I: PartialEq> PartialEq for Slot<I> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<I: Eq> Eq for Slot<I> {}

impl<I: Hash> Hash for Slot<I> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}
