//! What a pool should know again after a restart, as data that can be written down: what people decided, who was down,
//! where sites stood on their way out or back, and whose breaker was open.
//!
//! Times are ages, so that the clock of the next process may begin anywhere; what is older than that clock counts as
//! old as it is, so that a wait may be begun again and is never cut short. Not kept: counts of breakers and outlier
//! detection, which are seconds to minutes old at best, and lags, which are less than one request each.

use std::time::Duration;

use super::Pool;
use crate::Weight;
use crate::breaker::State;
use crate::failover::FailbackMemory;

/// What a pool should know again after a restart. Times are ages: see [`Pool::recall`].
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "matching", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "matching", serde(rename_all = "camelCase", default))]
#[non_exhaustive]
pub struct Memory {
    /// Its sites.
    pub sites: Vec<SiteMemory>,
    /// Its endpoints.
    pub endpoints: Vec<EndpointMemory>,
}

/// What is remembered of a site.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "matching", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "matching", serde(rename_all = "camelCase", default))]
#[non_exhaustive]
pub struct SiteMemory {
    /// Its name.
    pub name: String,
    /// The weight it was given by hand.
    pub weight: Option<u32>,
    /// Its way out or back.
    pub failback: FailbackMemory,
}

/// What is remembered of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "matching", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "matching", serde(rename_all = "camelCase", default))]
#[non_exhaustive]
pub struct EndpointMemory {
    /// Its address.
    pub address: String,
    /// Whether it was drained by hand.
    pub drained: bool,
    /// What its probes said.
    pub up: Option<bool>,
    /// Whether its breaker let nothing, or only a few calls, through.
    pub open: bool,
}

impl Pool {
    /// What to write down.
    #[must_use]
    pub fn remember(&self, now: Duration) -> Memory {
        let sites = self.sites.iter().map(|site| SiteMemory {
            name: site.name.to_string(),
            weight: site.weight.map(Weight::value),
            failback: site.failback.remember(now),
        });
        let endpoints = self.members.iter().map(|member| {
            let state = member.breaker.as_ref().map(|breaker| breaker.state());
            EndpointMemory {
                address: member.address.to_string(),
                drained: member.drained,
                up: member.probes.as_ref().and_then(|probes| probes.is_up()),
                open: matches!(state, Some(State::Open | State::HalfOpen)),
            }
        });
        Memory {
            sites: sites.collect(),
            endpoints: endpoints.collect(),
        }
    }

    /// Knows again what was written down; names that it does not have are passed over. What is older than this clock
    /// counts from its beginning, and an open breaker begins its wait again, so that no wait is cut short.
    pub fn recall(&mut self, memory: &Memory, now: Duration) {
        for known in &memory.sites {
            let Some(site) = self.sites.iter_mut().find(|s| *s.name == *known.name) else {
                continue;
            };
            site.weight = known.weight.map(Weight::new);
            site.failback.recall(&known.failback, now);
        }
        for known in &memory.endpoints {
            let at = self.by_address.get(known.address.as_str()).copied();
            let Some(member) = at.and_then(|at| self.members.get_mut(at)) else {
                continue;
            };
            member.drained = known.drained;
            if let (Some(probes), Some(up)) = (&mut member.probes, known.up) {
                probes.recall(up);
            }
            if let Some(breaker) = member.breaker.as_ref().filter(|_| known.open) {
                // From a state by which it may not open, it was put there by its settings.
                let _ = breaker.transition(State::Open, now);
            }
        }
        self.look(now);
    }
}
