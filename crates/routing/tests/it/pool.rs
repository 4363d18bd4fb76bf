//! Pools: who gets requests while sites and endpoints come and go. All in virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use narae_routing::Weight;
use narae_routing::balance::SlowStart;
use narae_routing::breaker::{Config, State, Window};
use narae_routing::failover::{FailbackPolicy, Latch, Level, Overprovisioning, shares};
use narae_routing::health::{OutlierPolicy, ProbePolicy};
use narae_routing::pool::{
    Change, Endpoint, EventKind, NoEndpoint, Policy, PolicyError, Pool, Site, Weakness, check,
    what_if,
};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn site(name: &str, endpoints: usize) -> Site {
    let endpoint = |at| Endpoint::new(format!("{name}-{at}:80"));
    Site::new(name, (0..endpoints).map(endpoint))
}

/// A standby cloud behind an on-premises site, probed.
fn two_sites() -> Policy {
    let mut policy = Policy::of([site("idc", 2), site("cloud", 2).with_priority(1)]);
    policy.probes = Some(ProbePolicy::default());
    policy
}

fn counts(pool: &mut Pool, picks: usize, now: Duration) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for _ in 0..picks {
        let pick = pool.pick(now, &[]).unwrap();
        *counts.entry(pick.site().to_owned()).or_default() += 1;
        pool.ended(pick, true, Duration::ZERO, now);
    }
    counts
}

fn probe_all(pool: &mut Pool, site: &str, success: bool, times: usize, now: Duration) {
    for at in 0..2 {
        for _ in 0..times {
            pool.probed(&format!("{site}-{at}:80"), success, now);
        }
    }
}

#[test]
fn sites_of_one_priority_share_exactly_by_weight() {
    let sites = [
        site("idc", 3).with_weight(Weight::new(70)),
        site("cloud", 1).with_weight(Weight::new(30)),
    ];
    let mut pool = Pool::new(Policy::of(sites)).unwrap();
    for _ in 0..10 {
        let counts = counts(&mut pool, 10, Duration::ZERO);
        assert_eq!((counts["idc"], counts["cloud"]), (7, 3));
    }
}

#[test]
fn a_site_that_loses_hosts_spills_over_by_envoys_table() {
    for (down, percent) in [(0, 100), (28, 100), (29, 99), (50, 70), (75, 35), (100, 0)] {
        let policy = Policy::of([site("idc", 100), site("cloud", 10).with_priority(1)]);
        let dead = (0..down).fold(Change::default(), |c, at| {
            c.with_down(format!("idc-{at}:80"))
        });
        let forecast = what_if(&policy, &dead, 1000.0);
        let (part, whole) = forecast.sites[0].share;
        assert_eq!(part * 100, percent * whole, "{down} of 100 down");
        let levels = [(100 - down, 100), (10, 10)].map(|(healthy, total)| Level { healthy, total });
        let rule = shares(&levels, Overprovisioning::DEFAULT);
        assert_eq!(u64::from(rule[0].percent), percent);
        assert_eq!(forecast.errors, 0.0);
    }
}

#[test]
fn a_dead_site_gets_nothing_and_comes_back_by_hold_down_and_ramp() {
    let mut policy = two_sites();
    policy.failback = FailbackPolicy::default()
        .with_down_delay(Duration::ZERO)
        .with_hold_down(30 * SECOND, 300 * SECOND, 900 * SECOND)
        .with_ramp(60 * SECOND, 0.1);
    let mut pool = Pool::new(policy).unwrap();
    for site in ["idc", "cloud"] {
        probe_all(&mut pool, site, true, 1, Duration::ZERO);
    }
    assert_eq!(counts(&mut pool, 50, SECOND)["idc"], 50);
    probe_all(&mut pool, "idc", false, 3, SECOND);
    assert_eq!(counts(&mut pool, 50, SECOND)["cloud"], 50);
    // Well again, but held down for 30 seconds.
    probe_all(&mut pool, "idc", true, 5, 10 * SECOND);
    assert_eq!(counts(&mut pool, 50, 11 * SECOND)["cloud"], 50);
    assert_eq!(counts(&mut pool, 50, 39 * SECOND)["cloud"], 50);
    // Then never more than the ramp allows, from 10 % on.
    let begin = 41 * SECOND;
    pool.look(begin);
    let mut last = 0;
    for second in 0..60_u32 {
        let counts = counts(&mut pool, 100, begin + second * SECOND);
        let back = counts.get("idc").copied().unwrap_or_default();
        let bound = (f64::from(second) / 60.0).max(0.1) * 100.0;
        assert!(
            back as f64 <= bound + 1.0 && back >= last,
            "{back} % after {second} s"
        );
        last = back;
    }
    assert!(last >= 97, "{last}");
    assert_eq!(counts(&mut pool, 50, begin + 61 * SECOND)["idc"], 50);
    let phases = pool.take_events().into_iter();
    let phases = phases.filter(|e| matches!(e.kind, EventKind::Site { .. }));
    // Out, held down, ramping, in.
    assert_eq!(phases.count(), 4);
}

