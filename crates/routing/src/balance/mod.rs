//! Policies that balance without promising exact shares. Each says what it promises instead.

mod smooth;

pub use smooth::SmoothRoundRobin;
