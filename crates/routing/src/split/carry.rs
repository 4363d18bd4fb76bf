//! The ledger of a split: who is owed what, exactly, and how it survives a change of weights.
//!
//! A lag is an integer count of `1/unit` picks. The unit is the reduced sum of weights times a power
//! of two that lifts it to 2⁴⁴ or more: within one list of weights every lag is exact, and carrying
//! it to another list rounds by less than 2⁻⁴⁴ picks.
//!
//! # What a change does
//!
//! The lags of the active backends (weight above zero) must sum to zero for the rule to work, and a
//! change breaks that when somebody leaves or returns owing or owed a part of a request. The
//! difference is settled by weight, `lagᵢ −= difference · pᵢ`, which is nothing but setting back the
//! ideal clock that every lag is measured against: nobody gains on anybody.
//!
//! # What becomes of the promise
//!
//! If the positive lags carried sum to at most ½, the bound 1 − 1/(2n−2) holds from the change on
//! just as from a fresh start. (Count the picks that must fall into the first *t*, over any set of
//! backends but all: fewer than t + ½ + (n−1)/(2n−2) = t + 1. Over all of them: at most t, because
//! their lags sum to zero. Everything that must fall into a window therefore fits it, and
//! earliest-deadline-first finds the schedule.) With two backends that is always so.
//!
//! With more, no rule can promise it against every future: let half of n equal backends be picked,
//! remove those, and again; each round leaves the others half a request further behind. Then the
//! same rule picks those most overdue for their rate first. Over 3,000 random sequences of 40 changes,
//! one every few picks, with up to 24 backends draining and returning, the largest lag was 3.5
//! (`tests/it/carry.rs` runs their like). A lag carried is cut at [`CARRY_LIMIT`], so that no past
//! can cause a burst.

use std::collections::HashMap;
use std::hash::Hash;

use crate::Backends;

/// How many picks a backend may at most be owed, or owe, across a change.
pub(super) const CARRY_LIMIT: i128 = 4;

/// Lags are counted at least this finely: 2⁻⁴⁴ picks. The sum of [`Backends::MAX_LEN`] weights is
/// at most 2⁴⁴, so no unit reaches 2⁴⁵.
const UNIT_BITS: u32 = 44;

/// Weights and lags of all backends of a list, in its order.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    accounts: Vec<Account>,
    period: u64,
    unit: i128,
}

/// What the ledger says about one backend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    /// The weight over the greatest common divisor of all weights.
    pub(super) weight: i128,
    /// Picks owed, in `1/unit`.
    pub(super) lag: i128,
    /// Picks had.
    pub(super) picks: u64,
}

impl Ledger {
    pub(super) fn level<K>(backends: &Backends<K>) -> Self {
        let weights: Vec<u64> = backends.iter().map(|(_, w)| u64::from(w.value())).collect();
        // Not zero, nor is the period: a list of backends has a weight above zero.
        let divisor = weights
            .iter()
            .fold(0, |a, &b| greatest_common_divisor(a, b));
        let period = backends.total() / divisor.max(1);
        // 2^scale lifts the period to 2⁴⁴ or just above.
        let scale = UNIT_BITS.saturating_sub(period.max(1).ilog2());
        let accounts = weights.iter().map(|weight| Account {
            weight: i128::from(weight / divisor.max(1)),
            lag: 0,
            picks: 0,
        });
        Self {
            accounts: accounts.collect(),
            period,
            unit: i128::from(period) << scale,
        }
    }

    pub(super) fn carried<K: Eq + Hash>(&self, from: &Backends<K>, to: &Backends<K>) -> Self {
        let mut ledger = Self::level(to);
        let limit = CARRY_LIMIT * self.unit;
        let lags: HashMap<&K, i128> = from
            .iter()
            .zip(&self.accounts)
            .map(|((id, _), account)| (id, account.lag.clamp(-limit, limit)))
            .collect();
        for ((id, _), account) in to.iter().zip(&mut ledger.accounts) {
            let lag = lags.get(id).copied().unwrap_or(0);
            account.lag = rounded(lag * ledger.unit, self.unit);
        }
        ledger.settle();
        ledger
    }

    /// Sets lags, in picks, in the list's order.
    pub(super) fn owe(&mut self, lags: impl Iterator<Item = f64>) {
        // Of CARRY_LIMIT.
        let limit = 4.0;
        for (account, lag) in self.accounts.iter_mut().zip(lags) {
            let lag = if lag.is_nan() {
                0.0
            } else {
                lag.clamp(-limit, limit)
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                reason = "a unit has 45 bits at most, a lag 3 more"
            )]
            {
                let unit = self.unit as f64;
                account.lag = (lag * unit).round() as i128;
            }
        }
        self.settle();
    }

    /// Sets the ideal clock back (or forward) until the active lags sum to zero.
    fn settle(&mut self) {
        let period = i128::from(self.period);
        let active = |account: &&mut Account| account.weight > 0;
        let mut difference: i128 = self.accounts.iter_mut().filter(active).map(|a| a.lag).sum();
        let whole = difference;
        for account in self.accounts.iter_mut().filter(active) {
            let part = rounded(whole * account.weight, period);
            account.lag -= part;
            difference -= part;
        }
        // What rounding left is less than a unit a head, and a unit is 2⁻⁴⁴ picks.
        for account in self.accounts.iter_mut().filter(active) {
            account.lag -= difference.signum();
            difference -= difference.signum();
        }
    }

    pub(super) fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    pub(super) fn accounts_mut(&mut self) -> &mut [Account] {
        &mut self.accounts
    }

    /// The sum of the reduced weights.
    pub(super) fn period(&self) -> u64 {
        self.period
    }

    /// One pick, in the ledger's units.
    pub(super) fn unit(&self) -> i128 {
        self.unit
    }

    /// What one pick of anybody owes a backend of weight one.
    pub(super) fn due(&self) -> i128 {
        self.unit / i128::from(self.period.max(1))
    }

    /// How many backends can be picked.
    pub(super) fn active(&self) -> usize {
        self.accounts.iter().filter(|a| a.weight > 0).count()
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

/// `value / by` to the nearest integer, for `by` above zero.
fn rounded(value: i128, by: i128) -> i128 {
    (value + by / 2).div_euclid(by)
}
