//! The bytes of a store file, version 1. Pure: bytes and a key in, contents out.
//!
//! ```text
//! offset  size  content                                  all numbers unsigned, big endian
//! 0       8     magic, ASCII "NARAESEC"
//! 8       2     format version, 1
//! 10      2     reserved, 0
//! 12      16    key id
//! 28      32    salt, random, new for each write
//! 60      8     length n of what follows
//! 68      n     AES-256-GCM ciphertext and its 16-byte tag
//! ```
//!
//! With K the 32 bytes of the key file, `HKDF(salt, info, length)` HKDF-SHA-256 of K:
//!
//! - key id = `HKDF("", "narae-secrets store v1 key id", 16)`: tells a wrong key from a damaged file;
//! - encryption key = `HKDF(salt, "narae-secrets store v1 encryption", 32)`: new for each write, so the
//!   nonce may be 12 zero bytes and no number of writes wears K out;
//! - additional data = bytes 0 to 67: no field can be changed unnoticed.
//!
//! The plaintext:
//!
//! ```text
//! u32 number of paths; for each, in ascending order of its bytes:
//!   u16 length, path
//!   u32 number of versions (at least 1); for each, in ascending order:
//!     u64 version number
//!     u8  state: 0 live, 1 deleted, 2 destroyed; unless destroyed:
//!       16 bytes stamp, random, new for each version that is written; zeros are none
//!       u32 number of keys; for each, in ascending order of its bytes:
//!         u16 length, key
//!         u32 length, value
//! ```
//!
//! Nothing may follow. There is one encoding of any contents.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use aws_lc_rs::hkdf::{self, HKDF_SHA256};
use thiserror::Error;
use zeroize::Zeroizing;

use super::codec;
use crate::store::contents::Contents;

/// Bytes of a store's key.
pub const KEY_BYTES: usize = 32;
/// Bytes of the salt of each write.
pub const SALT_BYTES: usize = 32;
/// Largest store file, in bytes.
pub const MAX_STORE_BYTES: usize = 64 * 1024 * 1024;

const MAGIC: &[u8; 8] = b"NARAESEC";
const FORMAT_VERSION: u16 = 1;
const KEY_ID_BYTES: usize = 16;
const HEADER_BYTES: usize = 68;
const TAG_BYTES: usize = 16;

/// The key of a store, with its id. Wiped on drop; cannot be printed.
pub struct StoreKey {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    id: [u8; KEY_ID_BYTES],
}

/// Why bytes are not a store that this key opens.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// No magic at the start.
    #[error("is not a store file")]
    NotAStore,
    /// A format this version does not know.
    #[error("has format version {0}; this program knows version {FORMAT_VERSION}")]
    FormatVersion(u16),
    /// Longer or shorter than its header says.
    #[error("has {actual} bytes, its header says {expected}")]
    Length {
        /// Bytes there are.
        actual: usize,
        /// Bytes there should be.
        expected: u64,
    },
    /// Written with another key.
    #[error("was written with another key")]
    WrongKey,
    /// Changed since it was written.
    #[error("was damaged or changed: its authentication failed")]
    Changed,
    /// Authentic, but not what this format says.
    #[error("has contents that cannot be read: {0}")]
    Contents(&'static str),
    /// More than fits.
    #[error("more than a store of {MAX_STORE_BYTES} bytes holds")]
    TooLarge,
}

impl StoreKey {
    /// A key of these bytes, which must be random.
    #[must_use]
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        let bytes = Zeroizing::new(*bytes);
        let mut id = [0; KEY_ID_BYTES];
        derive(&bytes, &[], b"narae-secrets store v1 key id", &mut id);
        Self { bytes, id }
    }

    fn cipher(&self, salt: &[u8; SALT_BYTES]) -> Aes256Gcm {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        derive(
            &self.bytes,
            salt,
            b"narae-secrets store v1 encryption",
            key.as_mut(),
        );
        Aes256Gcm::new((&*key).into())
    }
}

impl std::fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreKey")
    }
}

/// The file's bytes for these contents. `salt` must never repeat under one key.
///
/// # Errors
///
/// [`FrameError::TooLarge`].
pub fn seal(
    contents: &Contents,
    key: &StoreKey,
    salt: [u8; SALT_BYTES],
) -> Result<Vec<u8>, FrameError> {
    let plaintext = codec::encode(contents)?;
    let length = plaintext.len() + TAG_BYTES;
    if HEADER_BYTES + length > MAX_STORE_BYTES {
        return Err(FrameError::TooLarge);
    }
    let mut frame = Vec::with_capacity(HEADER_BYTES + length);
    frame.extend_from_slice(MAGIC);
    frame.extend_from_slice(&FORMAT_VERSION.to_be_bytes());
    frame.extend_from_slice(&[0; 2]);
    frame.extend_from_slice(&key.id);
    frame.extend_from_slice(&salt);
    frame.extend_from_slice(&(length as u64).to_be_bytes());
    let payload = Payload {
        msg: &plaintext,
        aad: &frame,
    };
    let sealed = key
        .cipher(&salt)
        .encrypt(&Nonce::default(), payload)
        .map_err(|_| FrameError::TooLarge)?;
    frame.extend_from_slice(&sealed);
    Ok(frame)
}

/// The contents of a file.
///
/// # Errors
///
/// [`FrameError`]; nothing of the contents is known unless all of it is authentic.
pub fn open(frame: &[u8], key: &StoreKey) -> Result<Contents, FrameError> {
    let mut rest = frame;
    let mut field = |bytes: usize| {
        let (field, after) = rest.split_at_checked(bytes)?;
        rest = after;
        Some(field)
    };
    if field(MAGIC.len()) != Some(MAGIC) {
        return Err(FrameError::NotAStore);
    }
    let short = FrameError::Length {
        actual: frame.len(),
        expected: HEADER_BYTES as u64,
    };
    let mut need = |bytes| field(bytes).ok_or_else(|| short.clone());
    let version = need(2)?.try_into().map_or(0, u16::from_be_bytes);
    if version != FORMAT_VERSION {
        return Err(FrameError::FormatVersion(version));
    }
    need(2)?; // Reserved: authenticated with the rest of the header.
    let key_id = need(KEY_ID_BYTES)?;
    let salt = need(SALT_BYTES)?
        .try_into()
        .map_err(|_| FrameError::NotAStore)?;
    let length = need(8)?.try_into().map_or(0, u64::from_be_bytes);
    if rest.len() as u64 != length {
        let expected = length.saturating_add(HEADER_BYTES as u64);
        return Err(FrameError::Length {
            actual: frame.len(),
            expected,
        });
    }
    if key_id != key.id {
        return Err(FrameError::WrongKey);
    }
    let aad = frame.get(..HEADER_BYTES).unwrap_or_default();
    let plaintext = key
        .cipher(salt)
        .decrypt(&Nonce::default(), Payload { msg: rest, aad })
        .map(Zeroizing::new)
        .map_err(|_| FrameError::Changed)?;
    codec::decode(&plaintext)
}

fn derive(key: &[u8; KEY_BYTES], salt: &[u8], info: &[u8], out: &mut [u8]) {
    /// HKDF needs the length of its output as a type.
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    hkdf::Salt::new(HKDF_SHA256, salt)
        .extract(key)
        .expand(&[info], Length(out.len()))
        .and_then(|okm| okm.fill(out))
        .expect("because HKDF-SHA-256 gives up to 8160 bytes, and at most 32 are asked for");
}
