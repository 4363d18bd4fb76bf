//! What a site may get at most: its capacity, by the generic cell rate algorithm (ITU-T I.371), so evenly, with a tenth of a
//! second's worth at once.

use std::time::Duration;

/// How far ahead of an even flow a site may be served.
const TOLERANCE: Duration = Duration::from_millis(100);

/// When a site is due its next request, were they to come evenly.
#[derive(Debug, Default)]
pub(super) struct Meter {
    due: Duration,
}

impl Meter {
    /// Whether there is room for one more now, under so many a second.
    pub(super) fn has_room(&self, a_second: f64, now: Duration) -> bool {
        a_second > 0.0 && self.due.saturating_sub(now) <= TOLERANCE
    }

    /// Counts one.
    pub(super) fn count(&mut self, a_second: f64, now: Duration) {
        let between = Duration::try_from_secs_f64(1.0 / a_second).unwrap_or(Duration::MAX);
        self.due = self.due.max(now).saturating_add(between);
    }
}
