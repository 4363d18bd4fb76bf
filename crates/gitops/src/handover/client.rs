//! Sends requests over HTTP/1.1 and TLS (rustls, with the certificates the operating system trusts unless others
//! are given). Follows no redirect and keeps no cookie; no proxy or certificate is taken from the environment.

use std::io::Read as _;
use std::time::Duration;

use ureq::Agent;
use ureq::http::{Method as HttpMethod, Request as HttpRequest, header};

use super::error::{Error, ErrorKind};
use super::request::{Answer, MAX_ANSWER_BYTES, Request, Transport};
use crate::web::{Failure, Route};

/// How long one request may take, from its first byte to the answer's last.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends requests. Shared by reference between threads; keeps connections open.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    timeout: Duration,
    route: Route,
}

impl Client {
    /// With [`DEFAULT_TIMEOUT`], no proxy, and the certificates the operating system trusts.
    #[must_use]
    pub fn new() -> Self {
        let route = Route::default();
        Self {
            agent: route.agent(DEFAULT_TIMEOUT),
            timeout: DEFAULT_TIMEOUT,
            route,
        }
    }

    /// How long one request may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self.rebuilt()
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
        self.agent = self.route.agent(self.timeout);
        self
    }

    fn exchange(&self, request: &Request) -> Result<Answer, ureq::Error> {
        let method = HttpMethod::from_bytes(request.method().name().as_bytes())
            .map_err(ureq::http::Error::from)?;
        let mut builder = HttpRequest::builder()
            .method(method)
            .uri(request.url().as_str())
            .header(
                header::USER_AGENT,
                concat!("narae-gitops/", env!("CARGO_PKG_VERSION")),
            )
            .header(header::ACCEPT, "application/json");
        for (name, value) in request.headers() {
            builder = builder.header(name, value);
        }
        let answer = if request.body().is_empty() {
            self.agent.run(builder.body(())?)?
        } else {
            self.agent.run(builder.body(request.body())?)?
        };
        let (parts, body) = answer.into_parts();
        let retry_after = parts
            .headers
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let mut bytes = Vec::new();
        let limit = u64::try_from(MAX_ANSWER_BYTES).unwrap_or(u64::MAX);
        body.into_reader()
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes)?;
        Ok(Answer {
            status: parts.status.as_u16(),
            retry_after,
            body: bytes,
        })
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Transport for Client {
    fn send(&self, request: &Request) -> Result<Answer, Error> {
        let answer = self
            .exchange(request)
            .map_err(|error| self.understood(error));
        let answer = answer.map_err(|error| error.during(request.origin()))?;
        if answer.body.len() > MAX_ANSWER_BYTES {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("an answer of more than {MAX_ANSWER_BYTES} bytes"),
            )
            .during(request.origin()));
        }
        Ok(answer)
    }
}

impl Client {
    /// What the HTTP client says, sorted by what the caller can do.
    fn understood(&self, error: ureq::Error) -> Error {
        let kind = match Failure::of(&error) {
            Failure::Unreachable => ErrorKind::Unreachable,
            Failure::Untrusted => ErrorKind::Untrusted,
            Failure::Interrupted => ErrorKind::Interrupted,
            Failure::Other => ErrorKind::Protocol,
            Failure::TimedOut => {
                let message = format!("no answer within {:?}", self.timeout);
                return Error::new(ErrorKind::TimedOut, message);
            }
            Failure::Unsendable => {
                return Error::new(
                    ErrorKind::Invalid,
                    "the token or the address has characters that cannot be sent",
                );
            }
        };
        Error::new(kind, error.to_string())
    }
}
