//! How many in a time: the generic cell rate algorithm (ITU-T I.371), which is a leaky bucket kept as
//! the one time at which it would be empty.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Lets through so many in a time, evenly, and a burst at once after a pause. Lock-free. Times are since
/// any origin, counted in nanoseconds, for 584 years.
///
/// Over any time `t` at most `burst + t / interval` are let through.
#[derive(Debug)]
pub struct Rate {
    /// Between two, on average.
    interval: u64,
    /// How far ahead of that a burst may be.
    tolerance: u64,
    /// When the next is due if they come evenly.
    due: AtomicU64,
}

impl Rate {
    /// `count` in `period`, up to `burst` of them at once; 0 of either counts as 1.
    #[must_use]
    pub fn new(count: u32, period: Duration, burst: u32) -> Self {
        // Rounded up, so that never more than `count` are let through.
        let interval = nanos(period).div_ceil(u64::from(count.max(1))).max(1);
        Self {
            interval,
            tolerance: interval.saturating_mul(u64::from(burst.max(1) - 1)),
            due: AtomicU64::new(0),
        }
    }

    /// Lets one through now.
    ///
    /// # Errors
    ///
    /// How long until the next would be.
    pub fn acquire(&self, now: Duration) -> Result<(), Duration> {
        let now = nanos(now);
        let next = |due: u64| {
            let due = due.max(now);
            (due - now <= self.tolerance).then(|| due.saturating_add(self.interval))
        };
        self.due
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .map(|_| ())
            .map_err(|due| Duration::from_nanos(due - now - self.tolerance))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
