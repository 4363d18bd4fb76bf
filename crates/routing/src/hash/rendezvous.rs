//! Weighted rendezvous: every backend draws a lot per key, and the best lot wins.

use super::mix::{hash, mix};
use crate::{Backends, Weight};

/// Highest random weight: D. Thaler, C. Ravishankar (1998), with the logarithmic weights of
/// J. Resch, *New hashing algorithms for data storage* (2015). O(n) a pick, no tables.
///
/// A key moves only when its own backend leaves or shrinks, or another comes or grows and wins it.
/// Each backend's share is its weight over the sum, in expectation over keys.
#[derive(Clone, Debug)]
pub struct Rendezvous<K> {
    backends: Backends<K>,
    seeds: Vec<u64>,
}

impl<K: AsRef<[u8]>> Rendezvous<K> {
    /// Ids are what is hashed, so a backend keeps its keys across lists as long as its id is the same.
    #[must_use]
    pub fn new(backends: Backends<K>) -> Self {
        let seeds = backends.iter().map(|(id, _)| hash(id.as_ref())).collect();
        Self { backends, seeds }
    }
}

impl<K> Rendezvous<K> {
    /// The backend of a key.
    #[must_use]
    pub fn pick(&self, key: &[u8]) -> &K {
        let key = hash(key);
        let lots = self
            .backends
            .iter()
            .zip(&self.seeds)
            .filter(|((_, weight), _)| !weight.is_zero())
            .map(|((id, weight), seed)| (lot(key, *seed, weight), id));
        let best = lots.reduce(|best, other| if other.0 < best.0 { other } else { best });
        // INVARIANT: a list of backends has a weight above zero.
        best.map_or_else(|| self.backends.id(0), |(_, id)| id)
    }

    /// All backends that can be picked, in the order in which they would take over a key.
    #[must_use]
    pub fn ranking(&self, key: &[u8]) -> Vec<&K> {
        let key = hash(key);
        let mut lots: Vec<(f64, &K)> = self
            .backends
            .iter()
            .zip(&self.seeds)
            .filter(|((_, weight), _)| !weight.is_zero())
            .map(|((id, weight), seed)| (lot(key, *seed, weight), id))
            .collect();
        lots.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        lots.into_iter().map(|(_, id)| id).collect()
    }
}

/// An exponential variable of rate `weight`: the least of several is each with its weight's share.
fn lot(key: u64, seed: u64, weight: Weight) -> f64 {
    let bits = mix(key ^ mix(seed));
    // The upper 53 bits as a number in (0, 1].
    let uniform = ((bits >> 11) + 1) as f64 / 9_007_199_254_740_992.0;
    -uniform.ln() / f64::from(weight.value())
}
