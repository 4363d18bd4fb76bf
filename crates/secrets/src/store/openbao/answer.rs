//! What an answer of the server means. Pure: status and body in, meaning out.
//!
//! The server's words are matched, never repeated: servers echo what they were given. Answers are read tolerantly, since
//! OpenBao promises no stable API even within `/v1`: only what is needed must be there. The cause of a JSON error may
//! quote the value it did not expect, so it is dropped, and a fixed reason stands in its place.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{Lease, Leased, Wrapped};
use crate::SecretBytes;
use crate::store::{Metadata, Secret, SecretData, StoreErrorKind, Version, VersionState};

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

/// What a login gave.
#[derive(Debug)]
#[non_exhaustive]
pub struct Login {
    /// The token to work with.
    pub token: SecretBytes,
    /// How long it lives; zero: for ever.
    pub ttl: Duration,
    /// Whether its life can be made longer.
    pub renewable: bool,
}

/// The parts of every answer that are used here. Values are borrowed from the body: no copy to wipe.
#[derive(Deserialize)]
struct Envelope<'a, T> {
    #[serde(default)]
    lease_id: String,
    #[serde(default)]
    lease_duration: u64,
    #[serde(default)]
    renewable: bool,
    #[serde(bound(deserialize = "T: Deserialize<'de>"))]
    data: Option<T>,
    #[serde(borrow)]
    auth: Option<AuthPart<'a>>,
    #[serde(borrow)]
    wrap_info: Option<WrapPart<'a>>,
}

type Values<'a> = BTreeMap<String, &'a RawValue>;

#[derive(Deserialize)]
struct AuthPart<'a> {
    #[serde(borrow)]
    client_token: &'a RawValue,
    #[serde(default)]
    lease_duration: u64,
    #[serde(default)]
    renewable: bool,
}

#[derive(Deserialize)]
struct WrapPart<'a> {
    #[serde(borrow)]
    token: &'a RawValue,
    #[serde(default)]
    ttl: u64,
    #[serde(default)]
    creation_path: String,
}

#[derive(Deserialize)]
struct VersionedPart<'a> {
    #[serde(borrow)]
    data: Option<Values<'a>>,
    metadata: Option<VersionPart>,
}

#[derive(Deserialize)]
struct VersionPart {
    #[serde(default)]
    version: u64,
    #[serde(default)]
    destroyed: bool,
    #[serde(default)]
    deletion_time: String,
    /// To the nanosecond: the same version written elsewhere, or after the path was made anew, has another.
    #[serde(default)]
    created_time: String,
}

#[derive(Deserialize)]
struct MetadataPart {
    current_version: u64,
    #[serde(default)]
    versions: BTreeMap<String, VersionPart>,
    custom_metadata: Option<BTreeMap<String, String>>,
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
        let part = self
            .envelope::<VersionedPart<'_>>()
            .ok()
            .and_then(|envelope| envelope.data?.metadata);
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

