//! Layers and services, in paused time.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use narae_routing::breaker::{Breaker, Config, State, Window};
use narae_routing::limit::{Concurrency, Rate};
use narae_routing::pool::{Endpoint, Policy, Pool, Site};
use narae_routing::retry::{Backoff, Budget, Failure, Jitter, Policy as RetryPolicy, Repeatable};
use narae_routing::tower::{
    Balance, BreakerLayer, Clock, ConcurrencyLayer, Error, RateLayer, Refusal, RetryLayer, Verdict,
    http as judge,
};
use tower::{Service, ServiceBuilder, ServiceExt as _, service_fn};

const SECOND: Duration = Duration::from_secs(1);

/// Waits for as long as it is told, then answers with its status.
async fn answer((wait, status): (Duration, u16)) -> Result<u16, Infallible> {
    tokio::time::sleep(wait).await;
    Ok(status)
}

fn served(result: &Result<u16, Infallible>) -> Verdict {
    match result {
        Ok(500..) => Verdict::Failure,
        Ok(400..) => Verdict::Ignored,
        _ => Verdict::Success,
    }
}

async fn call<S, R>(service: &mut S, request: R) -> Result<S::Response, S::Error>
where
    S: Service<R>,
{
    service.ready().await?.call(request).await
}

#[tokio::test(start_paused = true)]
async fn a_breaker_opens_waits_and_closes() {
    let config = Config::default()
        .with_window(Window::Calls(4))
        .with_minimum_calls(4)
        .with_half_open_calls(1)
        .with_slow_calls(100.0, SECOND);
    let breaker = Arc::new(Breaker::new(config).unwrap());
    let layer = BreakerLayer::new(Arc::clone(&breaker), Clock::start(), served);
    let mut service = ServiceBuilder::new()
        .layer(layer)
        .service(service_fn(answer));
    for status in [200, 500, 404, 200, 500] {
        assert_eq!(
            call(&mut service, (Duration::ZERO, status)).await,
            Ok(status)
        );
    }
    assert_eq!(breaker.state(), State::Open);
    let refused = call(&mut service, (Duration::ZERO, 200)).await.unwrap_err();
    assert!(
        matches!(refused, Error::Refused(Refusal::Breaker(_))),
        "{refused}"
    );
    tokio::time::advance(61 * SECOND).await;
    // A call that is given up gives its place back.
    drop(service.ready().await.unwrap().call((Duration::ZERO, 200)));
    assert_eq!(call(&mut service, (Duration::ZERO, 200)).await, Ok(200));
    assert_eq!(breaker.state(), State::Closed);
    // Time is measured around the call: slow ones open it as well.
    for _ in 0..4 {
        assert_eq!(call(&mut service, (2 * SECOND, 200)).await, Ok(200));
    }
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn limits_refuse_at_once_and_free_places() {
    let places = Arc::new(Concurrency::new(2));
    let mut service = ServiceBuilder::new()
        .layer(ConcurrencyLayer::new(Arc::clone(&places)))
        .service(service_fn(answer));
    let first = service.ready().await.unwrap().call((SECOND, 200));
    let second = service.ready().await.unwrap().call((SECOND, 200));
    let third = call(&mut service, (SECOND, 200)).await;
    assert_eq!(third, Err(Error::Refused(Refusal::Busy)));
    drop(first);
    assert_eq!(call(&mut service, (SECOND, 200)).await, Ok(200));
    assert_eq!((second.await, places.taken()), (Ok(200), 0));

    let rate = Arc::new(Rate::new(1, SECOND, 2));
    let layer = RateLayer::new(rate, Clock::start());
    let mut service = ServiceBuilder::new()
        .layer(layer)
        .service(service_fn(answer));
    for _ in 0..2 {
        assert_eq!(call(&mut service, (Duration::ZERO, 200)).await, Ok(200));
    }
    let retry_after = SECOND;
    let refused = Err(Error::Refused(Refusal::TooMany { retry_after }));
    assert_eq!(call(&mut service, (Duration::ZERO, 200)).await, refused);
    tokio::time::advance(SECOND).await;
    assert_eq!(call(&mut service, (Duration::ZERO, 200)).await, Ok(200));
}

#[tokio::test(start_paused = true)]
async fn failures_are_tried_again_within_the_budget() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    // Fails twice, then serves.
    let flaky = service_fn(move |_: &'static str| {
        let status = if counted.fetch_add(1, Ordering::Relaxed) % 3 < 2 {
            503
        } else {
            200
        };
        std::future::ready(Ok::<u16, Infallible>(status))
    });
    let policy = RetryPolicy::new(2)
        .with_statuses([503])
        .with_backoff(Backoff::new(SECOND, 10 * SECOND).with_jitter(Jitter::None));
    let budget = Arc::new(Budget::of(0, 1, 10 * SECOND));
    let repeatable = |method: &&'static str| Repeatable::of(method, false);
    let failure = |result: &Result<u16, Infallible>| match result {
        Ok(status) if *status >= 500 => Some(Failure::Status(*status, None)),
        _ => None,
    };
    let clock = Clock::start();
    let layer = RetryLayer::new(policy, Arc::clone(&budget), clock, repeatable, failure);
    let mut service = ServiceBuilder::new().layer(layer).service(flaky);
    assert_eq!(call(&mut service, "GET").await, Ok(200));
    // One second, then two.
    assert_eq!(
        (calls.load(Ordering::Relaxed), clock.now()),
        (3, 3 * SECOND)
    );
    assert_eq!(call(&mut service, "POST").await, Ok(503));
    assert_eq!(calls.load(Ordering::Relaxed), 4);
    // Without budget the failure is the answer.
    while budget.withdraw(clock.now()) {}
    assert_eq!(call(&mut service, "GET").await, Ok(503));
    assert_eq!(calls.load(Ordering::Relaxed), 5);
}

