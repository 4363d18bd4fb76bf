//! A policy, tried before the outage: virtual time, seeded randomness, scripted load and failures.
//!
//! [`run`] plays a [`Script`] against the very [`Pool`](crate::pool::Pool) a proxy uses and tells what became of the
//! requests, as data ([`Outcome`]), as a table (its `Display`) and as an SVG timeline ([`Outcome::svg`]). Equal
//! scripts give equal outcomes. However long and busy, at most about [`MOST_REQUESTS`] requests are played; beyond
//! that each stands for several.
//!
//! # The model
//!
//! Requests come evenly within each second. An endpoint that is down refuses at once, one that errs fails a random
//! part of its requests, a site that has served its capacity this second fails the rest. A request that fails
//! is tried again at other endpoints as often as the script says; probes fail where requests would be refused.
//! Queues, and latency beyond a breaker's slow calls, are not modelled.

mod outcome;
mod play;
mod random;
mod script;
mod svg;

pub use outcome::{Moment, Outcome, Slice};
pub use play::{MOST_REQUESTS, run};
pub use script::{Happening, Load, Script, ScriptError, What};
