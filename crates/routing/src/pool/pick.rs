//! Who gets the next request, and what its end says of its endpoint.

use std::sync::Arc;
use std::time::Duration;

use super::{EventKind, Pool};
use crate::Weight;
use crate::breaker::{self, Breaker};
use crate::failover::Latch;

/// An endpoint that gets a request. Say how it went with [`Pool::ended`]; dropped, it never happened.
#[derive(Debug)]
pub struct Pick {
    address: Arc<str>,
    /// Where the endpoint stood.
    at: usize,
    site: Arc<str>,
    permit: Option<breaker::Permit<Arc<Breaker>>>,
}

impl Pick {
    /// The endpoint.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The endpoint, to keep.
    #[must_use]
    pub fn shared_address(&self) -> Arc<str> {
        Arc::clone(&self.address)
    }

    /// Its site.
    #[must_use]
    pub fn site(&self) -> &str {
        &self.site
    }
}

/// What a session knows an endpoint by: the same in every process.
#[must_use]
pub fn endpoint_key(address: &str) -> u64 {
    crate::hash::mix::hash(address.as_bytes())
}

/// Why nobody gets a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum NoEndpoint {
    /// None has a weight above 0 at a site that may be used.
    #[error("no endpoint has a weight at a site that is not latched out")]
    Empty,
    /// All were tried for this request.
    #[error("every endpoint was tried")]
    Tried,
    /// Every site has got what it can serve.
    #[error("all sites are at their capacity")]
    Full,
    /// The breakers let nothing through.
    #[error("the breakers of all endpoints are open")]
    Broken,
}

impl Pool {
    /// Who gets the next request; not one of `tried`.
    ///
    /// # Errors
    ///
    /// When there is nobody, or nobody left.
    pub fn pick(&mut self, now: Duration, tried: &[Arc<str>]) -> Result<Pick, NoEndpoint> {
        if self.is_due(now) {
            self.look(now);
        }
        let split = self.split.as_ref().ok_or(NoEndpoint::Empty)?;
        let first = split.pick().at;
        let mut refused = NoEndpoint::Tried;
        if let Some(pick) = self.pick_at(first, now, tried, &mut refused) {
            return Ok(pick);
        }
        // By share, the largest first; then those that should get nothing but are better than nobody,
        // unless people said otherwise.
        let sites = self.policy.sites.iter().zip(&self.sites).enumerate();
        let mut others: Vec<usize> = sites
            .filter(|(at, (site, state))| {
                let weight = state.weight.unwrap_or(site.weight);
                *at != first && !weight.is_zero() && state.failback.latched() != Latch::Out
            })
            .map(|(at, _)| at)
            .collect();
        let share = |at: &usize| self.weights.as_ref()?.get(*at).copied();
        others.sort_by_key(|at| {
            let priority = self.policy.sites.get(*at).map(|site| site.priority);
            (std::cmp::Reverse(share(at).map(Weight::value)), priority)
        });
        others
            .into_iter()
            .find_map(|at| self.pick_at(at, now, tried, &mut refused))
            .ok_or(refused)
    }

    /// The endpoint a session is at, by its [key](endpoint_key), while it can take traffic: whatever its weight, drained
    /// or not, but not at a site that people took out. `None` if it cannot; then [`Pool::pick`] says who can.
    pub fn pick_kept(&mut self, key: u64, now: Duration) -> Option<Pick> {
        if self.is_due(now) {
            self.look(now);
        }
        let at = *self.by_key.get(&key)?;
        let member = self.members.get(at)?;
        let site = self.sites.get(member.site)?;
        if !member.available || site.failback.latched() == Latch::Out {
            return None;
        }
        let permit = match &member.breaker {
            None => None,
            Some(breaker) => Some(breaker.acquire_owned(now).ok()?),
        };
        Some(Pick {
            address: Arc::clone(&member.address),
            at,
            site: Arc::clone(&site.name),
            permit,
        })
    }

