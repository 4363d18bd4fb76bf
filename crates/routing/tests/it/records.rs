//! What is answered for a name: Route 53's rules, and a pool's sites as records.

use std::sync::Arc;
use std::time::Duration;

use narae_routing::failover::Latch;
use narae_routing::health::ProbePolicy;
use narae_routing::pool::{Endpoint, Policy, Pool, Record, RecordSet, Site};
use narae_routing::{Split, Weight};

/// A record by level, weight and health (`+`, `-` or `?`).
fn record(written: &str) -> Record {
    let mut words = written.split(' ');
    let mut next = || words.next().unwrap();
    let name: Arc<str> = next().into();
    let record = Record::new(Arc::clone(&name), [name])
        .with_priority(next().parse().unwrap())
        .with_weight(next().parse().unwrap());
    match next() {
        "+" => record.with_health(true),
        "-" => record.with_health(false),
        _ => record,
    }
}

fn weights(records: &[&str]) -> Vec<u32> {
    let set = RecordSet::new(records.iter().map(|written| record(written)));
    set.weights().iter().map(|weight| weight.value()).collect()
}

#[test]
fn weighted_records_are_answered_by_weight_while_they_are_well() {
    for (records, expected) in [
        (["a 0 70 +", "b 0 30 +"], [70, 30]),
        (["a 0 70 -", "b 0 30 +"], [0, 30]),
        // Nobody checks it: it is well.
        (["a 0 70 ?", "b 0 30 -"], [70, 0]),
        (["a 0 70 -", "b 0 30 -"], [70, 30]),
        // Weight 0 is for when the others are ill.
        (["a 0 70 +", "b 0 0 +"], [70, 0]),
        (["a 0 70 -", "b 0 0 +"], [0, 1]),
        (["a 0 0 +", "b 0 0 +"], [1, 1]),
        (["a 0 0 -", "b 0 0 -"], [1, 1]),
    ] {
        assert_eq!(weights(&records), expected, "{records:?}");
    }
    assert_eq!(weights(&[]), [0u32; 0]);
}

#[test]
fn failover_records_are_answered_by_the_first_level_that_is_well() {
    for (records, expected) in [
        (["a 0 1 +", "b 1 3 +", "c 1 1 +"], [1, 0, 0]),
        (["a 0 1 -", "b 1 3 +", "c 1 1 +"], [0, 3, 1]),
        (["a 0 1 -", "b 1 3 -", "c 1 1 +"], [0, 0, 1]),
        // What is known may be old: the first level, as if nothing were.
        (["a 0 1 -", "b 1 3 -", "c 1 1 -"], [1, 0, 0]),
        // Its level goes before others with a weight.
        (["a 0 0 +", "b 1 3 +", "c 1 1 +"], [1, 0, 0]),
    ] {
        assert_eq!(weights(&records), expected, "{records:?}");
    }
}

#[test]
fn answers_can_be_exact() {
    let set = RecordSet::new(["a 0 70 +", "b 0 20 -", "c 0 10 +"].map(record));
    let split = Split::new(set.backends().unwrap());
    let answered: Vec<Arc<str>> = (0..80).map(|_| Arc::clone(split.pick())).collect();
    let count = |name: &str| answered.iter().filter(|answer| ***answer == *name).count();
    assert_eq!((count("a"), count("b"), count("c")), (70, 0, 10));
}

#[test]
fn a_pools_records_follow_its_health_and_its_people() {
    let site = |name: &str| Site::new(name, [0, 1].map(|at| Endpoint::new(format!("{name}-{at}"))));
    let mut policy = Policy::of([site("idc"), site("cloud").with_priority(1)]);
    policy.probes = Some(ProbePolicy::default());
    let mut pool = Pool::new(policy).unwrap();
    let now = Duration::ZERO;
    let healthy = |pool: &Pool, now| {
        let records = pool.records(now);
        records
            .records()
            .iter()
            .map(|record| record.healthy.unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(healthy(&pool, now), [true, true]);

    // One of two endpoints is down: it is not answered.
    pool.probed("idc-0", false, now);
    let records = pool.records(now);
    assert_eq!(*records.records()[0].values, ["idc-1".into()]);
    assert_eq!(healthy(&pool, now), [true, true]);

    // Both: nobody is answered for the site, and were all ill it would be with all it has.
    pool.probed("idc-1", false, now);
    let records = pool.records(now);
    assert_eq!(healthy(&pool, now), [false, true]);
    assert_eq!(records.weights(), [Weight::ZERO, Weight::ONE]);
    assert_eq!(records.records()[0].values.len(), 2);

    // People know better.
    pool.latch("idc", Latch::In, now);
    pool.latch("cloud", Latch::Out, now);
    assert_eq!(healthy(&pool, now), [true, false]);
}
