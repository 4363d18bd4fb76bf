//! What stands before the payload; its layout is in the [module docs](super). Bytes only: nothing here opens anything.

use std::fmt;
use std::io::{self, Read};

use super::data_key::DataKey;
use super::{Context, EnvelopeError, KeyId, MAX_KEY_ID_BYTES, Payload, UnwrapKey, WrapKey};

pub(super) const TAG_BYTES: usize = 32;
/// Largest wrapped data key, in bytes: Tink's limit.
pub const MAX_WRAPPED_KEY_BYTES: usize = 4096;

const MAGIC: &[u8; 8] = b"NARAEENV";
const FORMAT_VERSION: u8 = 1;
const KIND_AT: usize = 9;
const KEY_ID_LENGTH_AT: usize = 10;
const KEY_ID_AT: usize = 12;
/// Of a Tink frame.
pub(super) const LENGTH_BYTES: usize = 4;

/// Which key wrapped the data key, and what it became.
///
/// Read from bytes nobody has authenticated yet: good for choosing a key, and for nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    pub(super) payload: Payload,
    pub(super) key_id: KeyId,
    pub(super) tag: [u8; TAG_BYTES],
    /// INVARIANT: of at most [`MAX_WRAPPED_KEY_BYTES`].
    pub(super) wrapped: Vec<u8>,
}

impl Header {
    /// Reads a header, and nothing behind it.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::Malformed`], [`EnvelopeError::FormatVersion`], [`EnvelopeError::Io`].
    pub fn read(input: impl Read) -> Result<Self, EnvelopeError> {
        let mut fields = Fields { input, at: 0 };
        if &fields.array()? != MAGIC {
            return Err(EnvelopeError::malformed(0, "expected NARAEENV"));
        }
        let [version] = fields.array()?;
        if version != FORMAT_VERSION {
            return Err(EnvelopeError::FormatVersion(version));
        }
        let [kind] = fields.array()?;
        let payload = Payload::from_byte(kind)
            .ok_or_else(|| EnvelopeError::malformed(KIND_AT, "expected 1 or 2"))?;
        let length = u16::from_be_bytes(fields.array()?);
        if usize::from(length) > MAX_KEY_ID_BYTES {
            return Err(EnvelopeError::malformed(
                KEY_ID_LENGTH_AT,
                "expected a length up to 600",
            ));
        }
        let key_id = String::from_utf8(fields.bytes(usize::from(length))?)
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| EnvelopeError::malformed(KEY_ID_AT, "expected the name of a key"))?;
        let tag = fields.array()?;
        let length_at = fields.at;
        let wrapped = wrapped_length(fields.array()?, length_at)?;
        let wrapped = fields.bytes(wrapped)?;
        Ok(Self {
            payload,
            key_id,
            tag,
            wrapped,
        })
    }

    /// Wraps a data key.
    pub(super) fn wrap(
        data_key: &DataKey,
        payload: Payload,
        key: &dyn WrapKey,
        context: &Context,
    ) -> Result<Self, EnvelopeError> {
        let key_id = key.id();
        let wrapped = checked(key.wrap(&data_key.to_proto(payload))?, &key_id)?;
        Ok(Self::new(data_key, payload, key_id, wrapped, context))
    }

    /// `wrapped` is of at most [`MAX_WRAPPED_KEY_BYTES`].
    pub(super) fn new(
        data_key: &DataKey,
        payload: Payload,
        key_id: KeyId,
        wrapped: Vec<u8>,
        context: &Context,
    ) -> Self {
        Self {
            tag: data_key.header_tag(&named(payload, &key_id), context),
            payload,
            key_id,
            wrapped,
        }
    }

    /// The data key, by the one of `keys` that is named here; the header is authentic then.
    pub(super) fn unwrap(
        &self,
        keys: &[&dyn UnwrapKey],
        context: &Context,
    ) -> Result<DataKey, EnvelopeError> {
        let key = keys.iter().find(|key| key.id() == self.key_id);
        let key = key.ok_or_else(|| EnvelopeError::NoKey {
            id: self.key_id.clone(),
        })?;
        let data_key = DataKey::from_proto(&key.unwrap(&self.wrapped)?, self.payload)?;
        data_key.check(self, context)?;
        Ok(data_key)
    }

    pub(super) fn expect(&self, expected: Payload) -> Result<(), EnvelopeError> {
        let found = self.payload;
        if found == expected {
            Ok(())
        } else {
            Err(EnvelopeError::OtherPayload { found, expected })
        }
    }

    /// What the payload is.
    #[must_use]
    pub fn payload(&self) -> Payload {
        self.payload
    }

    /// The key that wrapped the data key.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The bytes, up to the payload.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.named();
        bytes.extend_from_slice(&self.tag);
        // INVARIANT of `wrapped`.
        let length = u32::try_from(self.wrapped.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&self.wrapped);
        bytes
    }

    /// What the tag authenticates besides the context.
    pub(super) fn named(&self) -> Vec<u8> {
        named(self.payload, &self.key_id)
    }

    /// Where the Tink frame begins.
    pub(super) fn frame_at(&self) -> usize {
        KEY_ID_AT + self.key_id.as_str().len() + TAG_BYTES
    }

    /// Where the payload begins.
    pub(super) fn payload_at(&self) -> usize {
        self.frame_at() + LENGTH_BYTES + self.wrapped.len()
    }
}

