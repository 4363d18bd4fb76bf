//! Data keys: what encrypts the payload, and what wraps them sees.
//!
//! Wrapped is the Protocol Buffers message that Tink writes, which is the same bytes but for the key:
//!
//! ```text
//! message: AesGcmKey               1a 20 ‖ key
//! stream:  AesGcmHkdfStreamingKey  12 08 08 808040 10 20 18 03 1a 20 ‖ key      (segments of 1 MiB, HKDF-SHA-256, AES-256)
//! ```
//!
//! Other encodings of the same message are refused: Tink makes none.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::KeyInit as _;
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::header::{Header, TAG_BYTES};
use super::{Context, EnvelopeError, Payload};
use crate::SecretBytes;
use crate::hkdf::derive;

pub(super) const DATA_KEY_BYTES: usize = 32;
const HEADER_INFO: &[u8] = b"narae-secrets envelope v1 header";

/// Fills a buffer with random bytes; the operating system's, but in tests.
pub(super) type Random<'r> = &'r mut dyn FnMut(&mut [u8]) -> Result<(), EnvelopeError>;

pub(super) fn random(bytes: &mut [u8]) -> Result<(), EnvelopeError> {
    getrandom::fill(bytes).map_err(|_| EnvelopeError::NoRandomness)
}

/// Encrypts one payload, ever.
pub(super) struct DataKey(Zeroizing<[u8; DATA_KEY_BYTES]>);

impl DataKey {
    pub(super) fn new(random: Random<'_>) -> Result<Self, EnvelopeError> {
        let mut key = Zeroizing::new([0; DATA_KEY_BYTES]);
        random(key.as_mut())?;
        Ok(Self(key))
    }

    /// Tink's message.
    pub(super) fn to_proto(&self, payload: Payload) -> SecretBytes {
        let before = proto_before(payload);
        let mut bytes = Vec::with_capacity(before.len() + DATA_KEY_BYTES);
        bytes.extend_from_slice(before);
        bytes.extend_from_slice(self.0.as_ref());
        SecretBytes::new(bytes)
    }

    pub(super) fn from_proto(proto: &SecretBytes, payload: Payload) -> Result<Self, EnvelopeError> {
        let key = proto.expose().strip_prefix(proto_before(payload));
        let key = key.and_then(|key| <&[u8; DATA_KEY_BYTES]>::try_from(key).ok());
        key.map(|key| Self(Zeroizing::new(*key)))
            .ok_or(EnvelopeError::Refused)
    }

    pub(super) fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.0).into())
    }

    /// The cipher of a stream's segments.
    pub(super) fn segment_cipher(&self, salt: &[u8], context: &Context) -> Aes256Gcm {
        let mut key = Zeroizing::new([0; DATA_KEY_BYTES]);
        derive(self.0.as_ref(), salt, context.as_bytes(), &mut key);
        Aes256Gcm::new((&*key).into())
    }

    /// Authenticates a header in a context. Commits to this key as well, which AES-GCM does not.
    pub(super) fn header_tag(&self, named: &[u8], context: &Context) -> [u8; TAG_BYTES] {
        let mac = hmac::sign(&self.header_key(), &[named, context.as_bytes()].concat());
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(mac.as_ref());
        tag
    }

    /// Refuses a header that is not what was authenticated, in constant time.
    pub(super) fn check(&self, header: &Header, context: &Context) -> Result<(), EnvelopeError> {
        let message = [header.named().as_slice(), context.as_bytes()].concat();
        hmac::verify(&self.header_key(), &message, &header.tag).map_err(|_| EnvelopeError::Refused)
    }

    fn header_key(&self) -> hmac::Key {
        let mut key = Zeroizing::new([0; DATA_KEY_BYTES]);
        derive(self.0.as_ref(), &[], HEADER_INFO, &mut key);
        hmac::Key::new(hmac::HMAC_SHA256, key.as_ref())
    }
}

fn proto_before(payload: Payload) -> &'static [u8] {
    match payload {
        Payload::Message => &[0x1a, 0x20],
        Payload::Stream => &[
            0x12, 0x08, 0x08, 0x80, 0x80, 0x40, 0x10, 0x20, 0x18, 0x03, 0x1a, 0x20,
        ],
    }
}
