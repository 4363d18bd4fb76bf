//! DNS answers: Route 53's rules, and a pool's sites as records.

use std::time::Duration;

use narae_routing::Weight;
use narae_routing::failover::Latch;
use narae_routing::failover::dns::{Record, RecordSet};
use narae_routing::health::ProbePolicy;
use narae_routing::pool::{Endpoint, Policy, Pool, Site};
use proptest::prelude::*;

const TTL: Duration = Duration::from_secs(30);

fn set(records: &[(u32, u32, Option<bool>)]) -> RecordSet {
    let record = |(at, &(level, weight, healthy)): (usize, &(u32, u32, Option<bool>))| {
        let record = Record::new(format!("r{at}"), [format!("192.0.2.{at}")])
            .with_level(level)
            .with_weight(Weight::new(weight));
        match healthy {
            Some(healthy) => record.with_health(healthy),
            None => record,
        }
    };
    RecordSet::new("shop.test.", TTL, records.iter().enumerate().map(record))
}

fn weights(records: &[(u32, u32, Option<bool>)]) -> Vec<u32> {
    set(records).weights().iter().map(|w| w.value()).collect()
}

#[test]
fn records_are_chosen_by_route_53s_rules() {
    let (up, down) = (Some(true), Some(false));
    for (is, records, answered) in [
        ("by weight", vec![(0, 70, up), (0, 30, up)], vec![70, 30]),
        (
            "only the healthy",
            vec![(0, 70, down), (0, 30, up)],
            vec![0, 30],
        ),
        (
            "without a check it is healthy",
            vec![(0, 70, down), (0, 30, None)],
            vec![0, 30],
        ),
        (
            "weight 0 is not answered",
            vec![(0, 0, up), (0, 30, up)],
            vec![0, 30],
        ),
        (
            "but once no other is healthy",
            vec![(0, 0, up), (0, 30, down)],
            vec![1, 0],
        ),
        (
            "all of weight 0 share alike",
            vec![(0, 0, up), (0, 0, up)],
            vec![1, 1],
        ),
        (
            "all unhealthy are all healthy",
            vec![(0, 70, down), (0, 30, down)],
            vec![70, 30],
        ),
        (
            "the primary first",
            vec![(0, 1, up), (1, 1, up)],
            vec![1, 0],
        ),
        (
            "then the secondary",
            vec![(0, 1, down), (1, 1, up)],
            vec![0, 1],
        ),
        (
            "with neither the primary",
            vec![(0, 1, down), (1, 1, down)],
            vec![1, 0],
        ),
        (
            "levels of several",
            vec![(0, 5, down), (1, 1, up), (1, 3, up), (2, 9, up)],
            vec![0, 1, 3, 0],
        ),
        ("no records", vec![], vec![]),
    ] {
        assert_eq!(weights(&records), answered, "{is}");
    }
}

#[test]
fn the_sites_of_a_pool_are_records() {
    let site =
        |name: &str, hosts: &[&str]| Site::new(name, hosts.iter().map(|h| Endpoint::new(*h)));
    let mut policy = Policy::of([
        site("idc", &["192.0.2.1:80", "192.0.2.2:80"]).with_weight(Weight::new(3)),
        site("east", &["[2001:db8::1]:443"]),
        site("cloud", &["lb.cloud.test:80"]).with_priority(1),
    ]);
    policy.probes = Some(ProbePolicy::default());
    let mut pool = Pool::new(policy).unwrap();
    let answers = |pool: &Pool, now: Duration| {
        let set = RecordSet::of_sites("shop.test.", TTL, &pool.standing(now));
        let shares = set.shares().into_iter().filter(|(_, share)| *share > 0.0);
        shares
            .map(|(r, share)| (r.id.clone(), share, r.values.join(" ")))
            .collect::<Vec<_>>()
    };
    let owned = |id: &str, share: f64, values: &str| (id.to_owned(), share, values.to_owned());
    let all = [
        owned("idc", 0.75, "192.0.2.1 192.0.2.2"),
        owned("east", 0.25, "2001:db8::1"),
    ];
    assert_eq!(answers(&pool, TTL), all);
    pool.probed("192.0.2.2:80", false, TTL);
    assert_eq!(answers(&pool, TTL)[0].2, "192.0.2.1");
    // Below half of its endpoints it is out, after the policy's delay.
    pool.probed("192.0.2.1:80", false, TTL);
    pool.look(2 * TTL);
    assert_eq!(answers(&pool, 2 * TTL), [owned("east", 1.0, "2001:db8::1")]);
    assert!(pool.latch("east", Latch::Out, 2 * TTL));
    assert_eq!(
        answers(&pool, 2 * TTL),
        [owned("cloud", 1.0, "lb.cloud.test")]
    );
    assert!(pool.latch("idc", Latch::In, 2 * TTL));
    assert_eq!(answers(&pool, 2 * TTL)[0].2, "192.0.2.1 192.0.2.2");
}

proptest! {
    /// Shares sum to one, nobody unhealthy is answered beside somebody healthy, and draws follow shares.
    #[test]
    fn answers_are_healthy_and_whole(
        records in proptest::collection::vec((0..3u32, 0..5u32, proptest::option::of(any::<bool>())), 1..8),
        random in 0.0..1.0f64,
    ) {
        let set = set(&records);
        let shares = set.shares();
        let sum: f64 = shares.iter().map(|(_, share)| share).sum();
        prop_assert!((sum - 1.0).abs() < 1e-9);
        let lives = records.iter().any(|(.., healthy)| *healthy != Some(false));
        let answered = shares.iter().filter(|(_, share)| *share > 0.0);
        for (record, _) in answered {
            prop_assert!(!lives || record.healthy != Some(false), "{record:?}");
        }
        let drawn = set.draw(random).unwrap();
        let before: f64 = shares.iter().take_while(|(r, _)| r.id != drawn.id).map(|(_, s)| s).sum();
        let own = shares.iter().find(|(r, _)| r.id == drawn.id).unwrap().1;
        prop_assert!(own > 0.0 && before <= random + 1e-9 && random <= before + own + 1e-9);
    }
}
