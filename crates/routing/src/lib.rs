#![doc = include_str!("../README.md")]

mod backends;
pub mod balance;
pub mod breaker;
pub mod canary;
pub mod failover;
#[cfg(feature = "matching")]
pub mod gateway;
pub mod hash;
pub mod health;
pub mod limit;
#[cfg(feature = "matching")]
pub mod matching;
pub mod objective;
pub mod pool;
pub mod retry;
pub mod saved;
pub mod simulate;
mod slot;
pub mod split;
mod time;
#[cfg(feature = "tower")]
pub mod tower;
mod weight;

pub use backends::{Backends, BackendsError};
pub use balance::SmoothRoundRobin;
pub use split::{Split, Standing};
pub use time::SharedTime;
pub use weight::{Weight, WeightError};
