//! What a change would do, before anybody makes it: the shares of every endpoint as exact fractions, who would
//! get more than it can serve, and which part of the requests would fail.
//!
//! It is the closed form of what a [`Pool`](super::Pool) does once a change has settled: no ramp, no
//! hold-down, breakers closed.

use std::collections::HashSet;

use super::divide::{Condition, divide, divisor};
use super::look::percent;
use super::policy::{Policy, Site};
use crate::Weight;
use crate::failover::{Latch, Level};

/// A change to think through. The default changes nothing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Change {
    /// Sites or endpoints that are down, by name or address.
    pub down: HashSet<String>,
    /// Sites or endpoints with another weight.
    pub weights: Vec<(String, Weight)>,
}

impl Change {
    /// The same change with this site or endpoint down.
    #[must_use]
    pub fn with_down(mut self, name: impl Into<String>) -> Self {
        self.down.insert(name.into());
        self
    }

    /// The same change with another weight for this site or endpoint.
    #[must_use]
    pub fn with_weight(mut self, name: impl Into<String>, weight: Weight) -> Self {
        self.weights.push((name.into(), weight));
        self
    }

    fn weight(&self, name: &str, listed: Weight) -> Weight {
        let last = self.weights.iter().rev().find(|(n, _)| n == name);
        last.map_or(listed, |(_, weight)| *weight)
    }
}

/// What would be.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Forecast {
    /// By site, in the policy's order.
    pub sites: Vec<SiteForecast>,
    /// Whether nobody would be well, so that everybody of the first level is asked.
    pub panic: bool,
    /// The part of requests that would fail, from 0 to 1: sent to who is down, beyond a site's capacity, or with
    /// nobody to be sent to.
    pub errors: f64,
}

/// What a site would get.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SiteForecast {
    /// Its name.
    pub name: String,
    /// Its part of all requests: the first of so many as the second says. What is beyond its capacity is in it, also if
    /// the policy then sends that elsewhere.
    pub share: (u64, u64),
    /// Requests a second.
    pub load: f64,
    /// Requests a second it can serve with who is well there, if known.
    pub capacity: Option<f64>,
    /// Whether people took it out, so that it gets nothing even if no other has room.
    pub is_out: bool,
    /// By endpoint.
    pub endpoints: Vec<EndpointForecast>,
}

/// What an endpoint would get.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointForecast {
    /// Its address.
    pub address: String,
    /// Its part of all requests.
    pub share: (u64, u64),
    /// Whether it is well.
    pub well: bool,
}

impl SiteForecast {
    /// How far its load is above what it can serve, as a part of that; 0 if it is not, or if that is unknown.
    #[must_use]
    pub fn overload(&self) -> f64 {
        match self.capacity {
            Some(capacity) if self.load > capacity && capacity > 0.0 => self.load / capacity - 1.0,
            Some(capacity) if self.load > capacity => f64::INFINITY,
            _ => 0.0,
        }
    }
}

/// What a change would do to so many requests a second.
#[must_use]
pub fn what_if(policy: &Policy, change: &Change, requests_a_second: f64) -> Forecast {
    let conditions: Vec<Condition> = policy
        .sites
        .iter()
        .map(|site| {
            let level = level(site, change);
            Condition {
                priority: site.priority,
                weight: change.weight(&site.name, site.weight),
                level,
                part: percent(policy.failback.settled(level.health())),
                latch: Latch::Released,
            }
        })
        .collect();
    let division = divide(&conditions, policy.overprovisioning);
    let sites: Vec<SiteForecast> = policy
        .sites
        .iter()
        .zip(fractions(&division.weights))
        .map(|(site, share)| forecast(site, change, share, division.panic, requests_a_second))
        .collect();
    // Whoever has nobody to go to gets an error, too.
    let nobody = division.weights.iter().all(|weight| weight.is_zero());
    let errors = match nobody {
        true => 1.0,
        false if policy.enforce_capacity => spilled(&sites, requests_a_second),
        false => sites.iter().map(failing).sum::<f64>().clamp(0.0, 1.0),
    };
    Forecast {
        sites,
        panic: division.panic,
        errors,
    }
}

