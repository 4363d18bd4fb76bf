//! What a change would do, and what a policy will be sorry for: held against pools to which it was done.

use std::time::Duration;

use narae_routing::Weight;
use narae_routing::failover::{FailbackPolicy, Level, Overprovisioning, shares};
use narae_routing::health::ProbePolicy;
use narae_routing::pool::{Change, Endpoint, Policy, Pool, Site, Weakness, check, what_if};
use proptest::prelude::*;

use super::{SECOND, site};

#[test]
fn a_site_that_loses_hosts_spills_over_by_envoys_table() {
    for (down, percent) in [(0, 100), (28, 100), (29, 99), (50, 70), (75, 35), (100, 0)] {
        let mut policy = Policy::of([site("idc", 100), site("cloud", 10).with_priority(1)]);
        // Never given up as a whole.
        policy.failback = FailbackPolicy::default().with_thresholds(0.0, 0.0);
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
    policy.sites[0].capacity = Some(500.0);
    let expected = [
        "without `idc` nobody is left",
        "`idc` gets 900 requests a second and serves 500",
    ];
    assert_eq!(said(&policy), expected);
}

#[test]
fn a_site_of_which_less_than_half_is_left_is_given_up() {
    let policy = Policy::of([site("idc", 5), site("cloud", 1).with_priority(1)]);
    let down = |count: usize| {
        let change = (0..count).fold(Change::default(), |c, at| {
            c.with_down(format!("idc-{at}:80"))
        });
        what_if(&policy, &change, 1.0).sites[0].share
    };
    assert_eq!(down(2), (21, 25));
    assert_eq!(down(3), (0, 1));
}

#[test]
fn with_nobody_left_every_request_fails() {
    let policy = Policy::of([site("idc", 2)]);
    let change = Change::default().with_weight("idc", Weight::ZERO);
    assert_eq!(what_if(&policy, &change, 10.0).errors, 1.0);
    assert_eq!(
        what_if(&Policy::default(), &Change::default(), 0.0).errors,
        1.0
    );
}

/// Priority, weight, and of each endpoint its weight and whether it is down.
type Drawn = (u32, u32, Vec<(u32, bool)>);

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    let endpoints = proptest::collection::vec((0..4u32, any::<bool>()), 1..6);
    proptest::collection::vec((0..3u32, 0..4u32, endpoints), 1..5)
}

proptest! {
    /// The shares foretold are those of a pool whose probes say what the change says, ten minutes later.
    #[test]
    fn what_is_foretold_is_what_a_pool_settles_at(drawn in drawn(), shifted in 0..4usize, weight in 0..4u32) {
        let name = |site: usize, at: usize| format!("s{site}-{at}:80");
        let mut change = Change::default().with_weight(format!("s{shifted}"), Weight::new(weight));
        let mut sites = Vec::new();
        for (number, (priority, weight, endpoints)) in drawn.iter().enumerate() {
            let endpoint = |(at, (weight, _)): (usize, &(u32, bool))| {
                Endpoint::new(name(number, at)).with_weight(Weight::new(*weight))
            };
            let own = endpoints.iter().enumerate().map(endpoint);
            sites.push(Site::new(format!("s{number}"), own).with_priority(*priority).with_weight(Weight::new(*weight)));
            let down = endpoints.iter().enumerate().filter(|(_, (_, down))| *down);
            change = down.fold(change, |change, (at, _)| change.with_down(name(number, at)));
        }
        let mut policy = Policy::of(sites);
        policy.probes = Some(ProbePolicy::default());
        let mut pool = Pool::new(policy.clone()).unwrap();
        pool.shift(&format!("s{shifted}"), Some(Weight::new(weight)), Duration::ZERO);
        for (number, (_, _, endpoints)) in drawn.iter().enumerate() {
            for (at, (_, down)) in endpoints.iter().enumerate() {
                pool.probed(&name(number, at), !down, SECOND);
            }
        }
        for second in (1..=120).map(|step| 5 * step) {
            pool.look(second * SECOND);
        }
        let forecast = what_if(&policy, &change, 1.0);
        let part = |(part, whole): (u64, u64)| part as f64 / whole as f64;
        let mut served = 0.0;
        for (site, stands) in forecast.sites.iter().zip(pool.standing(600 * SECOND)) {
            prop_assert!((part(site.share) - stands.share).abs() < 1e-9, "{site:?} {stands:?}");
            for (endpoint, own) in site.endpoints.iter().zip(&stands.endpoints) {
                let share = stands.share * own.share;
                prop_assert!((part(endpoint.share) - share).abs() < 1e-9, "{endpoint:?} {own:?}");
                served += if endpoint.well { share } else { 0.0 };
            }
        }
        prop_assert!((forecast.errors - (1.0 - served)).abs() < 1e-9, "{forecast:?}");
    }
}