    fn pick_at(
        &mut self,
        site: usize,
        now: Duration,
        tried: &[Arc<str>],
        refused: &mut NoEndpoint,
    ) -> Option<Pick> {
        let a_second = self.a_second(site);
        let site = self.sites.get_mut(site)?;
        let split = site.split.as_ref()?;
        if a_second.is_some_and(|most| !site.meter.has_room(most, now)) {
            *refused = NoEndpoint::Full;
            return None;
        }
        // By turns, so that those who can be had share by weight what the others cannot take. Where turns do
        // not reach them all, the rest in the order of the list, each time from another one on.
        let listed = split.backends().len();
        for turn in 0..listed.saturating_mul(2) {
            let slot = if turn < listed {
                split.pick()
            } else {
                let index = self.next_other % listed;
                self.next_other = index + 1;
                let (slot, weight) = split.backends().get(index)?;
                if weight.is_zero() {
                    continue;
                }
                slot
            };
            let at = slot.at;
            let member = self.members.get(at)?;
            if tried.contains(&member.address) {
                continue;
            }
            let permit = match &member.breaker {
                None => None,
                Some(breaker) => match breaker.acquire_owned(now) {
                    Ok(permit) => Some(permit),
                    Err(_) => {
                        *refused = NoEndpoint::Broken;
                        continue;
                    }
                },
            };
            if let Some(most) = a_second {
                site.meter.count(most, now);
            }
            return Some(Pick {
                address: Arc::clone(&member.address),
                at,
                site: Arc::clone(&site.name),
                permit,
            });
        }
        None
    }

    /// The most a site gets a second: with nobody well the whole, for then all are asked.
    fn a_second(&self, site: usize) -> Option<f64> {
        let capacity = self.policy.sites.get(site)?.capacity?;
        let health = self.sites.get(site)?.health;
        let health = if health > 0.0 { health } else { 1.0 };
        self.policy.enforce_capacity.then_some(capacity * health)
    }

    /// Says how a request went that took so long: whether its endpoint served it. What a client did wrong
    /// is no failure of the endpoint's.
    pub fn ended(&mut self, pick: Pick, success: bool, took: Duration, now: Duration) {
        if let Some(permit) = pick.permit {
            if success {
                permit.success(took, now);
            } else {
                permit.failure(took, now);
            }
        }
        let same = |at: &usize| {
            let member = self.members.get(*at);
            member.is_some_and(|member| Arc::ptr_eq(&member.address, &pick.address))
        };
        // It may stand elsewhere by now.
        let found = Some(pick.at).filter(same);
        let Some(at) = found.or_else(|| self.by_address.get(&pick.address).copied()) else {
            return;
        };
        let ejected = self
            .outliers
            .as_mut()
            .and_then(|outliers| outliers.record(&pick.address, success, now));
        let Some(member) = self.members.get_mut(at) else {
            return;
        };
        let count = if success {
            &mut member.successes
        } else {
            &mut member.failures
        };
        *count = count.saturating_add(1);
        let doubtful = !success || !member.available;
        if let Some(reason) = ejected {
            member.ejected = true;
            let address = pick.address;
            self.tell(now, EventKind::Ejected { address, reason });
        }
        if doubtful {
            self.look_if_changed(at, now);
        }
    }

    /// Says how a probe of an endpoint went.
    pub fn probed(&mut self, address: &str, success: bool, now: Duration) {
        let Some(&at) = self.by_address.get(address) else {
            return;
        };
        let Some(member) = self.members.get_mut(at) else {
            return;
        };
        let changed = member.probes.as_mut().is_some_and(|p| p.record(success));
        if success
            && member.ejected
            && let Some(outliers) = &mut self.outliers
        {
            outliers.forgive(&member.address);
            member.ejected = false;
            self.look(now);
        } else if changed {
            self.look_if_changed(at, now);
        }
    }

    /// How long until an endpoint's next probe; `None` without probes. `random` is uniform in 0..1.
    #[must_use]
    pub fn next_probe(&self, address: &str, random: f64) -> Option<Duration> {
        let member = self.members.get(*self.by_address.get(address)?)?;
        Some(member.probes.as_ref()?.next(random))
    }
}
