//! systemd's Journal Export Format (<https://systemd.io/JOURNAL_EXPORT_FORMATS/>): `journalctl -o export`.
//!
//! ```text
//! entry = 1*field LF
//! field = NAME "=" text LF  |  NAME LF length data LF        length = 8 bytes, little endian
//! ```
//!
//! An entry is what [`Framing::Journal`](crate::line::Framing::Journal) cuts out: its fields, each with its LF, without the empty line.
//! Field names are kept (`MESSAGE`, `_PID`, `__REALTIME_TIMESTAMP`…); a name is capital letters, digits and `_`. Values are
//! texts, any bytes. The record's time is `__REALTIME_TIMESTAMP`, microseconds since the Unix epoch; an entry
//! without is refused when it has no `MESSAGE` either. At most [`MAX_FIELDS`] fields.

use super::Format;
use crate::cursor::Cursor;
use crate::error::{ParseError, Reason};
use crate::record::{Escaping, Field, Record, Unit, Value};
use crate::time::{Context, Reading, TimeForm};

/// The most fields in an entry, as in journald.
pub const MAX_FIELDS: usize = 1024;

/// Reads an entry.
///
/// # Errors
///
/// The bytes do not follow the grammar of the module.
pub fn parse(entry: &[u8]) -> Result<Record<'_>, ParseError> {
    let mut cursor = Cursor::new(entry);
    let mut list: Vec<Field<'_>> = Vec::with_capacity(24);
    let mut time = None;
    let mut telling = false;
    while !cursor.rest().is_empty() {
        let at = cursor.at();
        let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        let name = cursor.take_while(is_name);
        let name = std::str::from_utf8(name)
            .ok()
            .filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| ParseError::new(Reason::UnexpectedByte, "name", at))?;
        if list.len() == MAX_FIELDS {
            return Err(ParseError::new(Reason::TooManyFields, "name", at));
        }
        let at = cursor.at() + 1;
        let value = if cursor.skip(b"=") {
            cursor.until(b'\n', "value")?
        } else {
            binary(&mut cursor)?
        };
        if name == "__REALTIME_TIMESTAMP" {
            let form = TimeForm::Unix(Unit::Microseconds);
            let reading = form.parse(value, &Context::default());
            let reading =
                reading.ok_or_else(|| ParseError::new(Reason::BadTimestamp, "time", at))?;
            time = Reading::moment(reading);
        }
        telling |= time.is_some() || name == "MESSAGE";
        list.push(Field::new(name, Value::text(value, Escaping::None)));
    }
    if !telling {
        return Err(ParseError::new(
            Reason::MissingField,
            "MESSAGE",
            cursor.at(),
        ));
    }
    Ok(Record::new(Format::Journal, time, list))
}

fn binary<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], ParseError> {
    cursor.byte(b'\n', "value")?;
    let at = cursor.at();
    let length = cursor.take(8, "length")?;
    let length = length
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let length =
        usize::try_from(length).map_err(|_| ParseError::new(Reason::BadNumber, "length", at))?;
    let value = cursor.take(length, "value")?;
    cursor.byte(b'\n', "value")?;
    Ok(value)
}
