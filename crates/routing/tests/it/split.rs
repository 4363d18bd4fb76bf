//! Exact shares: the bounds the crate promises, over all small weight vectors and random large ones.

use narae_routing::{Split, Weight};
use proptest::prelude::*;

use crate::{backends, reference};

fn order(weights: &[u32], picks: usize) -> Vec<usize> {
    let split = Split::new(backends(weights).unwrap());
    (0..picks).map(|_| *split.pick()).collect()
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn period(weights: &[u32]) -> usize {
    let total: u64 = weights.iter().map(|&w| u64::from(w)).sum();
    let divisor = weights.iter().fold(0, |a, &w| gcd(a, u64::from(w)));
    usize::try_from(total / divisor).unwrap()
}

/// Holds every prefix and every window of an order against the promise, in integers.
fn check_promise(weights: &[u32], order: &[usize]) {
    let total: i128 = weights.iter().map(|&w| i128::from(w)).sum();
    let active = weights.iter().filter(|&&w| w > 0).count() as i128;
    let spread = 2 * active - 2;
    for (backend, &weight) in weights.iter().enumerate() {
        let (mut lag, mut least, mut most) = (0i128, 0i128, 0i128);
        for (pick, &picked) in order.iter().enumerate() {
            lag += i128::from(weight) - total * i128::from(picked == backend);
            (least, most) = (least.min(lag), most.max(lag));
            // |lag| ≤ 1 − 1/(2n−2), both sides times (2n−2)·W.
            assert!(
                lag.abs() * spread.max(1) <= total * (spread - 1).max(0),
                "{weights:?}: backend {backend} is {lag}/{total} off after pick {pick}"
            );
        }
        // The worst window lies between the two extreme prefixes.
        assert!(
            most - least < 2 * total,
            "{weights:?}: window of backend {backend}"
        );
        if weight == 0 {
            assert!(
                !order.contains(&backend),
                "{weights:?}: drained backend {backend} picked"
            );
        }
    }
}

fn check_shares(weights: &[u32]) {
    let period = period(weights);
    let total: u64 = weights.iter().map(|&w| u64::from(w)).sum();
    let order = order(weights, 2 * period);
    check_promise(weights, &order);
    assert_eq!(order[..period], order[period..], "{weights:?} repeats");
    for (backend, &weight) in weights.iter().enumerate() {
        let picks = order[..period].iter().filter(|&&p| p == backend).count();
        assert_eq!(
            picks as u64 * total,
            u64::from(weight) * period as u64,
            "{weights:?}"
        );
    }
}

#[test]
fn every_small_weight_vector_is_exact() {
    for n in 1..=5u32 {
        let base: u32 = if n < 5 { 8 } else { 5 };
        for code in 1..base.pow(n) {
            let weights: Vec<u32> = (0..n).map(|i| code / base.pow(i) % base).collect();
            check_shares(&weights);
        }
    }
}

#[test]
fn one_percent_is_one_percent_at_every_moment() {
    check_shares(&[99, 1]);
    check_shares(&[980, 10, 10]);
    let mut weights = vec![1; 101];
    weights[0] = 100;
    check_shares(&weights);
}

#[test]
fn equal_weights_take_turns_in_listing_order() {
    assert_eq!(order(&[7, 7, 7], 6), [0, 1, 2, 0, 1, 2]);
    assert_eq!(order(&[0, 3], 3), [1, 1, 1]);
}

#[test]
fn the_heaviest_weights_neither_overflow_nor_drift() {
    let huge = vec![u32::MAX; 4095];
    let mut coprime = huge.clone();
    coprime.push(u32::MAX - 1);
    let split = Split::new(backends(&coprime).unwrap());
    assert!(!split.is_precomputed());
    assert_eq!(split.period(), 4096 * u64::from(u32::MAX) - 1);
    let order: Vec<usize> = (0..3 * 4096).map(|_| *split.pick()).collect();
    check_promise(&coprime[4000..], &[]);
    for backend in [0, 1, 4094, 4095] {
        let picks = order.iter().filter(|&&p| p == backend).count();
        assert!((2..=4).contains(&picks), "backend {backend}: {picks}");
    }
    assert!(split.standings().iter().all(|s| s.lag().abs() < 1.0));
}

#[test]
fn a_period_too_long_to_keep_still_ends_exactly_even() {
    let weights = [65_537, 3];
    let split = Split::new(backends(&weights).unwrap());
    assert!(!split.is_precomputed());
    let first: Vec<usize> = (0..65_540).map(|_| *split.pick()).collect();
    check_promise(&weights, &first);
    assert_eq!(first.iter().filter(|&&p| p == 1).count(), 3);
    assert!(split.standings().iter().all(|s| s.lag() == 0.0));
    let second: Vec<usize> = (0..65_540).map(|_| *split.pick()).collect();
    assert_eq!(first, second);
}

#[test]
fn shares_hold_when_threads_pick_together() {
    for weights in [[70, 25, 5], [70_001, 25_000, 5_000]] {
        let split = Split::new(backends(&weights).unwrap());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..5_000).for_each(|_| _ = split.pick()));
            }
        });
        let picks: Vec<u64> = split.standings().iter().map(|s| s.picks()).collect();
        assert_eq!(picks.iter().sum::<u64>(), 20_000);
        assert!(
            split.standings().iter().all(|s| s.lag().abs() < 1.0),
            "{picks:?}"
        );
    }
}

#[test]
fn standings_tell_share_picks_and_lag() {
    let split = Split::new(backends(&[3, 0, 1]).unwrap());
    for _ in 0..6 {
        split.pick();
    }
    let standings = split.standings();
    let said: Vec<_> = standings
        .iter()
        .map(|s| (*s.id(), s.weight(), s.share(), s.picks(), s.lag()))
        .collect();
    assert_eq!(
        said,
        [
            (0, Weight::new(3), 0.75, 5, -0.5),
            (1, Weight::ZERO, 0.0, 0, 0.0),
            (2, Weight::new(1), 0.25, 1, 0.5),
        ]
    );
}

#[test]
fn skipping_begins_elsewhere_in_the_same_order() {
    let whole = order(&[5, 3, 2], 20);
    let later = Split::new(backends(&[5, 3, 2]).unwrap()).skipping(13);
    let picks: Vec<usize> = (0..7).map(|_| *later.pick()).collect();
    assert_eq!(picks, whole[3..10]);
}

proptest! {
    #[test]
    fn random_weights_keep_the_promise(weights in prop::collection::vec(0u32..=1000, 1..=24)) {
        prop_assume!(weights.iter().any(|&w| w > 0));
        check_promise(&weights, &order(&weights, 2 * period(&weights).min(1500)));
    }

    #[test]
    fn random_huge_weights_keep_the_promise(weights in prop::collection::vec(any::<u32>(), 2..=24)) {
        prop_assume!(weights.iter().any(|&w| w > 0));
        check_promise(&weights, &order(&weights, 2000));
    }

    #[test]
    fn the_order_is_the_rules_own(weights in prop::collection::vec(0u32..=100_000, 1..=12)) {
        prop_assume!(weights.iter().any(|&w| w > 0));
        let picks = 500;
        prop_assert_eq!(order(&weights, picks), reference::tijdeman(&weights, picks));
    }
}
