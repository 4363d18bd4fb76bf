//! How many at once.

use std::borrow::Borrow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of places. Whoever gets one holds it until it is dropped; nobody waits.
#[derive(Debug)]
pub struct Concurrency {
    limit: usize,
    taken: AtomicUsize,
}

/// One place, given back when dropped: of `&Concurrency`, or of an `Arc<Concurrency>` to outlive a borrow.
#[derive(Debug)]
#[must_use = "a place that is dropped at once limits nothing"]
pub struct Place<C: Borrow<Concurrency>>(C);

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
    pub fn acquire(&self) -> Option<Place<&Self>> {
        self.take().then_some(()).map(|()| Place(self))
    }

    /// A place that keeps this alive, if one is free.
    pub fn acquire_owned(self: &Arc<Self>) -> Option<Place<Arc<Self>>> {
        self.take().then_some(()).map(|()| Place(Arc::clone(self)))
    }

    fn take(&self) -> bool {
        // Relaxed: the count orders places among themselves and guards no other memory.
        let free = |taken: usize| (taken < self.limit).then_some(taken + 1);
        let taken = &self.taken;
        taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, free)
            .is_ok()
    }

    /// How many places are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl<C: Borrow<Concurrency>> Drop for Place<C> {
    fn drop(&mut self) {
        self.0.borrow().taken.fetch_sub(1, Ordering::Relaxed);
    }
}