#[test]
fn a_held_down_site_is_better_than_nobody_and_panic_only_when_all_are_down() {
    let mut pool = Pool::new(two_sites()).unwrap();
    for site in ["idc", "cloud"] {
        probe_all(&mut pool, site, false, 1, Duration::ZERO);
    }
    assert!(pool.is_in_panic());
    assert_eq!(counts(&mut pool, 10, SECOND)["idc"], 10);
    pool.look(10 * SECOND);
    probe_all(&mut pool, "idc", true, 5, 20 * SECOND);
    assert!(!pool.is_in_panic());
    assert_eq!(counts(&mut pool, 10, 21 * SECOND)["idc"], 10);
}

#[test]
fn a_latch_and_a_drain_win_over_health() {
    let mut pool = Pool::new(two_sites()).unwrap();
    assert!(pool.latch("idc", Latch::Out, SECOND));
    assert_eq!(counts(&mut pool, 10, SECOND)["cloud"], 10);
    assert!(pool.latch("idc", Latch::In, SECOND));
    assert_eq!(counts(&mut pool, 10, SECOND)["idc"], 10);
    assert!(pool.drain("idc-0:80", true, SECOND));
    for _ in 0..10 {
        assert_eq!(pool.pick(SECOND, &[]).unwrap().address(), "idc-1:80");
    }
    assert!(!pool.latch("nowhere", Latch::In, SECOND));
}

#[test]
fn a_shifted_weight_holds_until_it_is_given_back() {
    let mut pool = Pool::new(Policy::of([site("a", 1), site("b", 1)])).unwrap();
    assert!(pool.shift("a", Some(Weight::new(3)), SECOND));
    assert_eq!(counts(&mut pool, 40, SECOND)["a"], 30);
    assert!(pool.shift("a", None, SECOND));
    assert_eq!(counts(&mut pool, 40, SECOND)["a"], 20);
}

#[test]
fn what_was_tried_is_not_picked_again_and_then_there_is_nobody() {
    let mut pool = Pool::new(two_sites()).unwrap();
    let mut tried: Vec<Arc<str>> = Vec::new();
    for _ in 0..4 {
        let pick = pool.pick(SECOND, &tried).unwrap();
        assert!(!tried.contains(&pick.shared_address()));
        tried.push(pick.shared_address());
    }
    assert!(tried[..2].iter().all(|address| address.starts_with("idc")));
    assert_eq!(pool.pick(SECOND, &tried).unwrap_err(), NoEndpoint::Tried);
}

#[test]
fn an_open_breaker_sends_requests_elsewhere_until_half_open_closes_it() {
    let mut policy = Policy::of([site("a", 2)]);
    let breaker = Config::default()
        .with_window(Window::Calls(4))
        .with_minimum_calls(4);
    policy.breaker = Some(
        breaker
            .with_half_open_calls(2)
            .with_wait_in_open(10 * SECOND),
    );
    let mut pool = Pool::new(policy).unwrap();
    let mut round = |picks: usize, bad: &str, now: Duration| {
        let mut to_bad = 0;
        for _ in 0..picks {
            let pick = pool.pick(now, &[]).unwrap();
            let is_bad = pick.address() == bad;
            to_bad += usize::from(is_bad);
            pool.ended(pick, !is_bad, Duration::ZERO, now);
        }
        let standing = pool.standing(now);
        (to_bad, standing[0].endpoints[0].breaker.unwrap())
    };
    assert_eq!(round(20, "a-0:80", SECOND), (4, State::Open));
    assert_eq!(round(20, "a-0:80", 5 * SECOND), (0, State::Open));
    assert_eq!(round(20, "a-0:80", 12 * SECOND), (2, State::Open));
    assert_eq!(round(20, "nobody", 30 * SECOND).1, State::Closed);
}

