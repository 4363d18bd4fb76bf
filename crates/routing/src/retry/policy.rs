//! The decision: repeatable, within attempts, within budget, and then how long to wait.

use std::time::Duration;

use super::{Backoff, Budget};

/// Whether a request can be sent again without doing its work twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "it is or it is not")]
pub enum Repeatable {
    /// Sending it twice is sending it once.
    Yes,
    /// Only if it surely was not sent.
    No,
}

impl Repeatable {
    /// By its method: RFC 9110, 9.2.2. `idempotency_key` is whether it carries one that the backend
    /// honours, which makes any request repeatable.
    #[must_use]
    pub fn of(method: &str, idempotency_key: bool) -> Self {
        let idempotent = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"].contains(&method);
        if idempotent || idempotency_key {
            Self::Yes
        } else {
            Self::No
        }
    }
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// Nothing of it was sent: no connection, or the backend said it processed nothing (HTTP/2's
    /// `REFUSED_STREAM`, streams above `GOAWAY`'s last).
    NotSent,
    /// It may or may not have been processed: broken or timed out after it was sent.
    Unknown,
    /// The backend answered with this status, and `Retry-After` if it said so.
    Status(u16, Option<Duration>),
}

/// An attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The how manieth it was, from 1.
    pub number: u32,
    /// How it failed.
    pub failure: Failure,
    /// Whether its request may be repeated.
    pub repeatable: Repeatable,
    /// The time until its request's deadline.
    pub left: Duration,
}

/// When to try again.
#[derive(Clone, Debug)]
pub struct Policy {
    attempts: u32,
    statuses: Vec<u16>,
    backoff: Backoff,
    longest_retry_after: Duration,
}

/// Why not to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum GiveUp {
    /// The answer is one to pass on.
    #[error("the status is not one to try again after")]
    Status,
    /// It may have been processed, and twice would be wrong.
    #[error("it may have been processed, and is not to be repeated")]
    NotRepeatable,
    /// It was tried often enough.
    #[error("no attempts are left")]
    Attempts,
    /// Too many requests are being tried again already.
    #[error("the budget of retries is used up")]
    Budget,
    /// The backend asks to wait longer than a client would.
    #[error("the backend asks to wait for too long")]
    RetryAfter,
    /// The next attempt would begin after the deadline.
    #[error("the deadline comes first")]
    Deadline,
}

impl Policy {
    /// At most `attempts` beyond the first, after 502, 503 and 504.
    #[must_use]
    pub fn new(attempts: u32) -> Self {
        Self {
            attempts,
            statuses: vec![502, 503, 504],
            backoff: Backoff::default(),
            longest_retry_after: Duration::from_secs(10),
        }
    }

    /// Tries again after these statuses.
    #[must_use]
    pub fn with_statuses(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.statuses = statuses.into_iter().collect();
        self
    }

    /// Waits like this between attempts.
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Gives up when a backend asks to wait longer; 10 s.
    #[must_use]
    pub fn with_longest_retry_after(mut self, longest: Duration) -> Self {
        self.longest_retry_after = longest;
        self
    }

    /// Decides after an attempt failed: wait so long and try again, or give up. The budget is charged
    /// only when it comes to another attempt; `random` is uniform in 0..1.
    ///
    /// # Errors
    ///
    /// Why not to try again.
    pub fn decide(
        &self,
        attempt: &Attempt,
        budget: &Budget,
        now: Duration,
        random: f64,
    ) -> Result<Duration, GiveUp> {
        let repeatable = attempt.repeatable;
        let asked = match attempt.failure {
            Failure::NotSent => Duration::ZERO,
            Failure::Unknown if repeatable == Repeatable::No => return Err(GiveUp::NotRepeatable),
            Failure::Unknown => Duration::ZERO,
            Failure::Status(status, _) if !self.statuses.contains(&status) => {
                return Err(GiveUp::Status);
            }
            Failure::Status(..) if repeatable == Repeatable::No => {
                return Err(GiveUp::NotRepeatable);
            }
            Failure::Status(_, after) => after.unwrap_or(Duration::ZERO),
        };
        if attempt.number > self.attempts {
            return Err(GiveUp::Attempts);
        }
        if asked > self.longest_retry_after {
            return Err(GiveUp::RetryAfter);
        }
        let wait = self.backoff.wait(attempt.number, random).max(asked);
        if wait >= attempt.left {
            return Err(GiveUp::Deadline);
        }
        if budget.withdraw(now) {
            Ok(wait)
        } else {
            Err(GiveUp::Budget)
        }
    }
}
