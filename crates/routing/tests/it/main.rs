//! The public contract of narae-routing.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failing helper fails its test"
)]

mod backends;
mod balance;
mod breaker;
mod canary;
mod carry;
mod dns;
mod failover;
mod hash;
mod health;
#[cfg(feature = "matching")]
mod matching;
mod objective;
mod pool;
mod reference;
mod retry;
mod saved;
mod simulate;
mod smooth;
mod split;
#[cfg(feature = "http")]
mod tower;

use narae_routing::{Backends, BackendsError, Weight};

/// Backends named by their position.
fn backends(weights: &[u32]) -> Result<Backends<usize>, BackendsError> {
    Backends::new(weights.iter().map(|&w| Weight::new(w)).enumerate())
}

#[test]
fn policies_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<narae_routing::Split<String>>();
    shared::<narae_routing::SmoothRoundRobin<String>>();
    shared::<Backends<String>>();
    shared::<BackendsError>();
    shared::<narae_routing::Standing<'static, String>>();
    #[cfg(feature = "matching")]
    shared::<narae_routing::matching::Table>();
}