#[test]
fn an_outlier_is_left_alone_and_an_active_success_forgives_it() {
    let mut policy = Policy::of([site("a", 2)]);
    policy.outliers = Some(OutlierPolicy::default());
    policy.probes = Some(ProbePolicy::default());
    let mut pool = Pool::new(policy).unwrap();
    for _ in 0..10 {
        let pick = pool.pick(SECOND, &[]).unwrap();
        let success = pick.address() == "a-1:80";
        pool.ended(pick, success, Duration::ZERO, SECOND);
    }
    let ejected = |pool: &Pool| pool.standing(SECOND)[0].endpoints[0].ejected;
    assert!(ejected(&pool));
    assert!((0..10).all(|_| pool.pick(SECOND, &[]).unwrap().address() == "a-1:80"));
    pool.probed("a-0:80", true, SECOND);
    assert!(!ejected(&pool));
}

#[test]
fn an_endpoint_that_is_back_warms_up() {
    let mut policy = Policy::of([site("a", 2)]);
    policy.probes = Some(ProbePolicy::default().with_thresholds(1, 1));
    policy.slow_start = Some(SlowStart::new(100 * SECOND));
    let mut pool = Pool::new(policy).unwrap();
    pool.probed("a-0:80", false, SECOND);
    pool.probed("a-0:80", true, 2 * SECOND);
    let mut share = |after: u32| {
        pool.look((2 + after) * SECOND);
        pool.standing(SECOND)[0].endpoints[0].share
    };
    let (begin, middle, end) = (share(0), share(50), share(100));
    assert!(
        begin < 0.1 && (0.3..0.35).contains(&middle) && end == 0.5,
        "{begin} {middle}"
    );
}

#[test]
fn another_policy_keeps_health_breakers_and_lag() {
    let mut pool = Pool::new(two_sites()).unwrap();
    probe_all(&mut pool, "idc", false, 1, SECOND);
    let mut next = two_sites();
    next.sites.reverse();
    next.sites[0].endpoints.push(Endpoint::new("cloud-9:80"));
    pool.reconfigure(next, 2 * SECOND).unwrap();
    assert_eq!(pool.standing(SECOND)[1].endpoints[0].up, Some(false));
    assert_eq!(counts(&mut pool, 30, 2 * SECOND)["cloud"], 30);
    // A push before every pick: nobody is starved or favoured.
    let mut pool = Pool::new(Policy::of([site("a", 1), site("b", 1)])).unwrap();
    let mut to_a = 0;
    for _ in 0..100 {
        pool.reconfigure(Policy::of([site("a", 1), site("b", 1)]), SECOND)
            .unwrap();
        to_a += counts(&mut pool, 1, SECOND)
            .get("a")
            .copied()
            .unwrap_or_default();
    }
    assert_eq!(to_a, 50);
}

#[test]
fn a_policy_that_makes_no_pool_is_refused_and_changes_nothing() {
    let twice = Policy::of([site("a", 1), site("a", 1)]);
    assert_eq!(
        Pool::new(twice.clone()).unwrap_err(),
        PolicyError::SiteTwice("a".into())
    );
    let mut pool = Pool::new(two_sites()).unwrap();
    assert!(pool.reconfigure(twice, SECOND).is_err());
    assert_eq!(pool.standing(SECOND).len(), 2);
    let empty = Pool::new(Policy::default()).unwrap().pick(SECOND, &[]);
    assert_eq!(empty.unwrap_err(), NoEndpoint::Empty);
}

#[test]
fn a_change_is_thought_through_in_exact_fractions() {
    let mut policy = Policy::of([
        site("idc", 3)
            .with_weight(Weight::new(2))
            .with_capacity(900.0),
        site("cloud", 2).with_capacity(500.0),
    ]);
    policy.overprovisioning = Overprovisioning::percent(100);
    let now = what_if(&policy, &Change::default(), 900.0);
    assert_eq!(now.sites[0].share, (2, 3));
    assert_eq!(now.sites[0].endpoints[0].share, (2, 9));
    assert_eq!((now.errors, now.sites[1].overload()), (0.0, 0.0));
    let down = what_if(&policy, &Change::default().with_down("idc"), 900.0);
    assert_eq!(down.sites[1].share, (1, 1));
    assert!((down.sites[1].overload() - 0.8).abs() < 1e-9);
    assert!((down.errors - 4.0 / 9.0).abs() < 1e-9);
    let dead = Change::default().with_down("idc").with_down("cloud");
    let dead = what_if(&policy, &dead, 900.0);
    assert!(dead.panic && dead.errors == 1.0);
    let shifted = Change::default().with_weight("cloud", Weight::new(6));
    assert_eq!(what_if(&policy, &shifted, 900.0).sites[1].share, (3, 4));
}

