//! How long to wait before another attempt.

use std::time::Duration;

/// Waits that double, up to a limit, spread at random so that clients that failed together do not come
/// back together (M. Brooker, *Exponential backoff and jitter*, 2015).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    first: Duration,
    at_most: Duration,
    jitter: Jitter,
}

/// How waits are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the three in use")]
pub enum Jitter {
    /// Anything from nothing to the wait: the least work for everybody.
    #[default]
    Full,
    /// Half of it fixed, half of it spread.
    Equal,
    /// Not spread.
    None,
}

impl Backoff {
    /// Waits `first`, then twice that, and so on, never more than `at_most`; spread fully.
    #[must_use]
    pub const fn new(first: Duration, at_most: Duration) -> Self {
        Self {
            first,
            at_most,
            jitter: Jitter::Full,
        }
    }

    /// The same waits, spread otherwise.
    #[must_use]
    pub const fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// The wait before the `retry`-th further attempt, from 1; `random` is uniform in 0..1, and taken
    /// as 0 or 1 if it is outside.
    #[must_use]
    pub fn wait(&self, retry: u32, random: f64) -> Duration {
        let random = if random.is_nan() {
            0.0
        } else {
            random.clamp(0.0, 1.0)
        };
        let factor = 2u32.saturating_pow(retry.saturating_sub(1));
        let wait = self.first.saturating_mul(factor).min(self.at_most);
        let spread = |whole: Duration| {
            let part = Duration::try_from_secs_f64(whole.as_secs_f64() * random);
            part.unwrap_or(whole).min(whole)
        };
        match self.jitter {
            Jitter::None => wait,
            Jitter::Full => spread(wait),
            Jitter::Equal => wait / 2 + spread(wait / 2),
        }
    }
}

impl Default for Backoff {
    /// 25 ms, up to 250 ms, as Envoy's.
    fn default() -> Self {
        Self::new(Duration::from_millis(25), Duration::from_millis(250))
    }
}
