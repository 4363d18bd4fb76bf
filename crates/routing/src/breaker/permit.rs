//! A call that was let through: it ends with a result, or gives its place back.

use std::time::Duration;

use super::Breaker;
use super::machine::Result as CallResult;

/// A call that may be made. Say how it ended; dropped, it never happened.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once counts for nothing"]
pub struct Permit<'a> {
    breaker: &'a Breaker,
    generation: u64,
    open: bool,
}

impl<'a> Permit<'a> {
    pub(super) fn new(breaker: &'a Breaker, generation: u64) -> Self {
        Self {
            breaker,
            generation,
            open: true,
        }
    }

    /// The call succeeded after `took`.
    pub fn success(self, took: Duration, now: Duration) {
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
        let mut machine = self.breaker.lock();
        machine.record(self.generation, result, took, now);
        self.breaker.publish(&machine);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        // A closed breaker counts no places, so there is nothing to give back then.
        let closed = self
            .breaker
            .closed
            .load(std::sync::atomic::Ordering::Relaxed);
        if self.open && closed != self.generation {
            self.breaker.lock().release(self.generation);
        }
    }
}
