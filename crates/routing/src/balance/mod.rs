//! Policies that balance without promising exact shares. Each says what it promises instead.

mod alias;
mod least;
mod slow_start;
mod smooth;

pub use alias::RandomAlias;
pub use least::{LeastLoaded, Running};
pub use slow_start::SlowStart;
pub use smooth::SmoothRoundRobin;
