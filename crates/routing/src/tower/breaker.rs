//! A breaker around a service.

use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tower::{Layer, Service};

use super::guarded::{Guard, Guarded};
use super::{Clock, Error, Verdict};
use crate::breaker::{Breaker, Permit};

/// Puts a breaker around services; those it is put around share it.
#[derive(Clone, Debug)]
pub struct BreakerLayer<J> {
    breaker: Arc<Breaker>,
    clock: Clock,
    judge: J,
}

impl<J> BreakerLayer<J> {
    /// `judge` is told each result and says what it means for the breaker.
    pub fn new(breaker: Arc<Breaker>, clock: Clock, judge: J) -> Self {
        Self {
            breaker,
            clock,
            judge,
        }
    }
}

impl<S, J: Clone> Layer<S> for BreakerLayer<J> {
    type Service = BreakerService<S, J>;

    fn layer(&self, inner: S) -> Self::Service {
        BreakerService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service with a breaker around it.
#[derive(Clone, Debug)]
pub struct BreakerService<S, J> {
    inner: S,
    layer: BreakerLayer<J>,
}

impl<S, J, R> Service<R> for BreakerService<S, J>
where
    S: Service<R>,
    J: Fn(&Result<S::Response, S::Error>) -> Verdict + Clone,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = Guarded<S::Future, Permitted<J>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(ready!(self.inner.poll_ready(context)).map_err(Error::Service))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let BreakerLayer {
            breaker,
            clock,
            judge,
        } = &self.layer;
        let begun = clock.now();
        match breaker.acquire_owned(begun) {
            Err(refusal) => Guarded::refused(refusal),
            Ok(permit) => Guarded::running(
                self.inner.call(request),
                Permitted {
                    permit,
                    begun,
                    clock: *clock,
                    judge: judge.clone(),
                },
            ),
        }
    }
}

/// A call that a breaker let through.
#[derive(Debug)]
pub struct Permitted<J> {
    permit: Permit<Arc<Breaker>>,
    begun: Duration,
    clock: Clock,
    judge: J,
}

impl<T, E, J: Fn(&Result<T, E>) -> Verdict> Guard<T, E> for Permitted<J> {
    fn end(self, result: &Result<T, E>) {
        let now = self.clock.now();
        let took = now.saturating_sub(self.begun);
        match (self.judge)(result) {
            Verdict::Success => self.permit.success(took, now),
            Verdict::Failure => self.permit.failure(took, now),
            Verdict::Ignored => self.permit.ignore(took, now),
        }
    }
}
