//! Keys of a transit engine, which never leave their server.
//!
//! Wrapped is what the server answers, `vault:vN:…` in ASCII, as Tink's client of Vault has it. The name is `transit:MOUNT/NAME`.

use std::str::FromStr as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{KeyId, RefreshKey, UnwrapKey, WrapKey};
use crate::SecretBytes;
use crate::envelope::EnvelopeError;
use crate::store::openbao::{Ciphertext, TransitKey};
use crate::store::{StoreError, StoreErrorKind};

impl WrapKey for TransitKey {
    fn id(&self) -> KeyId {
        id(self)
    }

    fn wrap(&self, data_key: &SecretBytes) -> Result<Vec<u8>, EnvelopeError> {
        Ok(self.encrypt(data_key, b"")?.to_string().into_bytes())
    }
}

impl UnwrapKey for TransitKey {
    fn id(&self) -> KeyId {
        id(self)
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<SecretBytes, EnvelopeError> {
        self.decrypt(&ciphertext(wrapped)?, b"").map_err(refusal)
    }
}

impl RefreshKey for TransitKey {
    fn id(&self) -> KeyId {
        id(self)
    }

    fn refresh(&self, wrapped: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        let ciphertext = self.rewrap(&ciphertext(wrapped)?).map_err(refusal)?;
        Ok(ciphertext.to_string().into_bytes())
    }
}

/// Mounts and names of keys are checked paths: shorter than a name may be here, and without control characters.
fn id(key: &TransitKey) -> KeyId {
    KeyId(format!("transit:{}/{}", key.mount(), key.name()))
}

/// Only the form that a server writes: it would read others, and a changed envelope would open.
fn ciphertext(wrapped: &[u8]) -> Result<Ciphertext, EnvelopeError> {
    let sound = |text: &str| {
        let (version, base64) = text.strip_prefix("vault:v")?.split_once(':')?;
        let number = version.parse::<u32>().ok()?;
        let sealed = STANDARD.decode(base64).ok()?;
        let written = format!("vault:v{number}:{}", STANDARD.encode(sealed));
        (written == text).then(|| Ciphertext::from_str(text).ok())?
    };
    std::str::from_utf8(wrapped)
        .ok()
        .and_then(sound)
        .ok_or(EnvelopeError::Refused)
}

/// What a server says of a ciphertext is one of the causes that are not told apart.
fn refusal(error: StoreError) -> EnvelopeError {
    match error.kind() {
        StoreErrorKind::CiphertextRefused => EnvelopeError::Refused,
        _ => EnvelopeError::Store(error),
    }
}
