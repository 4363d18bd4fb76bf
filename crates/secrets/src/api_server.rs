//! One raw request to an API server, within limits of time and size. Decides nothing about what an answer means, and shows
//! nothing of its body.
//!
//! The time limit is for all of it; whether it is asked again within it, after 429, 503 and 504, the client was told. Redirects are not
//! followed. The client, with its addresses and credentials, is the caller's.

use std::fmt;
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::{AuthError, Body};
use zeroize::Zeroizing;

use crate::network::{append, is_of_tls};

/// Longest wait for a whole call, unless told otherwise.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Largest answer, in bytes, unless told otherwise: some two thousand keys of a controller, or ten of the largest Secrets.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// A client with its limits.
#[derive(Clone)]
pub(crate) struct ApiServer {
    pub(crate) client: Client,
    pub(crate) timeout: Duration,
    pub(crate) max_answer_bytes: usize,
}

/// Status and body of an answer. The body is wiped on drop, and not printed.
pub struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// An answer from somewhere else: a recording, another transport.
    #[must_use]
    pub fn new(status: u16, body: Vec<u8>) -> Self {
        let body = Zeroizing::new(body);
        Self { status, body }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No connection, or it broke; with the innermost cause.
    Unreachable(String),
    /// The connection is not to be trusted.
    Untrusted(String),
    Timeout,
    TooLarge,
}

impl ApiServer {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            timeout: TIMEOUT,
            max_answer_bytes: MAX_ANSWER_BYTES,
        }
    }

    /// Makes one call, or several, within the time there is for all.
    pub(crate) async fn in_time<T, E>(
        &self,
        calls: impl Future<Output = Result<T, E>>,
        late: impl FnOnce(Failure) -> E,
    ) -> Result<T, E> {
        let answered = tokio::time::timeout(self.timeout, calls).await;
        answered.unwrap_or_else(|_| Err(late(Failure::Timeout)))
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Answer, Failure> {
        let sent = self.client.send(request).await;
        let answer = sent.map_err(|error| failure(&error))?;
        let status = answer.status().as_u16();
        let mut frames = answer.into_body();
        let mut body = Zeroizing::new(Vec::new());
        while let Some(frame) = frames.frame().await {
            let frame = frame.map_err(|error| failure(&error))?;
            let data = frame.data_ref().map(AsRef::as_ref).unwrap_or_default();
            if body.len() + data.len() > self.max_answer_bytes {
                return Err(Failure::TooLarge);
            }
            append(&mut body, data);
        }
        Ok(Answer { status, body })
    }
}

/// When credentials are obtained anew, their error is the cause of another one.
fn is_of_credentials(error: &kube::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(here) = cause {
        if here.is::<AuthError>() || matches!(here.downcast_ref(), Some(kube::Error::Auth(_))) {
            return true;
        }
        cause = here.source();
    }
    false
}

/// What broke, in the words of the innermost cause. Errors of credentials may quote what a helper printed, so
/// they are only named.
fn failure(error: &kube::Error) -> Failure {
    let text = match error {
        _ if is_of_credentials(error) => "the credentials cannot be obtained".to_owned(),
        kube::Error::HyperError(_) | kube::Error::Service(_) => {
            let mut cause: &dyn std::error::Error = error;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            cause.to_string()
        }
        _ => "the connection broke".to_owned(),
    };
    match is_of_tls(error) {
        true => Failure::Untrusted(text),
        false => Failure::Unreachable(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_credential_helper_printed_is_not_repeated() {
        let printed = || AuthError::AuthExec("hvs.CANARY".to_owned());
        for error in [
            kube::Error::Auth(printed()),
            kube::Error::Service(Box::new(printed())),
        ] {
            let Failure::Unreachable(text) = failure(&error) else {
                panic!("another failure")
            };
            assert_eq!(text, "the credentials cannot be obtained");
        }
    }
}
