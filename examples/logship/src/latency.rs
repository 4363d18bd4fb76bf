//! Percentiles of durations in bounded memory.
//!
//! A histogram over powers of 1.02: a percentile is off by at most 1 %. From 1 µs to 1 day there are about 1,300
//! buckets; anything outside counts at the edge.

use std::collections::BTreeMap;
use std::time::Duration;

const GROWTH: f64 = 1.02;
const LEAST_SECONDS: f64 = 1e-6;
const MOST_SECONDS: f64 = 86_400.0;

/// Durations seen so far.
#[derive(Default)]
pub(crate) struct Latency {
    buckets: BTreeMap<i32, u64>,
    count: u64,
}

impl Latency {
    pub(crate) fn add(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64().clamp(LEAST_SECONDS, MOST_SECONDS);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the clamp leaves -700 to 600"
        )]
        let bucket = (seconds.ln() / GROWTH.ln()).ceil() as i32;
        *self.buckets.entry(bucket).or_default() += 1;
        self.count += 1;
    }

    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// The duration that this many of a hundred do not exceed; `None` if there are none.
    pub(crate) fn percentile(&self, percent: u64) -> Option<Duration> {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let bucket = self.buckets.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        });
        // The middle of the bucket, which spans GROWTH^(n-1) to GROWTH^n.
        let (bucket, _) = bucket?;
        Some(Duration::from_secs_f64(
            GROWTH.powf(f64::from(*bucket) - 0.5),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_one_percent() {
        let mut latency = Latency::default();
        (1..=1000)
            .rev()
            .for_each(|ms| latency.add(Duration::from_millis(ms)));
        for percent in [1, 50, 90, 99, 100] {
            let exact = percent as f64 / 100.0;
            let found = latency.percentile(percent).unwrap().as_secs_f64();
            assert!((found / exact - 1.0).abs() <= 0.0101, "p{percent}: {found}");
        }
    }

    #[test]
    fn nothing_has_no_percentile_and_extremes_stay_at_the_edges() {
        assert_eq!(Latency::default().percentile(50), None);
        let mut latency = Latency::default();
        latency.add(Duration::ZERO);
        latency.add(Duration::MAX);
        assert!(latency.percentile(50).unwrap() < Duration::from_micros(2));
        assert!(latency.percentile(100).unwrap() > Duration::from_secs(86_000));
    }
}
