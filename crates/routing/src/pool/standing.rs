//! How a pool stands, for people and programs: data, nothing of the machine.

use std::sync::Arc;
use std::time::Duration;

use super::{Pool, Slot};
use crate::failover::{Latch, Phase};
use crate::{Split, Weight, breaker};

/// How a site stands at one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SiteStanding {
    /// Its name.
    pub name: Arc<str>,
    /// Its priority.
    pub priority: u32,
    /// Its weight among its equals, as shifted by hand if it was.
    pub weight: Weight,
    /// The part of all requests it is due, from 0 to 1.
    pub share: f64,
    /// How many picks it is owed.
    pub lag: f64,
    /// Where it stands on its way out or back.
    pub phase: Phase,
    /// What people decided.
    pub latch: Latch,
    /// Its endpoints.
    pub endpoints: Vec<EndpointStanding>,
}

/// How an endpoint stands at one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EndpointStanding {
    /// Its address.
    pub address: Arc<str>,
    /// The weight it has in the policy; 0 if it was drained by hand.
    pub weight: Weight,
    /// The part of its site's requests it is due, from 0 to 1.
    pub share: f64,
    /// How many picks of its site it is owed.
    pub lag: f64,
    /// Whether it can take traffic.
    pub available: bool,
    /// What its probes say; `None` if nothing yet, or if there are none.
    pub up: Option<bool>,
    /// Whether it is left alone for standing out.
    pub ejected: bool,
    /// Whether it was drained by hand.
    pub drained: bool,
    /// Its breaker's state, if it has one.
    pub breaker: Option<breaker::State>,
    /// What its breaker measured.
    pub measures: Option<breaker::Measures>,
    /// Requests it served.
    pub successes: u64,
    /// Requests it failed.
    pub failures: u64,
}

impl Pool {
    /// Whether nobody is known to be well, so that everybody of the first level is asked.
    #[must_use]
    pub fn is_in_panic(&self) -> bool {
        self.panic
    }

    /// How its sites stand, in the policy's order.
    #[must_use]
    pub fn standing(&self, now: Duration) -> Vec<SiteStanding> {
        let sites = self.policy.sites.iter().zip(&self.sites).enumerate();
        sites
            .zip(due(self.split.as_ref()))
            .map(|((at, (site, state)), (share, lag))| SiteStanding {
                name: Arc::clone(&state.name),
                priority: site.priority,
                weight: state.weight.unwrap_or(site.weight),
                share,
                lag,
                phase: state.failback.phase(),
                latch: state.failback.latched(),
                endpoints: self.endpoints(at, now),
            })
            .collect()
    }

    fn endpoints(&self, site: usize, now: Duration) -> Vec<EndpointStanding> {
        let split = self.sites.get(site).and_then(|site| site.split.as_ref());
        let members = self.members.iter().filter(|member| member.site == site);
        members
            .zip(due(split))
            .map(|(member, (share, lag))| EndpointStanding {
                address: Arc::clone(&member.address),
                weight: member.listed_weight(),
                share,
                lag,
                available: member.available,
                up: member.probes.as_ref().and_then(|probes| probes.is_up()),
                ejected: member.ejected,
                drained: member.drained,
                breaker: member.breaker.as_ref().map(|b| b.state()),
                measures: member.breaker.as_ref().map(|b| b.measures(now)),
                successes: member.successes,
                failures: member.failures,
            })
            .collect()
    }
}

/// Share and lag of each, in the order in which all splits of a pool are listed.
fn due(split: Option<&Split<Slot>>) -> impl Iterator<Item = (f64, f64)> {
    let standings = split.map(Split::standings).unwrap_or_default();
    let due: Vec<(f64, f64)> = standings.iter().map(|s| (s.share(), s.lag())).collect();
    due.into_iter().chain(std::iter::repeat((0.0, 0.0)))
}
