//! The time as somebody last told it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A time that one thread tells and all read.
///
/// Reading the system's clock takes longer than everything a closed [`breaker`](crate::breaker) does, and a
/// call through a breaker needs the time twice. Where a millisecond is fine enough, a timer tells the time every
/// millisecond and everybody else reads it here, which is one load. Nanoseconds since the origin, for 584 years.
///
/// ```
/// use narae_routing::SharedTime;
/// use std::time::Duration;
///
/// let time = SharedTime::default();
/// time.tell(Duration::from_millis(7));
/// // A timer that was late tells nothing new: the time never goes back.
/// time.tell(Duration::from_millis(6));
/// assert_eq!(time.now(), Duration::from_millis(7));
/// ```
#[derive(Debug, Default)]
pub struct SharedTime(AtomicU64);

impl SharedTime {
    /// Tells the time, unless a later one was told.
    pub fn tell(&self, now: Duration) {
        let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        // Relaxed: the time orders nothing but itself.
        self.0.fetch_max(nanos, Ordering::Relaxed);
    }

    /// The time told last.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}
