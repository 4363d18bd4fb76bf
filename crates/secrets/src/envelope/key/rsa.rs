//! RSA keys, wrapping by RSA-OAEP with SHA-256: who has the certificate can encrypt, who has its private key can open.
//!
//! The label is [`LABEL`], so that no sealed item is a wrapped data key, nor the reverse, though both may be for the same
//! certificate. The name is `rsa-oaep:` and the key's fingerprint.
//!
//! Anybody can wrap by a certificate, which is public: that such an envelope opens says nothing about who made it.

use super::{KeyId, UnwrapKey, WrapKey};
use crate::SecretBytes;
use crate::envelope::EnvelopeError;
use crate::sealed::{Certificate, Fingerprint, PrivateKey};

const LABEL: &[u8] = b"narae-secrets envelope v1";

fn id(fingerprint: &Fingerprint) -> KeyId {
    KeyId(format!("rsa-oaep:{fingerprint}"))
}

/// Its dates are not looked at; see [`Certificate::check_valid_at`].
impl WrapKey for Certificate {
    fn id(&self) -> KeyId {
        id(self.fingerprint())
    }

    fn wrap(&self, data_key: &SecretBytes) -> Result<Vec<u8>, EnvelopeError> {
        let mut wrapped = Vec::new();
        self.key
            .wrap(data_key.expose(), LABEL, &mut wrapped)
            .ok_or_else(|| EnvelopeError::Key {
                id: WrapKey::id(self),
            })?;
        Ok(wrapped)
    }
}

impl UnwrapKey for PrivateKey {
    fn id(&self) -> KeyId {
        id(self.fingerprint())
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<SecretBytes, EnvelopeError> {
        let data_key = self.decrypt(wrapped, LABEL).ok_or(EnvelopeError::Refused)?;
        Ok(SecretBytes::copy_of(&data_key))
    }
}
