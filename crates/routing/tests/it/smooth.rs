//! Smooth weighted round robin is nginx's, pick for pick.

use narae_routing::SmoothRoundRobin;
use proptest::prelude::*;

use crate::{backends, reference};

fn order(weights: &[u32], picks: usize) -> Vec<usize> {
    let policy = SmoothRoundRobin::new(backends(weights).unwrap());
    (0..picks).map(|_| *policy.pick()).collect()
}

#[test]
fn nginx_documents_this_order() {
    // The message of nginx's commit "Upstream: smooth weighted round-robin balancing" works out
    // { 5, 1, 1 } as a, a, b, a, c, a, a.
    assert_eq!(
        order(&[5, 1, 1], 14),
        [0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0]
    );
}

#[test]
fn the_heaviest_weights_neither_overflow_nor_drift() {
    let order = order(&[u32::MAX; 4096], 8192);
    assert!(
        order
            .iter()
            .enumerate()
            .all(|(pick, &backend)| backend == pick % 4096)
    );
}

proptest! {
    #[test]
    fn any_weights_follow_nginx(weights in prop::collection::vec(0u32..=500, 1..=24)) {
        prop_assume!(weights.iter().any(|&w| w > 0));
        prop_assert_eq!(order(&weights, 1000), reference::smooth(&weights, 1000));
    }

    #[test]
    fn shares_over_a_period_are_exact(weights in prop::collection::vec(0u32..=40, 1..=8)) {
        let total: u32 = weights.iter().sum();
        prop_assume!(total > 0);
        let order = order(&weights, total as usize);
        for (backend, &weight) in weights.iter().enumerate() {
            prop_assert_eq!(order.iter().filter(|&&p| p == backend).count(), weight as usize);
        }
    }
}
