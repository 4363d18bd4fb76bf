//! One endpoint of a pool: what is known of it, and whether it can take traffic.

use std::sync::Arc;
use std::time::Duration;

use super::policy::{Endpoint, Policy};
use crate::Weight;
use crate::breaker::Breaker;
use crate::health::Probes;

/// In how many steps a weight grows while it warms up.
const STEPS: u32 = 20;

#[derive(Debug)]
pub(super) struct Member {
    pub(super) address: Arc<str>,
    pub(super) site: usize,
    pub(super) weight: Weight,
    pub(super) drained: bool,
    pub(super) probes: Option<Probes>,
    pub(super) breaker: Option<Arc<Breaker>>,
    pub(super) ejected: bool,
    /// Whether it took traffic at the last look.
    pub(super) available: bool,
    /// When it came, or came back, if it is still warming up.
    pub(super) warming_since: Option<Duration>,
    pub(super) successes: u64,
    pub(super) failures: u64,
}

impl Member {
    pub(super) fn new(
        endpoint: &Endpoint,
        site: usize,
        policy: &Policy,
        warming_since: Option<Duration>,
    ) -> Self {
        Self {
            address: Arc::from(endpoint.address.as_str()),
            site,
            weight: endpoint.weight,
            drained: false,
            probes: policy.probes.map(Probes::new),
            // The policy was validated, so its settings make one.
            breaker: breaker(policy),
            ejected: false,
            available: true,
            warming_since,
            successes: 0,
            failures: 0,
        }
    }

    /// The same endpoint under another policy: what was learned of it stays.
    pub(super) fn changed(
        mut self,
        endpoint: &Endpoint,
        site: usize,
        policy: &Policy,
        last: &Policy,
    ) -> Self {
        (self.site, self.weight) = (site, endpoint.weight);
        self.probes = match (self.probes, policy.probes) {
            (Some(probes), Some(policy)) => Some(probes.under(policy)),
            (_, policy) => policy.map(Probes::new),
        };
        if policy.breaker != last.breaker {
            self.breaker = breaker(policy);
        }
        self
    }

    /// Its own weight, 0 if it is drained.
    pub(super) fn listed_weight(&self) -> Weight {
        if self.drained {
            Weight::ZERO
        } else {
            self.weight
        }
    }

    pub(super) fn can_take_traffic(&self, now: Duration) -> bool {
        let up = self
            .probes
            .as_ref()
            .is_none_or(|p| p.is_up() != Some(false));
        let refusing = self.breaker.as_ref().is_some_and(|b| b.is_refusing(now));
        up && !self.ejected && !refusing
    }

    /// Looks again whether it takes traffic; true if that changed.
    pub(super) fn look(&mut self, now: Duration, policy: &Policy) -> bool {
        let available = self.can_take_traffic(now);
        let changed = available != self.available;
        if changed && available {
            self.warming_since = Some(now);
        }
        let warm = |since| {
            let slow = policy.slow_start;
            slow.is_none_or(|slow| slow.factor(now.saturating_sub(since)) >= 1.0)
        };
        self.warming_since = self.warming_since.filter(|since| !warm(*since));
        self.available = available;
        changed
    }

    /// The weight it is picked with, in twentieths: all of them, or a step on the way there.
    pub(super) fn warm_weight(&self, now: Duration, policy: &Policy) -> Weight {
        let steps = match (self.warming_since, policy.slow_start) {
            (Some(since), Some(slow)) => step(slow.factor(now.saturating_sub(since))),
            _ => STEPS,
        };
        Weight::new(self.listed_weight().value().saturating_mul(steps))
    }
}

/// The first step that reaches a part of 1.
fn step(part: f64) -> u32 {
    let reaches = |steps: &u32| f64::from(*steps) >= part * f64::from(STEPS);
    (1..STEPS).find(reaches).unwrap_or(STEPS)
}

fn breaker(policy: &Policy) -> Option<Arc<Breaker>> {
    let config = policy.breaker.clone()?;
    Breaker::new(config).ok().map(Arc::new)
}
