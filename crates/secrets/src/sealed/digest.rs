//! Telling an unchanged value from a changed one where its source has no versions: a keyed digest in the record.
//!
//! ```text
//! digest = HMAC-SHA-256(K, "narae-secrets value v1" ‖ label ‖ item ‖ value), its first 16 bytes
//! key id = HMAC-SHA-256(K, "narae-secrets digest key v1"), its first 4 bytes
//! ```
//!
//! with an unsigned 64-bit big-endian length before each of the three, the label with its scope as [`Label`] prints it. In the
//! [record](super::provenance) they stand as `hmac-sha256:KEY-ID:DIGEST`, in hexadecimal.
//!
//! So the repository shows that a value is what it was before, under this name in this place, and nothing across
//! places: the same password in another namespace, Secret or item has another digest. Whoever has K and the
//! repository can guess values; without K there is nothing to guess at, which a plain hash would offer to everyone. K
//! is a secret, though not one that opens anything, and no session key comes from it.

use std::fmt;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::Zeroizing;

use super::Label;
use super::provenance::hex;
use crate::{SecretBytes, pem};

/// Bytes of a digest key.
pub const DIGEST_KEY_BYTES: usize = 32;
const VALUE_DOMAIN: &[u8] = b"narae-secrets value v1";
const KEY_DOMAIN: &[u8] = b"narae-secrets digest key v1";
/// What is recorded of a digest: enough that nobody finds another value for it, short enough for a line.
const DIGEST_BYTES: usize = 16;
const KEY_ID_BYTES: usize = 4;
/// What a digest begins with in the record: nobody should take it for a plain hash.
const PREFIX: &str = "hmac-sha256:";
const PEM_LABEL: &str = "NARAE DIGEST KEY";

/// A key for digests of values. Keep it outside the repository; whoever seals needs the same one.
///
/// ```
/// use narae_secrets::sealed::DigestKey;
///
/// let file = DigestKey::generate_pem()?;
/// let key = DigestKey::from_pem(file.expose())?;
/// assert_eq!(format!("{key:?}"), "DigestKey([redacted])");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DigestKey {
    key: hmac::Key,
    id: String,
}

/// The digest of a value, and which key made it.
#[derive(Debug, Clone, Eq)]
pub(super) struct KeyedDigest {
    pub(super) key_id: String,
    digest: String,
}

/// In constant time: who measured how much of a digest is right could try out values.
impl PartialEq for KeyedDigest {
    fn eq(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.digest.as_bytes(), other.digest.as_bytes());
        self.key_id == other.key_id && bool::from(ours.ct_eq(theirs))
    }
}

/// Why there is no digest key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DigestKeyError {
    /// The file has no such key.
    #[error("not a digest key; expected a block NARAE DIGEST KEY of {DIGEST_KEY_BYTES} bytes")]
    NoKey,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
}

impl DigestKey {
    /// A key of these bytes, which must come from a random generator.
    #[must_use]
    pub fn new(bytes: &[u8; DIGEST_KEY_BYTES]) -> Self {
        let key = hmac::Key::new(HMAC_SHA256, bytes);
        let id = shortened(&key, KEY_DOMAIN, KEY_ID_BYTES);
        Self { key, id }
    }

    /// Reads a key file.
    ///
    /// # Errors
    ///
    /// [`DigestKeyError::NoKey`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, DigestKeyError> {
        let key = pem::key(pem, PEM_LABEL).ok_or(DigestKeyError::NoKey)?;
        Ok(Self::new(&key))
    }

    /// What to write into a new key file, readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`DigestKeyError::NoRandomness`].
    pub fn generate_pem() -> Result<SecretBytes, DigestKeyError> {
        pem::generate_key(PEM_LABEL).ok_or(DigestKeyError::NoRandomness)
    }

    /// What the record calls this key: eight hexadecimal digits that tell nothing of it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The digest of the item `name` under `label`.
    pub(super) fn digest(&self, name: &str, value: &SecretBytes, label: &Label) -> KeyedDigest {
        let label = label.to_string();
        let parts = [label.as_bytes(), name.as_bytes(), value.expose()];
        let bytes = VALUE_DOMAIN.len() + parts.iter().map(|part| 8 + part.len()).sum::<usize>();
        // Room for all of it: growing would leave a copy of the value behind.
        let mut message = Zeroizing::new(Vec::with_capacity(bytes));
        message.extend_from_slice(VALUE_DOMAIN);
        for part in parts {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            message.extend_from_slice(&length.to_be_bytes());
            message.extend_from_slice(part);
        }
        KeyedDigest {
            key_id: self.id.clone(),
            digest: shortened(&self.key, &message, DIGEST_BYTES),
        }
    }
}

impl KeyedDigest {
    /// Reads what [`Display`](fmt::Display) writes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (key_id, digest) = text.strip_prefix(PREFIX)?.split_once(':')?;
        let is_hex = |text: &str, bytes| {
            let digit = |c| matches!(c, b'0'..=b'9' | b'a'..=b'f');
            text.len() == 2 * bytes && text.bytes().all(digit)
        };
        let sound = is_hex(key_id, KEY_ID_BYTES) && is_hex(digest, DIGEST_BYTES);
        sound.then(|| Self {
            key_id: key_id.to_owned(),
            digest: digest.to_owned(),
        })
    }
}

impl fmt::Display for KeyedDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}:{}", self.key_id, self.digest)
    }
}

fn shortened(key: &hmac::Key, message: &[u8], bytes: usize) -> String {
    let tag = hmac::sign(key, message);
    hex(tag.as_ref().get(..bytes).unwrap_or_default())
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey([redacted])")
    }
}
