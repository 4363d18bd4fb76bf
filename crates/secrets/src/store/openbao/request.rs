//! One request, as a value: method, escaped path, body, and whether it may be sent twice.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use serde::Serialize;

use crate::network;
use crate::store::StoreErrorKind;

/// Largest body sent, in bytes: what OpenBao and Vault take by default (`max_request_size`). They hang up on more,
/// which would look like a network failure.
pub(super) const MAX_REQUEST_BYTES: usize = 32 * 1024 * 1024;

/// When a request whose fate is unknown may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Whenever there was no good answer: twice is the same as once.
    Always,
    /// Only when the server certainly did nothing.
    Unprocessed,
}

/// What is sent, without who sends it.
pub(super) struct Request {
    pub(super) method: Method,
    /// Escaped, below `/v1/`.
    pub(super) path: String,
    pub(super) query: String,
    /// Wiped with the request.
    pub(super) body: Option<Bytes>,
    pub(super) repeat: Repeat,
    /// Asks for a wrapping token instead of the answer.
    pub(super) wrap: Option<Duration>,
    /// What a policy must allow for it.
    pub(super) capability: &'static str,
}

impl Request {
    /// Reads `parts` joined by `/`; each may have `/` in it.
    pub(super) fn get(parts: &[&str]) -> Self {
        Self {
            method: Method::GET,
            path: escape(parts),
            query: String::new(),
            body: None,
            repeat: Repeat::Always,
            wrap: None,
            capability: "read",
        }
    }

    /// The keys of a folder. As a query, since proxies do not know the verb.
    pub(super) fn list(parts: &[&str]) -> Self {
        Self {
            capability: "list",
            ..Self::get(parts).with_query("list", "true")
        }
    }

    /// All keys below a folder (OpenBao 2.2).
    pub(super) fn scan(parts: &[&str]) -> Self {
        Self {
            capability: "scan",
            ..Self::get(parts).with_query("scan", "true")
        }
    }

    /// Sends `body` as JSON, once unless told otherwise.
    pub(super) fn post(parts: &[&str], body: &impl Serialize) -> Result<Self, StoreErrorKind> {
        Ok(Self {
            method: Method::POST,
            body: Some(network::json(body, MAX_REQUEST_BYTES)?),
            repeat: Repeat::Unprocessed,
            capability: "update",
            ..Self::get(parts)
        })
    }

    /// As [`post`](Self::post), a JSON merge patch (RFC 7396).
    pub(super) fn patch(parts: &[&str], body: &impl Serialize) -> Result<Self, StoreErrorKind> {
        Ok(Self {
            method: Method::PATCH,
            capability: "patch",
            ..Self::post(parts, body)?
        })
    }

    pub(super) fn delete(parts: &[&str]) -> Self {
        Self {
            method: Method::DELETE,
            capability: "delete",
            ..Self::get(parts)
        }
    }

    /// `value` is escaped.
    pub(super) fn with_query(mut self, name: &str, value: &str) -> Self {
        let and = if self.query.is_empty() { "" } else { "&" };
        let _ = write!(self.query, "{and}{name}={}", escape(&[value]));
        self
    }

    /// Twice is the same as once.
    pub(super) fn repeatable(mut self) -> Self {
        self.repeat = Repeat::Always;
        self
    }

    /// Reading it has an effect: it is not read twice.
    pub(super) fn once(mut self) -> Self {
        self.repeat = Repeat::Unprocessed;
        self
    }

    pub(super) fn wrapped(mut self, ttl: Duration) -> Self {
        self.wrap = Some(ttl);
        self
    }
}

/// Escapes all but RFC 3986's unreserved characters and `/`.
fn escape(parts: &[&str]) -> String {
    let mut text = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            text.push('/');
        }
        for byte in part.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
                text.push(char::from(byte));
            } else {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}
