//! The policies as [tower] layers and services, for clients and servers that are made of those. Adapters only: each asks
//! the policy, runs the inner service, and says how it went.
//!
//! | | |
//! |---|---|
//! | [`BreakerLayer`] | refuses while a [`Breaker`](crate::breaker::Breaker) is open |
//! | [`ConcurrencyLayer`], [`RateLayer`] | refuse what is too much at once, or in a time |
//! | [`RetryLayer`] | tries again within a [`Budget`](crate::retry::Budget) |
//! | [`Balance`] | sends each request to the endpoint a [`Pool`](crate::pool::Pool) picks |
//!
//! Who is refused is told at once, as [`Error::Refused`]; nobody waits in a queue. A call whose future is dropped never
//! happened: its permit and its place are free again. Times are tokio's, so that a test may pause them, unless a
//! [`Clock::coarse`] is asked for.
//!
//! ```
//! use std::convert::Infallible;
//! use std::sync::Arc;
//! use narae_routing::breaker::{Breaker, Config};
//! use narae_routing::limit::Concurrency;
//! use narae_routing::tower::{BreakerLayer, Clock, ConcurrencyLayer, Verdict};
//! use tower::{Service as _, ServiceBuilder, ServiceExt as _};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
//! # runtime.block_on(async {
//! let clock = Clock::start();
//! let breaker = Arc::new(Breaker::new(Config::default())?);
//! let judge = |result: &Result<u16, _>| match result {
//!     Ok(status) if *status < 500 => Verdict::Success,
//!     _ => Verdict::Failure,
//! };
//! let mut service = ServiceBuilder::new()
//!     .layer(ConcurrencyLayer::new(Arc::new(Concurrency::new(100))))
//!     .layer(BreakerLayer::new(breaker, clock, judge))
//!     .service(tower::service_fn(|path: &'static str| async move {
//!         Ok::<u16, Infallible>(if path == "/" { 200 } else { 404 })
//!     }));
//! assert_eq!(service.ready().await?.call("/").await?, 200);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [tower]: https://docs.rs/tower

mod balance;
mod breaker;
mod error;
mod guarded;
#[cfg(feature = "http")]
pub mod http;
mod limit;
mod retry;

use std::time::Duration;

use tokio::time::Instant;

pub use balance::Balance;
pub use breaker::{BreakerLayer, BreakerService};
pub use error::{Error, Refusal};
pub use guarded::{Guard, Guarded};
pub use limit::{ConcurrencyLayer, ConcurrencyService, RateLayer, RateService};
pub use retry::{RetryLayer, RetryService};

/// The origin of times. Whatever shares a policy shares its clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Origin);

#[derive(Clone, Copy, Debug)]
enum Origin {
    Tokio(Instant),
    Coarse(coarsetime::Instant),
}

impl Clock {
    /// Time zero is now, and goes on as tokio's does.
    #[must_use]
    pub fn start() -> Self {
        Self(Origin::Tokio(Instant::now()))
    }

    /// The same by the system's coarse clock: read in a fraction of the time, and true to a tick of the system (4 ms on
    /// most Linux machines, at most 10): a call is taken for up to a tick shorter or longer than it was, and a wait ends up
    /// to a tick late. For policies whose times, slow calls among them, are far above that, as the defaults are (60 s).
    ///
    /// Proxies count time in this way (nginx and HAProxy read the clock once in a turn of their event loops), breakers of
    /// libraries do not (Resilience4j, failsafe and tower-resilience read the full clock with each call). It is no default
    /// here: tokio cannot pause it, and latencies that a balancer compares are often below a tick.
    #[must_use]
    pub fn coarse() -> Self {
        Self(Origin::Coarse(coarsetime::Instant::now()))
    }

    /// Time since the start.
    #[must_use]
    pub fn now(&self) -> Duration {
        match self.0 {
            Origin::Tokio(origin) => origin.elapsed(),
            Origin::Coarse(origin) => coarsetime::Instant::now().duration_since(origin).into(),
        }
    }
}

/// How a call went, for those who watch a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a breaker knows these three")]
pub enum Verdict {
    /// It served.
    Success,
    /// It failed.
    Failure,
    /// It says nothing about the backend.
    Ignored,
}
