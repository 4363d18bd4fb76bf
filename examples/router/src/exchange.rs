//! From a client's request to the answer it gets: checked, decided by the table, carried out.

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION};
use hyper::http::request::Parts;
use hyper::http::uri::{Authority, PathAndQuery};
use hyper::{Method, Request, Response, StatusCode, Version};
use narae_routing::matching::{
    Arrival, HeaderChange, Kept, Outcome, Presented, Refusal as NoRoute, Request as Asked,
    normal_target,
};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::access::Entry;
use crate::body::{Companion, Cut, Passing};
use crate::connections::Held;
use crate::flags::Flags;
use crate::forward::{Forwarding, Order};
use crate::headers;
use crate::identity::Verified;
use crate::live::Live;
use crate::router::Router;
use crate::verdict::Verdict;
use crate::worker::WorkerId;

/// What goes to a client: an endpoint's body, or a line of our own. Its companion logs it.
pub(crate) type Answer = Passing<Either<Incoming, Full<Bytes>>, Served>;

/// Over which connection a request came.
pub(crate) struct Came {
    pub(crate) client: IpAddr,
    /// The same as a header has it.
    pub(crate) client_text: HeaderValue,
    pub(crate) worker: WorkerId,
    /// The gateway's port, not the socket's, and the listener that TLS chose by name.
    arrival: Arrival,
    /// The gateway's port.
    port: u16,
    /// Keeps the connection's place while a tunnel outlives it.
    pub(crate) place: Arc<OwnedSemaphorePermit>,
}

impl Came {
    pub(crate) fn new(
        client: IpAddr,
        port: u16,
        place: OwnedSemaphorePermit,
        worker: WorkerId,
    ) -> Self {
        let text = HeaderValue::try_from(client.to_canonical().to_string());
        Self {
            client,
            client_text: text.unwrap_or_else(|_| HeaderValue::from_static("unknown")),
            worker,
            arrival: Arrival::ANYWHERE.at_port(port),
            port,
            place: Arc::new(place),
        }
    }

    pub(crate) fn at_listener(&mut self, name: &str) {
        self.arrival = Arrival::ANYWHERE.at_port(self.port).at_listener(name);
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn scheme(&self) -> &'static str {
        if self.arrival.listener.is_some() {
            "https"
        } else {
            "http"
        }
    }
}

/// Answers one request. Only one that can be forwarded takes part in any split.
pub(crate) async fn handle(
    router: Arc<Router>,
    came: Arc<Came>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let log = router.log.as_ref();
    let entry = Entry::new(log, came.worker, came.client, &router.own, &request);
    let (mut parts, body) = request.into_parts();
    if parts.version == Version::HTTP_2 {
        headers::join_cookies(&mut parts.headers);
    }
    let host = match check(&parts) {
        Ok(host) => host,
        Err(refusal) => {
            let refused = Refused::new(refusal.status(), Flags::NONE, refusal.to_string());
            return Ok(refuse(&router, entry, refused));
        }
    };
    let live = router.live();
    let verified = verify(&router, &live, &came, &mut parts, &host).await;
    let presented = verified.presented();
    let (decided, response_changes) = decide(&router, &live, &came, &parts, &host, presented);
    let mut response = match decided {
        Decided::Forward(order) => {
            let forwarding = Forwarding {
                router: &router,
                came: &came,
                live: &live,
            };
            forwarding.carry_out(order, parts, body, entry).await
        }
        Decided::Answer(status, location, text) => {
            let flags = if status == StatusCode::NOT_FOUND {
                Flags::NR
            } else {
                Flags::NONE
            };
            let mut response = answer(&router, entry, status, flags, text);
            if let Some(location) = location {
                response.headers_mut().insert(LOCATION, location);
            }
            response
        }
    };
    for change in &response_changes {
        headers::change(response.headers_mut(), change);
    }
    Ok(response)
}

