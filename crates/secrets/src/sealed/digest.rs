//! Telling an unchanged value from a changed one where its source has no versions: session keys that are keyed
//! digests.
//!
//! ```text
//! session key = HMAC-SHA-256(K, "narae-secrets session key v1" ‖ certificate ‖ label ‖ item ‖ value)
//! ```
//!
//! with an unsigned 64-bit big-endian length before each of the four, the certificate by its key's fingerprint. All of it goes into
//! the item, which is one like any other; nothing is recorded beside it, so that of a file one line changes with one
//! value. Who seals again derives the session key of the value at hand: if it opens the item that stands there,
//! the item was made from this value, for this certificate, under this label and name, and stays.
//!
//! Each session key still seals one message only, since another message has another key. As with a digest
//! beside the item, the repository shows that a value is what it was before; whoever has K and the repository
//! can guess values; without K there is nothing to guess at, which a plain hash would offer to everyone. K is a
//! secret, though not one that opens anything.
//!
//! What it cannot see is damage to the wrapped key, the first part of an item: that only its owner reads. Such an item
//! stays, and does not open.

use std::fmt;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use thiserror::Error;
use zeroize::Zeroizing;

use super::item::SESSION_KEY_BYTES;
use super::{Certificate, Label, SealItemError, SealedItem};
use crate::{SecretBytes, pem};

/// Bytes of a digest key.
pub const DIGEST_KEY_BYTES: usize = 32;
const DOMAIN: &[u8] = b"narae-secrets session key v1";
const PEM_LABEL: &str = "NARAE DIGEST KEY";

/// A key from which session keys are derived. Keep it outside the repository; whoever seals needs the same one.
///
/// ```
/// use narae_secrets::sealed::DigestKey;
///
/// let file = DigestKey::generate_pem()?;
/// let key = DigestKey::from_pem(file.expose())?;
/// assert_eq!(format!("{key:?}"), "DigestKey([redacted])");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DigestKey(hmac::Key);

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
        Self(hmac::Key::new(HMAC_SHA256, bytes))
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

    /// Seals the item `name`, always under the same session key.
    pub(super) fn seal(
        &self,
        name: &str,
        value: &SecretBytes,
        label: &Label,
        certificate: &Certificate,
    ) -> Result<SealedItem, SealItemError> {
        let session_key = self.session_key(name, value, label, certificate)?;
        SealedItem::seal_with(&session_key, value, label, certificate)
    }

    /// Whether `item` is what [`seal`](Self::seal) made of all this.
    pub(super) fn has_sealed(
        &self,
        item: &SealedItem,
        name: &str,
        value: &SecretBytes,
        label: &Label,
        certificate: &Certificate,
    ) -> bool {
        certificate.may_have_sealed(item)
            && self
                .session_key(name, value, label, certificate)
                .is_ok_and(|session_key| item.holds(value, &session_key))
    }

    fn session_key(
        &self,
        name: &str,
        value: &SecretBytes,
        label: &Label,
        certificate: &Certificate,
    ) -> Result<Zeroizing<[u8; SESSION_KEY_BYTES]>, SealItemError> {
        let label = label.to_string();
        let parts = [
            certificate.fingerprint().as_str().as_bytes(),
            label.as_bytes(),
            name.as_bytes(),
            value.expose(),
        ];
        let bytes = DOMAIN.len() + parts.iter().map(|part| 8 + part.len()).sum::<usize>();
        // Room for all of it: growing would leave a copy of the value behind.
        let mut message = Zeroizing::new(Vec::with_capacity(bytes));
        message.extend_from_slice(DOMAIN);
        for part in parts {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            message.extend_from_slice(&length.to_be_bytes());
            message.extend_from_slice(part);
        }
        let mut session_key = Zeroizing::new([0; SESSION_KEY_BYTES]);
        hmac::sign_to_buffer(&self.0, &message, session_key.as_mut())
            .map_err(|_| SealItemError::Key)?;
        Ok(session_key)
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey([redacted])")
    }
}
