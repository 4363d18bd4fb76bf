//! A request on its way out, that can be made as often as its body allows.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Either, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{Request, Version};
use narae_routing::retry::Repeatable;

use crate::access::Entry;
use crate::body::Passing;
use crate::connections::{Failure, Outgoing, Parcel, Patience};
use crate::live::Live;
use crate::stall::Stalled;
use crate::upload::Upload;
use crate::whole::Whole;

/// A body up to this many bytes is read whole when it may have to be sent more than once.
pub(crate) const REPLAYED_BYTES: usize = 64 << 10;

/// A request that can be made as often as its body allows.
pub(crate) struct Outbound {
    pub(crate) parts: Parts,
    body: Payload,
}

enum Payload {
    Whole(Whole),
    /// Taken by the first attempt, and back if nothing of it was sent.
    Stream(Option<Box<Request<Outgoing>>>, Upload),
}

/// A request that is here whole.
pub(crate) struct Again<'r> {
    parts: &'r Parts,
    body: &'r Whole,
}

impl Again<'_> {
    pub(crate) fn request(&self) -> Request<Outgoing> {
        let body = Either::Right(self.body.clone());
        Request::from_parts(self.parts.clone(), body)
    }
}

impl Outbound {
    /// The request with its body: whole if it is small and may be needed again, else as it comes.
    pub(crate) async fn read(
        mut parts: Parts,
        body: Incoming,
        mirrored: bool,
        stall: Duration,
        live: &Arc<Live>,
        entry: &mut Entry,
    ) -> Result<Self, Failure> {
        parts.extensions.clear();
        if body.is_end_stream() {
            return Ok(Self {
                parts,
                body: Payload::Whole(Whole::default()),
            });
        }
        let received = entry.received();
        let small = body.size_hint().upper();
        let small = small.is_some_and(|bytes| bytes <= REPLAYED_BYTES as u64);
        let again = parts.method.is_idempotent() || mirrored;
        if small && again {
            let (_, sending) = Upload::new(received, live);
            let whole = Limited::new(Passing::new(body, stall, sending), REPLAYED_BYTES);
            let whole = whole.collect().await.map_err(|error| {
                if error.is::<Stalled>() {
                    Failure::ClientStalled
                } else {
                    Failure::ClientGone
                }
            })?;
            let trailers = whole.trailers().cloned();
            let whole = Whole::new(whole.to_bytes(), trailers);
            if whole.has_trailers() {
                send_chunked(&mut parts);
            }
            return Ok(Self {
                parts,
                body: Payload::Whole(whole),
            });
        }
        if body.size_hint().exact().is_none() {
            send_chunked(&mut parts);
        }
        let (upload, sending) = Upload::new(received, live);
        let stream = Passing::new(body, stall, sending).over(parts.version);
        let stream = Box::new(stream);
        let request = Request::from_parts(parts.clone(), Either::Left(stream));
        Ok(Self {
            parts,
            body: Payload::Stream(Some(Box::new(request)), upload),
        })
    }

    /// The body, if it is here whole.
    pub(crate) fn whole(&self) -> Option<&Whole> {
        match &self.body {
            Payload::Whole(whole) => Some(whole),
            Payload::Stream(..) => None,
        }
    }

    /// What to send now; `None` if it was sent and cannot be again.
    pub(crate) fn parcel(&mut self, patience: Patience) -> Option<Parcel<'_>> {
        Some(match &mut self.body {
            Payload::Whole(body) => {
                let again = Again {
                    parts: &self.parts,
                    body,
                };
                Parcel {
                    request: again.request(),
                    upload: None,
                    again: self.parts.method.is_idempotent().then_some(again),
                    patience,
                }
            }
            Payload::Stream(request, upload) => Parcel {
                request: *request.take()?,
                upload: Some(upload),
                again: None,
                patience,
            },
        })
    }

    /// Whether there is something to send.
    pub(crate) fn is_here(&self) -> bool {
        !matches!(&self.body, Payload::Stream(None, _))
    }

    /// Keeps what was not sent for another attempt.
    pub(crate) fn take_back(&mut self, unsent: Option<Box<Request<Outgoing>>>) {
        if let Payload::Stream(request, _) = &mut self.body {
            *request = unsent;
        }
    }

    pub(crate) fn repeatable(&self) -> Repeatable {
        match &self.body {
            Payload::Whole(_) => Repeatable::of(self.parts.method.as_str(), false),
            Payload::Stream(..) => Repeatable::No,
        }
    }
}

/// With a length that is not known before the end. hyper would take it that a GET without a length has no body.
fn send_chunked(parts: &mut Parts) {
    if parts.version == Version::HTTP_11 {
        let chunked = HeaderValue::from_static("chunked");
        parts.headers.insert(TRANSFER_ENCODING, chunked);
    }
}
