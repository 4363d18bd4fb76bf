//! What a pool is told: its sites, and the policies that each of them follows.

use std::collections::HashSet;

use crate::balance::SlowStart;
use crate::breaker::{Config, ConfigError};
use crate::failover::{FailbackPolicy, Overprovisioning};
use crate::health::{OutlierPolicy, ProbePolicy};
use crate::{Backends, Weight};

/// Sites and how they are kept. The default has no site, asks nobody, ejects nobody and breaks nothing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Policy {
    /// Where requests can go.
    pub sites: Vec<Site>,
    /// How endpoints are asked whether they are well; if absent they count as well until traffic says otherwise.
    pub probes: Option<ProbePolicy>,
    /// When an endpoint that stands out is left alone.
    pub outliers: Option<OutlierPolicy>,
    /// When an endpoint that fails is left alone: one breaker for each.
    pub breaker: Option<Config>,
    /// How a site goes and comes back.
    pub failback: FailbackPolicy,
    /// How much more than its part a site can carry.
    pub overprovisioning: Overprovisioning,
    /// Whether a site gets no more than its capacity: the rest goes to sites that have room, of its priority first, and if none
    /// has, to nobody. Else a site gets what it is due, whatever it can serve.
    pub enforce_capacity: bool,
    /// How an endpoint warms up that came back, or that is new beside others.
    pub slow_start: Option<SlowStart>,
}

/// Endpoints that fail and recover together: a data centre, a cloud, a provider.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Site {
    /// Its name, unique in the pool.
    pub name: String,
    /// 0 is used first; a higher one carries what those below it cannot. Sites of one priority are all active.
    pub priority: u32,
    /// Its part among the sites of its priority.
    pub weight: Weight,
    /// Requests a second it can serve with all of its endpoints, if known; [`what_if`](super::what_if) and
    /// [`check`](super::check()) reckon with it, and a pool keeps to it if [`Policy::enforce_capacity`] says so.
    pub capacity: Option<f64>,
    /// Who serves there.
    pub endpoints: Vec<Endpoint>,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// What identifies it, unique in the pool: usually `HOST:PORT`.
    pub address: String,
    /// Its part of its site's requests; 0 drains it.
    pub weight: Weight,
}

impl Site {
    /// A site of priority 0 and weight 1.
    #[must_use]
    pub fn new(name: impl Into<String>, endpoints: impl IntoIterator<Item = Endpoint>) -> Self {
        Self {
            name: name.into(),
            priority: 0,
            weight: Weight::ONE,
            capacity: None,
            endpoints: endpoints.into_iter().collect(),
        }
    }

    /// The same site, used once those of lower priorities cannot carry everything.
    #[must_use]
    pub fn with_priority(mut self, priority: u32) -> Self {
        self.priority = priority;
        self
    }

    /// The same site with another part among its equals.
    #[must_use]
    pub fn with_weight(mut self, weight: Weight) -> Self {
        self.weight = weight;
        self
    }

    /// The same site, serving so many requests a second at most.
    #[must_use]
    pub fn with_capacity(mut self, requests_a_second: f64) -> Self {
        self.capacity = Some(requests_a_second);
        self
    }
}

impl Endpoint {
    /// An endpoint of weight 1.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            weight: Weight::ONE,
        }
    }

    /// The same endpoint with another part.
    #[must_use]
    pub fn with_weight(mut self, weight: Weight) -> Self {
        self.weight = weight;
        self
    }
}

impl Policy {
    /// The default policy for these sites.
    #[must_use]
    pub fn of(sites: impl IntoIterator<Item = Site>) -> Self {
        Self {
            sites: sites.into_iter().collect(),
            ..Self::default()
        }
    }

    pub(super) fn validate(&self) -> Result<(), PolicyError> {
        let mut sites = HashSet::new();
        let mut endpoints = HashSet::new();
        for site in &self.sites {
            if !sites.insert(site.name.as_str()) {
                return Err(PolicyError::SiteTwice(site.name.clone()));
            }
            for endpoint in &site.endpoints {
                if !endpoints.insert(endpoint.address.as_str()) {
                    return Err(PolicyError::EndpointTwice(endpoint.address.clone()));
                }
            }
        }
        let limit = Backends::<usize>::MAX_LEN;
        if sites.len() > limit || endpoints.len() > limit {
            return Err(PolicyError::TooMany { limit });
        }
        if let Some(config) = &self.breaker {
            config.check()?;
        }
        Ok(())
    }
}

/// A policy that makes no pool.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A name stands for two sites.
    #[error("two sites are named `{0}`")]
    SiteTwice(String),
    /// An endpoint would be counted twice.
    #[error("endpoint `{0}` is listed twice")]
    EndpointTwice(String),
    /// More than a pool holds.
    #[error("at most {limit} sites and endpoints")]
    TooMany {
        /// How many.
        limit: usize,
    },
    /// Settings that make no breaker.
    #[error("breaker: {0}")]
    Breaker(#[from] ConfigError),
}
