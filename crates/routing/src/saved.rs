//! What should outlive a process, as data: for a file between two runs, or to show. With the feature `serde` all of
//! it is serialisable.
//!
//! Times are ages, so that the next run's clock may have another origin; what began before that origin then counts as
//! begun with it. Names and addresses say whose each part is: what a policy no longer names is passed over, and what is new
//! begins anew. What comes back by itself within seconds is not kept: the window of a closed breaker, requests that
//! run, warm-up.

use std::time::Duration;

use crate::Weight;
use crate::breaker;
use crate::canary;
use crate::failover::{Latch, Phase};

/// A [`Pool`](crate::pool::Pool).
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PoolState {
    /// Its sites.
    pub sites: Vec<SiteState>,
    /// Their endpoints.
    pub endpoints: Vec<EndpointState>,
}

/// A site of a pool.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SiteState {
    /// Its name.
    pub name: String,
    /// The weight that people gave it.
    pub weight: Option<Weight>,
    /// Its way out and back.
    pub failback: FailbackState,
    /// How many picks it is owed.
    pub lag: f64,
}

/// An endpoint of a pool.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct EndpointState {
    /// Its address.
    pub address: String,
    /// Whether people took its weight away.
    pub drained: bool,
    /// What its probes say.
    pub up: Option<bool>,
    /// Its ejections.
    pub ejection: Option<EjectionState>,
    /// Its breaker.
    pub breaker: Option<BreakerState>,
    /// How many picks of its site it is owed.
    pub lag: f64,
}

/// A [`Failback`](crate::failover::Failback).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct FailbackState {
    /// What people decided.
    pub latch: Latch,
    /// Where it stands; its time is for how long.
    pub phase: Phase,
    /// How often it went out within the policy's memory.
    pub flaps: u32,
    /// How long ago it went out last.
    pub last_out: Option<Duration>,
}

/// A [`Breaker`](crate::breaker::Breaker).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct BreakerState {
    /// Its state; half-open is open with no time left.
    pub state: breaker::State,
    /// How long it stays open.
    pub left: Option<Duration>,
    /// How often in a row it has opened.
    pub attempts: u32,
}

/// What [`Outliers`](crate::health::Outliers) know of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct EjectionState {
    /// How long it stays out, if it is.
    pub left: Option<Duration>,
    /// How often in a row it was ejected, less one for every healthy sweep.
    pub in_a_row: u32,
}

/// A [`Canary`](crate::canary::Canary).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CanaryState {
    /// Where it stands; the time of a step is for how long.
    pub state: canary::State,
    /// What the stable version served.
    pub stable: RecordState,
    /// What the canary served.
    pub canary: RecordState,
}

/// A [`Record`](crate::objective::Record).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RecordState {
    /// How long ago, and how many good and bad events then; the oldest first.
    pub events: Vec<(Duration, u64, u64)>,
}
