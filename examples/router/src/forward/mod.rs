//! A request that goes to a service: made fit to forward, tried, and its answer passed on.

mod attempt;
mod mirror;
mod order;

use std::sync::Arc;

use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderValue, TE};
use hyper::http::request::Parts;
use hyper::http::uri::{Authority, Scheme};
use hyper::{Response, StatusCode, Uri, Version};
use narae_routing::pool::endpoint_key;
use tokio::time::{Instant, timeout_at};

use crate::access::Entry;
use crate::body::Passing;
use crate::connections::{Failure, Protocol};
use crate::exchange::{Answer, Came, Refused, Served, refuse};
use crate::flags::Flags;
use crate::headers;
use crate::live::Live;
use crate::outbound::Outbound;
use crate::router::Router;
use crate::tunnel;
use crate::verdict::Verdict;
use attempt::Attempts;

pub(crate) use order::Order;

/// Where requests are carried out.
pub(crate) struct Forwarding<'r> {
    pub(crate) router: &'r Arc<Router>,
    pub(crate) came: &'r Came,
    /// By which it was decided.
    pub(crate) live: &'r Arc<Live>,
}

impl Forwarding<'_> {
    pub(crate) async fn carry_out(
        &self,
        order: Box<Order>,
        mut parts: Parts,
        body: Incoming,
        mut entry: Box<Entry>,
    ) -> Response<Answer> {
        entry.of(&order.upstream.counters);
        let version = parts.version;
        let upgrade = (parts.version == Version::HTTP_11
            && headers::asks_for_websocket(&parts.headers))
        .then(|| parts.extensions.remove::<hyper::upgrade::OnUpgrade>())
        .flatten();
        if let Err(refused) = self.make_forwardable(&mut parts, &order, upgrade.is_some()) {
            return refuse(self.router, entry, refused);
        }
        let deadline = order.whole_timeout.map(|limit| Instant::now() + limit);
        let stall = self.router.limits.stall_timeout;
        let mirrored = !order.mirrors.is_empty();
        let reading = Outbound::read(parts, body, mirrored, stall, self.live, &mut entry);
        let read = match deadline {
            None => reading.await,
            Some(deadline) => timeout_at(deadline, reading)
                .await
                .unwrap_or(Err(Failure::UploadTimeout)),
        };
        let mut outbound = match read {
            Ok(outbound) => outbound,
            Err(failure) => {
                let reason = failure.to_string();
                let refused = Refused::new(failure.status(), failure.flags(), reason);
                return refuse(self.router, entry, refused);
            }
        };
        let worker = self.came.worker;
        for upstream in &order.mirrors {
            if let Some(bytes) = outbound.whole() {
                mirror::send(self.router, worker, upstream, &outbound.parts, bytes);
            }
        }
        let settings = order.upstream.settings();
        let attempts = Attempts {
            router: self.router,
            worker,
            order: &order,
            settings: &settings,
            outbound: &mut outbound,
            entry: &mut entry,
            deadline,
            tried: Vec::new(),
        };
        match attempts.run().await {
            Ok(mut answer) => {
                if let Some(session) = &order.session
                    && let Some(change) = session.with(endpoint_key(entry.endpoint()))
                {
                    headers::change(answer.response.headers_mut(), &change);
                }
                self.answer(answer, upgrade, version, entry).await
            }
            Err(refused) => refuse(self.router, entry, refused),
        }
    }

    /// Turns what the client sent into what an endpoint gets.
    fn make_forwardable(
        &self,
        parts: &mut Parts,
        order: &Order,
        upgrade: bool,
    ) -> Result<(), Refused> {
        let over_http2 = order.upstream.protocol() == Protocol::Http2;
        let trailers = over_http2 && headers::takes_trailers(&parts.headers);
        let fields = &mut parts.headers;
        headers::strip_hop_by_hop(fields);
        headers::add_forwarded(fields, &self.came.client_text, self.came.scheme());
        headers::add_via(fields, parts.version);
        if !order.changes.is_empty() {
            for change in &order.changes {
                headers::change(fields, change);
            }
            // A route may have set what is about connections as well.
            headers::strip_hop_by_hop(fields);
        }
        if upgrade {
            headers::upgrade_to_websocket(fields);
        }
        if over_http2 {
            if trailers {
                fields.insert(TE, HeaderValue::from_static("trailers"));
            }
            fields.remove(HOST);
            let mut uri = hyper::http::uri::Parts::default();
            uri.path_and_query = Some(order.target.clone());
            uri.scheme = Some(Scheme::HTTP);
            // HTTP/1 may name no host, but there is no HTTP/2 without (RFC 9113, 8.3.1).
            uri.authority = Authority::try_from(order.host.as_bytes()).ok();
            parts.uri = Uri::from_parts(uri).map_err(|_| {
                let reason = "the request names no host, which its service needs";
                Refused::new(StatusCode::BAD_REQUEST, Flags::NONE, reason)
            })?;
            parts.version = Version::HTTP_2;
        } else {
            if fields.get(HOST) != Some(&order.host) {
                fields.insert(HOST, order.host.clone());
            }
            parts.uri = Uri::from(order.target.clone());
            parts.version = Version::HTTP_11;
        }
        Ok(())
    }

    async fn answer(
        &self,
        answered: attempt::Answer,
        upgrade: Option<hyper::upgrade::OnUpgrade>,
        version: Version,
        mut entry: Box<Entry>,
    ) -> Response<Answer> {
        let attempt::Answer {
            mut response,
            held,
            came,
            verdict,
            until,
        } = answered;
        let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let tell = |verdict: Option<Verdict>, served| verdict.map(|v| v.ended(served, came));
        if switched && (upgrade.is_none() || !headers::asks_for_websocket(response.headers())) {
            tell(verdict, false);
            let reason = "the backend switched protocols unasked";
            let refused = Refused::new(StatusCode::BAD_GATEWAY, Flags::UPE, reason);
            return refuse(self.router, entry, refused);
        }
        headers::strip_hop_by_hop(response.headers_mut());
        entry.passed_on(response.status(), came.into_std());
        let stall = self.router.limits.stall_timeout;
        let Some(client) = upgrade.filter(|_| switched) else {
            let served = Served {
                entry: Some(entry),
                held: Some(held),
                verdict,
            };
            let mut answer = response.map(|body| {
                Passing::new(Either::Left(body), stall, served)
                    .over(version)
                    .until(until)
            });
            answer.body_mut().begin().await;
            return answer;
        };
        tell(verdict, true);
        headers::upgrade_to_websocket(response.headers_mut());
        let endpoint = hyper::upgrade::on(&mut response);
        let (mut answer, _) = response.into_parts();
        answer.version = Version::HTTP_11;
        tunnel::open(self.router, self.came, client, endpoint, (entry, held));
        let served = Served::default();
        Response::from_parts(
            answer,
            Passing::new(Either::Right(Full::default()), stall, served),
        )
    }
}
