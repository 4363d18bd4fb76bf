//! Whether to try again, and when.
//!
//! Three questions, each with its own type: may this request be repeated at all ([`Repeatable`] and
//! [`Failure`]), is there [`Budget`] left, and how long to wait ([`Backoff`], [`retry_after`]). [`Policy`] asks
//! them in this order.

mod after;
mod backoff;
mod budget;
mod policy;

pub use after::retry_after;
pub use backoff::{Backoff, Jitter};
pub use budget::Budget;
pub use policy::{Attempt, Failure, GiveUp, Policy, Repeatable};
