//! Keys that wrap data keys, and their names.
//!
//! A certificate wraps and its private key unwraps; a key file and a transit key do both. Which one an envelope needs it says
//! by name, so that none is tried: AES-GCM does not commit to a key, and trying many would tell an attacker something.

mod local;
mod rsa;
#[cfg(feature = "vault")]
mod transit;

use std::fmt;
use std::str::FromStr;

pub use local::{KEY_BYTES, LocalKey, MAX_WRAPS};
use thiserror::Error;

use super::EnvelopeError;
use crate::SecretBytes;

/// Wraps data keys.
pub trait WrapKey {
    /// Its name, by which the key that unwraps is found.
    fn id(&self) -> KeyId;

    /// Wraps a data key; at most 4,096 bytes.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::KeyUsedUp`], [`EnvelopeError::Key`], [`EnvelopeError::NoRandomness`]; [`EnvelopeError::Store`] when a
    /// server has the key.
    fn wrap(&self, data_key: &SecretBytes) -> Result<Vec<u8>, EnvelopeError>;
}

/// Unwraps data keys.
pub trait UnwrapKey {
    /// Its name.
    fn id(&self) -> KeyId;

    /// Unwraps a data key.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::Refused`] whatever is wrong with `wrapped`; [`EnvelopeError::Store`] when a server has the key and does
    /// not answer.
    fn unwrap(&self, wrapped: &[u8]) -> Result<SecretBytes, EnvelopeError>;
}

/// A key with versions on a server, which wraps anew by the newest one without showing the data key.
pub trait RefreshKey {
    /// Its name.
    fn id(&self) -> KeyId;

    /// The same data key, wrapped by the newest version.
    ///
    /// # Errors
    ///
    /// As for [`UnwrapKey::unwrap`].
    fn refresh(&self, wrapped: &[u8]) -> Result<Vec<u8>, EnvelopeError>;
}

/// Most bytes of a [`KeyId`]: a path of a store, and what kind of key is there.
pub const MAX_KEY_ID_BYTES: usize = 600;

/// The name of a key: 1 to [`MAX_KEY_ID_BYTES`] bytes of text without control characters, such as `aes256-gcm:…`, `rsa-oaep:SHA256:…` or `transit:MOUNT/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

/// Not a [`KeyId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a key's name has 1 to {MAX_KEY_ID_BYTES} bytes, and no control characters")]
pub struct KeyIdError;

impl KeyId {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let fits = (1..=MAX_KEY_ID_BYTES).contains(&text.len());
        let sound = fits && !text.contains(char::is_control);
        sound.then(|| Self(text.to_owned())).ok_or(KeyIdError)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
