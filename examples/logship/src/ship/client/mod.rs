//! Requests over HTTP and TLS (reqwest over hyper and rustls), one at a time, with a bounded answer. Follows no redirect, which would take
//! records and credentials elsewhere, and sends nothing twice by itself. What it says of a failure has no address: one can be a signature.
//!
//! A runtime of its own waits for each; between requests nothing runs.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Method, RequestBuilder};
use tokio::runtime::Runtime;

const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(60);
/// Shorter than servers keep a silent connection, so that a request seldom meets one that is just being closed.
const IDLE: Duration = Duration::from_secs(5);

/// What sends requests.
pub(super) struct Client {
    client: reqwest::Client,
    runtime: Runtime,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The header, if it is text.
    pub(super) retry_after: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Client {
    /// For addresses that begin with this scheme. `ca` has the certificates to trust instead of the system's, in PEM.
    pub(super) fn new(scheme: &str, ca: Option<&Path>) -> anyhow::Result<Self> {
        let builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .pool_idle_timeout(IDLE)
            .tls_backend_rustls();
        let builder = match ca {
            Some(path) => builder.tls_certs_only(certificates(path)?),
            // Nobody is asked for a certificate: the system's need not be there.
            None if scheme == "http" => builder.tls_certs_only([]),
            None => builder,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            client: builder.build().context("cannot use TLS")?,
            runtime,
        })
    }

    /// A request to be completed and [sent](Self::send).
    pub(super) fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends a request and waits for an answer of at most so many bytes.
    pub(super) fn send(&self, request: RequestBuilder, max_bytes: usize) -> anyhow::Result<Answer> {
        self.runtime.block_on(async {
            let response = request.send().await.map_err(reqwest::Error::without_url);
            let mut response = response?;
            let retry_after = response.headers().get(RETRY_AFTER);
            let retry_after = retry_after.and_then(|value| Some(value.to_str().ok()?.to_owned()));
            let mut body = Vec::new();
            while let Some(chunk) = response
                .chunk()
                .await
                .map_err(reqwest::Error::without_url)?
            {
                ensure!(
                    body.len() + chunk.len() <= max_bytes,
                    "an answer of more than {max_bytes} bytes"
                );
                body.extend_from_slice(&chunk);
            }
            Ok(Answer {
                status: response.status().as_u16(),
                retry_after,
                body,
            })
        })
    }
}

fn certificates(path: &Path) -> anyhow::Result<Vec<Certificate>> {
    let about = || format!("cannot read certificates from {}", path.display());
    let pem = fs::read(path).with_context(about)?;
    let found = Certificate::from_pem_bundle(&pem).with_context(about)?;
    // Without any nobody would be trusted, which would be said late.
    ensure!(!found.is_empty(), "{}: there are none", about());
    Ok(found)
}

#[cfg(test)]
mod tests;
