//! Pools: who gets requests while sites and endpoints come and go. All in virtual time.

mod by_hand;
mod capacity;
mod forecast;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use narae_routing::Weight;
use narae_routing::balance::SlowStart;
use narae_routing::breaker::{Config, State, Window};
use narae_routing::failover::{FailbackPolicy, Latch};
use narae_routing::health::{OutlierPolicy, ProbePolicy};
use narae_routing::pool::{
    Endpoint, EventKind, NoEndpoint, Policy, PolicyError, Pool, Site, endpoint_key,
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
fn a_session_stays_at_its_endpoint_while_that_can_take_traffic() {
    let mut pool = Pool::new(two_sites()).unwrap();
    let key = endpoint_key("cloud-1:80");
    let at = |pool: &mut Pool| {
        let pick = pool.pick_kept(key, SECOND)?;
        let address = pick.address().to_owned();
        pool.ended(pick, true, Duration::ZERO, SECOND);
        Some(address)
    };
    let there = Some("cloud-1:80".to_owned());
    assert_eq!(at(&mut pool), there, "whatever its site's share");
    assert!(pool.drain("cloud-1:80", true, SECOND));
    assert_eq!(at(&mut pool), there, "sessions outlast a drain");
    assert!(pool.latch("cloud", Latch::Out, SECOND));
    assert_eq!(at(&mut pool), None);
    assert!(pool.latch("cloud", Latch::Released, SECOND));
    pool.probed("cloud-1:80", false, SECOND);
    assert_eq!(at(&mut pool), None);
    assert!(pool.pick_kept(endpoint_key("nobody:80"), SECOND).is_none());
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
fn an_endpoint_that_is_new_warms_up_beside_those_that_are_warm() {
    let with = |endpoints: usize| {
        let mut policy = Policy::of([site("a", endpoints)]);
        policy.slow_start = Some(SlowStart::new(100 * SECOND));
        policy
    };
    let mut pool = Pool::new(with(1)).unwrap();
    assert_eq!(pool.standing(SECOND)[0].endpoints[0].share, 1.0);
    pool.reconfigure(with(2), 10 * SECOND).unwrap();
    let mut share = |at: u32| {
        pool.look(at * SECOND);
        pool.standing(SECOND)[0].endpoints[1].share
    };
    let (begin, middle, end) = (share(10), share(60), share(110));
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

#[derive(Clone, Debug)]
enum Step {
    Probe(usize, bool),
    /// Whether it is served, and who was tried for it, a bit for each.
    Request(bool, u8),
    Pass(u64),
    Latch(usize, u8),
    Drain(usize, bool),
    Shift(usize, u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..6usize, any::<bool>()).prop_map(|(at, up)| Step::Probe(at, up)),
        (any::<bool>(), 0..64u8).prop_map(|(success, tried)| Step::Request(success, tried)),
        (0..3usize, 0..3u32).prop_map(|(at, weight)| Step::Shift(at, weight)),
        (0..60_000u64).prop_map(Step::Pass),
        (0..3usize, 0..3u8).prop_map(|(at, latch)| Step::Latch(at, latch)),
        (0..6usize, any::<bool>()).prop_map(|(at, drained)| Step::Drain(at, drained)),
    ];
    proptest::collection::vec(step, 0..200)
}

proptest! {
    /// Whatever happens: while anybody who may be used can take traffic, whoever is picked can; and nobody is
    /// picked whom people took out, tried before or not.
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
                Step::Shift(at, weight) => {
                    let weight = weight.checked_sub(1).map(Weight::new);
                    let name = format!("s{at}");
                    prop_assert!(pool.shift(&name, weight, now));
                }
                Step::Request(success, tried) => {
                    let tried: Vec<Arc<str>> = (0..6)
                        .filter(|at| tried >> at & 1 == 1)
                        .map(|at| Arc::from(address(at)))
                        .collect();
                    let picked = pool.pick(now, &tried);
                    let standing = pool.standing(now);
                    let used = standing.iter().filter(|s| s.latch != Latch::Out && !s.weight.is_zero());
                    let mut endpoints = used.clone().flat_map(|s| &s.endpoints);
                    let able = endpoints.any(|e| {
                        e.available && !e.weight.is_zero() && !tried.contains(&e.address)
                    });
                    let Ok(pick) = picked else {
                        prop_assert!(!able);
                        continue;
                    };
                    prop_assert!(!tried.contains(&pick.shared_address()));
                    let site = used.clone().find(|s| *s.name == *pick.site());
                    prop_assert!(site.is_some(), "{} is taken out", pick.site());
                    let site = site.unwrap();
                    let own = site.endpoints.iter().find(|e| *e.address == *pick.address()).unwrap();
                    prop_assert!(!own.drained);
                    let insisted = site.latch == Latch::In;
                    prop_assert!(own.available || !able || insisted, "{own:?}");
                    pool.ended(pick, success, Duration::ZERO, now);
                }
            }
        }
    }
}

