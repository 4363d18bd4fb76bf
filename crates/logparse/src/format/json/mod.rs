//! JSON lines: one object per line, RFC 8259 to the letter.
//!
//! - Nested objects become dotted names: `{"http":{"status":200}}` is the field `http.status`. A dot in a key is not
//!   escaped, so `{"a.b":1,"a":{"b":2}}` gives `a.b` twice.
//! - A name that occurs twice is kept twice, in order; [`Record::get`] gives the last.
//! - Numbers keep their literal, so no digit of an identifier or an amount is lost.
//! - Arrays, and objects that are empty or inside arrays, are kept as written ([`Value::Json`](crate::Value::Json)), checked.
//! - Strings keep their escapes until asked; a lone surrogate (`"\ud800"`, which JavaScript and Java write) is
//!   allowed by the grammar and kept.
//! - The line must be UTF-8, hold one object, and nothing else but white space.
//!
//! The record's time is the first of `@timestamp`, `timestamp`, `time` and `ts` at the top level that is in
//! RFC 3339. Numbers are not taken for times: their unit is anyone's guess.
//!
//! Time is linear in the line; [`JsonOptions`] bounds depth and what names can multiply into.

mod scan;
mod string;

use super::Format;
use crate::error::{ParseError, Reason};
use crate::record::Record;

/// The names under which a record's time is looked for, in this order.
pub const TIME_NAMES: &[&str] = &["@timestamp", "timestamp", "time", "ts"];

/// What a line may make the reader do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonOptions {
    max_depth: usize,
    max_fields: usize,
    max_name_bytes: usize,
}

impl JsonOptions {
    /// Sets how many objects and arrays may be inside each other, at least 1 and at most 128; 64 unless told.
    #[must_use]
    pub fn with_max_depth(mut self, levels: usize) -> Self {
        self.max_depth = levels.clamp(1, 128);
        self
    }

    /// Sets how many fields a line may have; 4096 unless told.
    #[must_use]
    pub const fn with_max_fields(mut self, fields: usize) -> Self {
        self.max_fields = fields;
        self
    }

    /// Sets how long a dotted name may be, in bytes; 1024 unless told. Every field inside an object repeats the
    /// object's name, so this times the fields is what names can cost.
    #[must_use]
    pub const fn with_max_name_bytes(mut self, bytes: usize) -> Self {
        self.max_name_bytes = bytes;
        self
    }
}

impl Default for JsonOptions {
    fn default() -> Self {
        Self {
            max_depth: 64,
            max_fields: 4096,
            max_name_bytes: 1024,
        }
    }
}

/// Reads a line, without its ending, within the default limits.
///
/// ```
/// use narae_logparse::format::json;
///
/// let record = json::parse(br#"{"time":"2026-11-21T04:44:44Z","order":{"id":12345678901234567890123},"tags":["a"]}"#)?;
/// let names: Vec<_> = record.fields().iter().map(|field| field.name()).collect();
/// assert_eq!(names, ["time", "order.id", "tags"]);
/// assert_eq!(record.time().map(|time| time.unix_seconds()), Some(1_795_236_284));
/// # Ok::<(), narae_logparse::ParseError>(())
/// ```
///
/// # Errors
///
/// The line is not a JSON object, or exceeds a limit.
pub fn parse(line: &[u8]) -> Result<Record<'_>, ParseError> {
    parse_with(line, &JsonOptions::default())
}

/// Reads a line, without its ending, within limits of your own.
///
/// # Errors
///
/// The line is not a JSON object, or exceeds a limit.
pub fn parse_with<'a>(line: &'a [u8], options: &JsonOptions) -> Result<Record<'a>, ParseError> {
    let text = std::str::from_utf8(line)
        .map_err(|error| ParseError::new(Reason::NotUtf8, "line", error.valid_up_to()))?;
    let (fields, time) = scan::object(text, options)?;
    Ok(Record::new(Format::Json, time, fields))
}
