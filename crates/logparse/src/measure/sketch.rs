//! Durations seen, as a sketch whose quantiles have a stated error.
//!
//! DDSketch (Masson, Rim, Lee: *DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees*, VLDB 2019): a histogram over
//! powers of (1+α)/(1−α). Every sketch has the same buckets, so merging is adding and loses nothing. Between 1 µs and 1 day a quantile is
//! off by at most α, and there are at most 1,262 buckets; what lies outside counts at the edge.

use std::collections::BTreeMap;
use std::time::Duration;

/// The relative error of a quantile, α: 1 %.
pub const ACCURACY: f64 = 0.01;

const GROWTH: f64 = (1.0 + ACCURACY) / (1.0 - ACCURACY);
const LEAST_SECONDS: f64 = 1e-6;
const MOST_SECONDS: f64 = 86_400.0;
/// Takes back what a share and its product with a count were rounded up by: 0.07 of 100 is the 7th, though the product is above 7.
const ROUNDING: f64 = 1.0 - 2.0 * f64::EPSILON;

/// A distribution of durations in bounded memory.
///
/// ```
/// use narae_logparse::measure::Sketch;
/// use std::time::Duration;
///
/// let (mut morning, mut evening) = (Sketch::default(), Sketch::default());
/// (1..=500).for_each(|ms| morning.add(Duration::from_millis(ms)));
/// (501..=1000).for_each(|ms| evening.add(Duration::from_millis(ms)));
/// morning.merge(&evening);
/// let p99 = morning.quantile(0.99).ok_or("empty")?.as_secs_f64();
/// assert!((p99 / 0.99 - 1.0).abs() <= 0.01);
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sketch {
    buckets: BTreeMap<i16, u64>,
    count: u64,
    seconds: f64,
}

impl Sketch {
    /// Counts a duration.
    pub fn add(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        *self.buckets.entry(bucket(seconds)).or_default() += 1;
        self.count += 1;
        self.seconds += seconds;
    }

    /// Counts what another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.buckets {
            *self.buckets.entry(*bucket).or_default() += count;
        }
        self.count += other.count;
        self.seconds += other.seconds;
    }

    /// How many durations there were.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Their mean; `None` if there are none.
    pub fn mean(&self) -> Option<Duration> {
        let mean = (self.count > 0).then(|| self.seconds / self.count as f64)?;
        Duration::try_from_secs_f64(mean).ok()
    }

    /// The least duration that this share of them does not exceed, from 0 to 1; off by at most [`ACCURACY`]. `None` if there are none.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count, at least 1"
        )]
        let rank = (self.count as f64 * share.clamp(0.0, 1.0) * ROUNDING)
            .ceil()
            .max(1.0) as u64;
        let mut seen = 0;
        let (bucket, _) = self.buckets.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        })?;
        Some(Duration::from_secs_f64(middle(*bucket)))
    }

    /// How many exceed this duration, give or take those within [`ACCURACY`] of it.
    pub fn count_above(&self, duration: Duration) -> u64 {
        let limit = bucket(duration.as_secs_f64());
        self.buckets.range(limit + 1..).map(|(_, n)| n).sum()
    }

    /// What was counted, in buckets of growing duration: a value within [`ACCURACY`] of all in it, and how many these are.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        let buckets = self.buckets.iter();
        buckets.map(|(bucket, count)| (Duration::from_secs_f64(middle(*bucket)), *count))
    }

    /// Counts by bucket number, which two sketches share.
    pub(super) const fn numbered(&self) -> &BTreeMap<i16, u64> {
        &self.buckets
    }
}

/// Bucket n holds what lies above GROWTH^(n-1), up to GROWTH^n.
fn bucket(seconds: f64) -> i16 {
    let seconds = seconds.clamp(LEAST_SECONDS, MOST_SECONDS);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the clamp leaves -691 to 569"
    )]
    let bucket = (seconds.ln() / GROWTH.ln()).ceil() as i16;
    bucket
}

/// The value whose relative distance to both ends is the same.
fn middle(bucket: i16) -> f64 {
    GROWTH.powi(i32::from(bucket)) * 2.0 / (1.0 + GROWTH)
}
