//! What happens, and when.

use std::time::Duration;

use crate::Weight;
use crate::failover::Latch;
use crate::pool::{Policy, PolicyError};
use crate::retry;

/// The longest time a script may tell of.
const LONGEST: Duration = Duration::from_secs(31 * 86_400);

/// A policy and what happens to it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Script {
    /// What is tried.
    pub policy: Policy,
    /// How long, at most 31 days.
    pub duration: Duration,
    /// Of the randomness.
    pub seed: u64,
    /// How much is asked: even between two of them, in order of time.
    pub load: Vec<Load>,
    /// What goes wrong or is decided, in any order.
    pub happenings: Vec<Happening>,
    /// When a request that failed is tried again; all of them may be repeated.
    pub retry: retry::Policy,
    /// How many retries there may be for a thousand requests, and a second besides.
    pub retry_budget: (u32, u32),
}

/// So many requests a second from some time on, or on the way to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Load {
    /// When.
    pub at: Duration,
    /// How many.
    pub requests_a_second: f64,
}

/// Something that happens to a site or endpoint.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Happening {
    /// When.
    pub at: Duration,
    /// To whom: a site's name or an endpoint's address.
    pub to: String,
    /// What.
    pub what: What,
    /// How long, if not until something else is said: what was so before is so again then.
    pub lasting: Option<Duration>,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum What {
    /// It refuses everything: connections are not made.
    Down,
    /// It is well again, whatever went on there.
    Up,
    /// It answers this part of its requests with 503, from 0 to 1.
    Errors(f64),
    /// Its answers take so long.
    Latency(Duration),
    /// People decide about the site.
    Latch(Latch),
    /// People shift the site's weight.
    Shift(Weight),
}

impl Script {
    /// A hundred requests a second for a day, and nothing happens.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            duration: Duration::from_secs(86_400),
            seed: 1,
            load: vec![Load {
                at: Duration::ZERO,
                requests_a_second: 100.0,
            }],
            happenings: Vec::new(),
            retry: retry::Policy::new(1),
            retry_budget: (200, 10),
        }
    }

    /// The same script, and this happens.
    #[must_use]
    pub fn with(mut self, at: Duration, to: impl Into<String>, what: What) -> Self {
        self.happenings.push(Happening {
            at,
            to: to.into(),
            what,
            lasting: None,
        });
        self
    }

    /// The same script, and this happens for so long.
    #[must_use]
    pub fn with_lasting(
        mut self,
        at: Duration,
        to: impl Into<String>,
        what: What,
        lasting: Duration,
    ) -> Self {
        self = self.with(at, to, what);
        if let Some(last) = self.happenings.last_mut() {
            last.lasting = Some(lasting);
        }
        self
    }

    /// The same script with so many requests a second from `at` on, reached evenly from what was before.
    #[must_use]
    pub fn with_load(mut self, at: Duration, requests_a_second: f64) -> Self {
        self.load.retain(|load| load.at != at);
        self.load.push(Load {
            at,
            requests_a_second,
        });
        self.load.sort_by_key(|load| load.at);
        self
    }

    /// Requests a second at a time.
    #[must_use]
    pub fn rate(&self, at: Duration) -> f64 {
        let next = self.load.partition_point(|load| load.at <= at);
        let before = next.checked_sub(1).and_then(|i| self.load.get(i));
        match (before, self.load.get(next)) {
            (Some(one), Some(two)) => {
                let whole = (two.at - one.at).as_secs_f64().max(f64::MIN_POSITIVE);
                let done = (at - one.at).as_secs_f64() / whole;
                one.requests_a_second + (two.requests_a_second - one.requests_a_second) * done
            }
            (Some(only), None) | (None, Some(only)) => only.requests_a_second,
            (None, None) => 0.0,
        }
    }

    pub(super) fn check(&self) -> Result<(), ScriptError> {
        if self.duration.is_zero() || self.duration > LONGEST {
            return Err(ScriptError::Duration(self.duration));
        }
        for load in &self.load {
            let rate = load.requests_a_second;
            if !(0.0..=1e9).contains(&rate) {
                return Err(ScriptError::Load(rate));
            }
        }
        for happening in &self.happenings {
            let name = &happening.to;
            let mut sites = self.policy.sites.iter();
            let site = sites.clone().any(|site| site.name == *name);
            let endpoint = sites.any(|site| site.endpoints.iter().any(|e| e.address == *name));
            let of_site = matches!(happening.what, What::Latch(_) | What::Shift(_));
            if !site && (of_site || !endpoint) {
                return Err(ScriptError::Nobody(name.clone()));
            }
            if let What::Errors(part) = happening.what
                && !(0.0..=1.0).contains(&part)
            {
                return Err(ScriptError::Part(part));
            }
        }
        Ok(())
    }
}

/// A script that cannot be played.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// No time, or too much.
    #[error("a script of {0:?}: above nothing, and at most 31 days")]
    Duration(Duration),
    /// No number of requests.
    #[error("{0} requests a second: from 0 to a thousand million")]
    Load(f64),
    /// No part.
    #[error("errors of {0}: a part from 0 to 1")]
    Part(f64),
    /// Nobody of that name.
    #[error(
        "something happens to `{0}`, which is no site of the policy (or, for outages, endpoint)"
    )]
    Nobody(String),
    /// The policy makes no pool.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}
