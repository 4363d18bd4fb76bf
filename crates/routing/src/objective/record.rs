//! Good and bad events, counted by time.

use std::collections::VecDeque;
use std::time::Duration;

use crate::saved::RecordState;

/// Events of the recent past, in buckets. Memory is bounded; what is too long for so many fine buckets is kept in
/// coarse ones besides.
#[derive(Clone, Debug)]
pub struct Record {
    fine: Buckets,
    /// For windows that the fine ones do not reach.
    coarse: Option<Buckets>,
}

/// Buckets of one length, the oldest first; the last is the running one.
#[derive(Clone, Debug)]
struct Buckets {
    length: Duration,
    most: u64,
    counts: VecDeque<Bucket>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    number: u64,
    good: u64,
    bad: u64,
}

/// The most fine buckets a record keeps.
const MOST_BUCKETS: u64 = 100_000;

/// In how many parts a window is counted that those do not reach.
const COARSE_BUCKETS: u32 = 10_000;

impl Record {
    /// Counts in buckets of this length (at least a millisecond) for windows up to `longest`. Windows of more than
    /// 100,000 buckets are counted to a ten-thousandth of `longest`.
    #[must_use]
    pub fn new(bucket: Duration, longest: Duration) -> Self {
        let fine = Buckets::new(bucket.max(Duration::from_millis(1)), longest);
        if fine.most <= MOST_BUCKETS {
            return Self { fine, coarse: None };
        }
        let most = MOST_BUCKETS;
        Self {
            coarse: Some(Buckets::new(longest / COARSE_BUCKETS, longest)),
            fine: Buckets { most, ..fine },
        }
    }

    /// Counts events. A time before the last one counts as the last one.
    pub fn count(&mut self, good: u64, bad: u64, now: Duration) {
        self.fine.count(good, bad, now);
        if let Some(coarse) = &mut self.coarse {
            coarse.count(good, bad, now);
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

    /// What should outlive the process: every bucket, those of the coarse ones that are older than all fine ones.
    #[must_use]
    pub fn saved(&self, now: Duration) -> RecordState {
        let first = self.fine.counts.front();
        let first = first.map_or(Duration::MAX, |bucket| self.fine.end(bucket));
        let coarse = self.coarse.iter().flat_map(|coarse| {
            let older = move |bucket: &&Bucket| coarse.end(bucket) < first;
            coarse
                .counts
                .iter()
                .filter(older)
                .map(|b| (coarse.end(b), b))
        });
        let fine = self.fine.counts.iter().map(|b| (self.fine.end(b), b));
        let event =
            |(end, bucket): (Duration, &Bucket)| (now.saturating_sub(end), bucket.good, bucket.bad);
        RecordState {
            events: coarse.chain(fine).map(event).collect(),
        }
    }

    /// Counts what another process saved, which must be older than what was counted here.
    pub fn restore(&mut self, saved: &RecordState, now: Duration) {
        for &(ago, good, bad) in &saved.events {
            self.count(good, bad, now.saturating_sub(ago));
        }
    }

    fn sum(&self, window: Duration, now: Duration) -> (u64, u64) {
        match &self.coarse {
            Some(coarse) if self.fine.within(window) > self.fine.most => coarse.sum(window, now),
            _ => self.fine.sum(window, now),
        }
    }
}

impl Buckets {
    fn new(length: Duration, longest: Duration) -> Self {
        let mut buckets = Self {
            length,
            most: 0,
            counts: VecDeque::new(),
        };
        buckets.most = buckets.within(longest).saturating_add(1);
        buckets
    }

    /// When a bucket is over, or a nanosecond before.
    fn end(&self, bucket: &Bucket) -> Duration {
        let nanos = self
            .length
            .as_nanos()
            .saturating_mul(u128::from(bucket.number) + 1);
        Duration::from_nanos(u64::try_from(nanos - 1).unwrap_or(u64::MAX))
    }

    /// How many a window has.
    fn within(&self, window: Duration) -> u64 {
        let buckets = window.as_nanos().div_ceil(self.length.as_nanos());
        u64::try_from(buckets).unwrap_or(u64::MAX)
    }

    fn number(&self, now: Duration) -> u64 {
        u64::try_from(now.as_nanos() / self.length.as_nanos()).unwrap_or(u64::MAX)
    }

    fn count(&mut self, good: u64, bad: u64, now: Duration) {
        let number = self.number(now);
        match self.counts.back_mut() {
            Some(last) if last.number >= number => {
                last.good = last.good.saturating_add(good);
                last.bad = last.bad.saturating_add(bad);
            }
            _ => self.counts.push_back(Bucket { number, good, bad }),
        }
        let oldest = number.saturating_sub(self.most);
        let is_old = |bucket: &Bucket| bucket.number < oldest;
        while self.counts.front().is_some_and(is_old) {
            self.counts.pop_front();
        }
    }

    fn sum(&self, window: Duration, now: Duration) -> (u64, u64) {
        let first = self
            .number(now)
            .saturating_sub(self.within(window).saturating_sub(1));
        let within = self.counts.iter().rev();
        let within = within.take_while(|bucket| bucket.number >= first);
        within.fold((0, 0), |(good, bad), bucket| {
            (
                good.saturating_add(bucket.good),
                bad.saturating_add(bucket.bad),
            )
        })
    }
}