#[test]
fn outlier_detection_that_comes_later_lets_back_in_and_compares() {
    let plain = || Policy::of([site("a", 2)]);
    let mut pool = Pool::new(plain()).unwrap();
    pool.look(SECOND);
    let mut policy = plain();
    policy.outliers = Some(OutlierPolicy::default());
    pool.reconfigure(policy, 2 * SECOND).unwrap();
    for _ in 0..10 {
        let pick = pool.pick(2 * SECOND, &[]).unwrap();
        let success = pick.address() == "a-1:80";
        pool.ended(pick, success, Duration::ZERO, 2 * SECOND);
    }
    let available = |pool: &Pool| pool.standing(2 * SECOND)[0].endpoints[0].available;
    assert!(!available(&pool));
    for second in 3..=45 {
        pool.look(second * SECOND);
        assert!(second < 42 || available(&pool), "out at {second} s");
    }
}

#[test]
fn what_an_endpoint_cannot_take_is_shared_by_all_others() {
    let mut policy = Policy::of([site("a", 5)]);
    let breaker = Config::default()
        .with_window(Window::Calls(2))
        .with_minimum_calls(2);
    policy.breaker = Some(breaker.with_half_open_calls(1).with_wait_in_open(SECOND));
    let mut pool = Pool::new(policy).unwrap();
    for _ in 0..10 {
        let pick = pool.pick(SECOND, &[]).unwrap();
        let success = pick.address() != "a-4:80";
        pool.ended(pick, success, Duration::ZERO, SECOND);
    }
    // Half-open, and its one place is taken by a request that hangs.
    let now = 3 * SECOND;
    let mut got = BTreeMap::new();
    let mut hanging = None;
    for _ in 0..1001 {
        let pick = pool.pick(now, &[]).unwrap();
        if pick.address() == "a-4:80" {
            assert!(hanging.replace(pick).is_none());
            continue;
        }
        *got.entry(pick.address().to_owned()).or_insert(0) += 1;
        pool.ended(pick, true, Duration::ZERO, now);
    }
    assert!(hanging.is_some() && got.len() == 4, "{got:?}");
    assert!(
        got.values().all(|count| (248..=252).contains(count)),
        "{got:?}"
    );
}

#[test]
fn turns_that_all_fall_on_a_busy_giant_still_reach_every_other() {
    let mut sites = [site("a", 9)];
    sites[0].endpoints[0].weight = Weight::new(10_000);
    let mut pool = Pool::new(Policy::of(sites)).unwrap();
    let tried = [Arc::from("a-0:80")];
    let mut got = BTreeMap::new();
    for _ in 0..800 {
        let pick = pool.pick(SECOND, &tried).unwrap();
        *got.entry(pick.address().to_owned()).or_insert(0) += 1;
    }
    assert_eq!(got.len(), 8);
    assert!(
        got.values().all(|count| (75..=125).contains(count)),
        "{got:?}"
    );
}

#[test]
fn thousands_of_endpoints_are_shown_without_counting_their_turns_for_each() {
    let mut sites = [site("a", 4096)];
    for (at, endpoint) in sites[0].endpoints.iter_mut().enumerate() {
        endpoint.weight = Weight::new(1 + u32::try_from(at % 31).unwrap());
    }
    let pool = Pool::new(Policy::of(sites)).unwrap();
    // Quadratic, it took minutes.
    for _ in 0..20 {
        let standing = pool.standing(SECOND);
        let shares: f64 = standing[0].endpoints.iter().map(|e| e.share).sum();
        assert!((shares - 1.0).abs() < 1e-9);
        assert!(standing[0].endpoints[1].share > standing[0].endpoints[0].share);
    }
}
