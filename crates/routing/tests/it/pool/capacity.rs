//! Sites that get no more than they can serve.

use std::collections::BTreeMap;
use std::time::Duration;

use narae_routing::failover::Latch;
use narae_routing::health::ProbePolicy;
use narae_routing::pool::{Change, NoEndpoint, Policy, Pool, what_if};
use proptest::prelude::*;

use super::{SECOND, site};

/// 100 requests a second at one site, 50 at a standby, and 20 at one more behind it.
fn limited() -> Policy {
    let mut policy = Policy::of([
        site("idc", 2).with_capacity(100.0),
        site("far", 1).with_capacity(20.0).with_priority(2),
        site("cloud", 2).with_capacity(50.0).with_priority(1),
    ]);
    policy.probes = Some(ProbePolicy::default());
    policy.enforce_capacity = true;
    policy
}

/// Who gets what of so many requests a second, over ten seconds.
fn play(pool: &mut Pool, a_second: u32, from: Duration) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for request in 0..10 * a_second {
        let now = from + SECOND * request / a_second;
        let to = match pool.pick(now, &[]) {
            Ok(pick) => {
                let site = pick.site().to_owned();
                pool.ended(pick, true, Duration::ZERO, now);
                site
            }
            Err(none) => {
                assert_eq!(none, NoEndpoint::Full);
                "nobody".to_owned()
            }
        };
        *counts.entry(to).or_default() += 1;
    }
    counts
}

fn about(counts: &BTreeMap<String, u32>, site: &str, a_second: u32) {
    let got = counts.get(site).copied().unwrap_or(0);
    assert!(got.abs_diff(10 * a_second) <= 12, "{site}: {counts:?}");
}

#[test]
fn what_is_beyond_a_sites_capacity_goes_to_others_by_priority_and_then_to_nobody() {
    for (load, idc, cloud, far, nobody) in [
        (80, 80, 0, 0, 0),
        (140, 100, 40, 0, 0),
        (160, 100, 50, 10, 0),
        (200, 100, 50, 20, 30),
    ] {
        let mut pool = Pool::new(limited()).unwrap();
        let counts = play(&mut pool, load, SECOND);
        for (site, a_second) in [
            ("idc", idc),
            ("cloud", cloud),
            ("far", far),
            ("nobody", nobody),
        ] {
            about(&counts, site, a_second);
        }
        let forecast = what_if(&limited(), &Change::default(), f64::from(load));
        let errors = f64::from(nobody) / f64::from(load);
        assert!(
            (forecast.errors - errors).abs() < 1e-9,
            "{load}: {}",
            forecast.errors
        );
    }
}

#[test]
fn capacity_shrinks_with_the_endpoints_and_a_latch_still_counts() {
    let mut pool = Pool::new(limited()).unwrap();
    pool.probed("idc-0:80", false, SECOND);
    pool.latch("far", Latch::Out, SECOND);
    let counts = play(&mut pool, 140, 2 * SECOND);
    for (site, a_second) in [("idc", 50), ("cloud", 50), ("far", 0), ("nobody", 40)] {
        about(&counts, site, a_second);
    }
}

#[test]
fn without_enforcement_a_site_gets_what_it_is_due() {
    let mut policy = limited();
    policy.enforce_capacity = false;
    let counts = play(&mut Pool::new(policy).unwrap(), 200, SECOND);
    assert_eq!(counts["idc"], 2000);
}

proptest! {
    /// In no second does a site get more than it can serve and a tenth.
    #[test]
    fn no_site_gets_more_than_its_capacity(pauses in proptest::collection::vec(0..40u64, 1..800)) {
        let mut pool = Pool::new(limited()).unwrap();
        let (mut now, mut got) = (SECOND, Vec::new());
        for pause in pauses {
            now += Duration::from_millis(pause / 4);
            if let Ok(pick) = pool.pick(now, &[]) {
                got.push((now, pick.site().to_owned()));
                pool.ended(pick, true, Duration::ZERO, now);
            }
        }
        for (site, capacity) in [("idc", 100.0), ("cloud", 50.0), ("far", 20.0)] {
            let own: Vec<Duration> = got.iter().filter(|(_, s)| s == site).map(|(at, _)| *at).collect();
            for (first, from) in own.iter().enumerate() {
                let within = own[first..].iter().filter(|at| **at < *from + SECOND).count();
                prop_assert!(within as f64 <= capacity * 1.1 + 2.0, "{site}: {within}");
            }
        }
    }
}
