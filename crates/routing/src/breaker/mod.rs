//! A circuit breaker with the semantics of Resilience4j 2.x.
//!
//! **Why**: a backend that fails or crawls should be left alone instead of piling up requests.
//! **Trips**: when, over the last calls (or seconds), the share of failures or of slow calls reaches its
//! threshold, once enough calls were seen. **Recovers**: after a wait a few calls are let through, and
//! their shares alone decide between closing and waiting again.
//!
//! Times are [`Duration`]s since an origin of the caller's choice and never read from a clock. What
//! Resilience4j does by timer (automatic half-open, the limit on half-open) happens here at the
//! first call that passes a later time.
//!
//! # Known differences from Resilience4j
//!
//! - A call is a [`Permit`]: dropped without a result it gives its place back, so that none can leak
//!   and half-open cannot hang on one. Half-open also ends after [`Config::max_wait_in_half_open`], by
//!   default one minute; there it is unlimited.
//! - A result counts in the state that let its call through. A call from before the breaker opened
//!   neither fills a half-open window nor gives back a half-open place, as it can there.
//! - Which errors count as failures is the caller's to say, with [`Permit::failure`] or [`Permit::ignore`].
//!
//! # Cost
//!
//! In the closed state asking takes one atomic load. So does recording a success while all of a full window of calls
//! were successes, which that leaves as it is; else recording takes a lock, and O(1) whatever the
//! window (time windows are one bucket a second). Reading the system's clock, twice a call, costs more than either. Where
//! a few milliseconds are fine enough, its coarse clock (`CLOCK_MONOTONIC_COARSE`; `Clock::coarse` of the `tower` layers)
//! takes a fraction of that, and [`SharedTime`](crate::SharedTime) next to nothing.

mod config;
mod event;
mod machine;
mod permit;
mod window;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::saved::BreakerState;

pub use config::{AfterHalfOpen, Config, ConfigError, Window};
pub use event::{Event, EventKind};
use machine::Machine;
pub use permit::Permit;
pub use window::Measures;

/// A breaker, shared by all callers of what it protects. See the [module](self).
///
/// ```
/// use narae_routing::breaker::{Breaker, Config, State, Window};
/// use std::time::Duration;
///
/// let config = Config::default().with_window(Window::Calls(4)).with_minimum_calls(4);
/// let breaker = Breaker::new(config)?;
/// for millisecond in 0..4 {
///     let now = Duration::from_millis(millisecond);
///     let permit = breaker.acquire(now)?;
///     permit.failure(Duration::from_millis(1), now);
/// }
/// assert_eq!(breaker.state(), State::Open);
/// assert!(breaker.acquire(Duration::from_secs(1)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Breaker {
    machine: Mutex<Machine>,
    /// The generation of the closed state while it is that, else zero: who reads it needs no lock.
    closed: AtomicU64,
    /// The same while its window is full of successes that were not slow, and nobody hears of each: one more of them
    /// changes nothing. Else zero.
    flawless: AtomicU64,
    /// The configuration's.
    slow_call: Duration,
}

/// What a breaker does with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_enums, reason = "Resilience4j's six")]
pub enum State {
    /// Lets all through and watches.
    Closed,
    /// Lets none through for a while.
    Open,
    /// Lets some through and decides by them.
    HalfOpen,
    /// Lets all through and does not watch.
    Disabled,
    /// Lets all through, watches, and only says what it would do.
    MetricsOnly,
    /// Lets none through until told otherwise.
    ForcedOpen,
}

