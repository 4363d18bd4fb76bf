//! Envoy's priority table, and the way out and back.

use std::time::Duration;

use narae_routing::failover::{
    Failback, FailbackPolicy, Latch, Level, Overprovisioning, Phase, shares,
};
use proptest::prelude::*;

fn percents(levels: &[(u32, u32)]) -> Vec<u32> {
    let levels: Vec<Level> = levels
        .iter()
        .map(|&(healthy, total)| Level { healthy, total })
        .collect();
    shares(&levels, Overprovisioning::DEFAULT)
        .iter()
        .map(|share| share.percent)
        .collect()
}

/// The table of Envoy's documentation of priority levels.
#[test]
fn envoys_priority_table() {
    for (health, load) in [
        (vec![100, 100], vec![100, 0]),
        (vec![72, 72], vec![100, 0]),
        (vec![71, 71], vec![99, 1]),
        (vec![50, 50], vec![70, 30]),
        (vec![25, 100], vec![35, 65]),
        (vec![25, 25], vec![50, 50]),
        (vec![100, 100, 100], vec![100, 0, 0]),
        (vec![72, 72, 100], vec![100, 0, 0]),
        (vec![71, 71, 100], vec![99, 1, 0]),
        (vec![50, 50, 100], vec![70, 30, 0]),
        (vec![25, 100, 100], vec![35, 65, 0]),
        (vec![25, 25, 100], vec![35, 35, 30]),
        (vec![0, 100], vec![0, 100]),
        (vec![0, 0, 1], vec![0, 0, 100]),
    ] {
        let levels: Vec<(u32, u32)> = health.iter().map(|&healthy| (healthy, 100)).collect();
        assert_eq!(percents(&levels), load, "{health:?}");
    }
}

#[test]
fn panic_only_when_nobody_is_healthy() {
    let level = |healthy, total| Level { healthy, total };
    let panics = |levels: &[Level]| -> Vec<bool> {
        shares(levels, Overprovisioning::DEFAULT)
            .iter()
            .map(|s| s.panic)
            .collect()
    };
    // Envoy would panic in both levels here.
    assert_eq!(panics(&[level(1, 10), level(1, 10)]), [false, false]);
    assert_eq!(panics(&[level(0, 10), level(0, 10)]), [true, false]);
    assert_eq!(panics(&[level(0, 0), level(0, 3)]), [false, true]);
    assert_eq!(percents(&[(0, 0), (0, 3)]), [0, 100]);
    assert_eq!(percents(&[(0, 0)]), [0]);
    assert_eq!(percents(&[]), [0u32; 0]);
    // One of very many is still somebody.
    assert_eq!(percents(&[(1, 10_000)]), [100]);
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_hold_down_counts_only_while_the_site_stays_well() {
    let mut site = Failback::new(FailbackPolicy::default().with_down_delay(Duration::ZERO));
    assert_eq!(site.observe(0.0, at(0)), 0.0);
    for (health, second) in [(1.0, 10), (0.6, 11), (0.6, 39)] {
        assert_eq!(site.observe(health, at(second)), 0.0);
    }
    assert_eq!(site.observe(1.0, at(40)), 0.0);
    assert_eq!(site.phase(), Phase::HeldDown(at(40)));
    assert_eq!(site.observe(1.0, at(69)), 0.0);
    assert!(site.observe(1.0, at(70)) > 0.0);
}

#[test]
fn a_site_goes_after_the_delay_and_comes_back_in_steps() {
    let mut site = Failback::new(FailbackPolicy::default());
    assert_eq!(site.observe(0.2, at(0)), 1.0);
    assert_eq!(site.observe(0.2, at(5)), 1.0, "not for long enough");
    assert_eq!(site.observe(0.2, at(6)), 0.0);
    assert_eq!(
        site.observe(0.6, at(100)),
        0.0,
        "between the thresholds nothing changes"
    );
    assert_eq!(site.phase(), Phase::Out);
    assert_eq!(site.observe(0.9, at(110)), 0.0);
    assert_eq!(site.observe(0.9, at(139)), 0.0, "held down");
    assert_eq!(site.observe(0.9, at(140)), 0.1, "the floor");
    assert_eq!(site.observe(0.9, at(170)), 0.5);
    assert_eq!(site.observe(0.6, at(185)), 0.75, "hysteresis");
    assert_eq!(site.observe(0.9, at(200)), 1.0);
    assert_eq!(site.phase(), Phase::In);
}

#[test]
fn a_short_dip_is_forgiven() {
    let mut site = Failback::new(FailbackPolicy::default());
    for second in 0..100 {
        let health = if second % 5 == 4 { 1.0 } else { 0.0 };
        assert_eq!(site.observe(health, at(second)), 1.0, "{second}");
    }
}

#[test]
fn flapping_doubles_the_hold_down_until_it_is_forgotten() {
    let mut site = Failback::new(FailbackPolicy::default().with_down_delay(Duration::ZERO));
    let mut now = 0;
    for hold in [30, 60, 120, 240, 480, 600] {
        assert_eq!(site.observe(0.0, at(now)), 0.0);
        assert_eq!(site.hold_down(at(now)), at(hold));
        site.observe(1.0, at(now));
        assert_eq!(site.observe(1.0, at(now + hold - 1)), 0.0);
        assert_eq!(site.observe(1.0, at(now + hold)), 0.1);
        now += hold + 1;
    }
    now += 900;
    site.observe(1.0, at(now));
    site.observe(0.0, at(now));
    assert_eq!(site.hold_down(at(now)), at(30));
}

#[test]
fn a_latch_overrides_and_lets_go_gently() {
    let mut site = Failback::new(FailbackPolicy::default());
    site.latch(Latch::Out);
    assert_eq!(site.observe(1.0, at(0)), 0.0);
    site.latch(Latch::Released);
    assert_eq!(site.observe(1.0, at(1)), 0.0);
    assert_eq!(site.observe(1.0, at(31)), 0.1);
    site.latch(Latch::In);
    assert_eq!(site.observe(0.0, at(40)), 1.0);
    site.latch(Latch::Released);
    assert_eq!(site.observe(1.0, at(41)), 1.0);
}

proptest! {
    #[test]
    fn shares_are_whole_and_only_for_the_healthy(levels in prop::collection::vec((0u32..50, 0u32..50), 1..6)) {
        let levels: Vec<(u32, u32)> = levels.into_iter().map(|(a, b)| (a.min(b), b)).collect();
        let loads = percents(&levels);
        let hosts = levels.iter().any(|(_, total)| *total > 0);
        prop_assert_eq!(loads.iter().sum::<u32>(), if hosts { 100 } else { 0 });
        if levels.iter().any(|(healthy, _)| *healthy > 0) {
            for (load, (healthy, _)) in loads.iter().zip(&levels) {
                prop_assert!(*load == 0 || *healthy > 0, "{:?} {:?}", levels, loads);
            }
        }
    }

    #[test]
    fn parts_are_parts_and_grow_only_on_the_ramp(
        steps in prop::collection::vec((0u64..20, 0.0f64..1.0), 1..200),
    ) {
        let mut site = Failback::new(FailbackPolicy::default());
        let (mut now, mut before) = (0, 1.0);
        for (step, health) in steps {
            now += step;
            let part = site.observe(health, at(now));
            prop_assert!((0.0..=1.0).contains(&part));
            // From nothing it comes back at the floor, and never by more than the time brings.
            let most = (before + step as f64 / 60.0).max(0.1);
            prop_assert!(part <= most + 1e-9, "{} after {}", part, before);
            before = part;
        }
    }
}