#[tokio::test(start_paused = true)]
async fn a_pool_balances_exactly_and_leaves_the_broken_alone() {
    let site = Site::new(
        "only",
        [
            Endpoint::new("a:80").with_weight(narae_routing::Weight::new(3)),
            Endpoint::new("b:80"),
        ],
    );
    let mut policy = Policy::of([site]);
    policy.breaker = Some(
        Config::default()
            .with_window(Window::Calls(4))
            .with_minimum_calls(4),
    );
    let pool = Arc::new(Mutex::new(Pool::new(policy).unwrap()));
    let (made, asked) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(Mutex::new(Vec::new())),
    );
    let (making, asking) = (Arc::clone(&made), Arc::clone(&asked));
    let make = move |address: &str| {
        making.fetch_add(1, Ordering::Relaxed);
        let (address, asking) = (address.to_owned(), Arc::clone(&asking));
        service_fn(move |request: Request<()>| {
            asking.lock().unwrap().push(address.clone());
            let status = if address == "b:80" && request.uri().path() == "/b-fails" {
                503
            } else {
                200
            };
            std::future::ready(Response::builder().status(status).body(()))
        })
    };
    let mut service = Balance::new(Arc::clone(&pool), Clock::start(), make, judge::verdict);
    let get = |path: &str| Request::get(path).body(()).unwrap();
    for _ in 0..100 {
        assert_eq!(call(&mut service, get("/")).await.unwrap().status(), 200);
    }
    let of = |name: &str| asked.lock().unwrap().iter().filter(|a| *a == name).count();
    assert_eq!(
        (of("a:80"), of("b:80"), made.load(Ordering::Relaxed)),
        (75, 25, 2)
    );
    for _ in 0..100 {
        let _ = call(&mut service, get("/b-fails")).await;
    }
    // Two failures are half of its last four calls.
    assert_eq!(of("b:80"), 27);
    pool.lock().unwrap().drain("a:80", true, Duration::ZERO);
    let refused = call(&mut service, get("/")).await.unwrap_err();
    assert!(
        matches!(refused, Error::Refused(Refusal::Endpoint(_))),
        "{refused}"
    );
}

#[test]
fn http_says_what_may_be_tried_again() {
    let answered = |status: u16, after: Option<&str>| {
        let mut response = Response::builder().status(status);
        if let Some(after) = after {
            response = response.header("retry-after", after);
        }
        judge::failure(&response.body(()))
    };
    assert_eq!(answered(200, None), None);
    assert_eq!(
        answered(503, Some("7")),
        Some(Failure::Status(503, Some(7 * SECOND)))
    );
    assert_eq!(answered(429, None), Some(Failure::Status(429, None)));
    assert_eq!(judge::failure::<(), _>(&Err(())), Some(Failure::Unknown));
    let method =
        |method: &str| judge::repeatable(&Request::builder().method(method).body(()).unwrap());
    assert_eq!(
        (method("PUT"), method("POST")),
        (Repeatable::Yes, Repeatable::No)
    );
}

#[tokio::test(start_paused = true)]
async fn a_coarse_clock_goes_on_by_itself() {
    let (coarse, paused) = (Clock::coarse(), Clock::start());
    let begun = coarse.now();
    assert!(begun < SECOND);
    // A tick is a few milliseconds; each look takes nanoseconds.
    let ticked = (0..u32::MAX).any(|_| coarse.now() > begun);
    assert!(ticked);
    assert!(coarse.now() > begun);
    assert_eq!(paused.now(), Duration::ZERO);
}
