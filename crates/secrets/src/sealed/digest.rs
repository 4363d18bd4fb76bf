//! Telling an unchanged value from a changed one where its source has no versions: a keyed digest.
//!
//! ```text
//! HMAC-SHA-256(K, "narae-secrets item digest v1" ‖ label ‖ item ‖ value), the first 16 bytes
//! ```
//!
//! with an unsigned 64-bit big-endian length before label, item and value. It stands in the record in
//! place of a source, after the id of K. A plain hash would let anyone with the repository guess weak
//! values; with K, kept outside of it, the record tells only that a value is what it was before. Whoever has K
//! and the repository can guess as with a plain hash: K is a secret, though not one that opens anything.

use std::fmt;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use thiserror::Error;
use zeroize::Zeroizing;

use super::Label;
use super::provenance::Source;
use crate::{SecretBytes, pem};

/// Bytes of a digest key.
pub const DIGEST_KEY_BYTES: usize = 32;
/// Bytes of a digest: enough that no two values meet by chance.
const DIGEST_BYTES: usize = 16;
const ID_BYTES: usize = 8;
const PEM_LABEL: &str = "NARAE DIGEST KEY";

/// A key for digests of values. Keep it outside the repository; whoever seals needs the same one.
///
/// ```
/// use narae_secrets::sealed::DigestKey;
///
/// let file = DigestKey::generate_pem()?;
/// let key = DigestKey::from_pem(file.expose())?;
/// assert!(format!("{key:?}").starts_with("DigestKey("));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DigestKey {
    key: hmac::Key,
    id: String,
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
        let id = hmac::sign(&key, b"narae-secrets digest key id v1");
        Self {
            id: hex(id.as_ref(), ID_BYTES),
            key,
        }
    }

    /// Reads a key file.
    ///
    /// # Errors
    ///
    /// [`DigestKeyError::NoKey`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, DigestKeyError> {
        let text = std::str::from_utf8(pem).map_err(|_| DigestKeyError::NoKey)?;
        if text.len() > pem::MAX_PEM_BYTES {
            return Err(DigestKeyError::NoKey);
        }
        let block = pem::blocks(text).find(|block| block.label == PEM_LABEL);
        let block = block.ok_or(DigestKeyError::NoKey)?;
        let bytes = block.der.as_slice().try_into();
        bytes.map(Self::new).map_err(|_| DigestKeyError::NoKey)
    }

    /// What to write into a new key file, readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`DigestKeyError::NoRandomness`].
    pub fn generate_pem() -> Result<SecretBytes, DigestKeyError> {
        let mut bytes = Zeroizing::new([0; DIGEST_KEY_BYTES]);
        getrandom::fill(bytes.as_mut()).map_err(|_| DigestKeyError::NoRandomness)?;
        let text = pem::encode(PEM_LABEL, bytes.as_ref());
        Ok(SecretBytes::copy_of(text.as_bytes()))
    }

    /// The digest of an item's value, as its source.
    pub(super) fn source(&self, label: &Label, item: &str, value: &SecretBytes) -> Source {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"narae-secrets item digest v1");
        for part in [
            label.to_string().as_bytes(),
            item.as_bytes(),
            value.expose(),
        ] {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            context.update(&length.to_be_bytes());
            context.update(part);
        }
        let digest = hex(context.sign().as_ref(), DIGEST_BYTES);
        Source::keyed(&format!("hmac-sha256:{}", self.id), &digest)
    }
}

impl fmt::Debug for DigestKey {
    /// Its id, which stands in the record, too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DigestKey({})", self.id)
    }
}

fn hex(bytes: &[u8], length: usize) -> String {
    let bytes = bytes.iter().take(length);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}
