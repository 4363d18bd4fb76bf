//! GELF 1.1, Graylog's JSON: a [`json`] line with required members.
//!
//! - `version` is `1.1` or `1.0`, `host` and `short_message` are texts that are not empty.
//! - `timestamp`, seconds since the Unix epoch with a fraction, is the record's time; `level`, a syslog severity, is 0 to 7.
//! - Additional members begin with `_`; they, and all else, are kept under their names as JSON has them.
//!
//! Over TCP messages end with NUL: see [`Framing::Nul`](crate::line::Framing::Nul). Chunked and compressed UDP is not read.

use super::{Format, json};
use crate::error::{ParseError, Reason};
use crate::record::{Record, Unit, Value};
use crate::time::{Context, Reading, TimeForm};

/// Reads a message.
///
/// # Errors
///
/// It is not a JSON object, or not GELF.
pub fn parse(line: &[u8]) -> Result<Record<'_>, ParseError> {
    let record = json::parse(line)?;
    let wrong = |reason, field| ParseError::new(reason, field, 0);
    let text = |name| record.get(name).and_then(Value::to_str);
    match text("version").as_deref() {
        Some("1.1" | "1.0") => {}
        Some(_) => return Err(wrong(Reason::BadNumber, "version")),
        None => return Err(wrong(Reason::MissingField, "version")),
    }
    for name in ["host", "short_message"] {
        if text(name).is_none_or(|value| value.is_empty()) {
            return Err(wrong(Reason::MissingField, name));
        }
    }
    if let Some(level) = record.get("level") {
        let level = level.as_integer::<u8>().filter(|level| *level <= 7);
        level.ok_or_else(|| wrong(Reason::BadLevel, "level"))?;
    }
    let time = match record.get("timestamp") {
        None => None,
        Some(Value::Number(number)) => {
            let form = TimeForm::Unix(Unit::Seconds);
            let reading = form.parse(number.literal().as_bytes(), &Context::default());
            let reading = reading.ok_or_else(|| wrong(Reason::BadTimestamp, "timestamp"))?;
            Reading::moment(reading)
        }
        Some(_) => return Err(wrong(Reason::BadTimestamp, "timestamp")),
    };
    Ok(record.with_time(time).with_format(Format::Gelf))
}
