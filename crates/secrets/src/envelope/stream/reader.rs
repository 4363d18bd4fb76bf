//! Decrypting a stream.

use std::fmt;
use std::io::{self, Read};

use zeroize::{Zeroize as _, Zeroizing};

use super::{HEADER_BYTES, HEADER_LENGTH, Segments, Sizes, TINK_1MB};
use crate::envelope::header::{Header, read_exact};
use crate::envelope::{Context, EnvelopeError, KeyId, Payload, UnwrapKey};

/// Decrypts a stream. What is read is authentic, in its place and from its beginning; that nothing is missing at the end is known when
/// reading has come to an end without an error. So nothing that cannot be undone should be done before.
pub struct Decryptor<R> {
    inner: R,
    key_id: KeyId,
    /// `None` at the end.
    segments: Option<Segments>,
    /// The current segment: its plaintext, in memory that never moves.
    segment: Zeroizing<Vec<u8>>,
    /// How much of it was read.
    read: usize,
    /// The first byte of the next segment.
    ahead: Option<u8>,
    has_failed: bool,
}

impl<R: Read> Decryptor<R> {
    /// Reads the header from `inner` and unwraps the data key by the key that is named there, if that is one of `keys`. Reads more of
    /// `inner` than a few bytes at a time, so that a buffer is not needed.
    ///
    /// # Errors
    ///
    /// Those of [`Header::read`]; [`EnvelopeError::OtherPayload`], [`EnvelopeError::NoKey`], [`EnvelopeError::Refused`];
    /// [`EnvelopeError::Store`] when a server has the key.
    pub fn new(
        inner: R,
        keys: &[&dyn UnwrapKey],
        context: &Context,
    ) -> Result<Self, EnvelopeError> {
        Self::sized(TINK_1MB, inner, keys, context)
    }

    pub(super) fn sized(
        sizes: Sizes,
        mut inner: R,
        keys: &[&dyn UnwrapKey],
        context: &Context,
    ) -> Result<Self, EnvelopeError> {
        let header = Header::read(&mut inner)?;
        header.expect(Payload::Stream)?;
        let data_key = header.unwrap(keys, context)?;
        let mut start = [0; HEADER_BYTES];
        let at = header.payload_at();
        read_exact(&mut inner, &mut start, at)?;
        if start[0] != HEADER_LENGTH {
            return Err(EnvelopeError::malformed(at, "expected 40"));
        }
        Ok(Self {
            inner,
            key_id: header.key_id,
            segments: Some(Segments::new(sizes, &data_key, &start, context)),
            // More than a segment, so that reading to its end does not ask for more.
            segment: Zeroizing::new(Vec::with_capacity(sizes.segment_bytes + 64)),
            read: 0,
            ahead: None,
            has_failed: false,
        })
    }

    /// The key that wrapped the data key.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// What is left of the current segment, or the next one; nothing at the end.
    fn available(&mut self) -> Result<&[u8], EnvelopeError> {
        if self.has_failed {
            return Err(EnvelopeError::Failed);
        }
        if self.read == self.segment.len() {
            self.next().inspect_err(|_| {
                self.has_failed = true;
                self.segment.zeroize();
                self.read = 0;
            })?;
        }
        Ok(self.segment.get(self.read..).unwrap_or_default())
    }

    /// Reads and opens the next segment, and one byte more, which tells whether there is another.
    fn next(&mut self) -> Result<(), EnvelopeError> {
        let Some(mut segments) = self.segments.take() else {
            return Ok(());
        };
        self.segment.clear();
        self.read = 0;
        self.segment.extend(self.ahead.take());
        let most = segments.segment_bytes();
        let wanted = most + 1 - self.segment.len();
        (&mut self.inner)
            .take(wanted as u64)
            .read_to_end(&mut self.segment)
            .map_err(EnvelopeError::Io)?;
        let is_last = self.segment.len() <= most;
        if !is_last {
            self.ahead = self.segment.pop();
        }
        segments.open(&mut self.segment, is_last)?;
        if !is_last {
            self.segments = Some(segments);
        }
        Ok(())
    }
}

impl<R: Read> Read for Decryptor<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.available()?;
        let read = available.read(buffer)?;
        self.read += read;
        Ok(read)
    }
}

impl<R> fmt::Debug for Decryptor<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decryptor")
            .field("key_id", &self.key_id)
            .field("segment_bytes", &self.segment.len())
            .finish_non_exhaustive()
    }
}
