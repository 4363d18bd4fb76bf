//! The four measures of DORA, from deliveries alone.
//!
//! - **frequency**: deliveries per day, rollbacks left out;
//! - **lead time**: from the first delivery of an image to any environment to its first arrival here, at each site;
//! - **change-failure rate**: the share of deliveries that were rolled back later;
//! - **time to restore**: from a delivery that was rolled back to its rollback, the last one where sites went
//!   back one by one.
//!
//! What git does not know is not guessed: an image that was first seen here has no lead time, and a
//! failure that was repaired by a new version instead of a rollback is not seen as one. A rollback that is
//! itself rolled back is no failed delivery, and the delivery that it undid has failed all the same.
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
    /// Rollbacks, those of rollbacks too.
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
    let arrived = arrivals(all, environment);
    let mut lead = Vec::new();
    let (mut deliveries, mut rollbacks) = (0_usize, 0_usize);
    // Deliveries that were rolled back, and how long that took.
    let mut failed: BTreeMap<_, i64> = BTreeMap::new();
    // A rollback after `now` is not known yet, and one before `since` was of something older.
    for delivery in all.iter().filter(here) {
        let Action::RollBack { reverts } = delivery.action else {
            deliveries += 1;
            lead.extend(lead_time(delivery, &first, &arrived));
            continue;
        };
        rollbacks += 1;
        if let Some(undone) = by_id.get(&reverts)
            && !matches!(undone.action, Action::RollBack { .. })
        {
            let took = (delivery.seconds - undone.seconds).max(0);
            let longest = failed.entry(reverts).or_insert(took);
            *longest = (*longest).max(took);
        }
    }
    let is_failed = |delivery: &&Delivery| failed.contains_key(&delivery.commit);
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
        time_to_restore: spread(failed.into_values().collect()),
    }
}

/// By application and build: when and where it was first delivered.
type FirstSeen<'a> = BTreeMap<(&'a str, String), (i64, &'a str)>;
/// By application, build and site: when it first came to one environment.
type Arrivals<'a> = BTreeMap<(&'a str, String, &'a str), i64>;

/// Of a delivery that brought something for the first time here, and not for the first time anywhere.
fn lead_time(delivery: &Delivery, first: &FirstSeen<'_>, arrived: &Arrivals<'_>) -> Option<i64> {
    let application = delivery.application.as_str();
    let begun = delivery.images().filter_map(|image| {
        let build = build(&image);
        let came =
            |site| arrived.get(&(application, build.clone(), site)) == Some(&delivery.seconds);
        let is_new = delivery.sites().any(came);
        is_new.then(|| first.get(&(application, build)).copied())?
    });
    let (begun, place) = begun.min()?;
    (place != delivery.environment).then(|| delivery.seconds - begun)
}

fn first_seen(all: &[Delivery]) -> FirstSeen<'_> {
    let mut first = FirstSeen::new();
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

fn arrivals<'a>(all: &'a [Delivery], environment: &str) -> Arrivals<'a> {
    let mut first = Arrivals::new();
    for delivery in all.iter().filter(|it| it.environment == environment) {
        for image in delivery.images() {
            for site in delivery.sites() {
                let key = (delivery.application.as_str(), build(&image), site);
                let known = first.entry(key).or_insert(delivery.seconds);
                *known = (*known).min(delivery.seconds);
            }
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
