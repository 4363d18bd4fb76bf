//! How HTTP is spoken.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Proxy};

use super::super::super::error::{Error, ErrorKind};
use super::Credentials;

/// Credentials, trusted certificates and a proxy for `https://` and `http://`.
#[derive(Clone, Default)]
pub struct HttpOptions {
    pub(super) credentials: Option<Arc<dyn Credentials>>,
    pub(super) is_unencrypted: bool,
    certificates: Option<Vec<Certificate<'static>>>,
    proxy: Option<Proxy>,
}

impl HttpOptions {
    /// No credentials, no proxy, and the certificates the operating system trusts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where credentials come from when the server wants some.
    #[must_use]
    pub fn with_credentials(self, credentials: impl Credentials + 'static) -> Self {
        Self {
            credentials: Some(Arc::new(credentials)),
            ..self
        }
    }

    /// Sends credentials over `http://` to other machines, too: whoever sees the traffic has them.
    #[must_use]
    pub fn with_credentials_unencrypted(self) -> Self {
        Self {
            is_unencrypted: true,
            ..self
        }
    }

    /// Trusts these certificate authorities, in place of the operating system's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Untrusted`] when `pem` is not PEM, or has no certificate.
    pub fn with_certificates(self, pem: &[u8]) -> Result<Self, Error> {
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
        Ok(Self {
            certificates: Some(found),
            ..self
        })
    }

    /// Goes through a proxy: `http://host:port`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Address`].
    pub fn with_proxy(self, address: &str) -> Result<Self, Error> {
        // The address may have a password in it: it is not repeated.
        let proxy = Proxy::new(address)
            .map_err(|_| Error::new(ErrorKind::Address, "expected a proxy as http://host:port"))?;
        Ok(Self {
            proxy: Some(proxy),
            ..self
        })
    }

    pub(super) fn agent(&self, deadline: Duration) -> Agent {
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
            // The watch decides; this only lets go of a connection that nobody waits for any more.
            .timeout_global(Some(deadline))
            .build()
            .new_agent()
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("has_credentials", &self.credentials.is_some())
            .field("has_certificates", &self.certificates.is_some())
            .field("has_proxy", &self.proxy.is_some())
            .finish_non_exhaustive()
    }
}
