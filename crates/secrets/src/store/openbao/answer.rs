//! What an answer of the server means. Pure: status and body in, meaning out.
//!
//! The server's words are matched, never repeated. Answers are read tolerantly: OpenBao promises no stable
//! API even within `/v1`, so only what is needed must be there.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::SecretBytes;
use crate::store::{Secret, SecretData, StoreErrorKind, Version};

/// The bytes of an answer, wiped on drop.
pub(super) type Body = Zeroizing<Vec<u8>>;

/// The meaning of an answer to a read.
pub(super) enum Answer {
    Secret(Secret),
    /// No such path or no such version.
    Missing,
    /// The token is unknown or may not read this.
    Forbidden,
    Refused(StoreErrorKind),
}

/// The envelope of KV version 2. Values are borrowed from the body: no copy to wipe.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<Inner<'a>>,
}

#[derive(Deserialize)]
struct Inner<'a> {
    #[serde(borrow)]
    data: Option<BTreeMap<String, &'a RawValue>>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    version: u64,
    #[serde(default)]
    destroyed: bool,
    #[serde(default)]
    deletion_time: String,
    /// To the nanosecond: the same version written elsewhere, or after the path was made anew,
    /// has another.
    #[serde(default)]
    created_time: String,
}

#[derive(Deserialize, Default)]
struct Errors {
    #[serde(default)]
    errors: Vec<String>,
}

pub(super) fn of_read(status: u16, body: &[u8], mount: &str, namespace: Option<&str>) -> Answer {
    use StoreErrorKind as K;
    match status {
        200..=208 => match secret_in(body) {
            Ok(secret) => Answer::Secret(secret),
            Err(reason) => Answer::Refused(K::UnexpectedAnswer { reason }),
        },
        300..=399 => Answer::Refused(K::Redirected { status }),
        403 => Answer::Forbidden,
        404 => of_missing(body, mount, namespace),
        429 => Answer::Refused(K::RateLimited),
        503 if says(body, "sealed") => Answer::Refused(K::Sealed),
        status => Answer::Refused(K::Server { status }),
    }
}

/// Whether a refusal of `lookup-self` means that the token is not known: for a token that is known but may not
/// look at itself, the server's message is longer.
pub(super) fn is_unknown_token(body: &[u8]) -> bool {
    let Errors { errors } = errors_in(body);
    errors
        .iter()
        .any(|error| error.trim() == "permission denied" || error.contains("invalid token"))
}

fn of_missing(body: &[u8], mount: &str, namespace: Option<&str>) -> Answer {
    use StoreErrorKind as K;
    // Deleted and destroyed versions are answered 404 with the version's metadata.
    let metadata = serde_json::from_slice::<Envelope<'_>>(body)
        .ok()
        .and_then(|envelope| envelope.data?.metadata)
        .and_then(|metadata| Some((Version::new(metadata.version)?, metadata)));
    if let Some((version, metadata)) = metadata {
        if metadata.destroyed {
            return Answer::Refused(K::Destroyed { version });
        }
        if !metadata.deletion_time.is_empty() {
            return Answer::Refused(K::Deleted { version });
        }
    }
    if says(body, "no handler for route") {
        return Answer::Refused(K::MountNotFound {
            mount: mount.to_owned(),
        });
    }
    if says(body, "namespace not found") {
        let namespace = namespace.unwrap_or_default().to_owned();
        return Answer::Refused(K::NamespaceNotFound { namespace });
    }
    Answer::Missing
}

fn secret_in(body: &[u8]) -> Result<Secret, &'static str> {
    // The cause of a JSON error may quote the value it did not expect, so it is dropped.
    let envelope: Envelope<'_> = serde_json::from_slice(body)
        .map_err(|_| "not the JSON of KV version 2; is the mount one?")?;
    let inner = envelope.data.ok_or("no data; is the mount KV version 2?")?;
    let metadata = inner
        .metadata
        .ok_or("no metadata; is the mount KV version 2?")?;
    let values = inner.data.ok_or("no values")?;
    let mut data = SecretData::new();
    for (key, value) in values {
        // A null is a key that was taken away: sealing the four letters would be wrong.
        if value.get() != "null" {
            data.insert(key, value_of(value)?);
        }
    }
    let secret = Secret::new(data, Version::new(metadata.version));
    Ok(secret.with_stamp(metadata.created_time))
}

fn value_of(value: &RawValue) -> Result<SecretBytes, &'static str> {
    let text = value.get();
    if text.starts_with('"') {
        return serde_json::from_str::<String>(text)
            .map(SecretBytes::from)
            .map_err(|_| "a value is not a sound string");
    }
    Ok(SecretBytes::copy_of(text.as_bytes()))
}

fn errors_in(body: &[u8]) -> Errors {
    serde_json::from_slice(body).unwrap_or_default()
}

fn says(body: &[u8], words: &str) -> bool {
    errors_in(body)
        .errors
        .iter()
        .any(|error| error.contains(words))
}
