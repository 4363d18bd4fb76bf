//! A request and its answer, as data.

use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::address::Address;
use super::error::{Error, ErrorKind, shown};

/// Most bytes an answer may have: an Argo CD application lists every object it has.
pub const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// What sends requests. [`Client`](super::Client) does it over HTTP.
pub trait Transport {
    /// Sends one request and returns the answer, whatever its status. A redirect is an answer, never followed.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    fn send(&self, request: &Request) -> Result<Answer, Error>;
}

impl<T: Transport + ?Sized> Transport for &T {
    fn send(&self, request: &Request) -> Result<Answer, Error> {
        (**self).send(request)
    }
}

/// How a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Reads.
    Get,
    /// Does something.
    Post,
}

impl Method {
    /// As HTTP has it: `GET`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// One request. Its `Debug` shows neither header values nor the path.
#[derive(Clone)]
pub struct Request {
    method: Method,
    address: Address,
    headers: Vec<(&'static str, Zeroizing<String>)>,
    body: Vec<u8>,
}

impl Request {
    /// A `GET`.
    #[must_use]
    pub fn get(address: Address) -> Self {
        Self::new(Method::Get, address, Vec::new())
    }

    /// A `POST` of JSON.
    #[must_use]
    pub fn post(address: Address, body: Vec<u8>) -> Self {
        Self::new(Method::Post, address, body).with_header("content-type", "application/json")
    }

    fn new(method: Method, address: Address, body: Vec<u8>) -> Self {
        Self {
            method,
            address,
            headers: Vec::new(),
            body,
        }
    }

    /// The same with a header: its name in lower case.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, Zeroizing::new(value.into())));
        self
    }

    /// How.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// Where. May be a secret, and so may the headers' values.
    #[must_use]
    pub fn url(&self) -> Zeroizing<String> {
        self.address.expose()
    }

    /// Name in lower case, and value.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
    }

    /// What is sent.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Scheme, host and port, for messages.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.address.origin()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("address", &self.address)
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// What a server answered.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Answer {
    /// The HTTP status: 201.
    pub status: u16,
    /// The value of `Retry-After`, when it is a number of seconds.
    pub retry_after: Option<Duration>,
    /// At most [`MAX_ANSWER_BYTES`].
    pub body: Vec<u8>,
}

impl Answer {
    /// With this status and body.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            retry_after: None,
            body: body.into(),
        }
    }

    /// The same when the status says it was done; else an error with the server's words.
    ///
    /// # Errors
    ///
    /// Of a kind that says what the status means.
    pub fn accepted(self) -> Result<Self, Error> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let kind = match self.status {
            401 => ErrorKind::Unauthorized,
            403 => ErrorKind::Forbidden,
            404 | 410 => ErrorKind::NotFound,
            409 => ErrorKind::Exists,
            408 | 429 | 500..=599 => ErrorKind::Unavailable,
            300..=399 => ErrorKind::Address,
            _ => ErrorKind::Refused,
        };
        let mut message = format!("HTTP status {}", self.status);
        if let Some(words) = self.words() {
            message = format!("{message}: {words}");
        }
        let error = Error::new(kind, message).with_retry_after(self.retry_after);
        Err(if kind == ErrorKind::Address {
            error.hint("the address the server is at: redirects are not followed")
        } else {
            error
        })
    }

    /// The answer's JSON.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Error::new(
                ErrorKind::Protocol,
                format!("the answer is not what is documented: {error}"),
            )
        })
    }

    /// What an error says: the `message`, `error` and `errors` of JSON, or plain text.
    fn words(&self) -> Option<String> {
        const MAX_PLAIN_BYTES: usize = 4096;
        let said = match serde_json::from_slice::<serde_json::Value>(&self.body) {
            Ok(value) => texts(&value),
            Err(_) => {
                let bytes = self.body.get(..MAX_PLAIN_BYTES).unwrap_or(&self.body);
                let text = String::from_utf8_lossy(bytes).trim().to_owned();
                // A page for people.
                if text.starts_with('<') {
                    return None;
                }
                vec![text]
            }
        };
        let said = shown(&said.join("; "));
        (!said.is_empty()).then_some(said)
    }
}

/// The texts of an error of Argo CD, GitLab, GitHub or Gitea, each once.
fn texts(value: &serde_json::Value) -> Vec<String> {
    use serde_json::Value;

    fn collect(value: &Value, found: &mut Vec<String>) {
        const NAMES: [&str; 3] = ["message", "error", "errors"];
        match value {
            Value::String(text) if !text.trim().is_empty() && !found.contains(text) => {
                found.push(text.clone());
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Object(fields) if NAMES.iter().any(|name| fields.contains_key(*name)) => {
                let fields = NAMES.iter().filter_map(|name| fields.get(*name));
                fields.for_each(|field| collect(field, found));
            }
            // GitLab names the fields that are wrong.
            Value::Object(fields) => fields.values().for_each(|field| collect(field, found)),
            _ => {}
        }
    }

    let mut found = Vec::new();
    collect(value, &mut found);
    found
}
