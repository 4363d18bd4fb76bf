//! The four measures of DORA, from deliveries alone.
//!
//! - **frequency**: deliveries per day, rollbacks left out;
//! - **lead time**: from the first delivery of an image to any environment to its arrival here;
//! - **change-failure rate**: the share of deliveries that were rolled back later;
//! - **time to restore**: from a delivery that was rolled back to its rollback.
//!
//! What git does not know is not guessed: an image that was first seen here has no lead time, and a
//! failure that was repaired by a new version instead of a rollback is not seen as one.
//! <https://dora.dev/guides/dora-metrics-four-keys/>

use std::collections::BTreeMap;

use serde::Serialize;

use super::Delivery;
use crate::plan::Action;

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// What some deliveries of one environment come to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Measures {
    /// Deliveries and promotions.
    pub deliveries: usize,
    /// Rollbacks.
    pub rollbacks: usize,
    /// Deliveries per day over the time looked at.
    pub per_day: f64,
    /// Seconds from an image's first delivery anywhere to this environment.
    pub lead_time: Option<Spread>,
    /// The share of deliveries that were rolled back, from 0 to 1.
    pub change_failure_rate: Option<f64>,
    /// Seconds from a delivery to its rollback.
    pub time_to_restore: Option<Spread>,
}

/// Some durations in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Spread {
    /// How many.
    pub count: usize,
    /// The shortest.
    pub least: i64,
    /// The middle one; of an even number, the longer of the two in the middle.
    pub median: i64,
    /// The longest.
    pub most: i64,
}

/// Measures `environment` from `since` to `now`, both in seconds since 1970. `all` are deliveries of
/// every environment, in any order: the first ones of an image begin its lead time.
#[must_use]
pub fn measure(all: &[Delivery], environment: &str, since: i64, now: i64) -> Measures {
    let here = |delivery: &&Delivery| {
        delivery.environment == environment && (since..=now).contains(&delivery.seconds)
    };
    let first = first_seen(all);
    let by_id: BTreeMap<_, &Delivery> = all
        .iter()
        .map(|delivery| (delivery.commit, delivery))
        .collect();
    let (mut lead, mut restore) = (Vec::new(), Vec::new());
    let (mut deliveries, mut rollbacks) = (0_usize, 0_usize);
    let mut failed = std::collections::BTreeSet::new();
    // A rollback after `now` is not known yet, and one before `since` was of something older.
    for delivery in all.iter().filter(here) {
        let Action::RollBack { reverts } = delivery.action else {
            deliveries += 1;
            let begun = delivery.images().filter_map(|image| {
                let key = (delivery.application.as_str(), build(&image));
                first.get(&key).copied()
            });
            lead.extend(
                begun
                    .min()
                    .filter(|(_, elsewhere)| *elsewhere != environment)
                    .map(|(begun, _)| delivery.seconds - begun),
            );
            continue;
        };
        rollbacks += 1;
        if let Some(undone) = by_id.get(&reverts)
            && failed.insert(reverts)
        {
            restore.push((delivery.seconds - undone.seconds).max(0));
        }
    }
    let is_failed = |delivery: &&Delivery| failed.contains(&delivery.commit);
    let failures = all.iter().filter(here).filter(is_failed).count();
    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers of commits and seconds are far below 2^52"
    )]
    let (count, days, failures) = (
        deliveries as f64,
        ((now - since).max(1)) as f64 / DAY,
        failures as f64,
    );
    Measures {
        deliveries,
        rollbacks,
        per_day: count / days,
        lead_time: spread(lead),
        change_failure_rate: (deliveries > 0).then(|| failures / count),
        time_to_restore: spread(restore),
    }
}

/// When and where each application's builds were first delivered.
fn first_seen(all: &[Delivery]) -> BTreeMap<(&str, String), (i64, &str)> {
    let mut first: BTreeMap<(&str, String), (i64, &str)> = BTreeMap::new();
    for delivery in all {
        let seen = (delivery.seconds, delivery.environment.as_str());
        for image in delivery.images() {
            let key = (delivery.application.as_str(), build(&image));
            first
                .entry(key)
                .and_modify(|known| *known = (*known).min(seen))
                .or_insert(seen);
        }
    }
    first
}

/// A build's name whatever its registry.
fn build(image: &crate::edit::Image) -> String {
    let tag = image.tag.as_ref().or(image.digest.as_ref());
    tag.cloned().unwrap_or_default()
}

fn spread(mut seconds: Vec<i64>) -> Option<Spread> {
    seconds.sort_unstable();
    Some(Spread {
        count: seconds.len(),
        least: *seconds.first()?,
        median: *seconds.get(seconds.len() / 2)?,
        most: *seconds.last()?,
    })
}