/// Everything up to and including the key's name.
pub(super) fn named(payload: Payload, key_id: &KeyId) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    // INVARIANT of `KeyId`: its length fits.
    let length = u16::try_from(key_id.as_str().len()).unwrap_or(u16::MAX);
    bytes.extend_from_slice(&[FORMAT_VERSION, payload.as_byte()]);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(key_id.as_str().as_bytes());
    bytes
}

/// What a key made, if a reader will take it.
pub(super) fn checked(wrapped: Vec<u8>, id: &KeyId) -> Result<Vec<u8>, EnvelopeError> {
    if (1..=MAX_WRAPPED_KEY_BYTES).contains(&wrapped.len()) {
        Ok(wrapped)
    } else {
        Err(EnvelopeError::Key { id: id.clone() })
    }
}

/// The length field of a Tink frame, which stands at `at`.
pub(super) fn wrapped_length(field: [u8; LENGTH_BYTES], at: usize) -> Result<usize, EnvelopeError> {
    match usize::try_from(u32::from_be_bytes(field)) {
        Ok(length @ 1..=MAX_WRAPPED_KEY_BYTES) => Ok(length),
        _ => Err(EnvelopeError::malformed(at, "expected a length up to 4096")),
    }
}

/// What is left to read, field by field; no field is larger than [`MAX_WRAPPED_KEY_BYTES`].
struct Fields<R> {
    input: R,
    at: usize,
}

impl<R: Read> Fields<R> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], EnvelopeError> {
        let mut field = [0; N];
        self.fill(&mut field)?;
        Ok(field)
    }

    fn bytes(&mut self, length: usize) -> Result<Vec<u8>, EnvelopeError> {
        let mut field = vec![0; length];
        self.fill(&mut field)?;
        Ok(field)
    }

    fn fill(&mut self, field: &mut [u8]) -> Result<(), EnvelopeError> {
        read_exact(&mut self.input, field, self.at)?;
        self.at += field.len();
        Ok(())
    }
}

/// Reads all of `field`, which stands at `at`.
pub(super) fn read_exact(
    mut input: impl Read,
    field: &mut [u8],
    at: usize,
) -> Result<(), EnvelopeError> {
    input.read_exact(field).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => EnvelopeError::malformed(at, "it ends too early"),
        _ => EnvelopeError::Io(error),
    })
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("payload", &self.payload)
            .field("key_id", &self.key_id)
            .field("wrapped_key_bytes", &self.wrapped.len())
            .finish_non_exhaustive()
    }
}