#[test]
fn the_hugest_weights_neither_overflow_nor_lose_anybody() {
    let huge = |name: &str, odd: u32| {
        let endpoint = |at: u32| {
            Endpoint::new(format!("{name}-{at}")).with_weight(Weight::new(u32::MAX - 2 * at - odd))
        };
        Site::new(name, (0..100).map(endpoint)).with_weight(Weight::new(u32::MAX - odd))
    };
    let policy = Policy::of((0..40).map(|odd| huge(&format!("s{odd}"), odd)));
    let forecast = what_if(&policy, &Change::default(), 1.0);
    let part = |(part, whole): (u64, u64)| part as f64 / whole as f64;
    let sites: f64 = forecast.sites.iter().map(|site| part(site.share)).sum();
    let endpoints = forecast.sites.iter().flat_map(|site| &site.endpoints);
    let all: f64 = endpoints.map(|endpoint| part(endpoint.share)).sum();
    assert!(
        (sites - 1.0).abs() < 1e-9 && (all - 1.0).abs() < 1e-9,
        "{sites} {all}"
    );
    assert!(Pool::new(policy).unwrap().pick(SECOND, &[]).is_ok());
}

#[test]
fn a_policy_is_checked_before_anything_fails() {
    assert_eq!(check(&Policy::default(), 0.0), [Weakness::Nobody]);
    let said = |policy: &Policy| -> Vec<String> {
        check(policy, 900.0)
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    let mut policy = Policy::of([
        site("idc", 2).with_capacity(1000.0),
        site("cloud", 1).with_capacity(500.0).with_priority(1),
        site("lab", 0),
    ]);
    let expected = [
        "site `lab` has no endpoint with a weight above 0, or no weight: it never gets a request",
        "nothing tells whether endpoints are well: give it probes, outlier detection or a breaker",
        "without `idc`, `cloud` gets 900 requests a second and serves 500 (no N+1)",
    ];
    assert_eq!(said(&policy), expected);
    policy.probes = Some(ProbePolicy::default());
    policy.sites.truncate(1);
    assert_eq!(said(&policy), ["without `idc` nobody is left"]);
}

#[derive(Clone, Debug)]
enum Step {
    Probe(usize, bool),
    Request(bool),
    Pass(u64),
    Latch(usize, u8),
    Drain(usize, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..6usize, any::<bool>()).prop_map(|(at, up)| Step::Probe(at, up)),
        any::<bool>().prop_map(Step::Request),
        (0..60_000u64).prop_map(Step::Pass),
        (0..3usize, 0..3u8).prop_map(|(at, latch)| Step::Latch(at, latch)),
        (0..6usize, any::<bool>()).prop_map(|(at, drained)| Step::Drain(at, drained)),
    ];
    proptest::collection::vec(step, 0..200)
}

proptest! {
    /// Whatever happens: while anybody undrained can take traffic, whoever is picked can.
    #[test]
    fn nobody_is_sent_to_the_dead_while_somebody_lives(steps in steps()) {
        let sites = [site("s0", 2), site("s1", 2), site("s2", 2).with_priority(1)];
        let mut policy = Policy::of(sites);
        policy.probes = Some(ProbePolicy::default());
        policy.outliers = Some(OutlierPolicy::default());
        let mut pool = Pool::new(policy).unwrap();
        let mut now = Duration::ZERO;
        let address = |at: usize| format!("s{}-{}:80", at / 2, at % 2);
        for step in steps {
            match step {
                Step::Probe(at, up) => pool.probed(&address(at), up, now),
                Step::Pass(millis) => now += Duration::from_millis(millis),
                Step::Latch(at, latch) => {
                    let latch = [Latch::Released, Latch::In, Latch::Out][usize::from(latch)];
                    let name = format!("s{at}");
                    prop_assert!(pool.latch(&name, latch, now));
                }
                Step::Drain(at, drained) => prop_assert!(pool.drain(&address(at), drained, now)),
                Step::Request(success) => {
                    let picked = pool.pick(now, &[]);
                    let standing = pool.standing(now);
                    let endpoints: Vec<_> = standing.iter().flat_map(|s| &s.endpoints).collect();
                    let able = endpoints.iter().any(|e| e.available && !e.weight.is_zero());
                    let Ok(pick) = picked else {
                        prop_assert!(!able);
                        continue;
                    };
                    let own = endpoints.iter().find(|e| *e.address == *pick.address()).unwrap();
                    prop_assert!(!own.drained);
                    prop_assert!(own.available || !able, "{own:?}");
                    pool.ended(pick, success, Duration::ZERO, now);
                }
            }
        }
    }
}
