//! Sends requests over HTTP/1.1 and TLS (rustls, with the certificates the operating system trusts unless others
//! are given). Follows no redirect and keeps no cookie; no proxy or certificate is taken from the environment.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use ureq::http::{Method as HttpMethod, Request as HttpRequest, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Proxy};

use super::error::{Error, ErrorKind};
use super::request::{Answer, MAX_ANSWER_BYTES, Request, Transport};

/// How long one request may take, from its first byte to the answer's last.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends requests. Shared by reference between threads; keeps connections open.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    timeout: Duration,
    certificates: Option<Vec<Certificate<'static>>>,
    proxy: Option<Proxy>,
}

impl Client {
    /// With [`DEFAULT_TIMEOUT`], no proxy, and the certificates the operating system trusts.
    #[must_use]
    pub fn new() -> Self {
        Self {
            agent: agent(DEFAULT_TIMEOUT, None, None),
            timeout: DEFAULT_TIMEOUT,
            certificates: None,
            proxy: None,
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
        let wrong = |why: String| Error::new(ErrorKind::Untrusted, format!("certificates: {why}"));
        let mut found = Vec::new();
        for item in parse_pem(pem) {
            if let PemItem::Certificate(certificate) =
                item.map_err(|error| wrong(error.to_string()))?
            {
                found.push(certificate);
            }
        }
        if found.is_empty() {
            return Err(wrong("expected PEM with at least one".to_owned()));
        }
        self.certificates = Some(found);
        Ok(self.rebuilt())
    }

    /// Goes through a proxy: `http://host:port`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Address`].
    pub fn with_proxy(mut self, address: &str) -> Result<Self, Error> {
        // The address may have a password in it: it is not repeated.
        let proxy = Proxy::new(address)
            .map_err(|_| Error::new(ErrorKind::Address, "expected a proxy as http://host:port"))?;
        self.proxy = Some(proxy);
        Ok(self.rebuilt())
    }

    fn rebuilt(mut self) -> Self {
        self.agent = agent(
            self.timeout,
            self.certificates.as_deref(),
            self.proxy.clone(),
        );
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
        use std::io::ErrorKind as Io;

        let of_tls = |error: &rustls::Error| match error {
            rustls::Error::InvalidCertificate(_) => ErrorKind::Untrusted,
            _ => ErrorKind::Unreachable,
        };
        let kind = match &error {
            ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::ConnectProxyFailed(_)
            | ureq::Error::Tls(_) => ErrorKind::Unreachable,
            ureq::Error::Timeout(_) => ErrorKind::TimedOut,
            ureq::Error::Rustls(error) => of_tls(error),
            // A header that cannot be one, or an address: their text may hold the secret.
            ureq::Error::Http(_) | ureq::Error::BadUri(_) => {
                return Error::new(
                    ErrorKind::Invalid,
                    "the token or the address has characters that cannot be sent",
                );
            }
            ureq::Error::Io(error) => {
                let inner = error.get_ref();
                match inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                    Some(error) => of_tls(error),
                    None => match error.kind() {
                        Io::ConnectionRefused
                        | Io::HostUnreachable
                        | Io::NetworkUnreachable
                        | Io::AddrNotAvailable
                        | Io::NotFound => ErrorKind::Unreachable,
                        Io::TimedOut | Io::WouldBlock => ErrorKind::TimedOut,
                        _ => ErrorKind::Interrupted,
                    },
                }
            }
            _ => ErrorKind::Protocol,
        };
        if kind == ErrorKind::TimedOut {
            return Error::new(kind, format!("no answer within {:?}", self.timeout));
        }
        Error::new(kind, error.to_string())
    }
}

fn agent(
    timeout: Duration,
    certificates: Option<&[Certificate<'static>]>,
    proxy: Option<Proxy>,
) -> Agent {
    let roots = match certificates {
        Some(certificates) => RootCerts::new_with_certs(certificates),
        None => RootCerts::PlatformVerifier,
    };
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(roots)
        .unversioned_rustls_crypto_provider(Arc::new(provider))
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .proxy(proxy)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(timeout))
        .build()
        .new_agent()
}
