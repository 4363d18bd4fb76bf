//! A pool's state out of and into another process.

use std::collections::HashMap;
use std::time::Duration;

use super::{Pool, Slot};
use crate::Split;
use crate::saved::{EndpointState, PoolState, SiteState};

impl Pool {
    /// What should outlive the process; see [`saved`](crate::saved).
    #[must_use]
    pub fn saved(&self, now: Duration) -> PoolState {
        let lags = lags(self.split.as_ref());
        let sites = self.sites.iter().map(|site| SiteState {
            name: site.name.to_string(),
            weight: site.weight,
            failback: site.failback.saved(now),
            lag: lags.get(&*site.name).copied().unwrap_or(0.0),
        });
        let mut own: HashMap<String, f64> = HashMap::new();
        for site in &self.sites {
            own.extend(self::lags(site.split.as_ref()));
        }
        let endpoints = self.members.iter().map(|member| EndpointState {
            address: member.address.to_string(),
            drained: member.drained,
            up: member.probes.as_ref().and_then(|probes| probes.is_up()),
            ejection: self
                .outliers
                .as_ref()
                .and_then(|outliers| outliers.saved(&member.address, now)),
            breaker: member.breaker.as_ref().map(|breaker| breaker.saved(now)),
            lag: own.get(&*member.address).copied().unwrap_or(0.0),
        });
        PoolState {
            sites: sites.collect(),
            endpoints: endpoints.collect(),
        }
    }

    /// Takes up what another process saved, of the sites and endpoints that are here.
    pub fn restore(&mut self, saved: &PoolState, now: Duration) {
        for state in &saved.sites {
            let site = self.sites.iter_mut().find(|site| *site.name == *state.name);
            if let Some(site) = site {
                site.weight = state.weight;
                site.failback.restore(&state.failback, now);
            }
        }
        for state in &saved.endpoints {
            let Some(&at) = self.by_address.get(state.address.as_str()) else {
                continue;
            };
            let Some(member) = self.members.get_mut(at) else {
                continue;
            };
            member.drained = state.drained;
            if let (Some(probes), Some(up)) = (&mut member.probes, state.up) {
                probes.believe(up);
            }
            if let (Some(breaker), Some(state)) = (&member.breaker, &state.breaker) {
                breaker.restore(state, now);
            }
            if let (Some(outliers), Some(state)) = (&mut self.outliers, &state.ejection) {
                outliers.restore(&member.address, state, now);
            }
            // It was so before; nothing has come back.
            member.ejected = self
                .outliers
                .as_ref()
                .is_some_and(|outliers| outliers.is_ejected(&member.address));
            member.available = member.can_take_traffic(now);
        }
        self.look(now);
        let of_sites = |id: &str| Some(saved.sites.iter().find(|site| site.name == id)?.lag);
        owe(&mut self.split, of_sites);
        let own: HashMap<&str, f64> = saved
            .endpoints
            .iter()
            .map(|endpoint| (endpoint.address.as_str(), endpoint.lag))
            .collect();
        for site in &mut self.sites {
            owe(&mut site.split, |id| own.get(id).copied());
        }
    }
}

fn lags(split: Option<&Split<Slot>>) -> HashMap<String, f64> {
    let standings = split.map(Split::standings).unwrap_or_default();
    let lag = |s: &crate::Standing<'_, Slot>| (s.id().id.to_string(), s.lag());
    standings.iter().map(lag).collect()
}

fn owe(split: &mut Option<Split<Slot>>, lag: impl Fn(&str) -> Option<f64>) {
    if let Some(last) = split.take() {
        *split = Some(last.owing(|slot| lag(&slot.id).unwrap_or(0.0)));
    }
}