fn forecast(
    site: &Site,
    change: &Change,
    share: (u64, u64),
    panic: bool,
    load: f64,
) -> SiteForecast {
    let well = |address: &str| is_well(site, address, change);
    let listed: Vec<Weight> = site
        .endpoints
        .iter()
        .map(|e| change.weight(&e.address, e.weight))
        .collect();
    let used: Vec<Weight> = site
        .endpoints
        .iter()
        .zip(&listed)
        .map(|(e, weight)| {
            if panic || well(&e.address) {
                *weight
            } else {
                Weight::ZERO
            }
        })
        .collect();
    let endpoints = site.endpoints.iter().zip(fractions(&used));
    let total: u64 = listed.iter().map(|w| u64::from(w.value())).sum();
    let alive: u64 = site
        .endpoints
        .iter()
        .zip(&listed)
        .filter(|(e, _)| well(&e.address))
        .map(|(_, weight)| u64::from(weight.value()))
        .sum();
    SiteForecast {
        name: site.name.clone(),
        share,
        load: ratio(share) * load,
        capacity: site.capacity.map(|all| all * ratio((alive, total))),
        is_out: change.weight(&site.name, site.weight).is_zero(),
        endpoints: endpoints
            .map(|(e, own)| EndpointForecast {
                address: e.address.clone(),
                share: product(share, own),
                well: well(&e.address),
            })
            .collect(),
    }
}

/// The part of all requests that fail where what is beyond a site's capacity goes to any other that has room.
fn spilled(sites: &[SiteForecast], load: f64) -> f64 {
    let dead = |site: &SiteForecast| {
        let dead = site.endpoints.iter().filter(|endpoint| !endpoint.well);
        dead.map(|endpoint| ratio(endpoint.share)).sum::<f64>()
    };
    let usable = |site: &&SiteForecast| !site.is_out && site.endpoints.iter().any(|e| e.well);
    let room: f64 = sites
        .iter()
        .filter(usable)
        .map(|site| site.capacity.unwrap_or(f64::INFINITY))
        .sum();
    let beyond = if load > room { 1.0 - room / load } else { 0.0 };
    sites
        .iter()
        .map(dead)
        .sum::<f64>()
        .max(beyond)
        .clamp(0.0, 1.0)
}

/// The part of all requests that fail at a site.
fn failing(site: &SiteForecast) -> f64 {
    let dead = site.endpoints.iter().filter(|endpoint| !endpoint.well);
    let lost: f64 = dead.map(|endpoint| ratio(endpoint.share)).sum();
    let share = ratio(site.share);
    let beyond = match site.capacity {
        Some(capacity) if site.load > capacity => share * (1.0 - capacity / site.load),
        _ => 0.0,
    };
    lost.max(beyond)
}

fn is_well(site: &Site, address: &str, change: &Change) -> bool {
    !change.down.contains(&site.name) && !change.down.contains(address)
}

fn level(site: &Site, change: &Change) -> Level {
    let mut level = Level {
        healthy: 0,
        total: 0,
    };
    for endpoint in &site.endpoints {
        if !change.weight(&endpoint.address, endpoint.weight).is_zero() {
            level.total += 1;
            level.healthy += u32::from(is_well(site, &endpoint.address, change));
        }
    }
    level
}

/// Each weight over the sum of all.
fn fractions(weights: &[Weight]) -> Vec<(u64, u64)> {
    let total: u64 = weights.iter().map(|w| u64::from(w.value())).sum();
    let fraction = |w: &Weight| reduced(w.value().into(), total.into());
    weights.iter().map(fraction).collect()
}

fn product(a: (u64, u64), b: (u64, u64)) -> (u64, u64) {
    let wide = |a: u64, b: u64| u128::from(a) * u128::from(b);
    reduced(wide(a.0, b.0), wide(a.1, b.1))
}

/// Exact, unless the weights are so huge and coprime that no 64 bits hold it.
fn reduced(part: u128, whole: u128) -> (u64, u64) {
    let by = divisor(part, whole).max(1);
    let (mut part, mut whole) = (part / by, (whole / by).max(1));
    while whole > u128::from(u64::MAX) {
        (part, whole) = (part >> 1, whole >> 1);
    }
    let narrow = |number: u128| u64::try_from(number).unwrap_or(u64::MAX);
    (narrow(part), narrow(whole))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "for loads, which are not exact either"
)]
fn ratio((part, whole): (u64, u64)) -> f64 {
    part as f64 / whole.max(1) as f64
}
