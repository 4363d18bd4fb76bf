//! Encrypting a stream.

use std::fmt;
use std::io::{self, Write};

use zeroize::Zeroizing;

use super::{HEADER_BYTES, HEADER_LENGTH, Segments, Sizes, TINK_1MB};
use crate::envelope::data_key::{self, DataKey, Random};
use crate::envelope::header::Header;
use crate::envelope::{Context, EnvelopeError, Payload, TAG_BYTES, WrapKey};

/// Encrypts what is written to it. What is not [finished](Self::finish) does not open.
///
/// ```
/// use std::io::{Read as _, Write as _};
/// use narae_secrets::envelope::{Context, Decryptor, Encryptor, LocalKey};
///
/// let key = LocalKey::new(&[7; 32]);
/// let context = Context::new("dump", "shop/db", "");
/// let mut encryptor = Encryptor::new(Vec::new(), &key, &context)?;
/// encryptor.write_all(b"CREATE TABLE")?;
/// let file = encryptor.finish()?;
///
/// let mut dump = String::new();
/// Decryptor::new(&*file, &[&key], &context)?.read_to_string(&mut dump)?;
/// assert_eq!(dump, "CREATE TABLE");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Encryptor<W> {
    inner: W,
    /// `None` once something failed: what was lost cannot be written again under another nonce.
    segments: Option<Segments>,
    /// Plaintext of the next segment, in memory that never moves.
    segment: Zeroizing<Vec<u8>>,
}

impl<W: Write> Encryptor<W> {
    /// Begins a stream: writes the header to `inner`.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::NoRandomness`], [`EnvelopeError::Io`], and those of [`WrapKey::wrap`].
    pub fn new(inner: W, key: &dyn WrapKey, context: &Context) -> Result<Self, EnvelopeError> {
        Self::new_with(&mut data_key::random, inner, key, context)
    }

    pub(in crate::envelope) fn new_with(
        random: Random<'_>,
        inner: W,
        key: &dyn WrapKey,
        context: &Context,
    ) -> Result<Self, EnvelopeError> {
        Self::sized(TINK_1MB, random, inner, key, context)
    }

    pub(super) fn sized(
        sizes: Sizes,
        random: Random<'_>,
        mut inner: W,
        key: &dyn WrapKey,
        context: &Context,
    ) -> Result<Self, EnvelopeError> {
        let data_key = DataKey::new(random)?;
        let header = Header::wrap(&data_key, Payload::Stream, key, context)?;
        let mut start = [0; HEADER_BYTES];
        let (length, salt_and_prefix) = start.split_at_mut(1);
        length.fill(HEADER_LENGTH);
        random(salt_and_prefix)?;
        inner
            .write_all(&header.to_bytes())
            .and_then(|()| inner.write_all(&start))
            .map_err(EnvelopeError::Io)?;
        Ok(Self {
            inner,
            segments: Some(Segments::new(sizes, &data_key, &start, context)),
            segment: Zeroizing::new(Vec::with_capacity(sizes.segment_bytes)),
        })
    }

    /// Ends the stream, and gives back what is behind it, flushed.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::Io`]; [`EnvelopeError::Failed`] when a write failed before.
    pub fn finish(mut self) -> Result<W, EnvelopeError> {
        self.pass(true)?;
        self.inner.flush().map_err(EnvelopeError::Io)?;
        Ok(self.inner)
    }

    /// Bytes that fit into the segment.
    fn room(&self) -> Result<usize, EnvelopeError> {
        let segments = self.segments.as_ref().ok_or(EnvelopeError::Failed)?;
        Ok(segments.segment_bytes() - TAG_BYTES - self.segment.len())
    }

    /// Encrypts the segment and passes it on.
    fn pass(&mut self, is_last: bool) -> Result<(), EnvelopeError> {
        let mut segments = self.segments.take().ok_or(EnvelopeError::Failed)?;
        segments.seal(&mut self.segment, is_last)?;
        self.inner
            .write_all(&self.segment)
            .map_err(EnvelopeError::Io)?;
        self.segment.clear();
        self.segments = Some(segments);
        Ok(())
    }
}

impl<W: Write> Write for Encryptor<W> {
    /// Takes what fits into a segment. A full segment is passed on when more comes, since the last one is marked.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room()? == 0 && !bytes.is_empty() {
            self.pass(false)?;
        }
        let taken = bytes.len().min(self.room()?);
        self.segment
            .extend_from_slice(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    /// Flushes what is behind this; an unfinished segment stays here.
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W> fmt::Debug for Encryptor<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encryptor")
            .field("segment_bytes", &self.segment.len())
            .finish_non_exhaustive()
    }
}
