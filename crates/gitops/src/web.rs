//! HTTP/1.1 and TLS as the remote and the hand-over speak it: rustls, the certificates that the operating system
//! trusts unless others are given, no redirects, no cookies, nothing from the environment.
//!
//! What a failure means to a caller is decided here once; its words are the caller's.

use std::fmt;
use std::io::ErrorKind as Io;
use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Proxy};

/// Whom to trust, and through whom to go.
#[derive(Clone, Default)]
pub(crate) struct Route {
    certificates: Option<Vec<Certificate<'static>>>,
    proxy: Option<Proxy>,
}

impl Route {
    /// Trusts these certificate authorities, in place of the operating system's; else why not.
    pub(crate) fn with_certificates(self, pem: &[u8]) -> Result<Self, &'static str> {
        const EXPECTED: &str = "certificates: expected PEM with at least one";
        let mut found = Vec::new();
        for item in parse_pem(pem) {
            if let PemItem::Certificate(certificate) = item.map_err(|_| EXPECTED)? {
                found.push(certificate);
            }
        }
        if found.is_empty() {
            return Err(EXPECTED);
        }
        Ok(Self {
            certificates: Some(found),
            ..self
        })
    }

    /// Goes through a proxy; else why not, without the address, which may have a password in it.
    pub(crate) fn with_proxy(self, address: &str) -> Result<Self, &'static str> {
        let proxy = Proxy::new(address).map_err(|_| "expected a proxy as http://host:port")?;
        Ok(Self {
            proxy: Some(proxy),
            ..self
        })
    }

    /// Connections, of which a request may take so long.
    pub(crate) fn agent(&self, timeout: Duration) -> Agent {
        let roots = match &self.certificates {
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
            .proxy(self.proxy.clone())
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(timeout))
            .build()
            .new_agent()
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("has_certificates", &self.certificates.is_some())
            .field("has_proxy", &self.proxy.is_some())
            .finish()
    }
}

/// What a request that got no answer failed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Unreachable,
    Untrusted,
    TimedOut,
    /// The connection ended early.
    Interrupted,
    /// A header or an address that cannot be one: the error's words may hold what is secret.
    Unsendable,
    Other,
}

impl Failure {
    pub(crate) fn of(error: &ureq::Error) -> Self {
        match error {
            ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::ConnectProxyFailed(_)
            | ureq::Error::Tls(_) => Self::Unreachable,
            ureq::Error::Timeout(_) => Self::TimedOut,
            ureq::Error::Rustls(error) => Self::of_tls(error),
            ureq::Error::Http(_) | ureq::Error::BadUri(_) => Self::Unsendable,
            ureq::Error::Io(error) => {
                let inner = error.get_ref();
                match inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                    Some(error) => Self::of_tls(error),
                    None => Self::of_socket(error.kind()),
                }
            }
            _ => Self::Other,
        }
    }

    fn of_tls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(_) => Self::Untrusted,
            _ => Self::Unreachable,
        }
    }

    fn of_socket(kind: Io) -> Self {
        match kind {
            Io::ConnectionRefused
            | Io::HostUnreachable
            | Io::NetworkUnreachable
            | Io::AddrNotAvailable
            | Io::NotFound => Self::Unreachable,
            Io::TimedOut | Io::WouldBlock => Self::TimedOut,
            _ => Self::Interrupted,
        }
    }
}
