//! Sends requests over HTTP/1.1 and TLS (rustls, with the certificates the operating system trusts unless others
//! are given). Follows no redirect and keeps no cookie; no proxy or certificate is taken from the environment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Url;
use reqwest::header::{self, HeaderName, HeaderValue};

use super::error::{Error, ErrorKind};
use super::request::{Answer, MAX_ANSWER_BYTES, Method, Request, Transport};
use crate::web::{Failure, Kind, Route, Web};

/// How long one request may take, from its first byte to the answer's last.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends requests. Shared by reference between threads; keeps connections open.
#[derive(Clone, Debug)]
pub struct Client {
    web: Arc<Web>,
    timeout: Duration,
    route: Route,
}

impl Client {
    /// With [`DEFAULT_TIMEOUT`], no proxy, and the certificates the operating system trusts.
    #[must_use]
    pub fn new() -> Self {
        let route = Route::default();
        Self {
            web: Arc::new(Web::new(route.clone())),
            timeout: DEFAULT_TIMEOUT,
            route,
        }
    }

    /// How long one request may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Trusts these certificate authorities, in place of the operating system's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Untrusted`] when `pem` is not PEM, or has no certificate.
    pub fn with_certificates(mut self, pem: &[u8]) -> Result<Self, Error> {
        let untrusted = |why: &str| Error::new(ErrorKind::Untrusted, why);
        self.route = self.route.with_certificates(pem).map_err(untrusted)?;
        Ok(self.rebuilt())
    }

    /// Goes through a proxy: `http://host:port`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Address`].
    pub fn with_proxy(mut self, address: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::new(ErrorKind::Address, why);
        self.route = self.route.with_proxy(address).map_err(wrong)?;
        Ok(self.rebuilt())
    }

    fn rebuilt(mut self) -> Self {
        self.web = Arc::new(Web::new(self.route.clone()));
        self
    }

    fn exchange(&self, request: &Request) -> Result<Answer, Error> {
        let end = Instant::now().checked_add(self.timeout);
        let patience = || match end {
            Some(end) => match end.saturating_duration_since(Instant::now()) {
                Duration::ZERO => Err(self.timed_out()),
                left => Ok(left),
            },
            None => Ok(self.timeout),
        };
        let mut response = self.web.send(prepared(request)?, patience)?;
        let retry_after = response.header(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.parse().ok());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk::<Error>(patience)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                let message = format!("an answer of more than {MAX_ANSWER_BYTES} bytes");
                return Err(Error::new(ErrorKind::TooLarge, message));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status(),
            retry_after: retry_after.map(Duration::from_secs),
            body,
        })
    }

    fn timed_out(&self) -> Error {
        let message = format!("no answer within {:?}", self.timeout);
        Error::new(ErrorKind::TimedOut, message)
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Transport for Client {
    fn send(&self, request: &Request) -> Result<Answer, Error> {
        self.exchange(request)
            .map_err(|error| error.during(request.origin()))
    }
}

fn prepared(request: &Request) -> Result<reqwest::Request, Error> {
    // The cause may quote what is secret.
    let unfit = || {
        let message = "the token or the address has characters that cannot be sent";
        Error::new(ErrorKind::Invalid, message)
    };
    let method = match request.method() {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
    };
    let url = Url::parse(&request.url()).map_err(|_| unfit())?;
    let mut prepared = reqwest::Request::new(method, url);
    let headers = prepared.headers_mut();
    let ours = concat!("narae-gitops/", env!("CARGO_PKG_VERSION"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(ours));
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::ACCEPT, json);
    for (name, value) in request.headers() {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| unfit())?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    if !request.body().is_empty() {
        // The library wants a body of its own.
        *prepared.body_mut() = Some(request.body().to_vec().into());
    }
    Ok(prepared)
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let kind = match failure.kind {
            Kind::Unreachable => ErrorKind::Unreachable,
            Kind::Untrusted => ErrorKind::Untrusted,
            Kind::Interrupted => ErrorKind::Interrupted,
            Kind::Other => ErrorKind::Protocol,
        };
        Self::new(kind, failure.words)
    }
}
