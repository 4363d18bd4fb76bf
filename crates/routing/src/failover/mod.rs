//! Between sites, pools or providers in order of preference: who carries which part, and when.
//!
//! [`shares`] is the rule of one moment: Envoy's priority levels with spill-over, in its whole percents,
//! with panic only where no lower level can help. [`Failback`] is what keeps the rule calm over
//! time: hysteresis, hold-down, a ramp on the way back, a penalty for flapping, and a latch for people. [`dns`] says
//! the same in records for those who choose a site by name.

pub mod dns;
mod failback;
mod priority;

pub use failback::{Failback, FailbackPolicy, Latch, Phase};
pub use priority::{Level, Overprovisioning, Share, shares, spill};
