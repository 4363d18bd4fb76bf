//! Sends one request over HTTP and TLS (reqwest over hyper and rustls) and reads a bounded answer. Never follows a redirect,
//! asks no proxy, sends nothing twice.
//!
//! A private runtime waits for it.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use reqwest::{Client, Method, RequestBuilder};
use zeroize::Zeroizing;

use super::answer::Answer;
use super::request::Request;
use crate::SecretBytes;
use crate::network::{Waiting, append, is_of_tls};
use crate::store::StoreErrorKind;

/// Sends requests to one server.
pub(super) struct Transport {
    pub(super) client: Client,
    pub(super) waiting: Waiting,
    /// With the path prefix, without `/v1`.
    pub(super) base: String,
    pub(super) connect_timeout: Duration,
    pub(super) timeout: Duration,
    pub(super) max_answer_bytes: usize,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nothing was sent.
    Connect,
    /// Nothing was sent.
    ConnectTimeout,
    Timeout,
    Tls,
    TooLarge,
    Broken,
    /// A header that cannot be one.
    Unfit,
    InsideRuntime,
}

impl Transport {
    /// Sends it as whoever has `token`, into `namespace`, waiting no longer than `limit`.
    pub(super) fn send(
        &self,
        namespace: Option<&str>,
        token: Option<&SecretBytes>,
        request: &Request,
        limit: Duration,
    ) -> Result<Answer, Failure> {
        let built = self.built(namespace, token, request)?;
        let built = built.timeout(limit.min(self.timeout));
        let answer = self.waiting.on(self.answer(built));
        answer.unwrap_or(Err(Failure::InsideRuntime))
    }

    fn built(
        &self,
        namespace: Option<&str>,
        token: Option<&SecretBytes>,
        request: &Request,
    ) -> Result<RequestBuilder, Failure> {
        let question = if request.query.is_empty() { "" } else { "?" };
        let url = format!(
            "{}/v1/{}{question}{}",
            self.base, request.path, request.query
        );
        let mut builder = self
            .client
            .request(request.method.clone(), url)
            .header(
                USER_AGENT,
                concat!("narae-secrets/", env!("CARGO_PKG_VERSION")),
            )
            .header(ACCEPT, "application/json")
            // Agents that guard against forged requests want it.
            .header("X-Vault-Request", "true");
        if let Some(token) = token {
            let own = Bytes::from_owner(Zeroizing::new(token.expose().to_vec()));
            let mut value = HeaderValue::from_maybe_shared(own).map_err(|_| Failure::Unfit)?;
            value.set_sensitive(true);
            builder = builder.header("X-Vault-Token", value);
        }
        if let Some(namespace) = namespace {
            builder = builder.header("X-Vault-Namespace", namespace);
        }
        if let Some(ttl) = request.wrap {
            builder = builder.header("X-Vault-Wrap-TTL", format!("{}s", ttl.as_secs().max(1)));
        }
        if let Some(body) = &request.body {
            let kind = match request.method {
                Method::PATCH => "application/merge-patch+json",
                _ => "application/json",
            };
            builder = builder.header(CONTENT_TYPE, kind).body(body.clone());
        }
        Ok(builder)
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        let sent = request.send().await;
        let mut response = sent.map_err(|error| classify(&error))?;
        let most = u64::try_from(self.max_answer_bytes).unwrap_or(u64::MAX);
        let announced = response.content_length().unwrap_or(0);
        if announced > most {
            return Err(Failure::TooLarge);
        }
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        // An honest length is reserved at once, so that the buffer never moves and leaves a copy.
        let mut body = Zeroizing::new(Vec::with_capacity(usize::try_from(announced).unwrap_or(0)));
        while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
            if body.len() + chunk.len() > self.max_answer_bytes {
                return Err(Failure::TooLarge);
            }
            append(&mut body, &chunk);
        }
        Ok(Answer {
            status: response.status().as_u16(),
            retry_after: retry_after.map(Duration::from_secs),
            body,
        })
    }

    pub(super) fn kind(&self, failure: Failure) -> StoreErrorKind {
        let address = self.base.clone();
        match failure {
            Failure::Connect => StoreErrorKind::Unreachable { address },
            Failure::ConnectTimeout => StoreErrorKind::Timeout {
                address,
                limit: self.connect_timeout,
            },
            Failure::Timeout => StoreErrorKind::Timeout {
                address,
                limit: self.timeout,
            },
            Failure::Tls => StoreErrorKind::Untrusted { address },
            Failure::TooLarge => StoreErrorKind::TooLarge {
                limit_bytes: self.max_answer_bytes,
            },
            Failure::Broken => StoreErrorKind::UnexpectedAnswer {
                reason: "the connection broke or is not HTTP",
            },
            Failure::InsideRuntime => StoreErrorKind::InsideRuntime,
            Failure::Unfit => StoreErrorKind::Configuration {
                reason: "the token or the namespace has characters that cannot be sent".to_owned(),
            },
        }
    }
}

fn classify(error: &reqwest::Error) -> Failure {
    if is_of_tls(error) {
        return Failure::Tls;
    }
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => Failure::ConnectTimeout,
        (true, false) => Failure::Connect,
        (false, true) => Failure::Timeout,
        (false, false) if error.is_builder() => Failure::Unfit,
        (false, false) => Failure::Broken,
    }
}
