//! The list every policy works on: who can be picked, and with which weight.

use std::collections::HashMap;
use std::hash::Hash;

use crate::Weight;

/// Backends by the caller's own ids, in the caller's order, each with its [`Weight`].
///
/// Whoever holds one holds a list that can be picked from: it is not empty, no id stands twice, at
/// least one weight is above zero, and there are at most [`Backends::MAX_LEN`] entries. That is why
/// nothing that takes one can fail.
///
/// The id is the backend's identity and outlives its weight: changing a weight never makes a new
/// backend out of an old one.
///
/// ```
/// use narae_routing::{Backends, BackendsError, Weight};
///
/// let backends = Backends::new([("idc", Weight::new(70)), ("aws", Weight::new(30))])?;
/// assert_eq!(backends.len(), 2);
/// assert_eq!(
///     Backends::new([("idc", Weight::ZERO)]),
///     Err(BackendsError::AllZero { backends: 1 }),
/// );
/// # Ok::<(), BackendsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backends<K> {
    entries: Vec<(K, Weight)>,
}

impl<K: Eq + Hash> Backends<K> {
    /// The most backends one list may hold (HAProxy's limit is 4,095 servers).
    ///
    /// With it every intermediate of the exact arithmetic in [`split`](crate::split) fits 128 bits,
    /// whatever the weights.
    pub const MAX_LEN: usize = 4096;

    /// Checks a list of backends; it reads no further than one entry past [`Self::MAX_LEN`].
    ///
    /// # Errors
    ///
    /// When the list is empty, too long, names an id twice, or has only zero weights.
    pub fn new(entries: impl IntoIterator<Item = (K, Weight)>) -> Result<Self, BackendsError> {
        let entries: Vec<_> = entries.into_iter().take(Self::MAX_LEN + 1).collect();
        if entries.is_empty() {
            return Err(BackendsError::Empty);
        }
        if entries.len() > Self::MAX_LEN {
            return Err(BackendsError::TooMany {
                limit: Self::MAX_LEN,
            });
        }
        let mut seen = HashMap::with_capacity(entries.len());
        for (second, (id, _)) in entries.iter().enumerate() {
            if let Some(first) = seen.insert(id, second) {
                return Err(BackendsError::Duplicate { first, second });
            }
        }
        if entries.iter().all(|(_, weight)| weight.is_zero()) {
            return Err(BackendsError::AllZero {
                backends: entries.len(),
            });
        }
        Ok(Self { entries })
    }
}

impl<K> Backends<K> {
    /// How many backends are listed, drained ones included. Never zero.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "a list of backends is never empty"
    )]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Ids and weights in the caller's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&K, Weight)> {
        self.entries.iter().map(|(id, weight)| (id, *weight))
    }

    /// The sum of all weights: a backend's share is its weight over this.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.entries.iter().map(|(_, w)| u64::from(w.value())).sum()
    }

    pub(crate) fn get(&self, index: usize) -> Option<(&K, Weight)> {
        self.entries.get(index).map(|(id, weight)| (id, *weight))
    }

    pub(crate) fn id(&self, index: u16) -> &K {
        // INVARIANT: indices are made by enumerating these very entries, which never change.
        #[expect(
            clippy::indexing_slicing,
            reason = "policies index the list they were built from"
        )]
        &self.entries[usize::from(index)].0
    }
}

/// Why a list of backends cannot be picked from. Positions count from zero, in the order given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackendsError {
    /// There is nobody to pick.
    #[error("no backends: name at least one")]
    Empty,
    /// Everybody is drained. Answering is the caller's policy (for HTTP, 503 or 500).
    #[error("all {backends} backends have weight 0: give at least one a weight above 0")]
    AllZero {
        /// How many backends were listed.
        backends: usize,
    },
    /// Two entries claim one identity.
    #[error("backends {first} and {second} have the same id: give each its own")]
    Duplicate {
        /// Position of the entry that came first.
        first: usize,
        /// Position of the entry that repeats its id.
        second: usize,
    },
    /// More entries than the exact arithmetic is made for.
    #[error("more than {limit} backends: split them over several lists")]
    TooMany {
        /// The limit, [`Backends::MAX_LEN`].
        limit: usize,
    },
}
