//! Good and bad events, counted by time.

use std::collections::VecDeque;
use std::time::Duration;

/// Events of the recent past, in buckets. Memory is bounded by the longest window over the bucket's length.
#[derive(Clone, Debug)]
pub struct Record {
    bucket: Duration,
    most: usize,
    /// The oldest first; the last is the running one.
    buckets: VecDeque<Bucket>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    number: u64,
    good: u64,
    bad: u64,
}

/// The most buckets a record keeps.
const MOST_BUCKETS: usize = 100_000;

impl Record {
    /// Counts in buckets of this length (at least a millisecond) for windows up to `longest`.
    #[must_use]
    pub fn new(bucket: Duration, longest: Duration) -> Self {
        let bucket = bucket.max(Duration::from_millis(1));
        let most = longest.as_nanos().div_ceil(bucket.as_nanos()) + 1;
        Self {
            bucket,
            most: usize::try_from(most)
                .unwrap_or(MOST_BUCKETS)
                .min(MOST_BUCKETS),
            buckets: VecDeque::new(),
        }
    }

    /// Counts events. A time before the last one counts as the last one.
    pub fn count(&mut self, good: u64, bad: u64, now: Duration) {
        let number = self.number(now);
        match self.buckets.back_mut() {
            Some(last) if last.number >= number => {
                last.good = last.good.saturating_add(good);
                last.bad = last.bad.saturating_add(bad);
            }
            _ => self.buckets.push_back(Bucket { number, good, bad }),
        }
        let oldest = number.saturating_sub(u64::try_from(self.most).unwrap_or(u64::MAX));
        while self
            .buckets
            .front()
            .is_some_and(|bucket| bucket.number < oldest)
        {
            self.buckets.pop_front();
        }
    }

    /// How many events the last `window` had, to the bucket.
    #[must_use]
    pub fn events(&self, window: Duration, now: Duration) -> u64 {
        let (good, bad) = self.sum(window, now);
        good.saturating_add(bad)
    }

    /// The part of the events of the last `window` that were bad; `None` if there were none.
    #[must_use]
    pub fn error_share(&self, window: Duration, now: Duration) -> Option<f64> {
        let (good, bad) = self.sum(window, now);
        let all = good.saturating_add(bad);
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        (all > 0).then(|| bad as f64 / all as f64)
    }

    fn sum(&self, window: Duration, now: Duration) -> (u64, u64) {
        let number = self.number(now);
        let buckets = window.as_nanos().div_ceil(self.bucket.as_nanos());
        let first =
            number.saturating_sub(u64::try_from(buckets).unwrap_or(u64::MAX).saturating_sub(1));
        let within = self
            .buckets
            .iter()
            .rev()
            .take_while(|bucket| bucket.number >= first);
        within.fold((0, 0), |(good, bad), bucket| {
            (
                good.saturating_add(bucket.good),
                bad.saturating_add(bucket.bad),
            )
        })
    }

    fn number(&self, now: Duration) -> u64 {
        u64::try_from(now.as_nanos() / self.bucket.as_nanos()).unwrap_or(u64::MAX)
    }
}
