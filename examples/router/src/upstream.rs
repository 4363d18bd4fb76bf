//! One service: its pool, its connections, its retries. What is decided here is decided by `narae-routing`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use narae_routing::gateway::{HealthCheckSpec, Objects, RetrySpec};
use narae_routing::matching::Backend;
use narae_routing::pool::{NoEndpoint, Pick, PolicyError, Pool, SiteStanding};
use narae_routing::retry::{Budget, Policy as RetryPolicy};

use crate::arguments::Limits;
use crate::connections::{Connections, Protocol};
use crate::metrics::Counters;

pub(crate) struct Upstream {
    name: String,
    protocol: Protocol,
    pool: Mutex<Pool>,
    /// To endpoints that are listed; replaced when one comes or goes.
    connections: ArcSwap<BTreeMap<Arc<str>, Arc<Connections>>>,
    limits: Arc<Limits>,
    settings: ArcSwap<Settings>,
    pub(crate) counters: Arc<Counters>,
}

/// What may change without anything else changing.
pub(crate) struct Settings {
    pub(crate) retry: RetryPolicy,
    pub(crate) budget: Budget,
    pub(crate) health: Option<HealthCheckSpec>,
    written: RetrySpec,
}

impl Upstream {
    /// With its port in its name if it is one of several of its service.
    pub(crate) fn new(
        backend: &Backend,
        several: bool,
        objects: &Objects,
        limits: Arc<Limits>,
    ) -> Result<Self, PolicyError> {
        let h2c = backend.app_protocol.as_deref() == Some("kubernetes.io/h2c");
        let service = &backend.service;
        let counters = Arc::new(Counters::new(limits.workers()));
        let mut name = match service.namespace() {
            "default" => service.name().to_owned(),
            namespace => format!("{namespace}/{}", service.name()),
        };
        if several {
            name.push_str(&format!(":{}", backend.port));
        }
        Ok(Self {
            name,
            protocol: if h2c {
                Protocol::Http2
            } else {
                Protocol::Http1
            },
            pool: Mutex::new(Pool::new(objects.pool(service, backend.port))?),
            connections: ArcSwap::default(),
            limits,
            settings: ArcSwap::from_pointee(Settings::of(backend, objects)),
            counters,
        })
    }

    /// Goes by other objects from now on; what is known of its endpoints stays.
    pub(crate) fn reconfigure(
        &self,
        backend: &Backend,
        objects: &Objects,
        now: Duration,
    ) -> Result<(), PolicyError> {
        let policy = objects.pool(&backend.service, backend.port);
        let mut pool = self.pool();
        pool.reconfigure(policy, now)?;
        let listed = |address: &Arc<str>| {
            let sites = &pool.policy().sites;
            let mut endpoints = sites.iter().flat_map(|site| &site.endpoints);
            endpoints.any(|endpoint| *endpoint.address == **address)
        };
        let connections = self.connections.load();
        if !connections.keys().all(listed) {
            self.connections.rcu(|all| {
                let kept = all.iter().filter(|(address, _)| listed(address));
                let kept = kept.map(|(address, one)| (Arc::clone(address), Arc::clone(one)));
                kept.collect::<BTreeMap<_, _>>()
            });
        }
        let settings = Settings::of(backend, objects);
        // A budget is a memory of requests: it goes on unless it is another one.
        let last = self.settings.load();
        if (&settings.written, &settings.health) != (&last.written, &last.health) {
            self.settings.store(Arc::new(settings));
        }
        Ok(())
    }

    /// Its service, without the namespace if that is the default one; with the port if it is not the only one.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn protocol(&self) -> Protocol {
        self.protocol
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    pub(crate) fn pick(&self, now: Duration, tried: &[Arc<str>]) -> Result<Pick, NoEndpoint> {
        self.pool().pick(now, tried)
    }

    /// The endpoint a session is at, if it can take traffic.
    pub(crate) fn pick_kept(&self, key: u64, now: Duration) -> Option<Pick> {
        self.pool().pick_kept(key, now)
    }

    pub(crate) fn ended(&self, pick: Pick, success: bool, took: Duration, now: Duration) {
        self.pool().ended(pick, success, took, now);
    }

    /// Its endpoints, and how long each waits for its next probe.
    pub(crate) fn probes(&self) -> Vec<(Arc<str>, Duration)> {
        let pool = self.pool();
        let sites = &pool.policy().sites;
        let endpoints = sites.iter().flat_map(|site| &site.endpoints);
        endpoints
            .filter_map(|endpoint| {
                let wait = pool.next_probe(&endpoint.address, fastrand::f64())?;
                Some((Arc::from(endpoint.address.as_str()), wait))
            })
            .collect()
    }

    pub(crate) fn standing(&self, now: Duration) -> Vec<SiteStanding> {
        self.pool().standing(now)
    }

    /// The connections to one of its endpoints.
    pub(crate) fn connections_to(&self, address: &Arc<str>) -> Arc<Connections> {
        if let Some(known) = self.connections.load().get(address) {
            return Arc::clone(known);
        }
        let limits = Arc::clone(&self.limits);
        let made = Connections::new(Arc::clone(address), self.protocol, limits);
        let made = Arc::new(made);
        // Another worker may have been first.
        self.connections.rcu(|all| {
            let mut all = BTreeMap::clone(all);
            all.entry(Arc::clone(address))
                .or_insert_with(|| Arc::clone(&made));
            all
        });
        self.connections
            .load()
            .get(address)
            .map_or(made, Arc::clone)
    }

    pub(crate) fn pool(&self) -> MutexGuard<'_, Pool> {
        // Nothing under the lock panics; were it to, a pool holds after any prefix of its steps.
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settings {
    fn of(backend: &Backend, objects: &Objects) -> Self {
        let policy = objects.traffic_policy(&backend.service, backend.port);
        let written = policy.and_then(|policy| policy.spec.retry.clone());
        let written = written.unwrap_or_default();
        let (per_thousand, per_second) = written.budget();
        Self {
            retry: written.policy(),
            budget: Budget::of(per_thousand, per_second, Duration::from_secs(10)),
            health: policy.and_then(|policy| policy.spec.health_check.clone()),
            written,
        }
    }
}
