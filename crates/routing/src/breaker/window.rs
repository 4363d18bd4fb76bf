//! Counting calls over the last so many, or the last so many seconds. O(1) a call.

use std::time::Duration;

use super::config::Window;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Measures {
    /// Calls in the window.
    pub calls: u32,
    /// Failures among them.
    pub failures: u32,
    /// Slow calls among them, failed or not.
    pub slow: u32,
    /// Failures in percent; `None` before there are enough calls.
    pub failure_rate: Option<f32>,
    /// Slow calls in percent; `None` before there are enough calls.
    pub slow_call_rate: Option<f32>,
    /// Calls not let through since this state began.
    pub not_permitted: u64,
}

/// Calls, failures and slow calls, of a window or of a part of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) calls: u32,
    pub(super) failures: u32,
    pub(super) slow: u32,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.failures = self.failures.saturating_add(other.failures);
        self.slow = self.slow.saturating_add(other.slow);
    }

    fn take(&mut self, other: Self) {
        self.calls = self.calls.saturating_sub(other.calls);
        self.failures = self.failures.saturating_sub(other.failures);
        self.slow = self.slow.saturating_sub(other.slow);
    }
}

/// A window and its total.
#[derive(Clone, Debug)]
pub(super) struct Counter {
    total: Tally,
    /// One per call or per second, of a ring.
    parts: Vec<Tally>,
    size: usize,
    /// The part that is next to be replaced (calls), or running (seconds).
    at: usize,
    /// The running second, if seconds are counted.
    second: Option<u64>,
}

impl Counter {
    pub(super) fn new(window: Window, now: Duration) -> Self {
        let (size, second) = match window {
            Window::Calls(calls) => (calls, None),
            Window::Seconds(seconds) => (seconds, Some(now.as_secs())),
        };
        Self {
            total: Tally::default(),
            parts: Vec::new(),
            size: usize::try_from(size).unwrap_or(usize::MAX),
            at: 0,
            second,
        }
    }

    pub(super) fn record(&mut self, failure: bool, slow: bool, now: Duration) {
        let call = Tally {
            calls: 1,
            failures: u32::from(failure),
            slow: u32::from(slow),
        };
        self.advance(now);
        self.total.add(call);
        if self.second.is_some() {
            self.part().add(call);
            return;
        }
        let old = std::mem::replace(self.part(), call);
        self.total.take(old);
        self.step();
    }

    /// Whether calls are counted, as many as there can be, none of them slow or failed.
    pub(super) fn is_full_of_successes(&self) -> bool {
        let Tally {
            calls,
            failures,
            slow,
        } = self.total;
        let full = usize::try_from(calls).is_ok_and(|calls| calls == self.size);
        self.second.is_none() && full && failures == 0 && slow == 0
    }

    pub(super) fn total(&mut self, now: Duration) -> Tally {
        self.advance(now);
        self.total
    }

    /// Lets go of seconds that are over. A time before the last one is taken for the last one.
    fn advance(&mut self, now: Duration) {
        let Some(second) = self.second else { return };
        let passed = now.as_secs().saturating_sub(second);
        let steps = usize::try_from(passed).unwrap_or(usize::MAX).min(self.size);
        for _ in 0..steps {
            self.step();
            let old = std::mem::take(self.part());
            self.total.take(old);
        }
        self.second = Some(second + passed);
    }

    fn step(&mut self) {
        self.at += 1;
        if self.at == self.size {
            self.at = 0;
        }
    }

    /// The part at hand; the ring grows as it is first gone around.
    fn part(&mut self) -> &mut Tally {
        if self.at >= self.parts.len() {
            self.parts.resize(self.at + 1, Tally::default());
        }
        // INVARIANT: the line above made it.
        #[expect(clippy::indexing_slicing, reason = "just made")]
        &mut self.parts[self.at]
    }
}
