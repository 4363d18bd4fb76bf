//! Active checks and outliers.

use std::time::Duration;

use narae_routing::health::{Ejection, OutlierPolicy, Outliers, ProbePolicy, Probes};
use proptest::prelude::*;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn thresholds_are_results_in_a_row() {
    let mut probes = Probes::new(ProbePolicy::default().with_thresholds(3, 2));
    assert_eq!(probes.is_up(), None);
    assert!(probes.record(true), "the first result decides");
    for success in [false, false, true, false, false] {
        assert!(!probes.record(success));
        assert_eq!(probes.is_up(), Some(true));
    }
    assert!(probes.record(false));
    assert_eq!(probes.is_up(), Some(false));
    assert!(!probes.record(true));
    assert!(probes.record(true));
    assert!(probes.condemn() && !probes.condemn());
    assert_eq!(probes.is_up(), Some(false));
}

#[test]
fn intervals_follow_the_state() {
    let policy = ProbePolicy::default()
        .with_intervals(at(10), at(1), at(30))
        .with_jitter(0.0);
    let mut probes = Probes::new(policy.with_thresholds(2, 2));
    assert_eq!(
        probes.next(0.5),
        Duration::from_millis(500),
        "somewhere in the first interval"
    );
    probes.record(true);
    assert_eq!(probes.next(0.0), at(10));
    probes.record(false);
    assert_eq!(probes.next(0.0), at(1), "in between");
    probes.record(false);
    assert_eq!(probes.next(0.0), at(30));
}

fn pool(policy: OutlierPolicy) -> Outliers<u32> {
    Outliers::new(policy, 0..10)
}

#[test]
fn five_failures_in_a_row_eject_for_a_time_that_grows() {
    let mut pool = pool(OutlierPolicy::default());
    let mut now = 0;
    for ejection in [30, 60, 90] {
        for _ in 0..4 {
            assert_eq!(pool.record(&1, false, at(now)), None);
        }
        assert_eq!(
            pool.record(&1, false, at(now)),
            Some(Ejection::Consecutive(5))
        );
        pool.sweep(at(now + ejection - 1));
        assert!(pool.is_ejected(&1));
        pool.sweep(at(now + ejection));
        assert!(!pool.is_ejected(&1));
        now += ejection;
    }
    // Each healthy sweep takes one off.
    (0..3).for_each(|_| _ = pool.sweep(at(now)));
    (0..5).for_each(|_| _ = pool.record(&1, false, at(now)));
    pool.sweep(at(now + 30));
    assert!(!pool.is_ejected(&1));
}

#[test]
fn a_success_ends_the_row_and_a_check_forgives() {
    let mut pool = pool(OutlierPolicy::default());
    for n in 0..100 {
        assert_eq!(pool.record(&1, n % 5 == 4, at(0)), None);
    }
    (0..5).for_each(|_| _ = pool.record(&1, false, at(0)));
    assert!(pool.is_ejected(&1));
    pool.forgive(&1);
    assert!(!pool.is_ejected(&1));
}

#[test]
fn at_most_a_part_is_out_and_one_always_may_be() {
    let policy = OutlierPolicy {
        most_ejected_percent: 20,
        ..OutlierPolicy::default()
    };
    let mut pool = pool(policy.clone());
    for id in 0..10 {
        (0..5).for_each(|_| _ = pool.record(&id, false, at(0)));
    }
    assert_eq!((0..10).filter(|id| pool.is_ejected(id)).count(), 2);
    let mut single = Outliers::new(
        OutlierPolicy {
            most_ejected_percent: 0,
            ..policy
        },
        ["only"],
    );
    (0..5).for_each(|_| _ = single.record(&"only", false, at(0)));
    assert!(single.is_ejected(&"only"));
}

#[test]
fn a_success_rate_far_below_the_others_ejects() {
    let policy = OutlierPolicy {
        consecutive_failures: None,
        ..OutlierPolicy::default()
    };
    let mut pool = pool(policy);
    let answer = |pool: &mut Outliers<u32>, ids: std::ops::Range<u32>, requests: u32| {
        for id in ids {
            for n in 0..requests {
                pool.record(&id, id != 3 || n % 2 == 0, at(0));
            }
        }
    };
    answer(&mut pool, 0..10, 99);
    assert!(pool.sweep(at(10)).is_empty(), "too few requests");
    answer(&mut pool, 0..4, 100);
    assert!(pool.sweep(at(20)).is_empty(), "too few backends");
    answer(&mut pool, 0..10, 100);
    let ejected = pool.sweep(at(30));
    // Nine at 100 % and one at 50 %: mean 95, deviation 15, so below 66.5 is too far.
    assert_eq!(ejected, [(3, Ejection::SuccessRate(50.0, 66.5))]);
}

#[test]
fn a_percentage_of_failures_ejects_if_asked_for() {
    let policy = OutlierPolicy {
        consecutive_failures: None,
        success_rate_deviations: None,
        failure_percentage: Some(85),
        ..OutlierPolicy::default()
    };
    let mut pool = pool(policy);
    for id in 0..10 {
        for n in 0..100 {
            pool.record(&id, id != 3 || n < 15, at(0));
        }
    }
    assert_eq!(pool.sweep(at(10)), [(3, Ejection::FailurePercentage(85.0))]);
}

#[test]
fn a_new_list_keeps_what_is_known() {
    let mut pool = pool(OutlierPolicy::default());
    (0..5).for_each(|_| _ = pool.record(&1, false, at(0)));
    pool.set([1, 20]);
    assert!(pool.is_ejected(&1));
    assert!(!pool.is_ejected(&20));
    assert_eq!(pool.record(&2, false, at(0)), None, "no longer watched");
}

proptest! {
    #[test]
    fn the_next_check_is_within_the_jitter(jitter in 0.0f64..1.0, random in 0.0f64..1.0) {
        let policy = ProbePolicy::default().with_intervals(at(10), at(1), at(10)).with_jitter(jitter);
        let mut probes = Probes::new(policy);
        probes.record(true);
        let next = probes.next(random).as_secs_f64();
        prop_assert!((next - 10.0).abs() <= 10.0 * jitter + 1e-6);
    }

    #[test]
    fn never_more_than_allowed_are_out(
        steps in prop::collection::vec((0u32..10, any::<bool>(), 0u64..8), 0..300),
        percent in 0usize..120,
    ) {
        let mut pool = pool(OutlierPolicy {
            consecutive_failures: Some(2), most_ejected_percent: u32::try_from(percent).unwrap(), least_backends: 1,
            success_rate_requests: 2, ..OutlierPolicy::default()
        });
        let mut now = 0;
        for (id, success, step) in steps {
            now += step;
            pool.record(&id, success, at(now));
            if step == 7 {
                pool.sweep(at(now));
            }
            let out = (0..10).filter(|id| pool.is_ejected(id)).count();
            prop_assert!(out <= (percent / 10).clamp(1, 10));
        }
    }
}
