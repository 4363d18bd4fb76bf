//! One HTTP/2 connection for all requests of a worker. Whoever comes while it is being made waits for that one attempt,
//! no longer than it takes, and gets what it comes to; the attempt goes on if who began it has left.

use std::sync::{Mutex, PoisonError};

use hyper::client::conn::http2::SendRequest;
use tokio::sync::watch;

use super::{Failure, Outgoing};

type Made = Result<SendRequest<Outgoing>, Failure>;

/// The attempt made last, and what it came to if that is known.
#[derive(Default)]
pub(super) struct Shared {
    last: Mutex<Option<watch::Receiver<Option<Made>>>>,
}

impl Shared {
    /// The connection that is there, or the next one.
    pub(super) async fn connection<F>(&self, connect: impl FnOnce() -> F) -> Made
    where
        F: Future<Output = Made> + Send + 'static,
    {
        let mut attempt = self.attempt(connect);
        match attempt.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(made)) => made.clone(),
            // Its task is gone without a word: the worker ends.
            _ => Err(Failure::ConnectTimeout),
        }
    }

    fn attempt<F>(&self, connect: impl FnOnce() -> F) -> watch::Receiver<Option<Made>>
    where
        F: Future<Output = Made> + Send + 'static,
    {
        // Attempts are replaced whole.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(attempt) = last.as_ref().filter(|attempt| is_of_use(attempt)) {
            return attempt.clone();
        }
        let (tell, attempt) = watch::channel(None);
        let connecting = connect();
        tokio::spawn(async move { tell.send_replace(Some(connecting.await)) });
        last.insert(attempt).clone()
    }
}

fn is_of_use(attempt: &watch::Receiver<Option<Made>>) -> bool {
    match &*attempt.borrow() {
        None => attempt.has_changed().is_ok(),
        Some(Ok(connection)) => !connection.is_closed(),
        Some(Err(_)) => false,
    }
}
