//! Maglev: a table that every backend fills in turns, in an order of its own.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::mix::{hash, mix};
use crate::Backends;

/// D. Eisenbud and others, *Maglev: a fast and reliable software network load balancer* (2016), with
/// weights as Envoy has them: who has had the fewest entries for its weight takes the next.
///
/// A pick is a hash and a lookup. Building takes O(m log n) for m entries; an entry that somebody finds
/// taken is passed over, some ln m times on average.
#[derive(Clone, Debug)]
pub struct Maglev<K> {
    backends: Backends<K>,
    table: Box<[u16]>,
}

/// A number of entries that makes no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error(
    "a table of {entries} entries: take a prime from the number of backends to 5000011, like 65537"
)]
pub struct MaglevError {
    /// What was given.
    pub entries: u32,
}

impl<K: AsRef<[u8]>> Maglev<K> {
    /// The table size of Maglev's paper and of Envoy: good for up to some 650 backends at 1 %.
    pub const ENTRIES: u32 = 65_537;

    /// Fills a table of `entries`, a prime.
    ///
    /// # Errors
    ///
    /// When `entries` is not a prime, is below the number of backends, or is above 5,000,011.
    pub fn new(backends: Backends<K>, entries: u32) -> Result<Self, MaglevError> {
        let enough = usize::try_from(entries).is_ok_and(|m| m >= backends.len());
        if !enough || entries > 5_000_011 || !is_prime(entries) {
            return Err(MaglevError { entries });
        }
        let table = fill(&backends, u64::from(entries));
        Ok(Self { backends, table })
    }
}

impl<K> Maglev<K> {
    /// The backend of a key.
    #[must_use]
    pub fn pick(&self, key: &[u8]) -> &K {
        // The high half of the product is uniform in 0..entries without a division.
        let at = (u128::from(hash(key)) * self.table.len() as u128) >> 64;
        let entry = usize::try_from(at).ok().and_then(|at| self.table.get(at));
        self.backends.id(entry.copied().unwrap_or(0))
    }

    /// How many entries each backend has, in listing order.
    #[must_use]
    pub fn entries(&self) -> Vec<usize> {
        let mut entries = vec![0; self.backends.len()];
        for &backend in &self.table {
            if let Some(count) = entries.get_mut(usize::from(backend)) {
                *count += 1;
            }
        }
        entries
    }
}

fn fill<K: AsRef<[u8]>>(backends: &Backends<K>, entries: u64) -> Box<[u16]> {
    struct Turn {
        at: u64,
        skip: u64,
        weight: u64,
        taken: u64,
        backend: u16,
    }
    let mut turns: Vec<Turn> = backends
        .iter()
        .enumerate()
        .filter(|(_, (_, weight))| !weight.is_zero())
        .map(|(backend, (id, weight))| {
            let seed = hash(id.as_ref());
            Turn {
                at: seed % entries,
                skip: mix(seed ^ 0x9e37_79b9_7f4a_7c15) % (entries - 1).max(1) + 1,
                weight: u64::from(weight.value()),
                taken: 0,
                // A list of backends has at most 4,096.
                backend: u16::try_from(backend).unwrap_or(u16::MAX),
            }
        })
        .collect();
    // Whoever would have the fewest entries for its weight after taking one; the first listed of equals.
    let due = |turn: &Turn, index: usize| {
        let share = (u128::from(turn.taken + 1) << 64) / u128::from(turn.weight);
        Reverse((share, index))
    };
    let mut queue: BinaryHeap<_> = turns.iter().enumerate().map(|(i, t)| due(t, i)).collect();
    let mut table: Vec<Option<u16>> = vec![None; usize::try_from(entries).unwrap_or(0)];
    let mut free = table.len();
    while free > 0 {
        let Some(Reverse((_, index))) = queue.pop() else {
            break;
        };
        let Some(turn) = turns.get_mut(index) else {
            break;
        };
        // The skip is coprime to the prime number of entries, so a free one is met.
        loop {
            let entry = usize::try_from(turn.at)
                .ok()
                .and_then(|at| table.get_mut(at));
            turn.at = (turn.at + turn.skip) % entries;
            match entry {
                Some(entry @ None) => {
                    *entry = Some(turn.backend);
                    break;
                }
                Some(Some(_)) => {}
                None => break,
            }
        }
        turn.taken += 1;
        free -= 1;
        queue.push(due(turn, index));
    }
    table.into_iter().map(Option::unwrap_or_default).collect()
}

fn is_prime(number: u32) -> bool {
    let number = u64::from(number);
    number > 1
        && (2..)
            .take_while(|d| d * d <= number)
            .all(|d| number % d != 0)
}
