//! Endpoints at sites, and who gets the next request: health, outliers, breakers, failover and exact shares
//! in one state machine.
//!
//! A [`Pool`] is told what happened ([`Pool::probed`], [`Pool::ended`]) and when it is asked ([`Pool::pick`]);
//! it has no clock, no sockets and no timers, so a proxy and a [simulation](crate::simulate) run the same
//! code. Times are since an origin of the caller's and do not go back.
//!
//! # Who gets a request
//!
//! 1. Sites by their shares: of each site how many endpoints can take traffic (up by its probes, not
//!    ejected, breaker not refusing), damped by [`Failback`]; lower priorities first, the rest spills over.
//!    Shares are whole percents and exact over all picks.
//! 2. Endpoints of the site by weight, exact as well; one that is back warms up if the policy says so.
//! 3. An endpoint already tried for this request, or whose breaker has no place left, is passed over: first for
//!    others of its site, then for other sites.
//! 4. With [`Policy::enforce_capacity`], a site that has got what it can serve is passed over for others that have room; the
//!    capacity of a site shrinks with its endpoints.
//!
//! A site that is well but held down is used when there is no other; when nobody is known to be well,
//! everybody of the first level is asked (panic), for what is known may be old. What people decided
//! holds in all of that: a site that is latched out or has no weight, and an endpoint that is drained, gets nothing,
//! not even a retry or in a panic; a site that is latched in counts as wholly well.
//!
//! # Cost
//!
//! A pick is two lookups in precomputed orders and, now and then, a look at everybody.

mod capacity;
mod check;
mod divide;
mod event;
mod look;
mod member;
mod pick;
mod policy;
mod saved;
mod standing;
mod what_if;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::failover::{Failback, Latch};
use crate::health::Outliers;
use crate::{Split, Weight};
use capacity::Meter;
use member::Member;

pub use check::{Weakness, check};
pub use event::{Event, EventKind};
pub use pick::{NoEndpoint, Pick, endpoint_key};
pub use policy::{Endpoint, Policy, PolicyError, Site};
pub use standing::{EndpointStanding, SiteStanding};
pub use what_if::{Change, EndpointForecast, Forecast, SiteForecast, what_if};

type Slot = crate::slot::Slot<Arc<str>>;

/// A pool's state. See the [module](self).
///
/// ```
/// use narae_routing::pool::{Endpoint, Policy, Pool, Site};
/// use std::time::Duration;
///
/// let policy = Policy::of([
///     Site::new("idc", [Endpoint::new("10.0.0.1:80")]),
///     Site::new("cloud", [Endpoint::new("10.1.0.1:80")]).with_priority(1),
/// ]);
/// let mut pool = Pool::new(policy)?;
/// let pick = pool.pick(Duration::ZERO, &[])?;
/// assert_eq!(pick.address(), "10.0.0.1:80");
/// pool.ended(pick, true, Duration::from_millis(3), Duration::from_millis(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Pool {
    policy: Policy,
    members: Vec<Member>,
    by_address: HashMap<Arc<str>, usize>,
    /// By the key that sessions know endpoints by.
    by_key: HashMap<u64, usize>,
    sites: Vec<SiteState>,
    outliers: Option<Outliers<Arc<str>>>,
    /// Between sites; `None` if there is nobody at all.
    split: Option<Split<Slot>>,
    /// The weights it was made from, unless it has to be made anew.
    weights: Option<Vec<Weight>>,
    panic: bool,
    next_look: Duration,
    next_sweep: Duration,
    /// Where in a site's list the next pick looks that turns have no place for.
    next_other: usize,
    events: VecDeque<Event>,
}

#[derive(Debug)]
struct SiteState {
    name: Arc<str>,
    failback: Failback,
    /// What it was told by hand, over the policy's weight.
    weight: Option<Weight>,
    /// The part of its traffic it should take, in percent.
    part: u32,
    /// What it got lately.
    meter: Meter,
    /// The part of its endpoints that can take traffic, from 0 to 1.
    health: f64,
    /// Between its endpoints; `None` if none has a weight.
    split: Option<Split<Slot>>,
    /// The weights it was made from, unless it has to be made anew.
    weights: Option<Vec<Weight>>,
}

