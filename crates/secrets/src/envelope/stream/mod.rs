//! Streams of any length, in segments that are authentic one by one; the layout is in the [module docs](super).

mod reader;
#[cfg(test)]
mod tests;
mod writer;

use aes_gcm::aead::AeadInOut as _;
use aes_gcm::{Aes256Gcm, Nonce, Tag};
pub use reader::Decryptor;
pub use writer::Encryptor;
use zeroize::Zeroize as _;

use super::data_key::DataKey;
use super::{Context, EnvelopeError, NONCE_BYTES, Payload, TAG_BYTES};

/// Most bytes of a stream's payload: 2²⁰ segments of 1 MiB.
pub const MAX_STREAM_BYTES: u64 = TINK_1MB.max_segments as u64 * TINK_1MB.segment_bytes as u64;

const TINK_1MB: Sizes = Sizes {
    segment_bytes: 1024 * 1024,
    max_segments: 1 << 20,
};
/// What a stream begins with: the bytes of its header.
const HEADER_LENGTH: u8 = 40;
const HEADER_BYTES: usize = HEADER_LENGTH as usize;
const SALT_BYTES: usize = 32;
const PREFIX_BYTES: usize = HEADER_BYTES - 1 - SALT_BYTES;

/// Always [`TINK_1MB`], but in tests.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    /// Of ciphertext, tag included; the first is [`HEADER_BYTES`] shorter.
    segment_bytes: usize,
    max_segments: u32,
}

/// Encrypts or decrypts segments in turn, each under a nonce of its own.
struct Segments {
    cipher: Aes256Gcm,
    prefix: [u8; PREFIX_BYTES],
    sizes: Sizes,
    /// The number of the next one.
    next: u32,
}

impl Segments {
    /// `header` is a stream's.
    fn new(
        sizes: Sizes,
        data_key: &DataKey,
        header: &[u8; HEADER_BYTES],
        context: &Context,
    ) -> Self {
        let (_, salt_and_prefix) = header.split_at(1);
        let (salt, prefix) = salt_and_prefix.split_at(SALT_BYTES);
        let mut own = [0; PREFIX_BYTES];
        own.copy_from_slice(prefix);
        Self {
            cipher: data_key.segment_cipher(salt, context),
            prefix: own,
            sizes,
            next: 0,
        }
    }

    /// Bytes of the next segment, tag included, unless it is the last.
    fn segment_bytes(&self) -> usize {
        self.sizes.segment_bytes - if self.next == 0 { HEADER_BYTES } else { 0 }
    }

    /// Encrypts the next segment where it is.
    fn seal(&mut self, segment: &mut Vec<u8>, is_last: bool) -> Result<(), EnvelopeError> {
        let nonce = self.nonce(is_last)?;
        let tag = self
            .cipher
            .encrypt_inout_detached(&nonce, &[], segment.as_mut_slice().into())
            .map_err(|_| too_large())?;
        segment.extend_from_slice(&tag);
        Ok(())
    }

    /// Decrypts the next segment where it is; wiped if it is not authentic.
    fn open(&mut self, segment: &mut Vec<u8>, is_last: bool) -> Result<(), EnvelopeError> {
        let is_first = self.next == 0;
        let nonce = self.nonce(is_last)?;
        let length = segment.len().saturating_sub(TAG_BYTES);
        // There is one form of any stream: no further segment is empty.
        let wanted = is_first || length > 0;
        let opened = segment
            .split_at_mut_checked(length)
            .filter(|_| wanted)
            .and_then(|(text, tag)| {
                let tag = Tag::from(<[u8; TAG_BYTES]>::try_from(&*tag).ok()?);
                self.cipher
                    .decrypt_inout_detached(&nonce, &[], text.into(), &tag)
                    .ok()
            });
        if opened.is_none() {
            segment.zeroize();
            return Err(EnvelopeError::Refused);
        }
        segment.truncate(length);
        Ok(())
    }

    /// The next nonce; never the same twice.
    fn nonce(&mut self, is_last: bool) -> Result<Nonce<aes_gcm::aead::consts::U12>, EnvelopeError> {
        if self.next >= self.sizes.max_segments {
            return Err(too_large());
        }
        let mut nonce = [0; NONCE_BYTES];
        let (prefix, rest) = nonce.split_at_mut(PREFIX_BYTES);
        prefix.copy_from_slice(&self.prefix);
        let (number, last) = rest.split_at_mut(4);
        number.copy_from_slice(&self.next.to_be_bytes());
        last.fill(u8::from(is_last));
        self.next += 1;
        Ok(nonce.into())
    }
}

fn too_large() -> EnvelopeError {
    EnvelopeError::TooLarge {
        payload: Payload::Stream,
        limit: MAX_STREAM_BYTES,
    }
}
