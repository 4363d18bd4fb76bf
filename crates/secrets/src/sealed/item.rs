//! One sealed value: framing, sealing, opening. The layout stands in the [module docs](super).
//!
//! Parsing is separate from opening and says what is wrong; opening answers with one error whatever
//! failed, so that a service which opens items does not become an oracle.

use std::fmt;

use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Certificate, Label};
use crate::SecretBytes;

/// Bytes of a session key. Upstream would also open items made with 16 or 24; no tool makes them.
pub(super) const SESSION_KEY_BYTES: usize = 32;
const LENGTH_BYTES: usize = 2;
const TAG_BYTES: usize = 16;

/// Largest value sealed: what the data of a Kubernetes Secret may hold altogether.
pub const MAX_VALUE_BYTES: usize = 1024 * 1024;

/// Largest item parsed, in decoded bytes: the largest value with the largest wrapped key.
pub const MAX_ITEM_BYTES: usize = LENGTH_BYTES + 0xffff + MAX_VALUE_BYTES + TAG_BYTES;

/// What Go's decoder accepts, which the controller uses: padding required, trailing bits ignored.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// A sealed value whose frame is sound. Not a secret: it may be printed and stored.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedItem {
    /// INVARIANT: `LENGTH_BYTES + wrapped_len + TAG_BYTES <= bytes.len() <= MAX_ITEM_BYTES`.
    bytes: Vec<u8>,
    wrapped_len: usize,
}

/// What is wrong with the frame of an item.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ItemError {
    /// Not text at all; the controller would take it for nothing.
    #[error("{kind}, expected base64 text")]
    NotText {
        /// What it is.
        kind: &'static str,
    },
    /// Not base64 as the controller reads it.
    #[error("not base64 (standard alphabet, padded)")]
    NotBase64,
    /// Base64 that the controller reads, but not in its canonical form.
    #[error(
        "base64 with line breaks or stray bits; it opens, but no tool writes it: was it edited?"
    )]
    NotCanonical,
    /// Larger than [`MAX_ITEM_BYTES`].
    #[error("longer than {MAX_ITEM_BYTES} bytes")]
    TooLong,
    /// Ends before its own length field, or has no room for a tag.
    #[error("truncated: {actual} bytes, at least {needed} are needed")]
    Truncated {
        /// Bytes there are.
        actual: usize,
        /// Bytes the frame needs.
        needed: usize,
    },
}

/// Why a value could not be sealed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealItemError {
    /// Larger than [`MAX_VALUE_BYTES`].
    #[error("the value has {bytes} bytes; a Kubernetes Secret holds at most {MAX_VALUE_BYTES}")]
    TooLarge {
        /// Bytes of the value.
        bytes: usize,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
    /// The cryptographic library refused the key.
    #[error("the key cannot be used for sealing")]
    Key,
}

/// No key opens the item.
///
/// One error for every cause: another key, another name, namespace or scope, or changed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "no key opens this item: it was sealed for another key, name, namespace or scope, or it was changed"
)]
pub struct OpenError;

impl SealedItem {
    /// Seals `value` so that only the certificate's key opens it, and only under `label`.
    ///
    /// # Errors
    ///
    /// [`SealItemError`].
    pub fn seal(
        value: &SecretBytes,
        label: &Label,
        certificate: &Certificate,
    ) -> Result<Self, SealItemError> {
        let mut session_key = Zeroizing::new([0; SESSION_KEY_BYTES]);
        getrandom::fill(session_key.as_mut()).map_err(|_| SealItemError::NoRandomness)?;
        Self::seal_with(&session_key, value, label, certificate)
    }

    /// Seals under a session key that nothing else is, or ever will be, sealed with.
    fn seal_with(
        session_key: &[u8; SESSION_KEY_BYTES],
        value: &SecretBytes,
        label: &Label,
        certificate: &Certificate,
    ) -> Result<Self, SealItemError> {
        if value.len() > MAX_VALUE_BYTES {
            return Err(SealItemError::TooLarge { bytes: value.len() });
        }
        let wrapped_len = certificate.key.wrapped_len();
        let length = u16::try_from(wrapped_len).map_err(|_| SealItemError::Key)?;
        let mut bytes = Vec::with_capacity(LENGTH_BYTES + wrapped_len + value.len() + TAG_BYTES);
        bytes.extend_from_slice(&length.to_be_bytes());
        certificate
            .key
            .wrap(session_key, label.as_bytes(), &mut bytes)
            .ok_or(SealItemError::Key)?;
        let sealed = cipher(session_key)
            .encrypt(&Nonce::default(), value.expose())
            .map_err(|_| SealItemError::Key)?;
        bytes.extend_from_slice(&sealed);
        Ok(Self { bytes, wrapped_len })
    }

