//! A request that goes to a service: an endpoint is picked, tried, and if that fails harmlessly another one.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Either, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HOST, HeaderValue, TE};
use hyper::http::request::Parts;
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use hyper::{Request, Response, StatusCode, Uri, Version};
use narae_routing::gateway::{ApiDuration, Retry};
use narae_routing::matching::{Forward, HeaderChange};
use narae_routing::pool::NoEndpoint;
use narae_routing::retry::retry_after;
use narae_routing::retry::{Attempt, Backoff, Failure as Attempted, Policy};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::access::Entry;
use crate::body::Passing;
use crate::connections::{Failed, Parcel, Protocol};
use crate::exchange::{Answer, Came, Served, refuse};
use crate::headers;
use crate::live::Live;
use crate::outbound::{Outbound, REPLAYED_BYTES};
use crate::router::Router;
use crate::tunnel;
use crate::upstream::Upstream;

/// What the table decided about a request, on its own.
pub(crate) struct Order {
    upstream: Arc<Upstream>,
    host: HeaderValue,
    target: PathAndQuery,
    changes: Vec<HeaderChange<'static>>,
    mirrors: Vec<Arc<Upstream>>,
    /// For all of it, and for each attempt.
    timeouts: (Option<Duration>, Option<Duration>),
    retry: Option<Policy>,
}

impl Order {
    pub(crate) fn of(live: &Live, forward: &Forward<'_>) -> Option<Self> {
        let limit = |written: Option<ApiDuration>| {
            written.map(Duration::from).filter(|limit| !limit.is_zero())
        };
        let mirrors = forward.mirrors.iter();
        Some(Self {
            upstream: Arc::clone(live.upstream(forward.backend)?),
            host: HeaderValue::from_str(&forward.host).ok()?,
            target: PathAndQuery::try_from(forward.target.as_ref()).ok()?,
            changes: forward
                .request_headers
                .iter()
                .map(HeaderChange::to_static)
                .collect(),
            mirrors: mirrors
                .filter_map(|backend| live.upstream(backend).cloned())
                .collect(),
            timeouts: (
                limit(forward.timeouts.request),
                limit(forward.timeouts.backend_request),
            ),
            retry: forward.retry.map(written_retry),
        })
    }
}

/// A route's own word on retries.
fn written_retry(retry: &Retry) -> Policy {
    let least = retry.backoff.map_or(Duration::ZERO, Duration::from);
    // The API's backoff is the least time between attempts, so it is not spread downwards.
    let backoff = Backoff::new(least, least.max(Duration::from_secs(10)));
    Policy::new(retry.attempts.unwrap_or(1))
        .with_statuses(retry.codes.iter().copied())
        .with_backoff(backoff.with_jitter(narae_routing::retry::Jitter::None))
}

/// Where requests are carried out.
pub(crate) struct Forwarding<'r> {
    pub(crate) router: &'r Arc<Router>,
    pub(crate) came: &'r Came,
}

