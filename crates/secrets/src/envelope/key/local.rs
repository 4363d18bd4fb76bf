//! A key of 32 bytes in a file: AES-256-GCM as Tink's `AES256_GCM_RAW`, nonce ‖ ciphertext ‖ tag, without associated data.
//!
//! Nonces are random, 96 bits: NIST SP 800-38D, section 8.3, allows a key [`MAX_WRAPS`] of them. They are counted here for as long
//! as this value lives; whoever uses a key file from many processes keeps the count (see [`LocalKey::with_wraps`]).
//!
//! ```text
//! name = "aes256-gcm:" ‖ hexadecimal of HKDF-SHA-256(key, no salt, "narae-secrets envelope v1 key id", 16)
//! ```

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};

use super::{KeyId, UnwrapKey, WrapKey};
use crate::envelope::{EnvelopeError, NONCE_BYTES, data_key};
use crate::hkdf::derive;
use crate::sealed::provenance::hex;
use crate::{SecretBytes, pem};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// How many data keys one key wraps.
pub const MAX_WRAPS: u64 = 1 << 32;
const PEM_LABEL: &str = "NARAE ENVELOPE KEY";
const ID_INFO: &[u8] = b"narae-secrets envelope v1 key id";

/// A key that wraps data keys here, without a server.
///
/// ```
/// use narae_secrets::envelope::LocalKey;
///
/// let file = LocalKey::generate_pem()?;
/// let key = LocalKey::from_pem(file.expose())?;
/// assert!(format!("{key:?}").starts_with("LocalKey(aes256-gcm:"));
/// # Ok::<(), narae_secrets::envelope::EnvelopeError>(())
/// ```
pub struct LocalKey {
    cipher: Aes256Gcm,
    id: KeyId,
    wraps: AtomicU64,
}

impl LocalKey {
    /// A key of these bytes, which must come from a random generator and be used for nothing else.
    #[must_use]
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        let mut id = [0; 16];
        derive(bytes, &[], ID_INFO, &mut id);
        Self {
            cipher: Aes256Gcm::new(bytes.into()),
            id: KeyId(format!("aes256-gcm:{}", hex(&id))),
            wraps: AtomicU64::new(0),
        }
    }

    /// Reads a key file.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::NotAKey`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, EnvelopeError> {
        let key = pem::key(pem, PEM_LABEL).ok_or(EnvelopeError::NotAKey)?;
        Ok(Self::new(&key))
    }

    /// What to write into a new key file, readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::NoRandomness`].
    pub fn generate_pem() -> Result<SecretBytes, EnvelopeError> {
        pem::generate_key(PEM_LABEL).ok_or(EnvelopeError::NoRandomness)
    }

    /// Begins to count at `wraps`: what this key has wrapped before, here or elsewhere.
    #[must_use]
    pub fn with_wraps(self, wraps: u64) -> Self {
        let wraps = AtomicU64::new(wraps);
        Self { wraps, ..self }
    }

    /// How many data keys this key has wrapped.
    #[must_use]
    pub fn wraps(&self) -> u64 {
        self.wraps.load(Ordering::Relaxed)
    }

    pub(in crate::envelope) fn wrap_with(
        &self,
        nonce: [u8; NONCE_BYTES],
        data_key: &SecretBytes,
    ) -> Result<Vec<u8>, EnvelopeError> {
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), data_key.expose());
        let sealed = sealed.map_err(|_| EnvelopeError::Key {
            id: self.id.clone(),
        })?;
        Ok([nonce.as_slice(), &sealed].concat())
    }
}

impl WrapKey for LocalKey {
    fn id(&self) -> KeyId {
        self.id.clone()
    }

    fn wrap(&self, data_key: &SecretBytes) -> Result<Vec<u8>, EnvelopeError> {
        // Counted first: what fails after this has used no nonce up, but no nonce goes uncounted.
        let next = |wraps: u64| (wraps < MAX_WRAPS).then_some(wraps + 1);
        self.wraps
            .try_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .map_err(|_| EnvelopeError::KeyUsedUp {
                id: self.id.clone(),
                limit: MAX_WRAPS,
            })?;
        let mut nonce = [0; NONCE_BYTES];
        data_key::random(&mut nonce)?;
        self.wrap_with(nonce, data_key)
    }
}

impl UnwrapKey for LocalKey {
    fn id(&self) -> KeyId {
        self.id.clone()
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<SecretBytes, EnvelopeError> {
        let (nonce, sealed) = wrapped
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(EnvelopeError::Refused)?;
        let data_key = self.cipher.decrypt(&Nonce::from(*nonce), sealed);
        data_key
            .map(SecretBytes::new)
            .map_err(|_| EnvelopeError::Refused)
    }
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalKey({})", self.id)
    }
}
