//! A call that was let through: it ends with a result, or gives its place back.

use std::borrow::Borrow;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Breaker;
use super::machine::Result as CallResult;

/// A call that may be made. Say how it ended; dropped, it never happened.
///
/// It holds its breaker as `&Breaker`, or as `Arc<Breaker>` where it must outlive a borrow.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once counts for nothing"]
pub struct Permit<B: Borrow<Breaker>> {
    breaker: B,
    generation: u64,
    open: bool,
}

impl<B: Borrow<Breaker>> Permit<B> {
    pub(super) fn new(breaker: B, generation: u64) -> Self {
        Self {
            breaker,
            generation,
            open: true,
        }
    }

    /// The call succeeded after `took`.
    pub fn success(mut self, took: Duration, now: Duration) {
        if self.breaker.borrow().is_as_before(self.generation, took) {
            self.open = false;
            return;
        }
        self.end(CallResult::Success, took, now);
    }

    /// The call failed after `took`.
    pub fn failure(self, took: Duration, now: Duration) {
        self.end(CallResult::Failure, took, now);
    }

    /// The call ended after `took` with an error that says nothing about the backend.
    pub fn ignore(self, took: Duration, now: Duration) {
        self.end(CallResult::Ignored, took, now);
    }

    fn end(mut self, result: CallResult, took: Duration, now: Duration) {
        self.open = false;
        let breaker = self.breaker.borrow();
        let mut machine = breaker.lock();
        machine.record(self.generation, result, took, now);
        breaker.publish(&machine);
    }
}

impl<B: Borrow<Breaker>> Drop for Permit<B> {
    fn drop(&mut self) {
        // A closed breaker counts no places, so there is nothing to give back then.
        let breaker = self.breaker.borrow();
        if self.open && breaker.closed.load(Ordering::Relaxed) != self.generation {
            breaker.lock().release(self.generation);
        }
    }
}
