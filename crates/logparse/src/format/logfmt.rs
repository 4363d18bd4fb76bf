//! logfmt: `key=value` pairs, as Go services, Loki and Heroku write them.
//!
//! ```text
//! pair *( SP+ pair )       pair = key "=" value | key "=" | key       value = quoted | bare
//! ts=2026-11-21T04:44:44Z level=info msg="order \"7\" placed" path=/cart?id=7 dry_run error=
//! ```
//!
//! - *key*: bytes above the space but `=` and `"`; UTF-8.
//! - *quoted*: between `"`, with [`Escaping::Go`], which includes all that go-logfmt writes.
//! - *bare*: bytes above the space but `"`. A `=` is part of it, as in Go's `kr/logfmt`: `path=/cart?id=7` is one pair.
//! - `key=` is null, `key=""` an empty text, and a `key` alone is true.
//! - The first pair must have a `=`: otherwise any words would be logfmt.
//!
//! Values are texts: logfmt has no other type. The record's time is the first of the names that
//! [`json`](super::json) looks for, in RFC 3339. At most [`MAX_FIELDS`] pairs.

use super::Format;
use super::json::TIME_NAMES;
use crate::cursor::Cursor;
use crate::error::{ParseError, Reason};
use crate::record::{Escaping, Field, Record, Value};
use crate::time::Timestamp;

/// The most pairs in a line.
pub const MAX_FIELDS: usize = 4096;

/// Reads a line, without its ending.
///
/// # Errors
///
/// The line does not follow the grammar of the module.
pub fn parse(line: &[u8]) -> Result<Record<'_>, ParseError> {
    let mut cursor = Cursor::new(line);
    let mut list: Vec<Field<'_>> = Vec::with_capacity(16);
    cursor.take_while(|byte| byte == b' ');
    while !cursor.rest().is_empty() {
        let at = cursor.at();
        let key = cursor.take_while(|byte| byte > b' ' && byte != b'=' && byte != b'"');
        if key.is_empty() {
            return Err(ParseError::new(Reason::UnexpectedByte, "key", at));
        }
        let name = std::str::from_utf8(key)
            .map_err(|error| ParseError::new(Reason::NotUtf8, "key", at + error.valid_up_to()))?;
        let has_value = cursor.skip(b"=");
        if list.is_empty() && !has_value {
            return Err(ParseError::new(Reason::MissingField, "value", cursor.at()));
        }
        if list.len() == MAX_FIELDS {
            return Err(ParseError::new(Reason::TooManyFields, "key", at));
        }
        let value = if has_value {
            value(&mut cursor)?
        } else {
            Value::Bool(true)
        };
        list.push(Field::new(name, value));
        let before = cursor.at();
        cursor.take_while(|byte| byte == b' ');
        if cursor.at() == before && !cursor.rest().is_empty() {
            return Err(ParseError::new(Reason::UnexpectedByte, "key", before));
        }
    }
    if list.is_empty() {
        return Err(ParseError::new(Reason::MissingField, "key", cursor.at()));
    }
    let record = Record::new(Format::Logfmt, None, list);
    let time = TIME_NAMES.iter().find_map(|name| match record.get(name)? {
        Value::Text(text) => Timestamp::from_rfc3339(text.raw()),
        _ => None,
    });
    Ok(record.with_time(time))
}

fn value<'a>(cursor: &mut Cursor<'a>) -> Result<Value<'a>, ParseError> {
    if cursor.peek() == Some(b'"') {
        return Ok(Value::text(cursor.quoted("value")?, Escaping::Go));
    }
    Ok(
        match cursor.take_while(|byte| byte > b' ' && byte != b'"') {
            [] => Value::Null,
            raw => Value::text(raw, Escaping::None),
        },
    )
}
