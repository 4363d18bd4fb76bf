//! Limits around a service: how many at once, how many in a time.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tower::{Layer, Service};

use super::guarded::{Guard, Guarded};
use super::{Clock, Error, Refusal};
use crate::limit::{Concurrency, Place, Rate};

/// Refuses calls beyond a number at once; the services it is put around share the places.
#[derive(Clone, Debug)]
pub struct ConcurrencyLayer(Arc<Concurrency>);

impl ConcurrencyLayer {
    /// These places.
    #[must_use]
    pub fn new(places: Arc<Concurrency>) -> Self {
        Self(places)
    }
}

impl<S> Layer<S> for ConcurrencyLayer {
    type Service = ConcurrencyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ConcurrencyService {
            inner,
            places: Arc::clone(&self.0),
        }
    }
}

/// A service that takes so many calls at once.
#[derive(Clone, Debug)]
pub struct ConcurrencyService<S> {
    inner: S,
    places: Arc<Concurrency>,
}

impl<S: Service<R>, R> Service<R> for ConcurrencyService<S> {
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = Guarded<S::Future, Place<Arc<Concurrency>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(ready!(self.inner.poll_ready(context)).map_err(Error::Service))
    }

    fn call(&mut self, request: R) -> Self::Future {
        match self.places.acquire_owned() {
            None => Guarded::refused(Refusal::Busy),
            Some(place) => Guarded::running(self.inner.call(request), place),
        }
    }
}

impl<T, E> Guard<T, E> for Place<Arc<Concurrency>> {
    fn end(self, _: &Result<T, E>) {}
}

/// Refuses calls beyond a number in a time; the services it is put around share it.
#[derive(Clone, Debug)]
pub struct RateLayer {
    rate: Arc<Rate>,
    clock: Clock,
}

impl RateLayer {
    /// This rate.
    #[must_use]
    pub fn new(rate: Arc<Rate>, clock: Clock) -> Self {
        Self { rate, clock }
    }
}

impl<S> Layer<S> for RateLayer {
    type Service = RateService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RateService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service that takes so many calls in a time.
#[derive(Clone, Debug)]
pub struct RateService<S> {
    inner: S,
    layer: RateLayer,
}

impl<S: Service<R>, R> Service<R> for RateService<S> {
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = Guarded<S::Future, Counted>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(ready!(self.inner.poll_ready(context)).map_err(Error::Service))
    }

    fn call(&mut self, request: R) -> Self::Future {
        match self.layer.rate.acquire(self.layer.clock.now()) {
            Err(retry_after) => Guarded::refused(Refusal::TooMany { retry_after }),
            Ok(()) => Guarded::running(self.inner.call(request), Counted),
        }
    }
}

/// A call that was counted when it began.
#[derive(Clone, Copy, Debug)]
pub struct Counted;

impl<T, E> Guard<T, E> for Counted {
    fn end(self, _: &Result<T, E>) {}
}