    fn envelope<'a, T: Deserialize<'a>>(&'a self) -> Read<Envelope<'a, T>> {
        serde_json::from_slice(&self.body).map_err(|_| odd("not the JSON that was asked for"))
    }

    /// What stands under `data`.
    pub(super) fn data<'a, T: Deserialize<'a>>(&'a self) -> Read<T> {
        self.envelope()?.data.ok_or(odd("no data"))
    }

    /// A secret of KV version 2.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::UnexpectedAnswer`], as for all that follow.
    pub fn versioned_secret(&self) -> Read<Secret> {
        let part: VersionedPart<'_> = self
            .data()
            .map_err(|_| odd("not the JSON of KV version 2"))?;
        let metadata = part.metadata.ok_or(odd("no metadata of KV version 2"))?;
        let version = Version::new(metadata.version).ok_or(odd("no version"))?;
        let data = values(part.data.ok_or(odd("no values"))?)?;
        Ok(Secret::new(data, Some(version)).with_stamp(metadata.created_time))
    }

    /// Keys and values that stand directly under `data`: KV version 1, credentials, what was wrapped.
    ///
    /// # Errors
    ///
    /// As for [`versioned_secret`](Self::versioned_secret).
    pub fn plain_secret(&self) -> Read<SecretData> {
        values(self.data()?)
    }

    /// The version that a write made.
    ///
    /// # Errors
    ///
    /// As for [`versioned_secret`](Self::versioned_secret).
    pub fn written_version(&self) -> Read<Version> {
        let part: VersionPart = self.data()?;
        Version::new(part.version).ok_or(odd("no version"))
    }

    /// The versions of a path.
    ///
    /// # Errors
    ///
    /// As for [`versioned_secret`](Self::versioned_secret); `NotFound` when the path has metadata but no version yet.
    pub fn metadata(&self) -> Read<Metadata> {
        let part: MetadataPart = self.data()?;
        let current = Version::new(part.current_version).ok_or(StoreErrorKind::NotFound)?;
        let mut versions = Vec::new();
        for (number, part) in part.versions {
            let version = number.parse().ok().and_then(Version::new);
            let state = match (part.destroyed, part.deletion_time.is_empty()) {
                (true, _) => VersionState::Destroyed,
                (false, false) => VersionState::Deleted,
                (false, true) => VersionState::Live,
            };
            versions.push((version.ok_or(odd("a version that is no number"))?, state));
        }
        versions.sort_by_key(|(version, _)| *version);
        Ok(Metadata::new(current, versions).with_custom(part.custom_metadata.unwrap_or_default()))
    }

    /// The keys of a listing, in the server's order; folders end with `/`.
    ///
    /// # Errors
    ///
    /// As for [`versioned_secret`](Self::versioned_secret).
    pub fn keys(&self) -> Read<Vec<String>> {
        #[derive(Deserialize)]
        struct Keys {
            keys: Vec<String>,
        }
        let Keys { keys } = self.data()?;
        Ok(keys)
    }

    /// What a login gave.
    ///
    /// # Errors
    ///
    /// As for [`versioned_secret`](Self::versioned_secret).
    pub fn login(&self) -> Read<Login> {
        let envelope: Envelope<'_, serde::de::IgnoredAny> = self.envelope()?;
        let auth = envelope.auth.ok_or(odd("no token"))?;
        let token = value(auth.client_token)?;
        if token.is_empty() || !token.expose().iter().all(u8::is_ascii_graphic) {
            return Err(odd("no token; does the login want a second factor?"));
        }
        Ok(Login {
            token,
            ttl: Duration::from_secs(auth.lease_duration),
            renewable: auth.renewable,
        })
    }

    /// Credentials with their lease.
    ///
    /// # Errors
    ///
    /// As for [`versioned_secret`](Self::versioned_secret).
    pub fn leased(&self) -> Read<Leased> {
        let lease = self.lease()?;
        let data = self.plain_secret()?;
        Ok(Leased { data, lease })
    }

    /// A lease alone, as renewing answers.
    ///
    /// # Errors
    ///
    /// As for [`versioned_secret`](Self::versioned_secret).
    pub fn lease(&self) -> Read<Lease> {
        let envelope: Envelope<'_, serde::de::IgnoredAny> = self.envelope()?;
        if envelope.lease_id.is_empty() {
            return Err(odd("no lease"));
        }
        Ok(Lease {
            id: envelope.lease_id,
            duration: Duration::from_secs(envelope.lease_duration),
            renewable: envelope.renewable,
        })
    }

    /// A wrapping token.
    ///
    /// # Errors
    ///
    /// As for [`versioned_secret`](Self::versioned_secret).
    pub fn wrapped(&self) -> Read<Wrapped> {
        let envelope: Envelope<'_, serde::de::IgnoredAny> = self.envelope()?;
        let part = envelope.wrap_info.ok_or(odd("no wrapping token"))?;
        Ok(Wrapped {
            token: value(part.token)?,
            ttl: Duration::from_secs(part.ttl),
            creation_path: part.creation_path,
        })
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

fn values(values: Values<'_>) -> Read<SecretData> {
    let mut data = SecretData::new();
    for (key, raw) in values {
        // A null is a key that was taken away: sealing the four letters would be wrong.
        if raw.get() != "null" {
            data.insert(key, value(raw)?);
        }
    }
    Ok(data)
}

/// A string's text; of anything else its JSON, as the server wrote it.
pub(super) fn value(raw: &RawValue) -> Read<SecretBytes> {
    let text = raw.get();
    if text.starts_with('"') {
        return serde_json::from_str::<String>(text)
            .map(SecretBytes::from)
            .map_err(|_| odd("a value is not a sound string"));
    }
    Ok(SecretBytes::copy_of(text.as_bytes()))
}

/// A time as the server writes it (RFC 3339), if it looks like one.
fn time(text: &str) -> Option<String> {
    let is_time = |byte: u8| byte.is_ascii_digit() || b"-+:.TZ".contains(&byte);
    let sound = (1..=40).contains(&text.len()) && text.bytes().all(is_time);
    sound.then(|| text.to_owned())
}
