//! The bytes of a store file. Pure: bytes and a key in, contents out.
//!
//! ```text
//! offset  size  content                                  all numbers unsigned, big endian
//! 0       8     magic, ASCII "NARAESEC"
//! 8       2     format version: 1, the key is in a key file; 2, it comes from a passphrase
//! 10      2     reserved, 0
//! version 2 only: how the key comes from the passphrase, by Argon2id (RFC 9106)
//!   12    16    salt, random, for the life of the store
//!   28    4     memory, in KiB
//!   32    4     passes
//!   36    4     lanes
//! h       16    key id                                   h is 12, in version 2 it is 40
//! h+16    32    salt, random, new for each write
//! h+48    8     length n of what follows
//! h+56    n     AES-256-GCM ciphertext and its 16-byte tag
//! ```
//!
//! With K the 32 bytes of the key file, or of Argon2id's output, `HKDF(salt, info, length)` HKDF-SHA-256 of K:
//!
//! - key id = `HKDF("", "narae-secrets store v1 key id", 16)`: tells a wrong key from a damaged file;
//! - encryption key = `HKDF(salt, "narae-secrets store v1 encryption", 32)`: new for each write, so the
//!   nonce may be 12 zero bytes and no number of writes wears K out;
//! - additional data = all bytes before the ciphertext: no field can be changed unnoticed.
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
use thiserror::Error;
use zeroize::Zeroizing;

use super::codec;
use crate::SecretBytes;
use crate::hkdf::derive;
use crate::store::contents::Contents;

/// Bytes of a store's key.
pub const KEY_BYTES: usize = 32;
/// Bytes of the salt of each write.
pub const SALT_BYTES: usize = 32;
/// Largest store file, in bytes.
pub const MAX_STORE_BYTES: usize = 64 * 1024 * 1024;

const MAGIC: &[u8; 8] = b"NARAESEC";
const WITH_KEY_FILE: u16 = 1;
const WITH_PASSPHRASE: u16 = 2;
const KEY_ID_BYTES: usize = 16;
/// Of version 1; version 2 has [`STRETCH_BYTES`] more.
const HEADER_BYTES: usize = 68;
const STRETCH_BYTES: usize = STRETCH_SALT_BYTES + 12;
/// Bytes of the salt that goes with a passphrase.
pub const STRETCH_SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 16;

/// The key of a store, with its id. Wiped on drop; cannot be printed.
pub struct StoreKey {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    id: [u8; KEY_ID_BYTES],
    /// How it came from a passphrase, if it did.
    stretch: Option<Stretch>,
}

/// How a passphrase becomes a key, by Argon2id: the cost of guessing it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stretch {
    /// Random, so that two stores with one passphrase have two keys.
    pub salt: [u8; STRETCH_SALT_BYTES],
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Stretch {
    /// The second choice of RFC 9106, section 4, for memory that is not abundant: 64 MiB, three passes, four lanes.
    #[must_use]
    pub fn new(salt: [u8; STRETCH_SALT_BYTES]) -> Self {
        Self {
            salt,
            memory_kib: 64 * 1024,
            passes: 3,
            lanes: 4,
        }
    }

    /// What a store's file says; `None` for one with a key file.
    ///
    /// # Errors
    ///
    /// [`FrameError::NotAStore`], [`FrameError::FormatVersion`], [`FrameError::Length`], and [`FrameError::Contents`] for costs
    /// that no store is made with: whoever can write the file must not decide how much memory opening it takes.
    pub fn of(frame: &[u8]) -> Result<Option<Self>, FrameError> {
        let mut fields = Fields::of(frame)?;
        fields.stretch()
    }

    fn is_bounded(&self) -> bool {
        // Up to the first choice of RFC 9106 cut to a GiB; not less than OWASP's least.
        (19 * 1024..=1024 * 1024).contains(&self.memory_kib)
            && (1..=16).contains(&self.passes)
            && (1..=16).contains(&self.lanes)
    }
}

