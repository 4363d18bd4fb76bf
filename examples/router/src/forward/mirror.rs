//! Copies of requests, whose answers nobody waits for.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http_body_util::{BodyExt as _, Either, Limited};
use hyper::Request;
use hyper::http::request::Parts;
use tokio::time::Instant;

use crate::connections::{Parcel, Patience};
use crate::outbound::REPLAYED_BYTES;
use crate::router::Router;
use crate::upstream::Upstream;
use crate::whole::Whole;
use crate::worker::WorkerId;

/// Sends a copy in a task of its own.
pub(super) fn send(
    router: &Arc<Router>,
    worker: WorkerId,
    upstream: &Arc<Upstream>,
    parts: &Parts,
    body: &Whole,
) {
    let request = Request::from_parts(parts.clone(), Either::Right(body.clone()));
    let (router, upstream) = (Arc::clone(router), Arc::clone(upstream));
    tokio::spawn(async move {
        let began = router.now();
        let Ok(pick) = upstream.pick(began, &[]) else {
            return;
        };
        let parcel = Parcel {
            request,
            upload: None,
            again: None,
            patience: Patience {
                from: Instant::now(),
                response: Some(router.limits.response_timeout),
                end: None,
            },
        };
        upstream.counters.mirrored.fetch_add(1, Ordering::Relaxed);
        let connections = upstream.connections_to(&pick.shared_address());
        let sent = connections.send(worker, parcel).await;
        let now = router.now();
        let success = match &sent {
            Ok((response, _)) => Some(!response.status().is_server_error()),
            Err(failed) => failed.failure.is_the_endpoints().then_some(false),
        };
        if let Some(success) = success {
            upstream.ended(pick, success, now.saturating_sub(began), now);
        }
        if let Ok((response, held)) = sent {
            // Read, so that its connection can be used again; what does not come in time is let go.
            let read = Limited::new(response.into_body(), REPLAYED_BYTES).collect();
            let read = tokio::time::timeout(router.limits.stall_timeout, read).await;
            if let Ok(Ok(_)) = read {
                held.give_back(Instant::now());
            }
        }
    });
}
