//! A budget of retries: a share of the requests, and a few more for when there are few.
//!
//! A fixed number of retries per request multiplies the load exactly when there is too much of it. A budget
//! bounds the whole: over any time of one lifetime, retries are at most the reserve plus the share of the requests of
//! that time and of a lifetime (and a tenth) before. As in Finagle's `RetryBudget`.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Parts that are kept: ten of a lifetime, and the running one, so that a whole lifetime is behind every moment.
const PARTS: usize = 11;

/// A budget, shared by all requests to the same backends. Times are since any origin.
#[derive(Debug)]
pub struct Budget {
    lifetime: Duration,
    /// Retries per thousand requests.
    per_thousand: u64,
    /// Retries a lifetime holds whatever the requests, in thousandths.
    reserve: u64,
    ledger: Mutex<Ledger>,
}

/// Deposits and withdrawals in thousandths of a retry, by part of the lifetime.
#[derive(Debug, Default)]
struct Ledger {
    parts: [Part; PARTS],
    /// The running part, counted from the origin.
    part: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Part {
    deposited: u64,
    withdrawn: u64,
}

impl Budget {
    /// One retry for five requests, and ten a second besides; a request counts for ten seconds.
    #[must_use]
    pub fn new() -> Self {
        Self::of(200, 10, Duration::from_secs(10))
    }

    /// `per_thousand` retries for a thousand requests, which count for `lifetime` (at least 10 ms),
    /// and `per_second` retries besides.
    #[must_use]
    pub fn of(per_thousand: u32, per_second: u32, lifetime: Duration) -> Self {
        let lifetime = lifetime.clamp(Duration::from_millis(10), Duration::from_secs(86_400));
        let millis = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX);
        Self {
            lifetime,
            per_thousand: u64::from(per_thousand),
            reserve: u64::from(per_second).saturating_mul(millis),
            ledger: Mutex::default(),
        }
    }

    /// The same budget for requests each of which stands for so many.
    pub(crate) fn of_samples(mut self, each: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "thousandths of a retry"
        )]
        {
            self.reserve = (self.reserve as f64 / each.max(1.0)) as u64;
        }
        self
    }

    /// Counts a request (not a retry).
    pub fn deposit(&self, now: Duration) {
        self.with(now, |part, _| {
            part.deposited = part.deposited.saturating_add(self.per_thousand);
        });
    }

    /// Takes a retry out; false if there is none.
    #[must_use]
    pub fn withdraw(&self, now: Duration) -> bool {
        self.with(now, |part, balance| {
            let enough = balance >= 1000;
            if enough {
                part.withdrawn = part.withdrawn.saturating_add(1000);
            }
            enough
        })
    }

    /// How many retries are left.
    #[must_use]
    pub fn balance(&self, now: Duration) -> u64 {
        self.with(now, |_, balance| balance / 1000)
    }

    fn with<T>(&self, now: Duration, act: impl FnOnce(&mut Part, u64) -> T) -> T {
        // Plain counters hold whatever happened under the lock.
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        // In 64 bits, since this runs for every request: 584 years.
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let part = nanos(now) / nanos(self.lifetime / 10).max(1);
        // A time before the last one is taken for the last one.
        let passed = part.saturating_sub(ledger.part);
        for over in 1..=passed.min(PARTS as u64) {
            let at = slot(ledger.part.saturating_add(over));
            if let Some(old) = ledger.parts.get_mut(at) {
                *old = Part::default();
            }
        }
        ledger.part += passed;
        let deposited: u64 = ledger.parts.iter().map(|p| p.deposited).sum();
        let withdrawn: u64 = ledger.parts.iter().map(|p| p.withdrawn).sum();
        let balance = (deposited.saturating_add(self.reserve)).saturating_sub(withdrawn);
        let at = slot(ledger.part);
        let mut nowhere = Part::default();
        act(ledger.parts.get_mut(at).unwrap_or(&mut nowhere), balance)
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new()
    }
}

fn slot(part: u64) -> usize {
    usize::try_from(part % PARTS as u64).unwrap_or(0)
}
