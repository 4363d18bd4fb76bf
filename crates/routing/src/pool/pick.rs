//! Who gets the next request, and what its end says of its endpoint.

use std::sync::Arc;
use std::time::Duration;

use super::{EventKind, Pool};
use crate::Weight;
use crate::breaker::{self, Breaker};

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

/// Why nobody gets a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum NoEndpoint {
    /// The pool has none with a weight above 0.
    #[error("no endpoint is listed")]
    Empty,
    /// All were tried for this request.
    #[error("every endpoint was tried")]
    Tried,
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
        // By share, the largest first; then those that should get nothing but are better than nobody.
        let mut others: Vec<usize> = (0..self.sites.len()).filter(|at| *at != first).collect();
        let share = |at: &usize| self.weights.as_ref()?.get(*at).copied();
        others.sort_by_key(|at| std::cmp::Reverse(share(at).map(Weight::value)));
        others
            .into_iter()
            .find_map(|at| self.pick_at(at, now, tried, &mut refused))
            .ok_or(refused)
    }

    fn pick_at(
        &self,
        site: usize,
        now: Duration,
        tried: &[Arc<str>],
        refused: &mut NoEndpoint,
    ) -> Option<Pick> {
        let site = self.sites.get(site)?;
        let split = site.split.as_ref()?;
        // The split first; if its turn falls on one that cannot be had, whoever comes next in the list.
        let first = split.pick().at;
        let listed = split.backends().iter().filter(|(_, w)| !w.is_zero());
        let others = listed.map(|(slot, _)| slot.at).filter(|at| *at != first);
        for at in std::iter::once(first).chain(others) {
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
            return Some(Pick {
                address: Arc::clone(&member.address),
                at,
                site: Arc::clone(&site.name),
                permit,
            });
        }
        None
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
