//! How many at once.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of places. Whoever gets one holds it until it is dropped; nobody waits.
#[derive(Debug)]
pub struct Concurrency {
    limit: usize,
    taken: AtomicUsize,
}

/// One place, given back when dropped.
#[derive(Debug)]
#[must_use = "a place that is dropped at once limits nothing"]
pub struct Place<'a>(&'a Concurrency);

impl Concurrency {
    /// So many places; with none everybody is turned away.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            taken: AtomicUsize::new(0),
        }
    }

    /// A place, if one is free.
    pub fn acquire(&self) -> Option<Place<'_>> {
        // Relaxed: the count orders places among themselves and guards no other memory.
        let free = |taken: usize| (taken < self.limit).then_some(taken + 1);
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, free)
            .ok()
            .map(|_| Place(self))
    }

    /// How many places are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}
