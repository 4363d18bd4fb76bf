//! What does a breaker add to a call that succeeds, the clock included?

use std::future::Future as _;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use failsafe::CircuitBreaker as _;
use narae_routing::SharedTime;
use narae_routing::breaker::{Breaker, Config};
use narae_routing::tower::{BreakerLayer, Clock, Verdict};
use tower::{Layer as _, Service as _};
use tower_resilience_circuitbreaker::CircuitBreakerConfigBuilder;

use crate::report::Report;

const CALLS: u32 = 10_000;

pub(super) fn run(report: &mut Report) {
    let breaker = Breaker::new(Config::default()).expect("the defaults make a breaker");
    let origin = Instant::now();
    let ours = || {
        for _ in 0..CALLS {
            let begun = origin.elapsed();
            let permit = breaker.acquire(begun).expect("nothing fails");
            let ended = origin.elapsed();
            permit.success(ended - begun, ended);
        }
    };
    let peer = failsafe::Config::new().build();
    let theirs = || {
        for _ in 0..CALLS {
            let _ = black_box(peer.call(|| Ok::<(), ()>(())));
        }
    };
    report.compare(
        "routing.breaker_vs_failsafe",
        "failsafe 1.3, its default policy",
        &format!(
            "{CALLS} calls that succeed, one thread; ours reads the clock twice, as slow calls need"
        ),
        200,
        ours,
        theirs,
    );
    let mut service = CircuitBreakerConfigBuilder::default()
        .build()
        .expect("the defaults make a breaker")
        .layer(tower::service_fn(|()| {
            std::future::ready(Ok::<(), std::convert::Infallible>(()))
        }));
    let mut tower = || {
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..CALLS {
            let ready = service.poll_ready(&mut context);
            assert!(ready.is_ready());
            let answered = pin!(service.call(())).poll(&mut context);
            assert!(matches!(black_box(answered), Poll::Ready(Ok(()))));
        }
    };
    report.compare(
        "routing.breaker_vs_tower_resilience",
        "tower-resilience-circuitbreaker 0.14, its defaults, as a tower service",
        &format!("{CALLS} calls that succeed, one thread; both read the clock twice"),
        200,
        ours,
        &mut tower,
    );
    // One call in fifty fails, so that what is recorded always changes something.
    let failing = || {
        for call in 0..CALLS {
            let begun = origin.elapsed();
            let permit = breaker.acquire(begun).expect("one in fifty is few enough");
            let ended = origin.elapsed();
            if call.is_multiple_of(50) {
                permit.failure(ended - begun, ended);
            } else {
                permit.success(ended - begun, ended);
            }
        }
    };
    let mut failing_peer = CircuitBreakerConfigBuilder::default()
        .build()
        .expect("the defaults make a breaker")
        .layer(tower::service_fn(|call: u32| {
            std::future::ready(if call.is_multiple_of(50) {
                Err(())
            } else {
                Ok(())
            })
        }));
    let tower_failing = || {
        let mut context = Context::from_waker(Waker::noop());
        for call in 0..CALLS {
            let ready = failing_peer.poll_ready(&mut context);
            assert!(ready.is_ready());
            let answered = pin!(failing_peer.call(call)).poll(&mut context);
            assert!(black_box(answered).is_ready());
        }
    };
    report.compare(
        "routing.breaker_failing_vs_tower_resilience",
        "tower-resilience-circuitbreaker 0.14, its defaults, as a tower service",
        &format!("{CALLS} calls, one in fifty fails, one thread; both read the clock twice"),
        200,
        failing,
        tower_failing,
    );
    // The system's coarse clock: true to its tick, a few milliseconds, and far cheaper to read.
    let coarse_origin = coarsetime::Instant::now();
    let coarse_now = || -> Duration {
        coarsetime::Instant::now()
            .duration_since(coarse_origin)
            .into()
    };
    let coarse = || {
        for _ in 0..CALLS {
            let begun = coarse_now();
            let permit = breaker.acquire(begun).expect("nothing fails");
            let ended = coarse_now();
            permit.success(ended.saturating_sub(begun), ended);
        }
    };
    report.compare(
        "routing.breaker_coarse_clock_vs_failsafe",
        "failsafe 1.3, its default policy",
        &format!("{CALLS} calls that succeed, one thread; ours reads the system's coarse clock twice, the peer its clock"),
        200,
        coarse,
        theirs,
    );
    report.compare(
        "routing.breaker_coarse_clock_vs_tower_resilience",
        "tower-resilience-circuitbreaker 0.14, its defaults, as a tower service",
        &format!("{CALLS} calls that succeed, one thread; ours reads the system's coarse clock twice, the peer its clock twice"),
        200,
        coarse,
        &mut tower,
    );
    // Both as tower services.
    for (name, clock, note) in [
        ("breaker_layer", Clock::start(), "both read the clock twice"),
        (
            "breaker_layer_coarse",
            Clock::coarse(),
            "ours reads the system's coarse clock twice, the peer its clock twice",
        ),
    ] {
        let breaker = Breaker::new(Config::default()).expect("the defaults make a breaker");
        let served = |_: &Result<(), std::convert::Infallible>| Verdict::Success;
        let mut service = BreakerLayer::new(Arc::new(breaker), clock, served)
            .layer(tower::service_fn(|()| std::future::ready(Ok(()))));
        let layered = || {
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..CALLS {
                let ready = service.poll_ready(&mut context);
                assert!(ready.is_ready());
                let answered = pin!(service.call(())).poll(&mut context);
                assert!(matches!(black_box(answered), Poll::Ready(Ok(()))));
            }
        };
        report.compare(
            &format!("routing.{name}_vs_tower_resilience"),
            "tower-resilience-circuitbreaker 0.14, its defaults, as a tower service",
            &format!("{CALLS} calls that succeed, one thread, both as tower services; {note}"),
            200,
            layered,
            &mut tower,
        );
    }
    // A timer tells the time every millisecond; callers only read what it told.
    let time = SharedTime::default();
    let told = || {
        for call in 0..CALLS {
            if call % 1000 == 0 {
                time.tell(origin.elapsed());
            }
            let begun = time.now();
            let permit = breaker.acquire(begun).expect("nothing fails");
            let ended = time.now();
            permit.success(ended - begun, ended);
        }
    };
    report.compare(
        "routing.breaker_shared_time_vs_failsafe",
        "failsafe 1.3, its default policy",
        &format!(
            "{CALLS} calls that succeed, one thread; ours reads a time told once in 1000 calls, the peer its clock"
        ),
        200,
        told,
        theirs,
    );
    report.compare(
        "routing.breaker_shared_time_vs_tower_resilience",
        "tower-resilience-circuitbreaker 0.14, its defaults, as a tower service",
        &format!(
            "{CALLS} calls that succeed, one thread; ours reads a time told once in 1000 calls, the peer its clock"
        ),
        200,
        told,
        tower,
    );
    // A proxy knows when a request began and ended anyway.
    let known = || {
        for call in 0..CALLS {
            let now = Duration::from_micros(u64::from(call));
            let permit = breaker.acquire(now).expect("nothing fails");
            permit.success(Duration::from_millis(1), now);
        }
    };
    report.compare(
        "routing.breaker_known_times_vs_failsafe",
        "failsafe 1.3, its default policy",
        &format!(
            "{CALLS} calls that succeed, one thread; ours is told the times, the peer reads them"
        ),
        200,
        known,
        theirs,
    );
}
