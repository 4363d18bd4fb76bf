//! Active checks of one backend: what their results mean, and when the next is due.
//!
//! A backend goes down after so many failures in a row and comes back after so many successes in a row.
//! While the last results do not agree with its state it is asked more often (HAProxy's `fastinter`), and
//! while it is down as often as the policy says. Every interval is spread at random, so that checkers that
//! started together do not stay together. Nothing is known before the first result: one success is
//! enough then, as is one failure.

use std::time::Duration;

/// How a backend is checked. The default asks every 2 s, is down after 3 failures and up after 5 successes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProbePolicy {
    interval: Duration,
    fast: Duration,
    down: Duration,
    fall: u32,
    rise: u32,
    jitter: f64,
}

impl Default for ProbePolicy {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(2),
            fast: Duration::from_secs(1),
            down: Duration::from_secs(2),
            fall: 3,
            rise: 5,
            jitter: 0.1,
        }
    }
}

impl ProbePolicy {
    /// Between two checks of a backend that is up, in between, and down.
    #[must_use]
    pub fn with_intervals(mut self, up: Duration, between: Duration, down: Duration) -> Self {
        (self.interval, self.fast, self.down) = (up, between, down);
        self
    }

    /// How many failures in a row take it down, how many successes bring it back; 0 counts as 1.
    #[must_use]
    pub fn with_thresholds(mut self, fall: u32, rise: u32) -> Self {
        (self.fall, self.rise) = (fall.max(1), rise.max(1));
        self
    }

    /// By which part intervals are spread both ways, from 0 to 1.
    #[must_use]
    pub fn with_jitter(mut self, part: f64) -> Self {
        self.jitter = if part.is_nan() {
            0.0
        } else {
            part.clamp(0.0, 1.0)
        };
        self
    }
}

/// The checks of one backend.
#[derive(Clone, Debug)]
pub struct Probes {
    policy: ProbePolicy,
    up: Option<bool>,
    /// Results in a row that do not agree with the state.
    against: u32,
}

impl Probes {
    /// A backend that nothing is known of.
    #[must_use]
    pub fn new(policy: ProbePolicy) -> Self {
        Self {
            policy,
            up: None,
            against: 0,
        }
    }

    /// The same checks under another policy.
    #[must_use]
    pub fn under(self, policy: ProbePolicy) -> Self {
        Self { policy, ..self }
    }

    /// Takes a result; true if the state changed.
    pub fn record(&mut self, success: bool) -> bool {
        let Some(up) = self.up else {
            self.up = Some(success);
            return true;
        };
        if success == up {
            self.against = 0;
            return false;
        }
        self.against += 1;
        let threshold = if up {
            self.policy.fall
        } else {
            self.policy.rise
        };
        if self.against < threshold {
            return false;
        }
        self.up = Some(success);
        self.against = 0;
        true
    }

    /// Begins with what is known from before.
    pub fn believe(&mut self, up: bool) {
        (self.up, self.against) = (Some(up), 0);
    }

    /// Takes a result that leaves no doubt, such as a wrong status: down at once.
    pub fn condemn(&mut self) -> bool {
        let changed = self.up != Some(false);
        (self.up, self.against) = (Some(false), 0);
        changed
    }

    /// Whether it is up; `None` before the first result.
    #[must_use]
    pub fn is_up(&self) -> Option<bool> {
        self.up
    }

    /// How long until the next check; `random` is uniform in 0..1.
    #[must_use]
    pub fn next(&self, random: f64) -> Duration {
        let interval = match self.up {
            _ if self.against > 0 => self.policy.fast,
            Some(true) => self.policy.interval,
            Some(false) => self.policy.down,
            // All at once would be a stampede; within one interval is soon enough.
            None => return spread(self.policy.fast, random),
        };
        let random = if random.is_nan() {
            0.5
        } else {
            random.clamp(0.0, 1.0)
        };
        spread(interval, 1.0 + self.policy.jitter * (2.0 * random - 1.0))
    }
}

fn spread(interval: Duration, factor: f64) -> Duration {
    let seconds = interval.as_secs_f64() * factor.clamp(0.0, 2.0);
    Duration::try_from_secs_f64(seconds).unwrap_or(interval)
}