impl Breaker {
    /// A breaker in its initial state.
    ///
    /// # Errors
    ///
    /// When a threshold is no percentage above 0, or a window or a number of calls is 0 or too large.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.check()?;
        let slow_call = config.slow_call;
        let machine = Machine::new(config);
        let closed = AtomicU64::new(machine.closed_generation());
        Ok(Self {
            machine: Mutex::new(machine),
            closed,
            flawless: AtomicU64::new(0),
            slow_call,
        })
    }

    /// Asks to make a call.
    ///
    /// # Errors
    ///
    /// When the breaker lets none through now.
    pub fn acquire(&self, now: Duration) -> Result<Permit<&Self>, NotPermitted> {
        Ok(Permit::new(self, self.admit(now)?))
    }

    /// Asks to make a call whose permit keeps the breaker alive.
    ///
    /// # Errors
    ///
    /// When the breaker lets none through now.
    pub fn acquire_owned(
        self: &Arc<Self>,
        now: Duration,
    ) -> Result<Permit<Arc<Self>>, NotPermitted> {
        Ok(Permit::new(Arc::clone(self), self.admit(now)?))
    }

    /// The generation of a call that is let through.
    fn admit(&self, now: Duration) -> Result<u64, NotPermitted> {
        // Relaxed: the machine's lock orders everything that follows from being permitted.
        let closed = self.closed.load(Ordering::Relaxed);
        if closed != 0 {
            return Ok(closed);
        }
        let mut machine = self.lock();
        let permitted = machine.acquire(now);
        self.publish(&machine);
        permitted
    }

    /// The state, as far as calls have moved it.
    #[must_use]
    pub fn state(&self) -> State {
        self.lock().state()
    }

    /// Whether a call at this time would be refused for the breaker's state. Half-open counts as letting
    /// through, though its places may be taken.
    #[must_use]
    pub fn is_refusing(&self, now: Duration) -> bool {
        self.closed.load(Ordering::Relaxed) == 0 && self.lock().is_refusing(now)
    }

    /// What was measured in this state; while open, in the state before.
    #[must_use]
    pub fn measures(&self, now: Duration) -> Measures {
        self.lock().measures(now)
    }

    /// Moves it by hand.
    ///
    /// # Errors
    ///
    /// When the transition is none of Resilience4j's 33: from [`State::Closed`] to
    /// [`State::HalfOpen`], or from [`State::MetricsOnly`] to [`State::Open`] or [`State::HalfOpen`].
    pub fn transition(&self, to: State, now: Duration) -> Result<(), IllegalTransition> {
        let mut machine = self.lock();
        let done = machine.transition(to, now);
        self.publish(&machine);
        done
    }

    /// Closes it and forgets what was measured, whatever its state.
    pub fn reset(&self, now: Duration) {
        let mut machine = self.lock();
        machine.reset(now);
        self.publish(&machine);
    }

    /// What should outlive the process.
    #[must_use]
    pub fn saved(&self, now: Duration) -> BreakerState {
        self.lock().saved(now)
    }

    /// Takes up what another process saved, without an event.
    pub fn restore(&self, saved: &BreakerState, now: Duration) {
        let mut machine = self.lock();
        machine.restore(saved, now);
        self.publish(&machine);
    }

    /// The events since the last time, oldest first; only with [`Config::with_events`].
    #[must_use]
    pub fn take_events(&self) -> Vec<Event> {
        self.lock().take_events()
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        // Nothing under the lock panics; were it to, the machine holds after any prefix of its steps.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a success of that generation changes nothing: it then came before whatever is recorded next.
    fn is_as_before(&self, generation: u64, took: Duration) -> bool {
        self.flawless.load(Ordering::Acquire) == generation && took <= self.slow_call
    }

    fn publish(&self, machine: &Machine) {
        let closed = machine.closed_generation();
        self.closed.store(closed, Ordering::Relaxed);
        let flawless = if machine.is_flawless() { closed } else { 0 };
        self.flawless.store(flawless, Ordering::Release);
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::Disabled => "disabled",
            Self::MetricsOnly => "metrics-only",
            Self::ForcedOpen => "forced-open",
        })
    }
}

/// A call that must not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("the breaker is {state} and lets no call through")]
pub struct NotPermitted {
    /// The state that refused.
    pub state: State,
    /// When it is worth asking again, if time alone changes that: from then on a call may be let through.
    pub retry_at: Option<Duration>,
}

/// A transition that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("a breaker does not go from {from} to {to}")]
pub struct IllegalTransition {
    /// The state it is in.
    pub from: State,
    /// The state it was told to go to.
    pub to: State,
}
