//! What a good answer holds: secrets, versions, listings, logins, leases, wrapping tokens.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Answer, Read, odd};
use crate::SecretBytes;
use crate::store::openbao::{Lease, Leased, Wrapped};
use crate::store::{Metadata, Secret, SecretData, StoreErrorKind, Version, VersionState};

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
pub(super) struct Envelope<'a, T> {
    #[serde(default)]
    lease_id: String,
    #[serde(default)]
    lease_duration: u64,
    #[serde(default)]
    renewable: bool,
    #[serde(bound(deserialize = "T: Deserialize<'de>"))]
    pub(super) data: Option<T>,
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
pub(super) struct VersionedPart<'a> {
    #[serde(borrow)]
    data: Option<Values<'a>>,
    pub(super) metadata: Option<VersionPart>,
}

#[derive(Deserialize)]
pub(super) struct VersionPart {
    #[serde(default)]
    pub(super) version: u64,
    #[serde(default)]
    pub(super) destroyed: bool,
    #[serde(default)]
    pub(super) deletion_time: String,
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

impl Answer {
    /// What stands under `data`.
    pub(in super::super) fn data<'a, T: Deserialize<'a>>(&'a self) -> Read<T> {
        envelope(self)?.data.ok_or(odd("no data"))
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
        let envelope: Envelope<'_, serde::de::IgnoredAny> = envelope(self)?;
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
        let envelope: Envelope<'_, serde::de::IgnoredAny> = envelope(self)?;
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
        let envelope: Envelope<'_, serde::de::IgnoredAny> = envelope(self)?;
        let part = envelope.wrap_info.ok_or(odd("no wrapping token"))?;
        Ok(Wrapped {
            token: value(part.token)?,
            ttl: Duration::from_secs(part.ttl),
            creation_path: part.creation_path,
        })
    }
}

pub(super) fn envelope<'a, T: Deserialize<'a>>(answer: &'a Answer) -> Read<Envelope<'a, T>> {
    serde_json::from_slice(&answer.body).map_err(|_| odd("not the JSON that was asked for"))
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
pub(in super::super) fn value(raw: &RawValue) -> Read<SecretBytes> {
    let text = raw.get();
    if text.starts_with('"') {
        return serde_json::from_str::<String>(text)
            .map(SecretBytes::from)
            .map_err(|_| odd("a value is not a sound string"));
    }
    Ok(SecretBytes::copy_of(text.as_bytes()))
}
