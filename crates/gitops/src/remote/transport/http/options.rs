//! How HTTP is spoken.

use std::fmt;
use std::sync::Arc;

use super::super::super::error::{Error, ErrorKind};
use super::Credentials;
use crate::web::{Route, Web};

/// Credentials, trusted certificates and a proxy for `https://` and `http://`.
#[derive(Clone, Default)]
pub struct HttpOptions {
    pub(super) credentials: Option<Arc<dyn Credentials>>,
    pub(super) is_unencrypted: bool,
    route: Route,
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
        let untrusted = |why: &str| Error::new(ErrorKind::Untrusted, why);
        Ok(Self {
            route: self.route.with_certificates(pem).map_err(untrusted)?,
            ..self
        })
    }

    /// Goes through a proxy: `http://host:port`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Address`].
    pub fn with_proxy(self, address: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::new(ErrorKind::Address, why);
        Ok(Self {
            route: self.route.with_proxy(address).map_err(wrong)?,
            ..self
        })
    }

    pub(super) fn web(&self) -> Web {
        Web::new(self.route.clone())
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("has_credentials", &self.credentials.is_some())
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}
