//! What changed in a pool, for logs and meters.

use std::sync::Arc;
use std::time::Duration;

use super::Pool;
use crate::failover::Phase;
use crate::health::Ejection;

/// Events kept for [`Pool::take_events`].
const MAX_EVENTS: usize = 1024;

/// Something that changed who gets requests.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// When.
    pub at: Duration,
    /// What.
    pub kind: EventKind,
}

/// What changed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// An endpoint takes traffic now, or no longer.
    Endpoint {
        /// Which.
        address: Arc<str>,
        /// Whether it does.
        available: bool,
    },
    /// An endpoint stood out.
    Ejected {
        /// Which.
        address: Arc<str>,
        /// Why.
        reason: Ejection,
    },
    /// A site goes or comes back.
    Site {
        /// Which.
        name: Arc<str>,
        /// Where it stands now.
        phase: Phase,
    },
    /// Nobody is known to be well any more, or somebody again.
    Panic(bool),
}

impl Pool {
    /// What changed since the last time, oldest first; of many the oldest are lost.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.events.drain(..).collect()
    }

    pub(super) fn tell(&mut self, at: Duration, kind: EventKind) {
        if self.events.len() == MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(Event { at, kind });
    }
}
