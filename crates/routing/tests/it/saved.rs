//! What outlives a process, through JSON and a clock of another origin.
#![cfg(feature = "serde")]

use std::time::Duration;

use narae_routing::breaker::{Config, State as Breaker, Window};
use narae_routing::canary::{Arm, Canary, Gate, Plan, State, Step};
use narae_routing::failover::{Latch, Phase};
use narae_routing::health::{OutlierPolicy, ProbePolicy};
use narae_routing::objective::{Objective, Record};
use narae_routing::pool::{Endpoint, Policy, Pool, Site};
use narae_routing::saved::{CanaryState, PoolState, RecordState};
use narae_routing::{Backends, Split, Weight};
use serde::Serialize;
use serde::de::DeserializeOwned;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn through_json<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(state: &T) -> T {
    let text = serde_json::to_string(state).unwrap();
    let read: T = serde_json::from_str(&text).unwrap();
    assert_eq!(&read, state);
    read
}

fn policy() -> Policy {
    let site = |name: &str| {
        let endpoint = |at| Endpoint::new(format!("{name}-{at}:80"));
        Site::new(name, (0..3).map(endpoint))
    };
    let mut policy = Policy::of([site("a"), site("b"), site("c").with_priority(1)]);
    policy.probes = Some(ProbePolicy::default());
    policy.outliers = Some(OutlierPolicy::default());
    let breaker = Config::default()
        .with_window(Window::Calls(2))
        .with_minimum_calls(2);
    policy.breaker = Some(breaker.with_wait_in_open(60 * SECOND));
    policy
}

#[test]
fn a_pool_stands_as_before() {
    let mut pool = Pool::new(policy()).unwrap();
    let now = HOUR;
    assert!(pool.latch("a", Latch::Out, now));
    assert!(pool.shift("b", Some(Weight::new(7)), now));
    assert!(pool.drain("b-0:80", true, now));
    // One is broken and ejected, one is down by its probes, and shares are in the middle of a turn.
    for _ in 0..5 {
        for _ in 0..2 {
            let pick = pool.pick(now, &[]).unwrap();
            let success = pick.address() != "b-1:80";
            pool.ended(pick, success, SECOND, now);
        }
    }
    for at in 0..3 {
        for _ in 0..3 {
            pool.probed(&format!("c-{at}:80"), at > 0, now);
        }
    }
    pool.probed("a-0:80", false, now);
    for second in 1..=10 {
        pool.look(now + second * SECOND);
    }
    let saved = through_json(&pool.saved(now + 10 * SECOND));
    let mut next = Pool::new(policy()).unwrap();
    // Times of the next run count from elsewhere.
    let later = 100 * HOUR;
    next.restore(&saved, later);
    let (is, was) = (next.standing(later), pool.standing(now + 10 * SECOND));
    for (is, was) in is.iter().zip(&was) {
        assert_eq!(
            (&is.name, is.weight, is.latch),
            (&was.name, was.weight, was.latch)
        );
        assert_eq!(is.share, was.share);
        assert!((is.lag - was.lag).abs() < 1e-9, "{} {}", is.lag, was.lag);
        let kind = std::mem::discriminant::<Phase>;
        assert_eq!(kind(&is.phase), kind(&was.phase));
        for (is, was) in is.endpoints.iter().zip(&was.endpoints) {
            let seen = |e: &narae_routing::pool::EndpointStanding| {
                (
                    e.weight,
                    e.share,
                    e.available,
                    e.up,
                    e.ejected,
                    e.drained,
                    e.breaker,
                )
            };
            assert_eq!(seen(is), seen(was), "{}", is.address);
            assert!((is.lag - was.lag).abs() < 1e-9, "{is:?} {was:?}");
        }
    }
    let breaker = |pool: &Pool, now| pool.standing(now)[1].endpoints[1].breaker;
    assert_eq!(breaker(&next, later), Some(Breaker::Open));
    let again = next.saved(later);
    assert_eq!(
        serde_json::to_value(&again.sites).unwrap(),
        serde_json::to_value(&saved.sites).unwrap()
    );
    // What the policy no longer names is passed over.
    let mut other = Pool::new(Policy::of([Site::new("a", [])])).unwrap();
    other.restore(&saved, later);
    assert_eq!(other.standing(later)[0].latch, Latch::Out);
}

#[test]
fn a_flap_and_a_hold_down_go_on() {
    let mut policy = policy();
    policy.sites.truncate(1);
    let mut pool = Pool::new(policy.clone()).unwrap();
    let probe = |pool: &mut Pool, up: bool, now: Duration| {
        for _ in 0..5 {
            (0..3).for_each(|at| pool.probed(&format!("a-{at}:80"), up, now));
        }
    };
    probe(&mut pool, false, HOUR);
    pool.look(HOUR + 6 * SECOND);
    probe(&mut pool, true, HOUR + 10 * SECOND);
    let saved = through_json(&pool.saved(HOUR + 30 * SECOND));
    let mut next = Pool::new(policy).unwrap();
    next.restore(&saved, HOUR * 9);
    let phase = |pool: &Pool| pool.standing(HOUR * 9)[0].phase;
    assert_eq!(phase(&next), Phase::HeldDown(HOUR * 9 - 20 * SECOND));
    next.look(HOUR * 9 + 9 * SECOND);
    assert!(matches!(phase(&next), Phase::HeldDown(_)));
    next.look(HOUR * 9 + 10 * SECOND);
    assert!(matches!(phase(&next), Phase::Ramping(_)));
}

