//! Finding a key again in a mapping that is being built.

use std::collections::HashMap;

use crate::document::Entry;

/// The mapping size from which an index pays for itself.
const SCANNED: usize = 16;

/// Finds entries by name: by looking through a few, by an index over many.
///
/// Without the index a hostile mapping of n keys would take n² comparisons.
#[derive(Debug, Default)]
pub(super) struct Keys {
    places: HashMap<Box<str>, usize>,
}

impl Keys {
    /// The place of the entry called `name`.
    pub(super) fn find(&mut self, entries: &[Entry], name: &str) -> Option<usize> {
        if entries.len() <= SCANNED {
            return entries.iter().position(|entry| entry.name() == name);
        }
        // Catches up with what was added since it was last asked.
        for (place, entry) in entries.iter().enumerate().skip(self.places.len()) {
            self.places.insert(entry.name().into(), place);
        }
        self.places.get(name).copied()
    }
}