impl Pool {
    /// A pool nothing has happened to yet: everybody counts as well.
    ///
    /// # Errors
    ///
    /// When names repeat, there are too many, or breaker settings make none.
    pub fn new(policy: Policy) -> Result<Self, PolicyError> {
        let mut pool = Self {
            policy: Policy::default(),
            members: Vec::new(),
            by_address: HashMap::new(),
            by_key: HashMap::new(),
            sites: Vec::new(),
            outliers: None,
            split: None,
            weights: None,
            panic: false,
            next_look: Duration::ZERO,
            next_sweep: Duration::ZERO,
            next_other: 0,
            events: VecDeque::new(),
        };
        pool.reconfigure(policy, Duration::ZERO)?;
        Ok(pool)
    }

    /// Goes by another policy from now on. Endpoints keep their health, breakers, warm-up and what
    /// people decided, sites where they stand, and shares their lag.
    ///
    /// # Errors
    ///
    /// As [`Pool::new`]; the pool then stays as it was.
    pub fn reconfigure(&mut self, policy: Policy, now: Duration) -> Result<(), PolicyError> {
        policy.validate()?;
        let last = std::mem::replace(&mut self.policy, policy);
        let policy = &self.policy;
        // Who comes later is cold; at the start all are, and nobody else could take their part.
        let is_new = !self.members.is_empty();
        let mut members: HashMap<Arc<str>, Member> = std::mem::take(&mut self.members)
            .into_iter()
            .map(|member| (Arc::clone(&member.address), member))
            .collect();
        let mut sites: HashMap<Arc<str>, SiteState> = std::mem::take(&mut self.sites)
            .into_iter()
            .map(|site| (Arc::clone(&site.name), site))
            .collect();
        for (at, site) in policy.sites.iter().enumerate() {
            self.sites.push(match sites.remove(site.name.as_str()) {
                Some(mut known) => {
                    known.failback.set_policy(policy.failback);
                    known.weights = None;
                    known
                }
                None => SiteState {
                    name: Arc::from(site.name.as_str()),
                    failback: Failback::new(policy.failback),
                    weight: None,
                    part: 100,
                    meter: Meter::default(),
                    health: 1.0,
                    split: None,
                    weights: None,
                },
            });
            for endpoint in &site.endpoints {
                self.members
                    .push(match members.remove(endpoint.address.as_str()) {
                        Some(known) => known.changed(endpoint, at, policy, &last),
                        None => Member::new(endpoint, at, policy, is_new.then_some(now)),
                    });
            }
        }
        let places = self.members.iter().enumerate();
        self.by_address = places
            .map(|(at, member)| (Arc::clone(&member.address), at))
            .collect();
        let keys = self.by_address.iter();
        self.by_key = keys
            .map(|(address, at)| (endpoint_key(address), *at))
            .collect();
        let ids = self.members.iter().map(|m| Arc::clone(&m.address));
        // Without outliers no sweep was due at all; a shorter interval counts at once.
        let sweep_within = policy.outliers.as_ref().map(|policy| policy.interval);
        self.next_sweep = sweep_within.map_or(self.next_sweep, |interval| {
            self.next_sweep.min(now.saturating_add(interval))
        });
        self.outliers = match (self.outliers.take(), &policy.outliers) {
            (Some(mut outliers), Some(policy)) => {
                outliers.set_policy(policy.clone());
                outliers.set(ids);
                Some(outliers)
            }
            (_, policy) => policy.clone().map(|policy| Outliers::new(policy, ids)),
        };
        self.weights = None;
        self.look(now);
        Ok(())
    }

    /// Decides by hand whether a site is in; false if there is none of that name.
    pub fn latch(&mut self, site: &str, latch: Latch, now: Duration) -> bool {
        let Some(found) = self.sites.iter_mut().find(|s| *s.name == *site) else {
            return false;
        };
        found.failback.latch(latch);
        self.look(now);
        true
    }

    /// Decides by hand a site's weight among its equals, or leaves it to the policy again.
    pub fn shift(&mut self, site: &str, weight: Option<Weight>, now: Duration) -> bool {
        let Some(found) = self.sites.iter_mut().find(|s| *s.name == *site) else {
            return false;
        };
        found.weight = weight;
        self.look(now);
        true
    }

    /// Takes an endpoint's weight away by hand, or gives it back; false if there is none of that address.
    pub fn drain(&mut self, address: &str, drained: bool, now: Duration) -> bool {
        let Some(&at) = self.by_address.get(address) else {
            return false;
        };
        if let Some(member) = self.members.get_mut(at) {
            member.drained = drained;
        }
        self.look(now);
        true
    }

    /// What it goes by.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}
