//! Consistent hashing with bounded loads: nobody gets much more than its share, whatever the keys.

use crate::Weight;

/// How far above its share a backend may be loaded: 1.25 is a quarter more. Smaller is more even, and
/// moves more keys.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundedLoad(f64);

impl BoundedLoad {
    /// `None` below 1, which could leave nobody, or for what is no number.
    #[must_use]
    pub fn new(factor: f64) -> Option<Self> {
        (factor >= 1.0 && factor.is_finite()).then_some(Self(factor))
    }

    /// The most requests a backend may run, of so many that run in all, the new one included.
    #[must_use]
    pub fn limit(self, running: u64, weight: Weight, total: u64) -> u64 {
        let share = (running as f64 + 1.0) * f64::from(weight.value()) / total.max(1) as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and saturating is what is meant"
        )]
        {
            (share * self.0).ceil() as u64
        }
    }
}

/// The first of a key's candidates, in their order, that is not full: V. Mirrokni, M. Thorup,
/// M. Zadimoghaddam, *Consistent hashing with bounded loads* (2018). Candidates are what
/// [`Rendezvous::ranking`](super::Rendezvous::ranking) says; of each, its weight and how many requests it runs.
///
/// With all backends as candidates there is always one: their limits sum to more than what runs.
pub fn bounded<T>(
    candidates: impl IntoIterator<Item = T>,
    load: impl Fn(&T) -> (Weight, u64),
    running: u64,
    total: u64,
    bound: BoundedLoad,
) -> Option<T> {
    candidates.into_iter().find(|candidate| {
        let (weight, runs) = load(candidate);
        runs < bound.limit(running, weight, total)
    })
}
