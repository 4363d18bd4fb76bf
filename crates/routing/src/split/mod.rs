//! Traffic divided exactly by weight.
//!
//! # The promise
//!
//! Let backend *i* have the share *pᵢ* of the weights, and *xᵢ(t)* of the first *t* picks. Its
//! *lag* is *t·pᵢ − xᵢ(t)*: how many picks it is owed. With *n* backends of weight above zero,
//!
//! - from a fresh start every lag stays within ±(1 − 1/(2n−2)), so less than one request, at
//!   every moment and for every weight vector;
//! - hence in any window of picks each backend is less than two requests off its share;
//! - over each period (the sum of the weights over their greatest common divisor) shares are exact;
//! - a backend of weight zero is never picked.
//!
//! "Less than one in any window" is what one would like to promise, and nobody can: for the weights
//! 2:4:5 the best possible schedule has a window that is 1.09 off.
//!
//! # The rule
//!
//! R. Tijdeman, *The chairman assignment problem*, Discrete Mathematics 32 (1980): a backend may
//! take the next pick once that leaves its lag at or above −(1 − 1/(2n−2)), and must before its lag
//! would pass 1 − 1/(2n−2); of those that may, the one that must soonest gets it, the first listed
//! among equals. All of it in integers: `schedule` has the arithmetic and its bounds.
//!
//! # The cost
//!
//! While a period has at most [`Split::MAX_SEQUENCE`] picks its order is worked out once, in
//! O(period · log n), and a pick is one atomic increment and one lookup, whatever n. Longer periods
//! (huge coprime weights) are worked out pick by pick in O(log n) under a lock. Both make the same
//! picks; [`Split::is_precomputed`] tells which it is.
//!
//! # Changing weights
//!
//! [`Split::reconfigured`] makes the next split from the current one and carries each lag by
//! backend id, so that not even a change per request starves or favours anyone. With two backends the
//! promise holds across every change. With more it holds from the change on while the positive lags
//! carried sum to at most ½; beyond that no rule could (half of the backends picked, then removed,
//! and again, leaves the rest ever further behind), and this one works the lag off soonest-due first.
//! Over 3,000 random sequences of changes the largest lag was 3.5. No more than 4 is ever carried.

mod carry;
mod order;
mod schedule;
mod standing;

use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Backends;
use carry::Ledger;
use order::Order;
use schedule::Schedule;

pub use standing::Standing;

/// Picks backends so that each has its exact share; see the [module](self) for the promise.
///
/// One split is shared by everyone who picks for the same purpose (`&self`, `Send + Sync`): the
/// promise is about all of its picks together, in the order they were made. It is deterministic:
/// equal lists give equal orders. Many instances that must not all begin with the same backend
/// begin at different points, see [`Split::skipping`].
///
/// ```
/// use narae_routing::{Backends, Split, Weight};
///
/// let backends = [("stable", 990), ("canary", 10)].map(|(id, w)| (id, Weight::new(w)));
/// let split = Split::new(Backends::new(backends)?);
/// let canary = (0..1000).filter(|_| *split.pick() == "canary").count();
/// assert_eq!(canary, 10);
/// # Ok::<(), narae_routing::BackendsError>(())
/// ```
#[derive(Debug)]
pub struct Split<K> {
    backends: Backends<K>,
    engine: Engine,
}

impl<K> Split<K> {
    /// The longest period whose order is kept in memory, at two bytes a pick.
    pub const MAX_SEQUENCE: usize = 65_536;

    /// Starts level: nobody is owed anything.
    #[must_use]
    pub fn new(backends: Backends<K>) -> Self {
        let ledger = Ledger::level(&backends);
        Self::start(backends, ledger)
    }

    /// The backend that gets the next request.
    pub fn pick(&self) -> &K {
        let index = match &self.engine {
            Engine::Order(order) => order.pick(),
            Engine::Schedule(schedule) => lock(schedule).pick(),
        };
        self.backends.id(index)
    }

    /// The same split as if `picks` picks had already been made; it skips at most
    /// [`Self::MAX_SEQUENCE`], and whole periods not at all.
    ///
    /// Instances that start together and alike would all send their first request to the same
    /// backend. Give each a number of its own (its ordinal, a hash of its name, a random one) and
    /// they do not. From there on a prefix is, like any window, less than two off instead of one.
    #[must_use]
    pub fn skipping(self, picks: u64) -> Self {
        for _ in 0..picks % self.period().min(Self::MAX_SEQUENCE as u64) {
            let _ = self.pick();
        }
        self
    }

    /// Whom it picks from.
    #[must_use]
    pub fn backends(&self) -> &Backends<K> {
        &self.backends
    }

    /// The picks after which shares are exact again: the sum of weights over their greatest common divisor.
    #[must_use]
    pub fn period(&self) -> u64 {
        self.ledger().period()
    }

    /// Whether the order is in memory, so that a pick takes no lock.
    #[must_use]
    pub fn is_precomputed(&self) -> bool {
        matches!(self.engine, Engine::Order(_))
    }

    /// How each backend stands, in listing order: share, picks so far, lag.
    ///
    /// Picks made meanwhile may or may not be in it, but all of it is of one moment.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing<'_, K>> {
        standing::of(&self.backends, &self.ledger())
    }

    /// The same split in which each backend is owed so many picks, as [`Standing::lag`] of an earlier
    /// one said; at most 4, and settled among the active as by [`Split::reconfigured`].
    #[must_use]
    pub fn owing(self, lag: impl Fn(&K) -> f64) -> Self {
        let mut ledger = Ledger::level(&self.backends);
        ledger.owe(self.backends.iter().map(|(id, _)| lag(id)));
        Self::start(self.backends, ledger)
    }

    fn start(backends: Backends<K>, ledger: Ledger) -> Self {
        let engine = if ledger.period() <= Self::MAX_SEQUENCE as u64 {
            Order::precompute(&ledger).map(Engine::Order)
        } else {
            None
        };
        let engine = engine.unwrap_or_else(|| Engine::Schedule(Mutex::new(Schedule::new(ledger))));
        Self { backends, engine }
    }

    fn ledger(&self) -> Ledger {
        match &self.engine {
            Engine::Order(order) => order.ledger(),
            Engine::Schedule(schedule) => lock(schedule).ledger(),
        }
    }
}

impl<K: Eq + Hash> Split<K> {
    /// The split for a new list of backends, each id keeping the lag it has here.
    ///
    /// What changes is who is due what from now on: a backend that was owed part of a request is
    /// still owed it. Drained backends keep their lag until they are back; a removed one is
    /// forgotten. What somebody leaves or brings along is settled among the active by weight. Pass the result to the pickers in place of this one; what is still picked here
    /// after the call is not carried.
    #[must_use]
    pub fn reconfigured(&self, backends: Backends<K>) -> Self {
        let ledger = self.ledger().carried(&self.backends, &backends);
        Self::start(backends, ledger)
    }
}

#[derive(Debug)]
enum Engine {
    Order(Order),
    Schedule(Mutex<Schedule>),
}

/// A panic inside a pick is a bug, and the ledger holds after any prefix of a pick's steps.
fn lock(schedule: &Mutex<Schedule>) -> MutexGuard<'_, Schedule> {
    schedule.lock().unwrap_or_else(PoisonError::into_inner)
}
