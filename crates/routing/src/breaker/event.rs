//! What a breaker did, for logs and meters.

use std::time::Duration;

use super::State;

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// When.
    pub at: Duration,
    /// What.
    pub kind: EventKind,
}

/// What happened. While disabled or forced open only transitions and resets are told.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// A call succeeded, after so long.
    Success(Duration),
    /// A call failed, after so long.
    Failure(Duration),
    /// A call ended with an error that does not count.
    Ignored(Duration),
    /// A call was not let through.
    NotPermitted,
    /// The state changed.
    Transition {
        /// From this …
        from: State,
        /// … to this.
        to: State,
    },
    /// It was reset.
    Reset,
    /// The share of failures reached its threshold; the rate in percent.
    FailureRateExceeded(f32),
    /// The share of slow calls reached its threshold; the rate in percent.
    SlowCallRateExceeded(f32),
}
