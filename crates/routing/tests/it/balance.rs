//! Draws by weight, the better of two, and a backend's first moments.

use std::collections::HashMap;
use std::time::Duration;

use narae_routing::balance::{LeastLoaded, RandomAlias, SlowStart};
use proptest::prelude::*;

use crate::backends;

/// SplitMix64: a seeded stream of bits.
fn stream(mut seed: u64) -> impl FnMut() -> u64 {
    move || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[test]
fn a_slow_start_is_envoys() {
    let slow = SlowStart::new(Duration::from_secs(100));
    for (seconds, factor) in [
        (0, 0.1),
        (5, 0.1),
        (25, 0.25),
        (99, 0.99),
        (100, 1.0),
        (500, 1.0),
    ] {
        assert!(
            (slow.factor(Duration::from_secs(seconds)) - factor).abs() < 1e-9,
            "{seconds}"
        );
    }
    let early = slow.with_aggression(2.0);
    assert!((early.factor(Duration::from_secs(25)) - 0.5).abs() < 1e-9);
    assert_eq!(SlowStart::new(Duration::ZERO).factor(Duration::ZERO), 1.0);
}

#[test]
fn running_requests_repel() {
    let policy = LeastLoaded::new(backends(&[1, 1, 0]).unwrap());
    let mut random = stream(1);
    let mut running = Vec::new();
    for _ in 0..100 {
        running.push(policy.pick(Duration::ZERO, random()));
    }
    let first = running.iter().filter(|r| *r.id() == 0).count();
    assert_eq!(first, 50, "of two, both are always drawn");
    assert!(running.iter().all(|r| *r.id() != 2), "drained");
    running.retain(|r| *r.id() == 0);
    assert_eq!(*policy.pick(Duration::ZERO, random()).id(), 1);
}

#[test]
fn weights_divide_the_load() {
    let policy = LeastLoaded::new(backends(&[3, 1]).unwrap());
    let mut random = stream(2);
    let running: Vec<_> = (0..400)
        .map(|_| policy.pick(Duration::ZERO, random()))
        .collect();
    assert_eq!(running.iter().filter(|r| *r.id() == 0).count(), 300);
}

#[test]
fn a_peak_is_believed_at_once_and_forgotten_over_time() {
    let at = Duration::from_secs;
    let policy = LeastLoaded::new(backends(&[1, 1]).unwrap())
        .with_latency(Duration::from_millis(30), at(10));
    let mut random = stream(3);
    let mut slow = |now: Duration, seconds: u64| loop {
        let running = policy.pick(now, random());
        let id = *running.id();
        running.end(
            if id == 0 {
                at(seconds)
            } else {
                Duration::from_millis(30)
            },
            now,
        );
        if id == 0 {
            return;
        }
    };
    slow(at(0), 5);
    let mut random = stream(4);
    let mut share = |now: Duration| {
        (0..100)
            .filter(|_| *policy.pick(now, random()).id() == 0)
            .count()
    };
    assert_eq!(share(at(1)), 0);
    // The other answers in 30 ms again; e⁻⁶ of 5 s is less by now, so the idle one is worth another try.
    let other = policy.pick(at(60), 0);
    assert_eq!(*other.id(), 1);
    other.end(Duration::from_millis(30), at(60));
    assert_eq!(share(at(60)), 100);
}

#[test]
fn one_backend_is_always_the_better() {
    let policy = LeastLoaded::new(backends(&[0, 7]).unwrap());
    for random in [0, u64::MAX, 1 << 32] {
        assert_eq!(*policy.pick(Duration::ZERO, random).id(), 1);
    }
}

proptest! {
    #[test]
    fn alias_draws_by_weight(weights in prop::collection::vec(0u32..20, 1..12), seed: u64) {
        prop_assume!(weights.iter().any(|w| *w > 0));
        let alias = RandomAlias::new(backends(&weights).unwrap());
        let mut random = stream(seed);
        let mut counts: HashMap<usize, u32> = HashMap::new();
        for _ in 0..4_000 {
            let bits = u128::from(random()) << 64 | u128::from(random());
            *counts.entry(*alias.pick(bits)).or_default() += 1;
        }
        let total: u32 = weights.iter().sum();
        for (id, weight) in weights.iter().enumerate() {
            let share = 4_000.0 * f64::from(*weight) / f64::from(total);
            let count = f64::from(counts.get(&id).copied().unwrap_or(0));
            // Eight standard deviations at most.
            prop_assert!((count - share).abs() < 260.0, "{:?} {:?}", weights, counts);
            prop_assert!(*weight > 0 || count == 0.0);
        }
    }

    #[test]
    fn every_draw_is_somebody(weights in prop::collection::vec(0u32.., 1..40), random: u64, wide: u128) {
        prop_assume!(weights.iter().any(|w| *w > 0));
        let list = backends(&weights).unwrap();
        let drawn = *RandomAlias::new(list.clone()).pick(wide);
        prop_assert!(weights[drawn] > 0);
        prop_assert!(weights[*LeastLoaded::new(list).pick(Duration::ZERO, random).id()] > 0);
    }
}