/// Finds out who the client is, if anybody asks, and takes out what it says of itself.
async fn verify(
    router: &Router,
    live: &Live,
    came: &Came,
    parts: &mut Parts,
    host: &HeaderValue,
) -> Verified {
    if live.gatekeeper.is_empty() {
        return Verified::Nothing;
    }
    let guarded: Vec<HeaderName> = parts
        .headers
        .keys()
        .filter(|n| live.table.guards(n.as_str()))
        .cloned()
        .collect();
    for name in guarded {
        parts.headers.remove(name);
    }
    let asked = Asked::new(
        parts.method.as_str(),
        host.to_str().unwrap_or_default(),
        "/",
        &[],
    );
    let policies = live.table.authenticators(&came.arrival, &asked);
    let (now, wall) = (router.now(), router.wall_clock());
    let verified = live
        .gatekeeper
        .verify(&policies, &parts.headers, now, wall)
        .await;
    if matches!(verified, Verified::Invalid(_) | Verified::Unverifiable) {
        router
            .metrics
            .credentials_refused
            .fetch_add(1, Ordering::Relaxed);
    }
    verified
}

/// A decision that borrows nothing of the request.
enum Decided {
    Forward(Box<Order>),
    Answer(StatusCode, Option<HeaderValue>, String),
}

fn decide(
    router: &Router,
    live: &Live,
    came: &Came,
    parts: &Parts,
    host: &HeaderValue,
    presented: Presented<'_>,
) -> (Decided, Vec<HeaderChange<'static>>) {
    // What is not visible ASCII matches nothing, and passes as it is.
    let seen: Vec<(&str, &str)> = parts
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    let sent = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    // What is decided about is what is sent on.
    let target = &*normal_target(sent);
    let host = host.to_str().unwrap_or_default();
    let request = Asked::new(parts.method.as_str(), host, target, &seen)
        .at(router.wall_clock())
        .presenting(presented);
    let decision = live.table.decide(&came.arrival, &request);
    // Which endpoint serves it is said with the answer.
    let session = match &decision.outcome {
        Outcome::Forward(forward) => forward.session.as_ref().and_then(Kept::change),
        _ => None,
    };
    let changes = decision.response_headers.iter();
    let changes = changes.filter(|change| session.as_ref() != Some(*change));
    let changes = changes.map(HeaderChange::to_static).collect();
    let line = |status: u16, text: &str| {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Decided::Answer(status, None, text.to_owned())
    };
    let decided = match &decision.outcome {
        Outcome::Forward(forward) => match Order::of(live, forward, parts) {
            Some(order) => Decided::Forward(Box::new(order)),
            None => line(500, "500 no such service\n"),
        },
        Outcome::Redirect { status, location } => match HeaderValue::from_str(location) {
            Ok(location) => {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::FOUND);
                Decided::Answer(status, Some(location), String::new())
            }
            Err(_) => line(400, "400 the redirect is no header value\n"),
        },
        Outcome::Respond { status, body } => line(*status, body),
        // Which service or rule it was is for the log of the configuration, not for clients.
        Outcome::Refuse(NoRoute::NoRule | NoRoute::NoListener) => line(404, "404 no route\n"),
        Outcome::Refuse(refusal) => line(
            refusal.status(),
            &format!("{} {refusal}\n", refusal.status()),
        ),
    };
    (decided, changes)
}

/// Why there is an answer of our own.
pub(crate) struct Refused {
    status: StatusCode,
    flags: Flags,
    reason: Cow<'static, str>,
}

impl Refused {
    pub(crate) fn new(
        status: StatusCode,
        flags: Flags,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            flags,
            reason: reason.into(),
        }
    }
}

/// Answers with one line that says why.
pub(crate) fn refuse(router: &Router, entry: Box<Entry>, refused: Refused) -> Response<Answer> {
    let Refused {
        status,
        flags,
        reason,
    } = refused;
    let text = format!("{} {reason}\n", status.as_u16());
    answer(router, entry, status, flags, text)
}

fn answer(
    router: &Router,
    mut entry: Box<Entry>,
    status: StatusCode,
    flags: Flags,
    text: String,
) -> Response<Answer> {
    entry.answered(status, flags);
    let written = !text.is_empty();
    let served = Served {
        entry: Some(entry),
        held: None,
        verdict: None,
    };
    let body = Either::Right(Full::from(text));
    let mut response = Response::new(Passing::new(body, router.limits.stall_timeout, served));
    *response.status_mut() = status;
    if written {
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, plain);
    }
    response
}

