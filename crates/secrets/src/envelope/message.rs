//! Envelopes that are made and opened as a whole.

use std::fmt;

use aes_gcm::Nonce;
use aes_gcm::aead::{Aead as _, Payload as Sealed};

use super::data_key::{self, DataKey, Random};
use super::header::{self, Header, LENGTH_BYTES};
use super::{Context, EnvelopeError, KeyId, NONCE_BYTES, Payload, TAG_BYTES, UnwrapKey, WrapKey};
use crate::SecretBytes;

/// Largest plaintext of a message, in bytes; for more there is [`Encryptor`](super::Encryptor).
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024 * 1024;
/// Largest payload of a message.
const MAX_PAYLOAD_BYTES: usize = NONCE_BYTES + MAX_MESSAGE_BYTES + TAG_BYTES;

/// A message encrypted by a data key of its own, which is in it, wrapped. No secret: it may be printed and stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    header: Header,
    /// INVARIANT: of [`NONCE_BYTES`] and [`TAG_BYTES`] at least, and at most [`MAX_PAYLOAD_BYTES`].
    payload: Vec<u8>,
}

impl Envelope {
    /// Encrypts `plaintext`, so that it opens by the key that unwraps for `key`, and in `context` only.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::TooLarge`], [`EnvelopeError::NoRandomness`], and those of [`WrapKey::wrap`].
    pub fn seal(
        plaintext: &SecretBytes,
        key: &dyn WrapKey,
        context: &Context,
    ) -> Result<Self, EnvelopeError> {
        Self::seal_with(&mut data_key::random, plaintext, key, context)
    }

    pub(super) fn seal_with(
        random: Random<'_>,
        plaintext: &SecretBytes,
        key: &dyn WrapKey,
        context: &Context,
    ) -> Result<Self, EnvelopeError> {
        if plaintext.len() > MAX_MESSAGE_BYTES {
            return Err(too_large());
        }
        let data_key = DataKey::new(random)?;
        let header = Header::wrap(&data_key, Payload::Message, key, context)?;
        let mut nonce = [0; NONCE_BYTES];
        random(&mut nonce)?;
        let sealed = Sealed {
            msg: plaintext.expose(),
            aad: context.as_bytes(),
        };
        let sealed = data_key
            .cipher()
            .encrypt(&Nonce::from(nonce), sealed)
            .map_err(|_| too_large())?;
        let payload = [nonce.as_slice(), &sealed].concat();
        Ok(Self { header, payload })
    }

    /// Reads an envelope; opens nothing.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::Malformed`], [`EnvelopeError::FormatVersion`], [`EnvelopeError::OtherPayload`],
    /// [`EnvelopeError::TooLarge`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let header = Header::read(bytes)?;
        header.expect(Payload::Message)?;
        let at = header.payload_at();
        Self::of(header, bytes.get(at..).unwrap_or_default(), at)
    }

    /// Puts a name around a frame that Tink's `KmsEnvelopeAead` made with the template `AES256_GCM`; what Tink calls associated data
    /// is the context. The frame is opened once, to see that it is what it is said to be.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::Malformed`], with the place in the frame; [`EnvelopeError::Refused`], [`EnvelopeError::TooLarge`].
    pub fn from_tink(
        frame: &[u8],
        key: &dyn UnwrapKey,
        context: &Context,
    ) -> Result<Self, EnvelopeError> {
        let too_early = || EnvelopeError::malformed(frame.len(), "it ends too early");
        let (length, rest) = frame
            .split_first_chunk::<LENGTH_BYTES>()
            .ok_or_else(too_early)?;
        let length = header::wrapped_length(*length, 0)?;
        let (wrapped, payload) = rest.split_at_checked(length).ok_or_else(too_early)?;
        let data_key = DataKey::from_proto(&key.unwrap(wrapped)?, Payload::Message)?;
        let header = Header::new(
            &data_key,
            Payload::Message,
            key.id(),
            wrapped.to_vec(),
            context,
        );
        let envelope = Self::of(header, payload, LENGTH_BYTES + length)?;
        envelope.decrypt(&data_key, context)?;
        Ok(envelope)
    }

    fn of(header: Header, payload: &[u8], at: usize) -> Result<Self, EnvelopeError> {
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(too_large());
        }
        if payload.len() < NONCE_BYTES + TAG_BYTES {
            return Err(EnvelopeError::malformed(
                at + payload.len(),
                "it ends too early",
            ));
        }
        let payload = payload.to_vec();
        Ok(Self { header, payload })
    }

    /// Opens it by the key that it names, if that is one of `keys`.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::NoKey`], [`EnvelopeError::Refused`], and [`EnvelopeError::Store`] when a server has the key.
    pub fn open(
        &self,
        keys: &[&dyn UnwrapKey],
        context: &Context,
    ) -> Result<SecretBytes, EnvelopeError> {
        self.decrypt(&self.header.unwrap(keys, context)?, context)
    }

    fn decrypt(&self, data_key: &DataKey, context: &Context) -> Result<SecretBytes, EnvelopeError> {
        let (nonce, sealed) = self
            .payload
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(EnvelopeError::Refused)?;
        let sealed = Sealed {
            msg: sealed,
            aad: context.as_bytes(),
        };
        let plaintext = data_key.cipher().decrypt(&Nonce::from(*nonce), sealed);
        plaintext
            .map(SecretBytes::new)
            .map_err(|_| EnvelopeError::Refused)
    }

    /// The key that wrapped its data key.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        self.header.key_id()
    }

    /// Its bytes, to store.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.header.to_bytes();
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    /// What Tink's `KmsEnvelopeAead` opens, with the bytes of the context as associated data. The key's name is not in it.
    #[must_use]
    pub fn to_tink(&self) -> Vec<u8> {
        let frame = self.to_bytes();
        frame
            .get(self.header.frame_at()..)
            .unwrap_or_default()
            .to_vec()
    }
}

impl fmt::Debug for Envelope {
    /// Sizes only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("header", &self.header)
            .field("payload_bytes", &self.payload.len())
            .finish()
    }
}

fn too_large() -> EnvelopeError {
    EnvelopeError::TooLarge {
        payload: Payload::Message,
        limit: MAX_MESSAGE_BYTES as u64,
    }
}
