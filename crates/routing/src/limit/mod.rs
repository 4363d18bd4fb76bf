//! Limits: how many at once, and how many in a time.

mod concurrency;
mod rate;

pub use concurrency::{Concurrency, Place};
pub use rate::Rate;