/// Lives until the last byte is out or the client is gone.
#[derive(Default)]
pub(crate) struct Served {
    /// None for the answer that begins a tunnel, which logs itself.
    pub(crate) entry: Option<Box<Entry>>,
    /// None once the answer has come whole, and for one of our own.
    pub(crate) held: Option<Held>,
    /// What is still to be said of its endpoint.
    pub(crate) verdict: Option<Verdict>,
}

impl Companion for Served {
    fn passed(&mut self, bytes: usize) {
        if let Some(entry) = &mut self.entry {
            entry.passed(bytes);
        }
    }

    fn came_whole(&mut self) {
        let Some(held) = self.held.take() else { return };
        let now = Instant::now();
        held.give_back(now);
        if let Some(verdict) = self.verdict.take() {
            verdict.ended(true, now);
        }
    }

    fn cut(&mut self, cut: Cut) {
        self.end_early(cut.flags(), cut != Cut::Unread);
    }
}

impl Served {
    /// An endpoint's answer that will not be whole.
    fn end_early(&mut self, flags: Flags, by_endpoint: bool) {
        if self.held.take().is_none() {
            return;
        }
        if let Some(entry) = &mut self.entry {
            entry.went_wrong(flags);
        }
        if let Some(verdict) = self.verdict.take() {
            verdict.ended(!by_endpoint, Instant::now());
        }
    }
}

impl Drop for Served {
    /// The client leaves before the endpoint's last byte.
    fn drop(&mut self) {
        self.end_early(Flags::DC, false);
    }
}

/// The host, if this is a request that a proxy may pass on.
fn check(parts: &Parts) -> Result<HeaderValue, Refusal> {
    if parts.method == Method::CONNECT {
        return Err(Refusal::Connect);
    }
    let sent = single_host(&parts.headers)?;
    let Some(authority) = parts.uri.authority() else {
        if sent.is_none() && parts.version != Version::HTTP_10 {
            return Err(Refusal::NoHost);
        }
        // HTTP/1.0 may leave it out, and HTTP/1.1 may send it empty; the endpoint then gets it empty.
        return Ok(sent.unwrap_or_else(|| HeaderValue::from_static("")));
    };
    let named = HeaderValue::from_str(authority.as_str()).map_err(|_| Refusal::BadHost)?;
    if authority.as_str().contains('@') {
        return Err(Refusal::BadHost);
    }
    // RFC 9112, 3.2.2: an absolute target's authority replaces the field. In HTTP/2 the two must agree
    // (RFC 9113, 8.3.1).
    let disagrees = parts.version == Version::HTTP_2 && sent.is_some_and(|sent| sent != named);
    if disagrees {
        return Err(Refusal::ManyHosts);
    }
    Ok(named)
}

/// RFC 9112, section 3.2: at most one `Host`, and a valid one.
fn single_host(headers: &HeaderMap) -> Result<Option<HeaderValue>, Refusal> {
    let mut hosts = headers.get_all(HOST).iter();
    let Some(first) = hosts.next() else {
        return Ok(None);
    };
    if hosts.next().is_some() {
        return Err(Refusal::ManyHosts);
    }
    let valid = first.is_empty()
        || Authority::try_from(first.as_bytes()).is_ok_and(|host| !host.as_str().contains('@'));
    if valid {
        Ok(Some(first.clone()))
    } else {
        Err(Refusal::BadHost)
    }
}

/// Why a request is not forwarded.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("this proxy opens no tunnels")]
    Connect,
    #[error("the request names no host")]
    NoHost,
    #[error("the request names more than one host")]
    ManyHosts,
    #[error("the request's host is not a host")]
    BadHost,
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Connect => StatusCode::NOT_IMPLEMENTED,
            Self::NoHost | Self::ManyHosts | Self::BadHost => StatusCode::BAD_REQUEST,
        }
    }
}
