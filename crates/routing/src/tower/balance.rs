//! A service that is many: each request goes to the endpoint that a pool picks.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tower::Service;
use tower::util::Oneshot;

use super::guarded::{Guard, Guarded};
use super::{Clock, Error, Verdict};
use crate::pool::{Pick, Pool};

/// Sends each request to the endpoint that a pool picks, over a service for its address. Clones share the pool and the
/// services.
pub struct Balance<S, J> {
    shared: Arc<Shared<S>>,
    clock: Clock,
    judge: J,
}

struct Shared<S> {
    pool: Arc<Mutex<Pool>>,
    make: Box<dyn Fn(&str) -> S + Send + Sync>,
    services: Mutex<HashMap<Arc<str>, S>>,
}

impl<S, J> Balance<S, J> {
    /// `make` makes the service of an address when it is first picked; the service is cloned for each request. `judge`
    /// says of a result whether the endpoint served. Probes, drains and changes go to the pool itself.
    pub fn new(
        pool: Arc<Mutex<Pool>>,
        clock: Clock,
        make: impl Fn(&str) -> S + Send + Sync + 'static,
        judge: J,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                pool,
                make: Box::new(make),
                services: Mutex::default(),
            }),
            clock,
            judge,
        }
    }
}

impl<S: Clone> Shared<S> {
    fn service(&self, address: &Arc<str>) -> S {
        let mut services = lock(&self.services);
        if let Some(service) = services.get(address) {
            return service.clone();
        }
        let service = (self.make)(address);
        // Endpoints that the pool no longer lists go when another one comes.
        let pool = lock(&self.pool);
        let sites = &pool.policy().sites;
        let listed = |known: &Arc<str>| {
            let mut endpoints = sites.iter().flat_map(|site| &site.endpoints);
            endpoints.any(|endpoint| *endpoint.address == **known)
        };
        services.retain(|known, _| listed(known));
        services.insert(Arc::clone(address), service.clone());
        service
    }
}

impl<S, J, R> Service<R> for Balance<S, J>
where
    S: Service<R> + Clone,
    J: Fn(&Result<S::Response, S::Error>) -> Verdict + Clone,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = Guarded<Oneshot<S, R>, Picked<J>>;

    /// Always: who is not ready is found out when an endpoint is picked.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let begun = self.clock.now();
        let picked = lock(&self.shared.pool).pick(begun, &[]);
        match picked {
            Err(refusal) => Guarded::refused(refusal),
            Ok(pick) => {
                let service = self.shared.service(&pick.shared_address());
                let picked = Picked {
                    pool: Arc::clone(&self.shared.pool),
                    pick,
                    begun,
                    clock: self.clock,
                    judge: self.judge.clone(),
                };
                Guarded::running(Oneshot::new(service, request), picked)
            }
        }
    }
}

/// A request on its way to an endpoint.
#[derive(Debug)]
pub struct Picked<J> {
    pool: Arc<Mutex<Pool>>,
    pick: Pick,
    begun: Duration,
    clock: Clock,
    judge: J,
}

impl<T, E, J: Fn(&Result<T, E>) -> Verdict> Guard<T, E> for Picked<J> {
    fn end(self, result: &Result<T, E>) {
        let now = self.clock.now();
        let success = match (self.judge)(result) {
            Verdict::Ignored => return,
            verdict => verdict == Verdict::Success,
        };
        lock(&self.pool).ended(self.pick, success, now.saturating_sub(self.begun), now);
    }
}

impl<S, J: Clone> Clone for Balance<S, J> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            clock: self.clock,
            judge: self.judge.clone(),
        }
    }
}

impl<S, J> fmt::Debug for Balance<S, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Balance")
            .field("pool", &self.shared.pool)
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under the locks panics but `make`, which changes nothing.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
