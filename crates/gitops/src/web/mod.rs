//! HTTP/1.1 and TLS as the remote and the hand-over speak it: reqwest over hyper and rustls, the certificates that the
//! operating system trusts unless others are given, no redirects, no cookies, nothing sent twice, nothing from the
//! environment.
//!
//! Calls block, within an asynchronous runtime, too: the work is done on a thread of its own. What a failure means to a
//! caller is decided here once; its words are the caller's. Nothing of a request but its host is ever logged.

mod background;
mod failure;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderName;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Proxy, Request};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use background::Background;
pub(crate) use failure::{Failure, Kind};

/// Whom to trust, and through whom to go.
#[derive(Clone, Default)]
pub(crate) struct Route {
    certificates: Option<Vec<Certificate>>,
    proxy: Option<Proxy>,
}

impl Route {
    /// Trusts these certificate authorities, in place of the operating system's; else why not.
    pub(crate) fn with_certificates(self, pem: &[u8]) -> Result<Self, &'static str> {
        let found = certificates(pem).ok_or("certificates: expected PEM with at least one")?;
        Ok(Self {
            certificates: Some(found),
            ..self
        })
    }

    /// Goes through a proxy; else why not, without the address, which may have a password in it.
    pub(crate) fn with_proxy(self, address: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "expected a proxy as http://host:port";
        let is_http = |scheme: &str| matches!(scheme, "http" | "https");
        let (scheme, _) = address.split_once("://").ok_or(EXPECTED)?;
        let proxy = Proxy::all(address).map_err(|_| EXPECTED)?;
        Ok(Self {
            proxy: Some(is_http(scheme).then_some(proxy).ok_or(EXPECTED)?),
            ..self
        })
    }

    fn client(&self, is_encrypted: bool) -> Result<reqwest::Client, Failure> {
        let mut builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .http1_only()
            .no_proxy()
            .tls_backend_rustls();
        // Loading the system's authorities takes a while; without TLS it would serve nothing.
        let is_proxied = self.proxy.is_some();
        let nobody = (!is_encrypted && !is_proxied).then(Vec::new);
        if let Some(trusted) = self.certificates.clone().or(nobody) {
            builder = builder.tls_certs_only(trusted);
        }
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy.clone());
        }
        builder.build().map_err(|error| Failure::of(&error))
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

/// Connections along a route, kept open between requests. Made when the first is sent.
#[derive(Default)]
pub(crate) struct Web {
    route: Route,
    plain: OnceLock<Result<reqwest::Client, Failure>>,
    encrypted: OnceLock<Result<reqwest::Client, Failure>>,
    background: OnceLock<Result<Arc<Background>, Failure>>,
}

impl Web {
    pub(crate) fn new(route: Route) -> Self {
        Self {
            route,
            ..Self::default()
        }
    }

    /// What stands before the answer's body; the body is read by [`Response::chunk`].
    ///
    /// `patience` is asked again and again how long to wait: what it fails with ends the request and its connection.
    pub(crate) fn send<E: From<Failure>>(
        &self,
        request: Request,
        patience: impl FnMut() -> Result<Duration, E>,
    ) -> Result<Response, E> {
        let (client, background) = self.client(request.url().scheme())?;
        let answer = async move { client.execute(request).await };
        let answer = background.finish(answer, patience)?;
        Ok(Response {
            answer: Some(answer.map_err(|error| Failure::of(&error))?),
            background,
        })
    }

    fn client(&self, scheme: &str) -> Result<(reqwest::Client, Arc<Background>), Failure> {
        let is_encrypted = scheme != "http";
        let place = if is_encrypted {
            &self.encrypted
        } else {
            &self.plain
        };
        let client = place.get_or_init(|| self.route.client(is_encrypted));
        let background = self.background.get_or_init(Background::start);
        Ok((client.clone()?, background.clone()?))
    }
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web")
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}

/// An answer whose body may still be on its way.
pub(crate) struct Response {
    /// `None` once reading it has failed.
    answer: Option<reqwest::Response>,
    background: Arc<Background>,
}

impl Response {
    pub(crate) fn status(&self) -> u16 {
        self.answer
            .as_ref()
            .map_or(0, |answer| answer.status().as_u16())
    }

    pub(crate) fn header(&self, name: HeaderName) -> Option<String> {
        let value = self.answer.as_ref()?.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// The next bytes of the body; `None` at its end.
    pub(crate) fn chunk<E: From<Failure>>(
        &mut self,
        patience: impl FnMut() -> Result<Duration, E>,
    ) -> Result<Option<Bytes>, E> {
        let Some(mut answer) = self.answer.take() else {
            return Ok(None);
        };
        let next = async move {
            let chunk = answer.chunk().await;
            (chunk, answer)
        };
        let (chunk, answer) = self.background.finish(next, patience)?;
        let chunk = chunk.map_err(|error| Failure::of(&error))?;
        self.answer = Some(answer);
        Ok(chunk)
    }
}

/// Those of a PEM, each of which could be an authority.
fn certificates(pem: &[u8]) -> Option<Vec<Certificate>> {
    let mut found = Vec::new();
    for der in CertificateDer::pem_slice_iter(pem) {
        let der = der.ok()?;
        found.push(Certificate::from_der(&der).ok()?);
        RootCertStore::empty().add(der).ok()?;
    }
    (!found.is_empty()).then_some(found)
}