impl Forwarding<'_> {
    pub(crate) async fn carry_out(
        &self,
        order: Order,
        mut parts: Parts,
        body: Incoming,
        mut entry: Entry,
    ) -> Response<Answer> {
        entry.of(&order.upstream.counters);
        let upgrade = (parts.version == Version::HTTP_11
            && headers::asks_for_websocket(&parts.headers))
        .then(|| parts.extensions.remove::<hyper::upgrade::OnUpgrade>())
        .flatten();
        self.make_forwardable(&mut parts, &order, upgrade.is_some());
        let deadline = order.timeouts.0.map(|limit| Instant::now() + limit);
        let stall = self.router.limits.stall_timeout;
        let mirrored = !order.mirrors.is_empty();
        let reading = Outbound::read(parts, body, mirrored, stall, entry.received());
        let mut outbound = match reading.await {
            Ok(outbound) => outbound,
            Err(failure) => {
                return refuse(
                    self.router,
                    entry,
                    failure.status(),
                    failure.flag(),
                    &failure.to_string(),
                );
            }
        };
        for mirror in &order.mirrors {
            if let Some(bytes) = outbound.whole() {
                self.mirror(mirror, &outbound.parts, bytes);
            }
        }
        let attempts = self.attempts(&order, &mut outbound, deadline, &mut entry);
        let answered = match deadline {
            None => attempts.await,
            Some(deadline) => match tokio::time::timeout_at(deadline, attempts).await {
                Ok(answered) => answered,
                Err(_) => Err((
                    StatusCode::GATEWAY_TIMEOUT,
                    "UT",
                    "the route's time is over".into(),
                )),
            },
        };
        match answered {
            Ok((response, permit)) => self.answer(response, permit, upgrade, deadline, entry),
            Err((status, flags, reason)) => refuse(self.router, entry, status, flags, &reason),
        }
    }

    /// Turns what the client sent into what an endpoint gets.
    fn make_forwardable(&self, parts: &mut Parts, order: &Order, upgrade: bool) {
        let trailers = headers::takes_trailers(&parts.headers);
        let fields = &mut parts.headers;
        headers::strip_hop_by_hop(fields);
        headers::add_forwarded(fields, self.came.client, self.came.scheme());
        for change in &order.changes {
            headers::change(fields, change);
        }
        // A route may have set what is about connections as well.
        headers::strip_hop_by_hop(fields);
        if upgrade {
            headers::upgrade_to_websocket(fields);
        }
        if order.upstream.protocol() == Protocol::Http2 {
            if trailers {
                fields.insert(TE, HeaderValue::from_static("trailers"));
            }
            fields.remove(HOST);
            let mut uri = hyper::http::uri::Parts::default();
            uri.path_and_query = Some(order.target.clone());
            uri.scheme = Some(Scheme::HTTP);
            uri.authority = Authority::try_from(order.host.as_bytes()).ok();
            parts.uri = Uri::from_parts(uri).unwrap_or_default();
            parts.version = Version::HTTP_2;
        } else {
            fields.insert(HOST, order.host.clone());
            parts.uri = Uri::from(order.target.clone());
            parts.version = Version::HTTP_11;
        }
    }

    async fn attempts(
        &self,
        order: &Order,
        outbound: &mut Outbound,
        deadline: Option<Instant>,
        entry: &mut Entry,
    ) -> Result<(Response<Incoming>, OwnedSemaphorePermit), (StatusCode, &'static str, String)>
    {
        let upstream = &order.upstream;
        let settings = upstream.settings();
        let policy = order.retry.as_ref().unwrap_or(&settings.retry);
        settings.budget.deposit(self.router.now());
        let mut tried: Vec<Arc<str>> = Vec::new();
        let mut last = None;
        for number in 1_u32.. {
            let began = self.router.now();
            let pick = upstream.pick(began, &tried);
            // Better the same endpoint again than nobody.
            let pick = match pick {
                Err(NoEndpoint::Tried) => upstream.pick(began, &[]),
                other => other,
            };
            let pick = match (pick, last.take()) {
                (Ok(pick), _) => pick,
                (Err(_), Some(failed)) => return Err(failed),
                (Err(none), None) => {
                    let reason = format!("service {}: {none}", upstream.name());
                    let flag = if none == NoEndpoint::Broken {
                        "UO"
                    } else {
                        "UH"
                    };
                    return Err((StatusCode::SERVICE_UNAVAILABLE, flag, reason));
                }
            };
            let address = pick.shared_address();
            entry.sent_to(Arc::clone(&address));
            let connections = upstream.connections_to(Arc::clone(&address));
            let Some(parcel) = outbound.parcel(self.response_timeout(order)) else {
                return Err((
                    StatusCode::BAD_GATEWAY,
                    "UC",
                    "the request cannot be sent again".into(),
                ));
            };
            let result = connections.send(parcel).await;
            let now = self.router.now();
            let took = now.saturating_sub(began);
            let (failed, kind) = match result {
                Ok((response, permit)) => {
                    let status = response.status();
                    upstream.ended(pick, !status.is_server_error(), took, now);
                    if !status.is_server_error() {
                        return Ok((response, permit));
                    }
                    let after = self.asked_to_wait(&response);
                    let kind = Attempted::Status(status.as_u16(), after);
                    (Err((response, permit)), kind)
                }
                Err(Failed { failure, unsent }) => {
                    if failure.is_the_endpoints() {
                        upstream.ended(pick, false, took, now);
                    }
                    let kind = if unsent.is_some() {
                        Attempted::NotSent
                    } else {
                        Attempted::Unknown
                    };
                    outbound.take_back(unsent);
                    let reason = format!("backend {} {failure}", upstream.name());
                    (Ok((failure.status(), failure.flag(), reason)), kind)
                }
            };
            let attempt = Attempt {
                number,
                failure: kind,
                repeatable: outbound.repeatable(),
                left: deadline.map_or(Duration::MAX, |d| {
                    d.saturating_duration_since(Instant::now())
                }),
            };
            let wait = policy.decide(&attempt, &settings.budget, now, fastrand::f64());
            match (wait, failed) {
                (Ok(wait), failed) if outbound.is_here() => {
                    upstream
                        .counters
                        .retries
                        .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    last = failed.ok();
                    tried.push(address);
                    tokio::time::sleep(wait).await;
                }
                (_, Err(answered)) => return Ok(answered),
                (_, Ok(failed)) => return Err(failed),
            }
        }
        Err((StatusCode::BAD_GATEWAY, "URX", "too many attempts".into()))
    }

    fn response_timeout(&self, order: &Order) -> Duration {
        order
            .timeouts
            .1
            .unwrap_or(self.router.limits.response_timeout)
    }

    fn asked_to_wait(&self, response: &Response<Incoming>) -> Option<Duration> {
        let written = response.headers().get(hyper::header::RETRY_AFTER)?;
        retry_after(written.to_str().ok()?, self.router.wall_clock())
    }

    fn answer(
        &self,
        mut response: Response<Incoming>,
        permit: OwnedSemaphorePermit,
        upgrade: Option<hyper::upgrade::OnUpgrade>,
        deadline: Option<Instant>,
        mut entry: Entry,
    ) -> Response<Answer> {
        let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if switched && (upgrade.is_none() || !headers::asks_for_websocket(response.headers())) {
            let reason = "the backend switched protocols unasked";
            return refuse(self.router, entry, StatusCode::BAD_GATEWAY, "UPE", reason);
        }
        headers::strip_hop_by_hop(response.headers_mut());
        entry.answered(response.status(), "-");
        let stall = self.router.limits.stall_timeout;
        let Some(client) = upgrade.filter(|_| switched) else {
            let served = Served {
                entry: Some(entry),
                _permit: Some(permit),
            };
            return response
                .map(|body| Passing::new(Either::Left(body), stall, served).until(deadline));
        };
        headers::upgrade_to_websocket(response.headers_mut());
        let endpoint = hyper::upgrade::on(&mut response);
        let (mut answer, _) = response.into_parts();
        answer.version = Version::HTTP_11;
        tunnel::open(self.router, self.came, client, endpoint, (entry, permit));
        let served = Served {
            entry: None,
            _permit: None,
        };
        Response::from_parts(
            answer,
            Passing::new(Either::Right(Full::default()), stall, served),
        )
    }

    /// Sends a copy whose answer nobody waits for.
    fn mirror(&self, upstream: &Arc<Upstream>, parts: &Parts, body: &Bytes) {
        let request = Request::from_parts(parts.clone(), Either::Right(Full::new(body.clone())));
        let (router, upstream) = (Arc::clone(self.router), Arc::clone(upstream));
        tokio::spawn(async move {
            let began = router.now();
            let Ok(pick) = upstream.pick(began, &[]) else {
                return;
            };
            let parcel = Parcel {
                request,
                sent: None,
                again: None,
                response_timeout: router.limits.response_timeout,
            };
            upstream
                .counters
                .mirrored
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let connections = upstream.connections_to(pick.shared_address());
            let sent = connections.send(parcel).await;
            let now = router.now();
            let success = sent
                .as_ref()
                .is_ok_and(|(r, _)| !r.status().is_server_error());
            upstream.ended(pick, success, now.saturating_sub(began), now);
            if let Ok((response, _permit)) = sent {
                // Read, so that its connection can be used again; what does not come in time is let go.
                let read = Limited::new(response.into_body(), REPLAYED_BYTES).collect();
                let _ = tokio::time::timeout(router.limits.stall_timeout, read).await;
            }
        });
    }
}
