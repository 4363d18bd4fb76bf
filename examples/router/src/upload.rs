//! How the sending of a body that streams goes, seen from whoever waits for its end.

use std::sync::Arc;
use std::time::Duration;

use hyper::HeaderMap;
use tokio::sync::oneshot;

use crate::access::Received;
use crate::body::Companion;
use crate::headers::restrain_trailers;
use crate::live::Live;
use crate::stall::Progress;

/// A body that is being sent.
pub(crate) struct Upload {
    progress: Arc<Progress>,
    end: Option<oneshot::Receiver<()>>,
}

/// Lives while the body does.
pub(crate) struct Sending {
    progress: Arc<Progress>,
    received: Received,
    live: Arc<Live>,
    _open: oneshot::Sender<()>,
}

impl Upload {
    pub(crate) fn new(received: Received, live: &Arc<Live>) -> (Self, Sending) {
        let progress = Arc::<Progress>::default();
        let (open, end) = oneshot::channel();
        let sending = Sending {
            progress: Arc::clone(&progress),
            received,
            live: Arc::clone(live),
            _open: open,
        };
        let end = Some(end);
        (Self { progress, end }, sending)
    }

    /// Returns true once all that will be sent is, and false if the endpoint takes nothing for `limit`.
    pub(crate) async fn ends(&mut self, limit: Duration) -> bool {
        let Some(end) = &mut self.end else {
            return true;
        };
        tokio::select! {
            _ = end => {}
            () = self.progress.untaken(limit) => return false,
        }
        self.end = None;
        true
    }

    /// Whether the endpoint has taken all that the client has sent, and there is more to come.
    pub(crate) fn awaits_client(&self) -> bool {
        let over = self.end.as_ref().is_none_or(|end| end.is_terminated());
        !over && !self.progress.is_owed()
    }
}

impl Companion for Sending {
    fn passed(&mut self, bytes: usize) {
        self.received.add(bytes);
        self.progress.step();
    }

    fn wanting(&mut self) {
        self.progress.taken();
    }

    fn trailers(&mut self, fields: &mut HeaderMap) {
        restrain_trailers(fields, |name| self.live.table.guards(name));
    }
}
