//! A body that is here whole, with what comes after it, and can be sent as often as need be.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::HeaderMap;
use hyper::body::{Body, Bytes, Frame, SizeHint};

#[derive(Clone, Debug, Default)]
pub(crate) struct Whole {
    data: Bytes,
    trailers: Option<Box<HeaderMap>>,
}

impl Whole {
    pub(crate) fn new(data: Bytes, trailers: Option<HeaderMap>) -> Self {
        Self {
            data,
            trailers: trailers.map(Box::new),
        }
    }

    /// Without trailers its length can be said ahead.
    pub(crate) fn has_trailers(&self) -> bool {
        self.trailers.is_some()
    }
}

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = if self.data.is_empty() {
            let trailers = self.trailers.take();
            trailers.map(|trailers| Frame::trailers(*trailers))
        } else {
            Some(Frame::data(std::mem::take(&mut self.data)))
        };
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.data.len() as u64;
        let mut hint = SizeHint::with_exact(length);
        if self.has_trailers() {
            hint = SizeHint::new();
            hint.set_lower(length);
        }
        hint
    }
}
