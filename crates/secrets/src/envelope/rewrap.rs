//! Another wrapping key for an envelope: the header is made anew, and the payload copied as it is.

use std::io::{self, Read, Write};

use super::data_key::DataKey;
use super::header::Header;
use super::{Context, EnvelopeError, RefreshKey, UnwrapKey, WrapKey};

/// Copies an envelope, of either kind, with its data key wrapped by `to`. The payload is neither opened nor looked at: a damaged one stays
/// damaged.
///
/// ```
/// use narae_secrets::SecretBytes;
/// use narae_secrets::envelope::{Context, Envelope, LocalKey, rewrap};
///
/// let (old, new) = (LocalKey::new(&[1; 32]), LocalKey::new(&[2; 32]));
/// let context = Context::new("backup", "shop/db", "");
/// let envelope = Envelope::seal(&SecretBytes::from("pa55".to_owned()), &old, &context)?;
/// let mut again = Vec::new();
/// rewrap(&*envelope.to_bytes(), &mut again, &[&old], &new, &context)?;
/// assert!(Envelope::from_bytes(&again)?.open(&[&new], &context).is_ok());
/// # Ok::<(), narae_secrets::envelope::EnvelopeError>(())
/// ```
///
/// # Errors
///
/// Those of reading a [`Header`], of unwrapping and wrapping, and [`EnvelopeError::Io`].
pub fn rewrap(
    mut input: impl Read,
    output: impl Write,
    from: &[&dyn UnwrapKey],
    to: &dyn WrapKey,
    context: &Context,
) -> Result<(), EnvelopeError> {
    let header = Header::read(&mut input)?;
    let data_key: DataKey = header.unwrap(from, context)?;
    let header = Header::wrap(&data_key, header.payload(), to, context)?;
    copy(&header, input, output)
}

/// Copies an envelope, of either kind, with its data key wrapped by the newest version of the key that it is wrapped by. The data key stays
/// where that key is, so the header is not authenticated: it stays as it is, and is when the envelope is opened.
///
/// # Errors
///
/// [`EnvelopeError::NoKey`] when it is wrapped by another key; those of reading a [`Header`] and of [`RefreshKey::refresh`], and
/// [`EnvelopeError::Io`].
pub fn refresh(
    mut input: impl Read,
    output: impl Write,
    key: &dyn RefreshKey,
) -> Result<(), EnvelopeError> {
    let mut header = Header::read(&mut input)?;
    if key.id() != header.key_id {
        return Err(EnvelopeError::NoKey { id: header.key_id });
    }
    header.wrapped = super::header::checked(key.refresh(&header.wrapped)?, &header.key_id)?;
    copy(&header, input, output)
}

fn copy(
    header: &Header,
    mut input: impl Read,
    mut output: impl Write,
) -> Result<(), EnvelopeError> {
    output
        .write_all(&header.to_bytes())
        .and_then(|()| io::copy(&mut input, &mut output))
        .map_err(EnvelopeError::Io)?;
    Ok(())
}
