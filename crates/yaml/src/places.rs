//! Finding a key again among entries: by looking through a few, by an index over many.
//!
//! Most mappings of a manifest have a handful of entries, for which hashing costs more than
//! comparing. Without the index a hostile mapping of n keys would take n² comparisons; its hashes
//! are keyed at random, so that nobody can make them collide.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

/// The number of entries from which an index pays for itself.
const SCANNED: usize = 16;

/// Something found by its name.
pub(crate) trait Named {
    fn name(&self) -> &str;
}

/// An index of entries that stand elsewhere, empty while they are few.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(Option<Box<Index>>);

#[derive(Clone, Debug, Default)]
struct Index {
    table: HashTable<usize>,
    state: RandomState,
}

impl Places {
    /// The place in `entries` of the one called `name`. All of them must be known by [`Places::extend`].
    pub(crate) fn find<E: Named>(&self, entries: &[E], name: &str) -> Option<usize> {
        let Some(index) = &self.0 else {
            return entries.iter().position(|entry| entry.name() == name);
        };
        let is_it = |place: &usize| {
            entries
                .get(*place)
                .is_some_and(|entry| entry.name() == name)
        };
        index.table.find(index.state.hash_one(name), is_it).copied()
    }

    /// Learns the entries at the end that were not there before.
    pub(crate) fn extend<E: Named>(&mut self, entries: &[E]) {
        if entries.len() <= SCANNED {
            return;
        }
        let Index { table, state } = &mut **self.0.get_or_insert_default();
        let hash = |place: &usize| state.hash_one(entries.get(*place).map_or("", Named::name));
        for place in table.len()..entries.len() {
            table.insert_unique(hash(&place), place, hash);
        }
    }

    /// Forgets the entry called `name`, which stood at `place`; those after it have moved up.
    pub(crate) fn remove(&mut self, name: &str, place: usize) {
        let Some(Index { table, state }) = self.0.as_deref_mut() else {
            return;
        };
        if let Ok(entry) = table.find_entry(state.hash_one(name), |known| *known == place) {
            entry.remove();
        }
        if table.len() <= SCANNED {
            self.0 = None;
            return;
        }
        for known in table.iter_mut().filter(|known| **known > place) {
            *known -= 1;
        }
    }

    /// Learns all entries anew, after some have moved or gone.
    pub(crate) fn renew<E: Named>(&mut self, entries: &[E]) {
        self.0 = None;
        self.extend(entries);
    }
}
