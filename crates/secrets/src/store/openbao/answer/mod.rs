//! What an answer of the server means. Pure: status and body in, meaning out.
//!
//! The server's words are matched, never repeated: servers echo what they were given. Answers are read tolerantly, since
//! OpenBao promises no stable API even within `/v1`: only what is needed must be there. The cause of a JSON error may
//! quote the value it did not expect, so it is dropped, and a fixed reason stands in its place.
//!
//! Here is what a refusal means; what a good answer holds is read in `content` and `transit`.

mod content;
mod transit;

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use zeroize::Zeroizing;

pub use self::content::Login;
use self::content::{VersionedPart, envelope};
pub use self::transit::Outcomes;
use crate::store::{StoreErrorKind, Version};

/// Status and body of an answer. The body is wiped on drop, and not printed.
pub struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// What was asked, as far as errors tell of it.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Asked<'a> {
    /// The mount: `secret`.
    pub mount: &'a str,
    /// The namespace, where there is one.
    pub namespace: Option<&'a str>,
    /// The path below `/v1/`, as a policy names it: `secret/data/shop`.
    pub api_path: &'a str,
    /// What the policy must allow there: `read`.
    pub capability: &'static str,
}

#[derive(Deserialize, Default)]
struct ErrorsPart {
    #[serde(default)]
    errors: Vec<String>,
}

type Read<T> = Result<T, StoreErrorKind>;

fn odd(reason: &'static str) -> StoreErrorKind {
    StoreErrorKind::UnexpectedAnswer { reason }
}

impl Answer {
    /// An answer from somewhere else: a recording, another transport.
    #[must_use]
    pub fn new(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            retry_after: None,
            body: Zeroizing::new(body),
        }
    }

    /// Whether it is a refusal, and which.
    ///
    /// # Errors
    ///
    /// What the server refused.
    pub fn check(&self, asked: &Asked<'_>) -> Read<()> {
        use StoreErrorKind as K;
        Err(match self.status {
            200..=208 => return Ok(()),
            status @ 300..=399 => K::Redirected { status },
            400 => self.rejected(),
            403 => K::PermissionDenied {
                capability: asked.capability,
                path: asked.api_path.to_owned(),
            },
            404 => self.missing(asked),
            405 => K::Unsupported {
                operation: "this request",
            },
            413 => K::Refused {
                reason: "larger than the server takes in one request".to_owned(),
            },
            429 => K::RateLimited,
            472 | 473 => K::Standby,
            503 if self.says("sealed") => K::Sealed,
            500 | 503 if self.says("not active") => K::Standby,
            status => K::Server { status },
        })
    }

    /// The server's words for a refusal that has no status of its own.
    fn rejected(&self) -> StoreErrorKind {
        use StoreErrorKind as K;
        const WORDS: &[(&str, StoreErrorKind)] = &[
            ("lease not found", K::LeaseNotFound),
            ("lease expired", K::LeaseNotFound),
            ("not renewable", K::NotRenewable),
            ("batch tokens cannot be renewed", K::NotRenewable),
            ("wrapping token", K::WrapInvalid),
            ("encryption key not found", K::NotFound),
            ("signing key not found", K::NotFound),
            ("no existing key named", K::NotFound),
        ];
        if self.says("check-and-set parameter required") {
            let reason = "the engine wants to know which version is replaced".to_owned();
            return K::Refused { reason };
        }
        let known = WORDS.iter().find(|(words, _)| self.says(words));
        known.map_or(K::Server { status: 400 }, |(_, kind)| kind.clone())
    }

    fn missing(&self, asked: &Asked<'_>) -> StoreErrorKind {
        use StoreErrorKind as K;
        // Deleted and destroyed versions are answered 404 with the version's metadata.
        let part = envelope::<VersionedPart<'_>>(self).ok();
        let part = part.and_then(|envelope| envelope.data?.metadata);
        if let Some((part, version)) =
            part.and_then(|part| Some((Version::new(part.version)?, part)).map(|(v, p)| (p, v)))
        {
            if part.destroyed {
                return K::Destroyed { version };
            }
            if let Some(at) = time(&part.deletion_time) {
                return K::Deleted {
                    version,
                    at: Some(at),
                };
            }
        }
        if self.says("no handler for route") {
            let mount = asked.mount.to_owned();
            return K::MountNotFound { mount };
        }
        if self.says("namespace not found") {
            let namespace = asked.namespace.unwrap_or_default().to_owned();
            return K::NamespaceNotFound { namespace };
        }
        K::NotFound
    }

    /// Whether one of the server's errors has these words.
    pub(super) fn says(&self, words: &str) -> bool {
        self.errors().iter().any(|error| error.contains(words))
    }

    /// Whether a refusal of `lookup-self` means that the token is not known: for a token that is known but may not look at
    /// itself, the server's message is longer.
    pub(super) fn is_unknown_token(&self) -> bool {
        let is =
            |error: &String| error.trim() == "permission denied" || error.contains("invalid token");
        self.status == 403 && self.errors().iter().any(is)
    }

    fn errors(&self) -> Vec<String> {
        let part: ErrorsPart = serde_json::from_slice(&self.body).unwrap_or_default();
        part.errors
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A time as the server writes it (RFC 3339), if it looks like one.
fn time(text: &str) -> Option<String> {
    let is_time = |byte: u8| byte.is_ascii_digit() || b"-+:.TZ".contains(&byte);
    let sound = (1..=40).contains(&text.len()) && text.bytes().all(is_time);
    sound.then(|| text.to_owned())
}
