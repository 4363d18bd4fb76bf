//! Why a call failed: refused here, or failed there.

use std::time::Duration;

use crate::breaker::NotPermitted;
use crate::pool::NoEndpoint;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "here or there")]
pub enum Error<E> {
    /// The inner service was not asked.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What the inner service said.
    #[error("{0}")]
    Service(#[source] E),
}

/// Why a call is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The breaker lets none through.
    #[error(transparent)]
    Breaker(#[from] NotPermitted),
    /// As many run as may.
    #[error("as many calls run as may")]
    Busy,
    /// There were as many as may be in the time.
    #[error("too many calls; the next may come in {retry_after:?}")]
    TooMany {
        /// How long until the next may come.
        retry_after: Duration,
    },
    /// Nobody serves.
    #[error(transparent)]
    Endpoint(#[from] NoEndpoint),
}
