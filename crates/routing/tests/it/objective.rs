//! The SRE workbook's figures, as it prints them.

use std::time::Duration;

use narae_routing::objective::{Objective, Record, Severity};
use proptest::prelude::*;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

fn objective() -> Objective {
    Objective::new(0.999, 30 * DAY).unwrap()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-6
}

#[test]
fn table_5_8_is_the_workbooks() {
    let alerts = objective().page_and_tickets();
    let expected = [
        (Severity::Page, HOUR, 5 * MINUTE, 14.4),
        (Severity::Page, 6 * HOUR, 30 * MINUTE, 6.0),
        (Severity::Ticket, 3 * DAY, 6 * HOUR, 1.0),
    ];
    for (alert, (severity, window, short, threshold)) in alerts.iter().zip(expected) {
        assert_eq!(
            (alert.severity, alert.window, alert.short),
            (severity, window, short)
        );
        assert!(close(alert.threshold, threshold), "{}", alert.threshold);
    }
}

#[test]
fn a_total_outage_fires_in_52_seconds_and_a_small_one_never() {
    let objective = objective();
    let [page, ..] = objective.page_and_tickets();
    let outage = objective.time_to_fire(&page, 1.0).unwrap();
    assert!(close(outage.as_secs_f64(), 51.84), "{outage:?}");
    assert_eq!(objective.time_to_fire(&page, 0.014), None);
    // Below 93.06 % the fastest burn there is does not reach 14.4.
    let loose = Objective::new(0.93, 30 * DAY).unwrap();
    assert_eq!(loose.time_to_fire(&loose.page_and_tickets()[0], 1.0), None);
}

#[test]
fn an_alert_fires_after_its_time_and_ends_soon_after_the_errors() {
    let objective = objective();
    let [page, ..] = objective.page_and_tickets();
    let mut record = Record::new(Duration::from_secs(1), 6 * HOUR);
    let mut fired = Vec::new();
    let mut spend = |seconds: std::ops::Range<u64>, bad: u64| {
        for second in seconds {
            let now = Duration::from_secs(second);
            record.count(100 - bad, bad, now);
            fired.push(page.fires(&objective, &record, now));
        }
    };
    spend(0..7200, 0);
    spend(7200..7500, 100);
    spend(7500..9000, 0);
    let first = fired.iter().position(|fires| *fires).unwrap() - 7200;
    assert!((50..=53).contains(&first), "{first}");
    let last = fired.iter().rposition(|fires| *fires).unwrap() - 7500;
    assert!((280..=300).contains(&last), "{last}");
    assert!(
        !page
            .with_least(1_000_000)
            .fires(&objective, &record, Duration::from_secs(7499))
    );
}

#[test]
fn a_budget_is_spent_by_bad_events_and_can_be_overspent() {
    let objective = Objective::new(0.9, HOUR).unwrap();
    let mut record = Record::new(MINUTE, HOUR);
    assert_eq!(objective.left(&record, HOUR), 1.0);
    record.count(95, 5, MINUTE);
    assert!(close(objective.left(&record, MINUTE), 0.5));
    record.count(0, 100, MINUTE);
    assert!(objective.left(&record, MINUTE) < 0.0);
    // Forgotten once the period is over.
    assert_eq!(objective.left(&record, 2 * HOUR), 1.0);
}

#[test]
fn a_month_is_remembered_whole_however_fine_its_buckets() {
    let objective = Objective::new(0.9, 30 * DAY).unwrap();
    let mut record = Record::new(Duration::from_secs(10), 30 * DAY);
    record.count(0, 1000, Duration::ZERO);
    for day in 1..=12 {
        record.count(1000, 0, day * DAY);
    }
    let left = objective.left(&record, 12 * DAY);
    assert!(close(left, 1.0 - 10.0 / 13.0), "{left}");
    assert_eq!(objective.left(&record, 31 * DAY), 1.0);
    // Short windows are as fine as they were.
    let now = 12 * DAY + Duration::from_secs(55);
    assert_eq!(record.events(MINUTE, now), 1000);
    assert_eq!(record.events(MINUTE / 2, now), 0);
}

#[test]
fn what_is_no_objective_is_refused() {
    for target in [0.0, 1.0, -1.0, 2.0, f64::NAN] {
        assert!(Objective::new(target, HOUR).is_err());
    }
    assert!(Objective::new(0.9, Duration::from_secs(59)).is_err());
}

proptest! {
    /// A window has what was counted in it, give or take a bucket; memory is bounded.
    #[test]
    fn a_window_has_what_was_counted_in_it(counts in proptest::collection::vec((0u64..5, 0u64..5, 0u64..40), 1..200)) {
        let mut record = Record::new(10 * Duration::from_secs(1), 300 * Duration::from_secs(1));
        let (mut now, mut all) = (0, Vec::new());
        for (good, bad, pause) in counts {
            now += pause;
            record.count(good, bad, Duration::from_secs(now));
            all.push((now, good + bad));
        }
        let since = |from: u64| all.iter().filter(|(at, _)| *at >= from).map(|(_, count)| count).sum::<u64>();
        let within = record.events(Duration::from_secs(100), Duration::from_secs(now));
        prop_assert!(within <= since(now.saturating_sub(100)));
        prop_assert!(within >= since((now / 10).saturating_sub(9) * 10));
    }
}
