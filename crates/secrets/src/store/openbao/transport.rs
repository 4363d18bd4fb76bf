//! rustify's transport over reqwest, with a limit on answers and failures that keep their kind.

use std::error::Error as StdError;
use std::time::Duration;

use async_trait::async_trait;
use rustify::endpoint::EndpointResult;
use rustify::errors::ClientError;
use serde::de::DeserializeOwned;
use thiserror::Error;
use zeroize::Zeroizing;

use super::answer::Body;
use crate::store::StoreErrorKind;

/// Sends requests to one server.
pub(super) struct Transport {
    http: reqwest::Client,
    base: String,
    connect_timeout: Duration,
    timeout: Duration,
    max_answer_bytes: usize,
}

/// Why there is no answer; travels through rustify as the cause of its error.
#[derive(Debug, Clone, Copy, Error)]
enum Failure {
    #[error("no connection")]
    Connect,
    #[error("no connection in time")]
    ConnectTimeout,
    #[error("no answer in time")]
    Timeout,
    #[error("no trusted connection")]
    Tls,
    #[error("answer too large")]
    TooLarge,
    #[error("broken answer")]
    Broken,
}

impl Transport {
    pub(super) fn new(
        http: reqwest::Client,
        base: String,
        (connect_timeout, timeout): (Duration, Duration),
        max_answer_bytes: usize,
    ) -> Self {
        Self {
            http,
            base,
            connect_timeout,
            timeout,
            max_answer_bytes,
        }
    }

    pub(super) fn address(&self) -> &str {
        &self.base
    }

    /// Status and body of whatever the server answered.
    pub(super) fn outcome<T: DeserializeOwned + Send + Sync>(
        &self,
        result: Result<EndpointResult<T>, ClientError>,
    ) -> Result<(u16, Body), StoreErrorKind> {
        match result {
            Ok(result) => {
                let status = result.response.status().as_u16();
                Ok((status, Zeroizing::new(result.response.into_body())))
            }
            Err(ClientError::ServerResponseError { code, content }) => Ok((
                code,
                Zeroizing::new(content.unwrap_or_default().into_bytes()),
            )),
            // The cause is looked at and dropped: rustify's errors may hold the answer.
            Err(ClientError::RequestError { source, .. }) => {
                Err(self.kind(source.downcast_ref().copied().unwrap_or(Failure::Broken)))
            }
            Err(_) => Err(self.kind(Failure::Broken)),
        }
    }

    fn kind(&self, failure: Failure) -> StoreErrorKind {
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
        }
    }

    async fn answer(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Vec<u8>>, Failure> {
        let mut request = reqwest::Request::try_from(request).map_err(|_| Failure::Broken)?;
        if let Some(token) = request.headers_mut().get_mut("X-Vault-Token") {
            token.set_sensitive(true);
        }
        let mut response = self
            .http
            .execute(request)
            .await
            .map_err(|error| classify(&error))?;
        let most = u64::try_from(self.max_answer_bytes).unwrap_or(u64::MAX);
        let announced = response.content_length().unwrap_or(0);
        if announced > most {
            return Err(Failure::TooLarge);
        }
        // An honest length is reserved at once, so that the buffer never moves and leaves a copy.
        let mut body = Zeroizing::new(Vec::with_capacity(usize::try_from(announced).unwrap_or(0)));
        while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
            if body.len() + chunk.len() > self.max_answer_bytes {
                return Err(Failure::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        http::Response::builder()
            .status(response.status())
            .body(std::mem::take(&mut *body))
            .map_err(|_| Failure::Broken)
    }
}

#[async_trait]
impl rustify::client::Client for Transport {
    fn base(&self) -> &str {
        &self.base
    }

    async fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Vec<u8>>, ClientError> {
        let again = (request.method() == http::Method::GET).then(|| request.clone());
        let mut answer = self.answer(request).await;
        // A connection kept from an earlier request may have died since. Reading twice harms nobody,
        // and the second attempt, over a new connection, says what is really the matter.
        if let (Err(Failure::Broken), Some(again)) = (&answer, again) {
            answer = self.answer(again).await;
        }
        answer.map_err(|failure| ClientError::RequestError {
            source: failure.into(),
            url: self.base.clone(),
            method: String::new(),
        })
    }
}

fn classify(error: &reqwest::Error) -> Failure {
    // rustls' error types are not ours to depend on, so a TLS failure is known by its words.
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string().to_ascii_lowercase();
        if ["certificate", "tls", "corrupt message", "handshake"]
            .iter()
            .any(|w| text.contains(w))
        {
            return Failure::Tls;
        }
        cause = error.source();
    }
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => Failure::ConnectTimeout,
        (true, false) => Failure::Connect,
        (false, true) => Failure::Timeout,
        (false, false) => Failure::Broken,
    }
}
