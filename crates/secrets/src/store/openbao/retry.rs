//! Whether and when a request is sent again. Pure: what happened, how long ago the first attempt was, and a random
//! number in; a wait, or none, out.
//!
//! Waits grow exponentially with full jitter (a wait is anywhere between nothing and the step), so that clients that failed
//! together do not come back together. A budget shared by all clones of a store bounds how much a struggling server is asked
//! again: each retry takes ten parts of it, each success gives one back.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::answer::Answer;
use super::request::Repeat;
use super::transport::Failure;

/// How a request that failed is repeated. `Default` is three attempts within a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retries {
    attempts: u32,
    first: Duration,
    longest: Duration,
    pub(super) deadline: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 3,
            first: Duration::from_millis(200),
            longest: Duration::from_secs(5),
            deadline: Duration::from_secs(60),
        }
    }
}

impl Retries {
    /// No request is sent twice.
    #[must_use]
    pub fn none() -> Self {
        Self {
            attempts: 1,
            ..Self::default()
        }
    }

    /// How often a request is sent at most, the first time included.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The longest first wait, doubled for each further one, and the longest wait at all.
    #[must_use]
    pub fn with_waits(mut self, first: Duration, longest: Duration) -> Self {
        self.first = first;
        self.longest = longest;
        self
    }

    /// How long all attempts and the waits between them may take together.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The wait before attempt `done + 1`; `None`: no more. `random` is a fraction of 2³².
    pub(super) fn wait(
        &self,
        done: u32,
        since_start: Duration,
        asked_to_wait: Option<Duration>,
        random: u32,
    ) -> Option<Duration> {
        if done >= self.attempts {
            return None;
        }
        let step = self
            .first
            .saturating_mul(1 << done.saturating_sub(1).min(16));
        let jitter = step
            .min(self.longest)
            .mul_f64(f64::from(random) / 4_294_967_296.0);
        let wait = asked_to_wait.map_or(jitter, |asked| asked.saturating_add(jitter));
        (since_start.saturating_add(wait) < self.deadline).then_some(wait)
    }
}

/// What retries all clones have left.
#[derive(Debug)]
pub(super) struct Budget(AtomicU32);

const BUDGET: u32 = 100;
const PRICE: u32 = 10;

impl Budget {
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(BUDGET))
    }

    /// Whether there was enough for one more.
    pub(super) fn take(&self) -> bool {
        let take = |left: u32| left.checked_sub(PRICE);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }

    pub(super) fn give(&self) {
        let give = |left: u32| (left < BUDGET).then(|| left + 1);
        // Full already: nothing to give.
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, give);
    }
}

/// Whether trying again can help, and cannot hurt.
pub(super) fn is_worth_it(outcome: &Result<Answer, Failure>, repeat: Repeat) -> bool {
    match outcome {
        Err(Failure::Connect | Failure::ConnectTimeout) => true,
        Err(Failure::Timeout | Failure::Broken) => repeat == Repeat::Always,
        Err(Failure::Tls | Failure::TooLarge | Failure::Unfit | Failure::InsideRuntime) => false,
        Ok(answer) => match answer.status {
            // An older state than asked for, too many requests, standbys: nothing was done.
            412 | 429 | 472 | 473 => true,
            // A sealed server stays so until somebody comes.
            503 => !answer.says("sealed"),
            // The engine upgrades itself for a moment after it was mounted.
            400 => answer.says("Upgrading from non-versioned to versioned"),
            500 | 502 | 504 => repeat == Repeat::Always,
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: u32 = 1 << 31;

    #[test]
    fn waits_double_with_jitter_and_end() {
        let retries = Retries::default().with_attempts(4);
        let wait = |done, random| retries.wait(done, Duration::ZERO, None, random);
        assert_eq!(wait(1, 0), Some(Duration::ZERO));
        assert_eq!(wait(1, HALF), Some(Duration::from_millis(100)));
        assert_eq!(wait(2, HALF), Some(Duration::from_millis(200)));
        assert_eq!(wait(3, HALF), Some(Duration::from_millis(400)));
        assert_eq!(wait(4, HALF), None);
        let many = retries.with_attempts(100);
        let longest = many.wait(60, Duration::ZERO, None, u32::MAX).unwrap();
        assert!(longest <= Duration::from_secs(5), "{longest:?}");
    }

    #[test]
    fn the_deadline_counts_what_is_still_to_wait() {
        let retries = Retries::default().with_deadline(Duration::from_secs(10));
        let asked = Some(Duration::from_secs(4));
        assert_eq!(retries.wait(1, Duration::from_secs(5), asked, 0), asked);
        assert_eq!(retries.wait(1, Duration::from_secs(6), asked, 0), None);
        assert_eq!(Retries::none().wait(1, Duration::ZERO, None, 0), None);
    }

    #[test]
    fn a_budget_runs_out_and_is_earned_back() {
        let budget = Budget::new();
        assert_eq!((0..100).filter(|_| budget.take()).count(), 10);
        (0..10).for_each(|_| budget.give());
        assert!(budget.take() && !budget.take());
        (0..1000).for_each(|_| budget.give());
        assert_eq!((0..100).filter(|_| budget.take()).count(), 10);
    }

    #[test]
    fn what_may_have_happened_is_not_done_again() {
        let answer = |status| {
            Ok(Answer {
                status,
                retry_after: None,
                body: zeroize::Zeroizing::new(Vec::new()),
            })
        };
        for status in [412, 429, 472, 473, 503] {
            assert!(
                is_worth_it(&answer(status), Repeat::Unprocessed),
                "{status}"
            );
        }
        for status in [500, 502, 504] {
            assert!(
                !is_worth_it(&answer(status), Repeat::Unprocessed),
                "{status}"
            );
            assert!(is_worth_it(&answer(status), Repeat::Always), "{status}");
        }
        for status in [200, 204, 301, 400, 403, 404, 405, 413] {
            assert!(!is_worth_it(&answer(status), Repeat::Always), "{status}");
        }
        assert!(is_worth_it(&Err(Failure::Connect), Repeat::Unprocessed));
        assert!(!is_worth_it(&Err(Failure::Timeout), Repeat::Unprocessed));
        assert!(is_worth_it(&Err(Failure::Broken), Repeat::Always));
        assert!(!is_worth_it(&Err(Failure::Tls), Repeat::Always));
    }
}
