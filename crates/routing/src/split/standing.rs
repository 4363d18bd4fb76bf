//! What a split can say about itself, for people and for tests.

use super::carry::Ledger;
use crate::{Backends, Weight};

/// How one backend stands in a [`Split`](super::Split) at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing<'a, K> {
    id: &'a K,
    weight: Weight,
    share: f64,
    picks: u64,
    lag: f64,
}

impl<'a, K> Standing<'a, K> {
    /// Which backend this is.
    #[must_use]
    pub fn id(&self) -> &'a K {
        self.id
    }

    /// Its weight.
    #[must_use]
    pub fn weight(&self) -> Weight {
        self.weight
    }

    /// The part of the traffic it is due, from 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.share
    }

    /// How often it was picked since this split was made, skipped picks included.
    #[must_use]
    pub fn picks(&self) -> u64 {
        self.picks
    }

    /// How many picks it is owed; negative when it had more than its share. What was carried over
    /// from earlier weights is in it.
    #[must_use]
    pub fn lag(&self) -> f64 {
        self.lag
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "shown to people; the ledger itself stays exact"
)]
pub(super) fn of<'a, K>(backends: &'a Backends<K>, ledger: &Ledger) -> Vec<Standing<'a, K>> {
    let total = backends.total() as f64;
    backends
        .iter()
        .zip(ledger.accounts())
        .map(|((id, weight), account)| Standing {
            id,
            weight,
            share: f64::from(weight.value()) / total,
            picks: account.picks,
            lag: account.lag as f64 / ledger.unit() as f64,
        })
        .collect()
}