#[test]
fn a_canary_goes_on_at_its_step_with_what_it_served() {
    let plan = || {
        let steps = [
            Step::Weight(5),
            Step::Wait(600 * SECOND),
            Step::Weight(50),
            Step::Pause,
        ];
        Plan::new(steps).unwrap()
    };
    let gate = Gate::new(Objective::new(0.99, 720 * HOUR).unwrap());
    let mut canary = Canary::begin(plan(), gate, HOUR);
    for second in 0..300 {
        canary.count(Arm::Stable, 99, 1, HOUR + second * SECOND);
        canary.count(Arm::Canary, 10, 0, HOUR + second * SECOND);
        canary.look(HOUR + second * SECOND);
    }
    let saved: CanaryState = through_json(&canary.saved(HOUR + 300 * SECOND));
    let later = 9 * HOUR;
    let mut next = Canary::resume(plan(), gate, &saved, later);
    assert_eq!(next.state(), &State::Step(1, later - 300 * SECOND));
    assert_eq!(next.weights(), canary.weights());
    assert_eq!(
        next.look(later + 299 * SECOND),
        &State::Step(1, later - 300 * SECOND)
    );
    assert_eq!(next.look(later + 300 * SECOND), &State::Paused(3));
    let paused = through_json(&next.saved(later + 300 * SECOND));
    assert_eq!(
        Canary::resume(plan(), gate, &paused, HOUR).state(),
        &State::Paused(3)
    );
    // Another plan by now: from its beginning.
    let other = Plan::new([Step::Wait(SECOND)]).unwrap();
    assert_eq!(
        Canary::resume(other, gate, &paused, HOUR).state(),
        &State::Step(0, HOUR)
    );
}

#[test]
fn a_budget_is_remembered() {
    let objective = Objective::new(0.9, 720 * HOUR).unwrap();
    let mut record = Record::new(10 * SECOND, 720 * HOUR);
    record.count(0, 100, Duration::ZERO);
    record.count(300, 0, 600 * HOUR);
    let saved: RecordState = through_json(&record.saved(700 * HOUR));
    let mut next = Record::new(10 * SECOND, 720 * HOUR);
    next.restore(&saved, 1000 * HOUR);
    let (is, was) = (
        objective.left(&next, 1000 * HOUR),
        objective.left(&record, 700 * HOUR),
    );
    assert!((is - was).abs() < 1e-9 && is < 0.0, "{is} {was}");
    assert_eq!(objective.left(&next, 1021 * HOUR), 1.0);
}

#[test]
fn a_split_goes_on_in_the_middle_of_its_period() {
    let made = || {
        let weights = [("a", 5), ("b", 3), ("c", 2)].map(|(id, w)| (id, Weight::new(w)));
        Split::new(Backends::new(weights).unwrap())
    };
    for picks in 0..20 {
        let split = made().skipping(picks);
        let lags: Vec<(String, f64)> = split
            .standings()
            .iter()
            .map(|s| ((*s.id()).to_owned(), s.lag()))
            .collect();
        let lags = through_json(&lags);
        let lag = |id: &&str| lags.iter().find(|(name, _)| name == id).unwrap().1;
        let next = made().owing(lag);
        for _ in 0..10 {
            assert_eq!(next.pick(), split.pick());
        }
    }
}

#[test]
fn nonsense_is_taken_without_harm() {
    let text = r#"{"sites": [{"name": "a", "weight": 4294967295, "lag": 1e300, "failback": {
        "latch": "Released", "phase": {"Ramping": {"secs": 18446744073709551615, "nanos": 0}}, "flaps": 4294967295,
        "last_out": {"secs": 18446744073709551615, "nanos": 0}}}],
        "endpoints": [{"address": "a-0:80", "drained": false, "up": null, "lag": -1e300,
        "ejection": {"left": {"secs": 18446744073709551615, "nanos": 0}, "in_a_row": 4294967295},
        "breaker": {"state": "Open", "left": {"secs": 18446744073709551615, "nanos": 0}, "attempts": 0}}]}"#;
    let saved: PoolState = serde_json::from_str(text).unwrap();
    let mut pool = Pool::new(policy()).unwrap();
    pool.restore(&saved, HOUR);
    for second in 0..100 {
        let pick = pool.pick(HOUR + second * SECOND, &[]).unwrap();
        assert_ne!(pick.address(), "a-0:80");
        pool.ended(pick, true, SECOND, HOUR + second * SECOND);
    }
}
