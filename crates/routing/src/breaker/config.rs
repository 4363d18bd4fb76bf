//! What a breaker is told: Resilience4j's settings under their meaning, with its defaults.

use std::time::Duration;

use super::State;

/// The largest window, in calls or seconds, and the most calls that may be asked for.
const MAX_WINDOW: u32 = 1 << 20;

/// Over what rates are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "Resilience4j's two")]
pub enum Window {
    /// The last so many calls.
    Calls(u32),
    /// The last so many whole seconds, the running one included.
    Seconds(u32),
}

/// Where half-open ends when its time is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "Resilience4j's two")]
pub enum AfterHalfOpen {
    /// Open again.
    #[default]
    Open,
    /// Closed.
    Closed,
}

/// Settings of a breaker. The defaults are Resilience4j's, but for
/// [`Config::with_max_wait_in_half_open`].
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub(super) failure_rate: f32,
    pub(super) slow_call_rate: f32,
    pub(super) slow_call: Duration,
    pub(super) window: Window,
    pub(super) minimum_calls: u32,
    pub(super) half_open_calls: u32,
    pub(super) wait_in_open: Duration,
    pub(super) wait_factor: f64,
    pub(super) max_wait_in_open: Duration,
    pub(super) max_wait_in_half_open: Option<Duration>,
    pub(super) after_half_open: AfterHalfOpen,
    pub(super) automatic: bool,
    pub(super) initial: State,
    pub(super) events: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            failure_rate: 50.0,
            slow_call_rate: 100.0,
            slow_call: Duration::from_secs(60),
            window: Window::Calls(100),
            minimum_calls: 100,
            half_open_calls: 10,
            wait_in_open: Duration::from_secs(60),
            wait_factor: 1.0,
            max_wait_in_open: Duration::MAX,
            max_wait_in_half_open: Some(Duration::from_secs(60)),
            after_half_open: AfterHalfOpen::Open,
            automatic: false,
            initial: State::Closed,
            events: 0,
        }
    }
}

impl Config {
    /// The percentage of failures that trips it; 50.
    #[must_use]
    pub fn with_failure_rate(mut self, percent: f32) -> Self {
        self.failure_rate = percent;
        self
    }

    /// The percentage of slow calls that trips it, and which calls are slow: those that take
    /// longer; 100 and one minute.
    #[must_use]
    pub fn with_slow_calls(mut self, percent: f32, longer_than: Duration) -> Self {
        self.slow_call_rate = percent;
        self.slow_call = longer_than;
        self
    }

    /// Over what rates are measured; the last 100 calls.
    #[must_use]
    pub fn with_window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// How many calls it takes to have a rate at all; 100, but never more than a window of calls holds.
    #[must_use]
    pub fn with_minimum_calls(mut self, calls: u32) -> Self {
        self.minimum_calls = calls;
        self
    }

    /// How many calls half-open lets through. It decides by so many, or by
    /// [`Config::with_minimum_calls`] if that is fewer; 10.
    #[must_use]
    pub fn with_half_open_calls(mut self, calls: u32) -> Self {
        self.half_open_calls = calls;
        self
    }

    /// How long it stays open; one minute.
    #[must_use]
    pub fn with_wait_in_open(mut self, wait: Duration) -> Self {
        self.wait_in_open = wait;
        self
    }

    /// By what the wait grows each time half-open fails, and where that ends; 1, without end.
    #[must_use]
    pub fn with_growing_wait(mut self, factor: f64, at_most: Duration) -> Self {
        self.wait_factor = factor;
        self.max_wait_in_open = at_most;
        self
    }

    /// How long half-open may take, and where it goes then; one minute, then open. `None` is no
    /// limit, as it is in Resilience4j by default.
    #[must_use]
    pub fn with_max_wait_in_half_open(
        mut self,
        wait: Option<Duration>,
        then: AfterHalfOpen,
    ) -> Self {
        self.max_wait_in_half_open = wait;
        self.after_half_open = then;
        self
    }

    /// Whether it goes half-open when its time is over, not only when somebody then asks to make a
    /// call; no. Without timers that is at the first call that passes a later time.
    #[must_use]
    pub fn with_automatic_half_open(mut self) -> Self {
        self.automatic = true;
        self
    }

    /// The state it begins in; closed.
    #[must_use]
    pub fn with_initial_state(mut self, state: State) -> Self {
        self.initial = state;
        self
    }

    /// How many events it keeps for [`Breaker::take_events`](super::Breaker::take_events), the
    /// oldest going first; none.
    #[must_use]
    pub fn with_events(mut self, at_most: usize) -> Self {
        self.events = at_most;
        self
    }

    /// How long half-open may take.
    #[must_use]
    pub fn max_wait_in_half_open(&self) -> Option<Duration> {
        self.max_wait_in_half_open
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        for percent in [self.failure_rate, self.slow_call_rate] {
            if !(percent > 0.0 && percent <= 100.0) {
                return Err(ConfigError::Rate { percent });
            }
        }
        let (Window::Calls(window) | Window::Seconds(window)) = self.window;
        for number in [window, self.minimum_calls, self.half_open_calls] {
            if !(1..=MAX_WINDOW).contains(&number) {
                return Err(ConfigError::Number { number });
            }
        }
        if !(self.wait_factor >= 1.0 && self.wait_factor.is_finite()) {
            return Err(ConfigError::Factor {
                factor: self.wait_factor,
            });
        }
        Ok(())
    }

    /// The wait after the `attempt`-th time in a row it opened, from 1.
    pub(super) fn wait(&self, attempt: u32) -> Duration {
        let power = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.wait_in_open.as_secs_f64() * self.wait_factor.powi(power);
        if self.wait_factor <= 1.0 {
            return self.wait_in_open.min(self.max_wait_in_open);
        }
        Duration::try_from_secs_f64(seconds)
            .unwrap_or(Duration::MAX)
            .min(self.max_wait_in_open)
    }
}

/// Settings that make no breaker.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No percentage.
    #[error("a rate of {percent} %: above 0 and at most 100")]
    Rate {
        /// What was given.
        percent: f32,
    },
    /// A window, or a number of calls.
    #[error("{number} calls or seconds: from 1 to {MAX_WINDOW}")]
    Number {
        /// What was given.
        number: u32,
    },
    /// A wait that would shrink.
    #[error("a wait that grows by {factor}: 1 or more")]
    Factor {
        /// What was given.
        factor: f64,
    },
}