/// Why bytes are not a store that this key opens.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// No magic at the start.
    #[error("is not a store file")]
    NotAStore,
    /// A format this version does not know.
    #[error("has format version {0}; this program knows versions 1 and 2")]
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
        derive(
            bytes.as_ref(),
            &[],
            b"narae-secrets store v1 key id",
            &mut id,
        );
        Self {
            bytes,
            id,
            stretch: None,
        }
    }

    /// The key that a passphrase becomes. Takes as long as `stretch` says, on purpose.
    ///
    /// # Errors
    ///
    /// [`FrameError::Contents`] for costs that no store is made with, or without enough memory.
    pub fn from_passphrase(passphrase: &SecretBytes, stretch: Stretch) -> Result<Self, FrameError> {
        if !stretch.is_bounded() {
            return Err(FrameError::Contents("unreasonable costs of its passphrase"));
        }
        let unfit = |_| FrameError::Contents("costs of its passphrase that cannot be paid here");
        let Stretch {
            memory_kib,
            passes,
            lanes,
            ..
        } = stretch;
        let parameters =
            argon2::Params::new(memory_kib, passes, lanes, Some(KEY_BYTES)).map_err(unfit)?;
        let argon2id = argon2::Argon2::new(
            argon2::Algorithm::Argon2id,
            argon2::Version::V0x13,
            parameters,
        );
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        argon2id
            .hash_password_into(passphrase.expose(), &stretch.salt, bytes.as_mut())
            .map_err(unfit)?;
        let key = Self::new(&bytes);
        Ok(Self {
            stretch: Some(stretch),
            ..key
        })
    }

    fn cipher(&self, salt: &[u8; SALT_BYTES]) -> Aes256Gcm {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let info = b"narae-secrets store v1 encryption";
        derive(self.bytes.as_ref(), salt, info, &mut key);
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
    let header = HEADER_BYTES
        + if key.stretch.is_some() {
            STRETCH_BYTES
        } else {
            0
        };
    if header + length > MAX_STORE_BYTES {
        return Err(FrameError::TooLarge);
    }
    let mut frame = Vec::with_capacity(header + length);
    frame.extend_from_slice(MAGIC);
    let version = match key.stretch {
        None => WITH_KEY_FILE,
        Some(_) => WITH_PASSPHRASE,
    };
    frame.extend_from_slice(&version.to_be_bytes());
    frame.extend_from_slice(&[0; 2]);
    if let Some(stretch) = &key.stretch {
        frame.extend_from_slice(&stretch.salt);
        for number in [stretch.memory_kib, stretch.passes, stretch.lanes] {
            frame.extend_from_slice(&number.to_be_bytes());
        }
    }
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
    let mut fields = Fields::of(frame)?;
    let stretch = fields.stretch()?;
    let key_id: [u8; KEY_ID_BYTES] = fields.array()?;
    let salt: [u8; SALT_BYTES] = fields.array()?;
    let length = u64::from_be_bytes(fields.array()?);
    let rest = fields.rest;
    let header = frame.len() - rest.len();
    if rest.len() as u64 != length {
        return Err(FrameError::Length {
            actual: frame.len(),
            expected: length.saturating_add(header as u64),
        });
    }
    if key_id != key.id || stretch != key.stretch {
        return Err(FrameError::WrongKey);
    }
    let aad = frame.get(..header).unwrap_or_default();
    let plaintext = key
        .cipher(&salt)
        .decrypt(&Nonce::default(), Payload { msg: rest, aad })
        .map(Zeroizing::new)
        .map_err(|_| FrameError::Changed)?;
    codec::decode(&plaintext)
}

/// A header, field by field.
struct Fields<'a> {
    version: u16,
    bytes: usize,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn of(frame: &'a [u8]) -> Result<Self, FrameError> {
        let rest = frame.strip_prefix(MAGIC).ok_or(FrameError::NotAStore)?;
        let mut fields = Self {
            version: 0,
            bytes: frame.len(),
            rest,
        };
        fields.version = u16::from_be_bytes(fields.array()?);
        if ![WITH_KEY_FILE, WITH_PASSPHRASE].contains(&fields.version) {
            return Err(FrameError::FormatVersion(fields.version));
        }
        let _reserved: [u8; 2] = fields.array()?;
        Ok(fields)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (field, rest) = self.rest.split_first_chunk().ok_or(FrameError::Length {
            actual: self.bytes,
            expected: HEADER_BYTES as u64,
        })?;
        self.rest = rest;
        Ok(*field)
    }

    fn stretch(&mut self) -> Result<Option<Stretch>, FrameError> {
        if self.version != WITH_PASSPHRASE {
            return Ok(None);
        }
        let salt = self.array()?;
        let mut number = || self.array().map(u32::from_be_bytes);
        let stretch = Stretch {
            salt,
            memory_kib: number()?,
            passes: number()?,
            lanes: number()?,
        };
        if !stretch.is_bounded() {
            return Err(FrameError::Contents("unreasonable costs of its passphrase"));
        }
        Ok(Some(stretch))
    }
}