    /// Parses what stands in a manifest, as leniently as the controller: line breaks are skipped and
    /// stray bits at the end ignored.
    ///
    /// # Errors
    ///
    /// [`ItemError`], never [`ItemError::NotCanonical`].
    pub fn from_base64(text: &str) -> Result<Self, ItemError> {
        if text.len() > 2 * MAX_ITEM_BYTES {
            return Err(ItemError::TooLong);
        }
        Self::from_bytes(decode_base64(text).ok_or(ItemError::NotBase64)?)
    }

    /// Parses what stands in a manifest and accepts only the one form tools write.
    ///
    /// # Errors
    ///
    /// [`ItemError`].
    pub fn from_canonical_base64(text: &str) -> Result<Self, ItemError> {
        let item = Self::from_base64(text)?;
        if item.to_base64() == text {
            Ok(item)
        } else {
            Err(ItemError::NotCanonical)
        }
    }

    /// Parses the decoded bytes of an item.
    ///
    /// # Errors
    ///
    /// [`ItemError::TooLong`] or [`ItemError::Truncated`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, ItemError> {
        let actual = bytes.len();
        if actual > MAX_ITEM_BYTES {
            return Err(ItemError::TooLong);
        }
        let truncated = |needed| ItemError::Truncated { actual, needed };
        let length = bytes
            .first_chunk()
            .ok_or_else(|| truncated(LENGTH_BYTES + TAG_BYTES))?;
        let wrapped_len = usize::from(u16::from_be_bytes(*length));
        let needed = LENGTH_BYTES + wrapped_len + TAG_BYTES;
        if actual < needed {
            return Err(truncated(needed));
        }
        Ok(Self { bytes, wrapped_len })
    }

    /// The item as it stands in a manifest.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.bytes)
    }

    /// The decoded bytes, length field included.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes of the wrapped session key: the size of the RSA key that opens the item.
    #[must_use]
    pub fn wrapped_key_bytes(&self) -> usize {
        self.wrapped_len
    }

    /// Bytes of the value inside, which the format does not hide.
    #[must_use]
    pub fn value_bytes(&self) -> usize {
        self.bytes.len() - LENGTH_BYTES - self.wrapped_len - TAG_BYTES
    }

    /// The wrapped session key.
    pub(super) fn wrapped_key(&self) -> &[u8] {
        let field = LENGTH_BYTES..LENGTH_BYTES + self.wrapped_len;
        self.bytes.get(field).unwrap_or_default()
    }

    /// Opens the item with the session key `unwrap` finds in the wrapped one.
    pub(super) fn open_with(
        &self,
        unwrap: impl FnOnce(&[u8]) -> Option<Zeroizing<[u8; SESSION_KEY_BYTES]>>,
    ) -> Result<SecretBytes, OpenError> {
        let (wrapped, sealed) = self
            .bytes
            .get(LENGTH_BYTES..)
            .and_then(|rest| rest.split_at_checked(self.wrapped_len))
            .ok_or(OpenError)?;
        let session_key = unwrap(wrapped).ok_or(OpenError)?;
        let value = cipher(&session_key).decrypt(&Nonce::default(), sealed);
        value.map(SecretBytes::new).map_err(|_| OpenError)
    }
}

impl fmt::Display for SealedItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

impl fmt::Debug for SealedItem {
    /// Sizes only: a screen full of base64 helps nobody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedItem")
            .field("wrapped_key_bytes", &self.wrapped_len)
            .field("value_bytes", &self.value_bytes())
            .finish()
    }
}

pub(super) fn cipher(session_key: &[u8; SESSION_KEY_BYTES]) -> Aes256Gcm {
    Aes256Gcm::new(session_key.into())
}

/// Base64 as Go's decoder reads it, which Kubernetes and the controller use.
pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    if text.contains(['\r', '\n']) {
        let joined = Zeroizing::new(text.replace(['\r', '\n'], ""));
        LENIENT.decode(joined.as_bytes()).ok()
    } else {
        LENIENT.decode(text).ok()
    }
}
