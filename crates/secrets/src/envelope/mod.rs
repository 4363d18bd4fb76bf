//! Envelope encryption: data encrypted by a key of its own, which is wrapped by a key that stays where it is.
//!
//! A message ([`Envelope`]) or a stream of any length ([`Encryptor`], [`Decryptor`]) is encrypted by a fresh data key, bound to a
//! [`Context`], and carries that data key, wrapped by a [`LocalKey`] from a file, an RSA [`Certificate`](crate::sealed::Certificate)
//! or a transit key of OpenBao (feature `vault`). When the wrapping key changes, [`rewrap`] changes the header and leaves the payload.
//!
//! ```
//! use narae_secrets::SecretBytes;
//! use narae_secrets::envelope::{Context, Envelope, LocalKey, UnwrapKey};
//!
//! let key = LocalKey::from_pem(LocalKey::generate_pem()?.expose())?;
//! let context = Context::new("backup", "shop/db", "password");
//! let envelope = Envelope::seal(&SecretBytes::from("pa55".to_owned()), &key, &context)?;
//!
//! let stored = envelope.to_bytes();
//! let opened = Envelope::from_bytes(&stored)?.open(&[&key], &context)?;
//! assert_eq!(opened.expose(), b"pa55");
//!
//! let elsewhere = Context::new("backup", "shop/db", "user");
//! assert!(Envelope::from_bytes(&stored)?.open(&[&key], &elsewhere).is_err());
//! # Ok::<(), narae_secrets::envelope::EnvelopeError>(())
//! ```
//!
//! # Format
//!
//! ```text
//! offset  size  content                                  all numbers unsigned, big endian
//! 0       8     magic, ASCII "NARAEENV"
//! 8       1     format version: 1
//! 9       1     payload: 1, a message; 2, a stream
//! 10      2     k, 1 to 600
//! 12      k     the wrapping key's name, UTF-8 without control characters
//! 12+k    32    tag = HMAC-SHA-256(H, bytes 0 to 11+k ‖ context)
//! 44+k    4     w, 1 to 4096                             from here on: a frame of Tink's
//! 48+k    w     the data key, wrapped
//! 48+k+w  …     payload, to the end
//! ```
//!
//! With D the 32 bytes of the data key, `HKDF(salt, info)` HKDF-SHA-256 of D with 32 bytes of output:
//!
//! - H = `HKDF("", "narae-secrets envelope v1 header")`. So the name of the key, the kind of payload and the context are authenticated, and
//!   the tag commits to D, which AES-GCM alone does not: no envelope opens under two data keys.
//! - What is wrapped is the message that Tink would have wrapped, `AesGcmKey` or `AesGcmHkdfStreamingKey`, 34 or 44 bytes.
//! - The payload of a message is 12 random bytes of nonce, then AES-256-GCM under D with the context as additional data: the frame is what Tink's
//!   `KmsEnvelopeAead` makes with its template `AES256_GCM`, and Tink opens it.
//! - The payload of a stream is what Tink's template `AES256_GCM_HKDF_1MB` makes under D with the context as associated data:
//!
//!   ```text
//!   0     1    40, the bytes of this header
//!   1     32   salt, random
//!   33    7    prefix of nonces, random
//!   40    …    segments, each AES-256-GCM under HKDF(salt, context) and its 16-byte tag, without additional data;
//!              nonce = prefix ‖ u32 number of the segment from 0 ‖ 1 in the last segment, else 0
//!   ```
//!
//!   The header and the first segment have 1,048,576 bytes, as has each further segment; the last may have less, and only the first of a
//!   stream without plaintext is empty. A segment that is missing, doubled, moved or cut off has another nonce: this is STREAM (Hoang, Reyhanitabar, Rogaway,
//!   Vizár: Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, 2015). Tink's was chosen among its kind because its
//!   readers in other languages are there, and because its key is fresh for each stream, whatever becomes of D.
//!
//! # Wrapping keys
//!
//! | key | name | wrapped |
//! |---|---|---|
//! | [`LocalKey`] | `aes256-gcm:` and 32 hexadecimal digits | nonce ‖ AES-256-GCM ‖ tag, as Tink's `AES256_GCM_RAW` |
//! | [`Certificate`](crate::sealed::Certificate), [`PrivateKey`](crate::sealed::PrivateKey) | `rsa-oaep:` and the fingerprint | RSA-OAEP with SHA-256, label `narae-secrets envelope v1` |
//! | `TransitKey` | `transit:MOUNT/NAME` | `vault:vN:…`, as Tink's client of Vault has it |
//!
//! # Limits
//!
//! A data key encrypts one payload: a message of at most [`MAX_MESSAGE_BYTES`], or a stream of at most 2²⁰ segments, a TiB, which keeps
//! an attacker's advantage below 2⁻⁵⁷, as TLS 1.3 does (RFC 8446, section 5.5). A [`LocalKey`] wraps [`MAX_WRAPS`] data keys (NIST SP 800-38D, section 8.3), which are
//! counted. More is refused. A stream takes some 1 MiB of memory.
//!
//! # Not promised
//!
//! Lengths are not hidden. Whoever may wrap by a key may make envelopes: by a certificate, everybody. Who can replace an envelope can put an older one
//! of the same context back.

mod context;
mod data_key;
mod error;
mod header;
mod key;
#[cfg(test)]
mod known_answer;
mod message;
mod rewrap;
mod stream;

use std::fmt;

pub use context::Context;
pub use error::EnvelopeError;
pub use header::{Header, MAX_WRAPPED_KEY_BYTES};
pub use key::{
    KEY_BYTES, KeyId, KeyIdError, LocalKey, MAX_KEY_ID_BYTES, MAX_WRAPS, RefreshKey, UnwrapKey,
    WrapKey,
};
pub use message::{Envelope, MAX_MESSAGE_BYTES};
pub use rewrap::{refresh, rewrap};
pub use stream::{Decryptor, Encryptor, MAX_STREAM_BYTES};

const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// What is in an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payload {
    /// Made and opened as a whole.
    Message,
    /// In segments.
    Stream,
}

impl Payload {
    fn as_byte(self) -> u8 {
        match self {
            Self::Message => 1,
            Self::Stream => 2,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Message, Self::Stream]
            .into_iter()
            .find(|payload| payload.as_byte() == byte)
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Message => "message",
            Self::Stream => "stream",
        })
    }
}
