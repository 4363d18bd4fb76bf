//! The state machine behind the lock.

use std::collections::VecDeque;
use std::time::Duration;

use super::config::{AfterHalfOpen, Config, Window};
use super::event::{Event, EventKind};
use super::window::{Counter, Measures};
use crate::saved::BreakerState;

use super::{IllegalTransition, NotPermitted, State};

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Result {
    Success,
    Failure,
    Ignored,
}

#[derive(Debug)]
pub(super) struct Machine {
    config: Config,
    state: State,
    /// Counts states; a permit is of the state that gave it.
    generation: u64,
    /// The generation measured: of the state before while open, else this one's.
    measured: u64,
    counter: Counter,
    minimum_calls: u32,
    not_permitted: u64,
    /// How often in a row it has opened.
    attempts: u32,
    /// When open or half-open ends by itself.
    until: Option<Duration>,
    /// Calls that half-open still lets through.
    places: u32,
    /// Whether metrics-only has said that a rate is exceeded.
    said_failures: bool,
    said_slow: bool,
    events: VecDeque<Event>,
}

impl Machine {
    pub(super) fn new(config: Config) -> Self {
        let initial = config.initial;
        let mut machine = Self {
            state: State::Closed,
            generation: 0,
            measured: 0,
            counter: Counter::new(config.window, Duration::ZERO),
            minimum_calls: 0,
            not_permitted: 0,
            attempts: 0,
            until: None,
            places: 0,
            said_failures: false,
            said_slow: false,
            events: VecDeque::new(),
            config,
        };
        machine.enter(initial, Duration::ZERO);
        machine
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    /// This generation if it is closed, else zero, which is no generation.
    pub(super) fn closed_generation(&self) -> u64 {
        match self.state {
            State::Closed => self.generation,
            _ => 0,
        }
    }

    /// Whether another success that is not slow would leave it as it is.
    pub(super) fn is_flawless(&self) -> bool {
        self.config.events == 0 && self.counter.is_full_of_successes()
    }

    pub(super) fn saved(&self, now: Duration) -> BreakerState {
        let left = self.until.map(|until| until.saturating_sub(now));
        let (state, left) = match self.state {
            // Its calls are the other process's.
            State::HalfOpen => (State::Open, Some(Duration::ZERO)),
            State::Open => (State::Open, left),
            other => (other, None),
        };
        BreakerState {
            state,
            left,
            attempts: self.attempts,
        }
    }

    pub(super) fn restore(&mut self, saved: &BreakerState, now: Duration) {
        self.enter(saved.state, now);
        if saved.state == State::Open {
            self.attempts = saved.attempts.max(1);
            self.until = saved.left.and_then(|left| now.checked_add(left));
        }
    }

    pub(super) fn is_refusing(&self, now: Duration) -> bool {
        match self.state {
            State::Open => self.until.is_none_or(|until| now <= until),
            State::ForcedOpen => true,
            _ => false,
        }
    }

    pub(super) fn acquire(&mut self, now: Duration) -> std::result::Result<u64, NotPermitted> {
        self.pass(now);
        if self.state == State::Open && self.until.is_some_and(|until| now > until) {
            self.go(State::HalfOpen, now);
        }
        let permitted = match self.state {
            State::Closed | State::Disabled | State::MetricsOnly => true,
            State::Open | State::ForcedOpen => false,
            State::HalfOpen => {
                let free = self.places > 0;
                self.places = self.places.saturating_sub(1);
                free
            }
        };
        if permitted {
            return Ok(self.generation);
        }
        self.not_permitted += 1;
        self.tell(now, EventKind::NotPermitted);
        Err(NotPermitted {
            state: self.state,
            retry_at: self
                .until
                .filter(|_| self.state == State::Open)
                .map(|until| until.saturating_add(Duration::from_nanos(1))),
        })
    }

    pub(super) fn release(&mut self, generation: u64) {
        if generation == self.generation && self.state == State::HalfOpen {
            self.places = (self.places + 1).min(self.config.half_open_calls);
        }
    }

    pub(super) fn record(
        &mut self,
        generation: u64,
        result: Result,
        took: Duration,
        now: Duration,
    ) {
        self.pass(now);
        let failure = result == Result::Failure;
        match result {
            Result::Success => self.tell(now, EventKind::Success(took)),
            Result::Failure => self.tell(now, EventKind::Failure(took)),
            Result::Ignored => {
                self.release(generation);
                self.tell(now, EventKind::Ignored(took));
                return;
            }
        }
        if generation != self.measured || self.state == State::Disabled {
            return;
        }
        self.counter
            .record(failure, took > self.config.slow_call, now);
        if generation == self.generation {
            self.judge(now);
        }
    }

    pub(super) fn measures(&mut self, now: Duration) -> Measures {
        let total = self.counter.total(now);
        let rate = |part: u32| {
            (total.calls >= self.minimum_calls).then(|| {
                #[expect(clippy::cast_possible_truncation, reason = "a percentage")]
                {
                    (f64::from(part) * 100.0 / f64::from(total.calls.max(1))) as f32
                }
            })
        };
        Measures {
            calls: total.calls,
            failures: total.failures,
            slow: total.slow,
            failure_rate: rate(total.failures),
            slow_call_rate: rate(total.slow),
            not_permitted: self.not_permitted,
        }
    }

    pub(super) fn transition(
        &mut self,
        to: State,
        now: Duration,
    ) -> std::result::Result<(), IllegalTransition> {
        let from = self.state;
        let illegal = matches!(
            (from, to),
            (State::Closed, State::HalfOpen) | (State::MetricsOnly, State::Open | State::HalfOpen)
        );
        if illegal {
            return Err(IllegalTransition { from, to });
        }
        self.go(to, now);
        Ok(())
    }

    pub(super) fn reset(&mut self, now: Duration) {
        if self.state == State::Closed {
            self.enter(State::Closed, now);
        } else {
            self.go(State::Closed, now);
        }
        self.tell(now, EventKind::Reset);
    }

    pub(super) fn take_events(&mut self) -> Vec<Event> {
        self.events.drain(..).collect()
    }

    /// What timers would have done by now.
    fn pass(&mut self, now: Duration) {
        let over = self.until.is_some_and(|until| now >= until);
        match self.state {
            State::Open if over && self.config.automatic => self.go(State::HalfOpen, now),
            State::HalfOpen if over => match self.config.after_half_open {
                AfterHalfOpen::Open => self.go(State::Open, now),
                AfterHalfOpen::Closed => self.go(State::Closed, now),
            },
            _ => {}
        }
    }

    /// Decides by what was measured.
    fn judge(&mut self, now: Duration) {
        let total = self.counter.total(now);
        // Thresholds are above 0, so that what is flawless closes half-open and changes nothing else.
        let flawless = total.failures == 0 && total.slow == 0 && self.state != State::HalfOpen;
        if flawless || total.calls < self.minimum_calls {
            return;
        }
        // Without dividing: this runs for every call.
        let calls = f64::from(total.calls);
        let reaches =
            |part: u32, percent: f32| f64::from(part) * 100.0 >= f64::from(percent) * calls;
        let failing = reaches(total.failures, self.config.failure_rate);
        let crawling = reaches(total.slow, self.config.slow_call_rate);
        if self.state == State::Closed && !failing && !crawling {
            return;
        }
        let measures = self.measures(now);
        let (Some(failures), Some(slow)) = (measures.failure_rate, measures.slow_call_rate) else {
            return;
        };
        match self.state {
            State::Closed if failing || crawling => {
                self.tell_rates(now, failing.then_some(failures), crawling.then_some(slow));
                self.go(State::Open, now);
            }
            State::HalfOpen if failing || crawling => self.go(State::Open, now),
            State::HalfOpen => self.go(State::Closed, now),
            State::MetricsOnly => {
                let failures = (failing && !self.said_failures).then_some(failures);
                let slow = (crawling && !self.said_slow).then_some(slow);
                self.tell_rates(now, failures, slow);
                self.said_failures |= failing;
                self.said_slow |= crawling;
            }
            _ => {}
        }
    }

    fn go(&mut self, to: State, now: Duration) {
        let from = self.state;
        self.enter(to, now);
        self.tell(now, EventKind::Transition { from, to });
    }

    fn enter(&mut self, to: State, now: Duration) {
        self.state = to;
        self.generation += 1;
        self.until = None;
        self.not_permitted = 0;
        let (window, minimum) = match (to, self.config.window) {
            (State::HalfOpen, _) => (
                Window::Calls(self.config.half_open_calls),
                self.config.half_open_calls,
            ),
            (_, window @ Window::Calls(calls)) => (window, calls),
            (_, window) => (window, u32::MAX),
        };
        if to == State::Open {
            // Late results still count where they came from, and the measures that opened it stay.
            self.attempts = self.attempts.saturating_add(1);
            self.until = now.checked_add(self.config.wait(self.attempts));
            return;
        }
        self.measured = self.generation;
        self.counter = Counter::new(window, now);
        self.minimum_calls = self.config.minimum_calls.min(minimum);
        (self.said_failures, self.said_slow) = (false, false);
        if to == State::HalfOpen {
            self.places = self.config.half_open_calls;
            let limit = self
                .config
                .max_wait_in_half_open
                .filter(|wait| !wait.is_zero());
            self.until = limit.and_then(|wait| now.checked_add(wait));
        } else {
            self.attempts = 0;
        }
    }

    fn tell_rates(&mut self, now: Duration, failures: Option<f32>, slow: Option<f32>) {
        if let Some(rate) = slow {
            self.tell(now, EventKind::SlowCallRateExceeded(rate));
        }
        if let Some(rate) = failures {
            self.tell(now, EventKind::FailureRateExceeded(rate));
        }
    }

    fn tell(&mut self, at: Duration, kind: EventKind) {
        let always = matches!(kind, EventKind::Transition { .. } | EventKind::Reset);
        let quiet = matches!(self.state, State::Disabled | State::ForcedOpen);
        if self.config.events == 0 || (quiet && !always) {
            return;
        }
        if self.events.len() == self.config.events {
            self.events.pop_front();
        }
        self.events.push_back(Event { at, kind });
    }
}
