//! What the table decided about a request, on its own.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HOST, HeaderValue};
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;
use narae_routing::gateway::{ApiDuration, Retry};
use narae_routing::matching::{Forward, HeaderChange, Kept};
use narae_routing::retry::{Backoff, Jitter, Policy};

use crate::live::Live;
use crate::upstream::Upstream;

/// What is to be done with a request. It borrows nothing, neither of the request nor of the configuration.
pub(crate) struct Order {
    pub(super) upstream: Arc<Upstream>,
    pub(super) host: HeaderValue,
    pub(super) target: PathAndQuery,
    pub(super) changes: Vec<HeaderChange<'static>>,
    pub(super) mirrors: Vec<Arc<Upstream>>,
    /// For all of it, retries included.
    pub(super) whole_timeout: Option<Duration>,
    /// For each attempt.
    pub(super) attempt_timeout: Option<Duration>,
    pub(super) retry: Option<Policy>,
    /// Keeps a client at its endpoint.
    pub(super) session: Option<Kept>,
}

impl Order {
    /// `None` if the service is not known, or what was decided makes no request.
    pub(crate) fn of(live: &Live, forward: &Forward<'_>, parts: &Parts) -> Option<Self> {
        let limit = |written: Option<ApiDuration>| {
            written.map(Duration::from).filter(|limit| !limit.is_zero())
        };
        let mirrors = forward.mirrors.iter();
        Some(Self {
            upstream: Arc::clone(live.upstream(forward.backend)?),
            host: host(&forward.host, parts)?,
            target: target(&forward.target, parts)?,
            changes: forward
                .request_headers
                .iter()
                .map(HeaderChange::to_static)
                .collect(),
            mirrors: mirrors
                .filter_map(|backend| live.upstream(backend).cloned())
                .collect(),
            whole_timeout: limit(forward.timeouts.request),
            attempt_timeout: limit(forward.timeouts.backend_request),
            retry: forward.retry.map(written_retry),
            session: forward.session.clone(),
        })
    }
}

/// What is sent on as it came is not copied.
fn host(decided: &str, parts: &Parts) -> Option<HeaderValue> {
    match parts.headers.get(HOST) {
        Some(sent) if sent.as_bytes() == decided.as_bytes() => Some(sent.clone()),
        _ => HeaderValue::from_str(decided).ok(),
    }
}

fn target(decided: &str, parts: &Parts) -> Option<PathAndQuery> {
    match parts.uri.path_and_query() {
        Some(sent) if sent.as_str() == decided => Some(sent.clone()),
        _ => PathAndQuery::try_from(decided).ok(),
    }
}

/// A route's own word on retries.
fn written_retry(retry: &Retry) -> Policy {
    let least = retry.backoff.map_or(Duration::ZERO, Duration::from);
    // The API's backoff is the least time between attempts, so it is not spread downwards.
    let backoff = Backoff::new(least, least.max(Duration::from_secs(10)));
    Policy::new(retry.attempts.unwrap_or(1))
        .with_statuses(retry.codes.iter().copied())
        .with_backoff(backoff.with_jitter(Jitter::None))
}
