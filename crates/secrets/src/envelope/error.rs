//! Why there is no envelope, or what is in it stays unknown.

use std::io;

use thiserror::Error;

use super::{KeyId, Payload};
use crate::store::StoreError;

/// A refusal or failure. Never holds plaintext or bytes of keys.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Not the bytes of an envelope.
    #[error("not an envelope: {reason} at byte {offset}")]
    Malformed {
        /// Where, counted from the envelope's start.
        offset: usize,
        /// What was expected there.
        reason: &'static str,
    },
    /// Of a version that this program does not know.
    #[error("an envelope of format version {0}; this program knows version 1")]
    FormatVersion(u8),
    /// A message where a stream was expected, or the reverse.
    #[error("the envelope holds a {found}, expected a {expected}")]
    OtherPayload {
        /// What it holds.
        found: Payload,
        /// What was asked for.
        expected: Payload,
    },
    /// None of the keys offered is the one it names.
    #[error("the envelope is wrapped by the key {id}, which was not offered")]
    NoKey {
        /// The key it names.
        id: KeyId,
    },
    /// It does not open. One error for every cause: another key of that name, another context, or changed, shortened or reordered
    /// bytes.
    #[error(
        "the envelope does not open: it was made for another context or key, or it was changed"
    )]
    Refused,
    /// More than an envelope of this kind holds.
    #[error("more than the {limit} bytes that a {payload} holds")]
    TooLarge {
        /// Which kind.
        payload: Payload,
        /// The limit.
        limit: u64,
    },
    /// A key has wrapped as many data keys as it safely can.
    #[error(
        "the key {id} has wrapped {limit} data keys, which is its limit; make a new one and rewrap"
    )]
    KeyUsedUp {
        /// Which.
        id: KeyId,
        /// How many that is.
        limit: u64,
    },
    /// A key cannot wrap.
    #[error("the key {id} cannot wrap a data key")]
    Key {
        /// Which.
        id: KeyId,
    },
    /// The file has no key.
    #[error("not a key; expected a block NARAE ENVELOPE KEY of 32 bytes")]
    NotAKey,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
    /// The server that has the key.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Reading or writing a stream.
    #[error("a stream failed: {0}")]
    Io(#[source] io::Error),
    /// A stream that failed before is used again.
    #[error("the stream failed before")]
    Failed,
}

impl EnvelopeError {
    pub(super) fn malformed(offset: usize, reason: &'static str) -> Self {
        Self::Malformed { offset, reason }
    }
}

impl From<EnvelopeError> for io::Error {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::Io(error) => error,
            error => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}
