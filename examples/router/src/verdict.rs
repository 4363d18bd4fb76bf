//! What is still to be said of an endpoint whose answer has begun: it counts as served when the last byte has come, and
//! as failed when it breaks off or stands still.

use std::sync::Arc;
use std::time::Duration;

use narae_routing::pool::Pick;
use tokio::time::Instant;

use crate::upstream::Upstream;

/// A pick whose end is not known yet.
pub(crate) struct Verdict {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) pick: Pick,
    /// Until the answer began.
    pub(crate) took: Duration,
    /// When it did, by both clocks.
    pub(crate) began: Instant,
    pub(crate) now: Duration,
}

impl Verdict {
    pub(crate) fn ended(self, served: bool, at: Instant) {
        let now = self.now + at.saturating_duration_since(self.began);
        self.upstream.ended(self.pick, served, self.took, now);
    }
}
