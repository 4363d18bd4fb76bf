//! Bodies that pass through: frame by frame, never whole, and never still for long.

use std::error::Error;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

/// A body from one side to the other, with something that lives exactly as long.
///
/// `companion` is told of each chunk and dropped with the body: an access log entry, or the end of
/// a channel somebody waits on.
pub(crate) struct Passing<B, C> {
    body: B,
    companion: C,
    timeout: Duration,
    stall: Option<Pin<Box<Sleep>>>,
    deadline: Option<Pin<Box<Sleep>>>,
}

/// Hears of every chunk that passes.
pub(crate) trait Companion {
    fn passed(&mut self, bytes: usize);
}

impl<B, C> Passing<B, C> {
    pub(crate) fn new(body: B, timeout: Duration, companion: C) -> Self {
        Self {
            body,
            companion,
            timeout,
            stall: None,
            deadline: None,
        }
    }

    /// The same body, cut at `deadline` however well it passes.
    pub(crate) fn until(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline.map(|at| Box::pin(tokio::time::sleep_until(at)));
        self
    }
}

impl<B, C> Body for Passing<B, C>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    C: Companion + Unpin,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if let Some(deadline) = &mut this.deadline
            && deadline.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Some(Err(Box::new(Stalled))));
        }
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                this.stall = None;
                if let Some(data) = frame.data_ref() {
                    this.companion.passed(data.len());
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let until = Instant::now() + this.timeout;
                let stall = this
                    .stall
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
                match stall.as_mut().poll(context) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(Box::new(Stalled)))),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Nothing came for the whole `--stall-timeout`, or the route's time for the request is over.
#[derive(Debug, thiserror::Error)]
#[error("the body stood still for too long")]
pub(crate) struct Stalled;
