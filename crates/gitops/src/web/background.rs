//! A thread that does the waiting for the network, so that the caller's can look at a deadline and at a cancelling
//! meanwhile, and may itself be one of an asynchronous runtime.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use super::failure::{Failure, Kind};

/// A private runtime of one thread.
pub(super) struct Background {
    /// `None` only while dropping.
    runtime: Option<Runtime>,
}

impl Background {
    pub(super) fn start() -> Result<Arc<Self>, Failure> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("narae-gitops-http")
            .enable_io()
            .enable_time()
            .build()
            .map_err(|error| Failure::new(Kind::Other, format!("no thread: {error}")))?;
        Ok(Arc::new(Self {
            runtime: Some(runtime),
        }))
    }

    /// What becomes of `work`. `patience` says for how long to wait before it is asked again; what it fails with ends
    /// the work.
    pub(super) fn finish<T: Send + 'static, E: From<Failure>>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
        mut patience: impl FnMut() -> Result<Duration, E>,
    ) -> Result<T, E> {
        let lost = || Failure::new(Kind::Interrupted, "the connection was lost");
        let (sender, receiver) = mpsc::sync_channel(1);
        let runtime = self.runtime.as_ref().ok_or_else(lost)?;
        let _task = Ended(runtime.spawn(async move {
            // Nobody listens any more when the caller has given up.
            let _ = sender.send(work.await);
        }));
        loop {
            match receiver.recv_timeout(patience()?) {
                Ok(done) => return Ok(done),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(lost().into()),
            }
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // A runtime that is simply dropped waits, and panics within another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Ends a task when nobody waits for it any more.
struct Ended(JoinHandle<()>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}
