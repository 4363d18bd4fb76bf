//! Tries around a service. One allocation a call.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tower::util::Oneshot;
use tower::{Layer, Service};

use super::Clock;
use crate::retry::{Attempt, Budget, Failure, Policy, Repeatable};

/// Tries failed calls again; the services it is put around share the budget.
#[derive(Clone, Debug)]
pub struct RetryLayer<P, J> {
    policy: Arc<Policy>,
    budget: Arc<Budget>,
    clock: Clock,
    repeatable: P,
    judge: J,
}

impl<P, J> RetryLayer<P, J> {
    /// `repeatable` says of a request whether it may be sent twice, `judge` of a result how it failed, or `None` if it is
    /// one to hand on.
    pub fn new(policy: Policy, budget: Arc<Budget>, clock: Clock, repeatable: P, judge: J) -> Self {
        Self {
            policy: Arc::new(policy),
            budget,
            clock,
            repeatable,
            judge,
        }
    }
}

impl<S, P: Clone, J: Clone> Layer<S> for RetryLayer<P, J> {
    type Service = RetryService<S, P, J>;

    fn layer(&self, inner: S) -> Self::Service {
        RetryService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service whose failed calls are tried again.
#[derive(Clone, Debug)]
pub struct RetryService<S, P, J> {
    inner: S,
    layer: RetryLayer<P, J>,
}

impl<S, R, P, J> Service<R> for RetryService<S, P, J>
where
    S: Service<R> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send,
    S::Error: Send,
    R: Clone + Send + 'static,
    P: Fn(&R) -> Repeatable,
    J: Fn(&Result<S::Response, S::Error>) -> Option<Failure> + Clone + Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let repeatable = (self.layer.repeatable)(&request);
        let (policy, budget) = (
            Arc::clone(&self.layer.policy),
            Arc::clone(&self.layer.budget),
        );
        let (clock, judge) = (self.layer.clock, self.layer.judge.clone());
        budget.deposit(clock.now());
        // The one that is ready makes the first call; a clone gets ready for each further one.
        let again = self.inner.clone();
        let first = self.inner.call(request.clone());
        Box::pin(async move {
            let mut result = first.await;
            for number in 1.. {
                let Some(failure) = judge(&result) else { break };
                let attempt = Attempt {
                    number,
                    failure,
                    repeatable,
                    left: Duration::MAX,
                };
                let wait = policy.decide(&attempt, &budget, clock.now(), fastrand::f64());
                let Ok(wait) = wait else { break };
                tokio::time::sleep(wait).await;
                result = Oneshot::new(again.clone(), request.clone()).await;
            }
            result
        })
    }
}
