//! How long an operation may take, who may stop it, and who hears how it goes.

use std::fmt;
use std::sync::Arc;
#[cfg(feature = "http")]
use std::sync::atomic::AtomicU8;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::error::{Error, ErrorKind};

/// Stops an operation from another thread. Copies stop the same operations.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Nothing is stopped yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops what runs now, within a twentieth of a second, and whatever begins later.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was said.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How an operation goes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A connection is made, or a request is sent over one.
    Asking {
        /// `git-upload-pack` to fetch, `git-receive-pack` to push.
        service: &'static str,
    },
    /// Objects have arrived.
    Received {
        /// How many.
        objects: usize,
        /// Their size, uncompressed.
        bytes: usize,
    },
    /// A pack is sent.
    Sending {
        /// How many objects.
        objects: usize,
        /// Its size, as sent.
        bytes: usize,
    },
    /// The server says something to people: a hook, a notice of the forge.
    Said(String),
    /// Another writer was faster; it is decided again on the new tip.
    Lost {
        /// How many attempts are lost so far.
        attempts: u32,
    },
}

/// Who hears of [`Event`]s.
pub(super) type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// One operation's deadline, stop and listener.
#[derive(Clone)]
pub(super) struct Watch {
    deadline: Instant,
    limit: Duration,
    cancel: Cancel,
    listener: Option<Listener>,
    /// How often in a row credentials were asked for.
    #[cfg(feature = "http")]
    asked: Arc<AtomicU8>,
}

impl Watch {
    /// How long a wait lasts before it is looked whether somebody cancelled.
    const SLICE: Duration = Duration::from_millis(50);

    pub(super) fn start(limit: Duration, cancel: Cancel, listener: Option<Listener>) -> Self {
        let now = Instant::now();
        Self {
            // A limit past the end of time is none; a year is past the end of any delivery.
            deadline: now
                .checked_add(limit)
                .unwrap_or(now + Duration::from_secs(31_536_000)),
            limit,
            cancel,
            listener,
            #[cfg(feature = "http")]
            asked: Arc::default(),
        }
    }

    /// How often in a row credentials were asked for, of which none was taken yet.
    #[cfg(feature = "http")]
    pub(super) fn asked(&self) -> &AtomicU8 {
        &self.asked
    }

    pub(super) fn tell(&self, event: &Event) {
        if let Some(listener) = &self.listener {
            listener(event);
        }
    }

    /// Fails when the time is up or somebody cancelled; else how long to wait before asking again.
    pub(super) fn slice(&self) -> Result<Duration, Error> {
        Ok(self.remaining()?.min(Self::SLICE))
    }

    /// Fails when the time is up or somebody cancelled; else how much time is left.
    pub(super) fn remaining(&self) -> Result<Duration, Error> {
        if self.cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled"));
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::new(
                ErrorKind::TimedOut,
                format!("not done after {:?}", self.limit),
            ));
        }
        Ok(left)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
