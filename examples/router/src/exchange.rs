//! From a client's request to the response it gets.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::http::uri::{Authority, PathAndQuery};
use hyper::{Method, Request, Response, StatusCode, Uri, Version};
use narae_routing::{Backends, Split};
use tokio::sync::OwnedSemaphorePermit;

use crate::access::{AccessLog, Entry};
use crate::arguments::Serve;
use crate::backend::Backend;
use crate::body::{Companion, Passing};
use crate::headers;

/// What goes to a client: a backend's body, or a line of our own. Its companion logs it.
pub(crate) type Answer = Passing<Either<Incoming, Full<Bytes>>, Served>;

/// Everything a request needs.
pub(crate) struct Router {
    split: Split<String>,
    backends: Vec<Arc<Backend>>,
    stall_timeout: Duration,
    log: AccessLog,
}

impl Router {
    pub(crate) fn new(arguments: &Serve, backends: Backends<String>, log: AccessLog) -> Self {
        let known = arguments
            .backend
            .iter()
            .map(|address| Arc::new(Backend::new(address, arguments)));
        Self {
            split: Split::new(backends),
            backends: known.collect(),
            stall_timeout: arguments.stall_timeout,
            log,
        }
    }

    /// Answers one request. Only a request that can be forwarded takes part in the split.
    pub(crate) async fn handle(
        &self,
        client: IpAddr,
        mut request: Request<Incoming>,
    ) -> Response<Answer> {
        let mut entry = Entry::new(self.log.clone(), client, &request);
        if let Err(refusal) = make_forwardable(&mut request, client) {
            return self.refuse(entry, refusal.status(), &refusal.to_string());
        }
        let name = self.split.pick();
        entry.picked(name);
        let Some(backend) = self.backends.iter().find(|backend| backend.name == *name) else {
            return self.refuse(entry, StatusCode::INTERNAL_SERVER_ERROR, "no such backend");
        };
        let (mut response, permit) = match backend.send(request).await {
            Ok(answered) => answered,
            Err(failure) => {
                let reason = format!("backend {name} {failure}");
                return self.refuse(entry, failure.status(), &reason);
            }
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            // Nobody asked: Upgrade is not forwarded.
            let reason = format!("backend {name} switched protocols unasked");
            return self.refuse(entry, StatusCode::BAD_GATEWAY, &reason);
        }
        headers::strip_hop_by_hop(response.headers_mut());
        entry.answered(response.status());
        let served = Served {
            entry,
            _permit: Some(permit),
        };
        response.map(|body| Passing::new(Either::Left(body), self.stall_timeout, served))
    }

    fn refuse(&self, mut entry: Entry, status: StatusCode, reason: &str) -> Response<Answer> {
        entry.answered(status);
        let text = Full::from(format!("{} {reason}\n", status.as_u16()));
        let served = Served {
            entry,
            _permit: None,
        };
        let mut response = Response::new(Passing::new(
            Either::Right(text),
            self.stall_timeout,
            served,
        ));
        *response.status_mut() = status;
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, plain);
        response
    }
}

/// Lives until the last byte is out or the client is gone.
pub(crate) struct Served {
    entry: Entry,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Companion for Served {
    fn passed(&mut self, bytes: usize) {
        self.entry.passed(bytes);
    }
}

/// Turns what the client sent into what a backend gets, or says why not.
fn make_forwardable(request: &mut Request<Incoming>, client: IpAddr) -> Result<(), Refusal> {
    if request.method() == Method::CONNECT {
        return Err(Refusal::Connect);
    }
    let host = host(request)?;
    let target = request.uri().path_and_query().cloned();
    let target = target.unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(target);
    *request.version_mut() = Version::HTTP_11;
    let headers = request.headers_mut();
    headers::strip_hop_by_hop(headers);
    headers::add_forwarded(headers, client);
    headers.insert(HOST, host);
    Ok(())
}

/// RFC 9112, section 3.2: exactly one valid `Host`, unless the target itself names it.
fn host(request: &Request<Incoming>) -> Result<HeaderValue, Refusal> {
    let sent = single_host(request.headers())?;
    if sent.is_none() && request.version() == Version::HTTP_11 {
        return Err(Refusal::NoHost);
    }
    if let Some(authority) = request.uri().authority() {
        return if authority.as_str().contains('@') {
            Err(Refusal::BadHost)
        } else {
            HeaderValue::from_str(authority.as_str()).map_err(|_| Refusal::BadHost)
        };
    }
    // HTTP/1.0 may leave it out, and HTTP/1.1 may send it empty; the backend then gets it empty.
    Ok(sent.unwrap_or_else(|| HeaderValue::from_static("")))
}

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
