//! What stands still is let go: a socket that takes nothing (`socket`), an HTTP/2 stream without room (`stream`), and
//! whatever counts its steps here. What moves, however slowly, is left alone.

mod socket;
mod stream;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

pub(crate) use socket::{Moving, keep_little_unsent};
pub(crate) use stream::{Streams, asked, given};

/// Nothing moved for the whole `--stall-timeout`, or the time for the request is over.
#[derive(Debug, thiserror::Error)]
#[error("it stood still for too long")]
pub(crate) struct Stalled;

/// Counts what passes between two sides, for whoever waits until nothing does.
#[derive(Default)]
pub(crate) struct Progress {
    steps: AtomicU64,
    owed: AtomicBool,
}

impl Progress {
    /// Something came from one side, and the other has to take it.
    pub(crate) fn step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
        self.owed.store(true, Ordering::Relaxed);
    }

    /// The other side took it, and would take more.
    pub(crate) fn taken(&self) {
        self.owed.store(false, Ordering::Relaxed);
    }

    /// Whether it is the other side's turn.
    pub(crate) fn is_owed(&self) -> bool {
        self.owed.load(Ordering::Relaxed)
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Returns once the other side has taken nothing for `limit`, and before one and a half times that.
    pub(crate) async fn untaken(&self, limit: Duration) {
        stands_still(limit, || self.is_owed().then(|| self.steps())).await;
    }
}

/// Returns once `seen` has been the same for `limit`, and before one and a half times that. `None` is never the same.
pub(crate) async fn stands_still(limit: Duration, seen: impl Fn() -> Option<u64>) {
    const LOOKS: u32 = 4;
    let (mut last, mut same) = (None, 0);
    while same < LOOKS {
        tokio::time::sleep(limit / LOOKS).await;
        let now = seen();
        same = if now.is_some() && now == last {
            same + 1
        } else {
            0
        };
        last = now;
    }
}
