//! Docker's `json-file` log.
//!
//! ```text
//! {"log":"text\n","stream":"stdout","attrs":{"k":"v"},"time":"2026-11-21T04:44:44.123456789Z"}
//! ```
//!
//! - *log*: what the container wrote. If it ends with a newline, which is left out, the message ends here; otherwise the
//!   next line of the same stream continues it. Docker cuts at 16 KiB. [`Joiner`](super::container::Joiner) puts it together again.
//! - *stream*: `stdout` or `stderr`. *time*: RFC 3339. *attrs*: labels the daemon was told to add; they become `attrs.NAME`.
//! - Members may come in any order, each once; others are refused, so that an application's own JSON is not taken for
//!   Docker's.
//!
//! Escapes are JSON's. Docker has already replaced bytes that were not UTF-8 by U+FFFD: that loss is not ours to undo.

use super::container::{Fragment, Stream};
use super::{Format, json};
use crate::error::{ParseError, Reason};
use crate::record::{Escaping, Field, Record, Text, Value};
use crate::time::Timestamp;

/// One line of the log.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// When the daemon read it.
    pub time: Timestamp,
    /// Where it was written to.
    pub stream: Stream,
    /// Whether the next line of the same stream continues the message.
    pub partial: bool,
    /// The message, or this part of it, without the newline that ended it.
    pub message: Text<'a>,
    /// The labels, named `attrs.NAME`.
    pub attributes: Vec<Field<'a>>,
}

/// Reads a line, without its ending.
///
/// ```
/// use narae_logparse::format::docker;
///
/// let entry = docker::parse(br#"{"log":"a \u003cb\u003e\n","stream":"stderr","time":"2026-11-21T04:44:44Z"}"#)?;
/// assert_eq!((entry.message.decode().as_ref(), entry.partial), (&b"a <b>"[..], false));
/// # Ok::<(), narae_logparse::ParseError>(())
/// ```
///
/// # Errors
///
/// The line is not a JSON object, or not Docker's.
pub fn parse(line: &[u8]) -> Result<Entry<'_>, ParseError> {
    let (mut log, mut stream, mut time, mut attributes) = (None, None, None, Vec::new());
    let wrong = |reason, field| ParseError::new(reason, field, 0);
    for field in json::parse(line)?.into_fields() {
        let twice = match (field.name(), field.value()) {
            ("log", Value::Text(text)) => log.replace(text.clone()).is_some(),
            ("stream", Value::Text(text)) => {
                let of = match text.raw() {
                    b"stdout" => Stream::Stdout,
                    b"stderr" => Stream::Stderr,
                    _ => return Err(wrong(Reason::BadStream, "stream")),
                };
                stream.replace(of).is_some()
            }
            ("time", Value::Text(text)) => {
                let read = Timestamp::from_rfc3339(text.raw());
                time.replace(read.ok_or_else(|| wrong(Reason::BadTimestamp, "time"))?)
                    .is_some()
            }
            (name, _) if name.starts_with("attrs.") => {
                attributes.push(field);
                false
            }
            _ => return Err(wrong(Reason::TrailingBytes, "line")),
        };
        if twice {
            return Err(wrong(Reason::Ambiguous, "line"));
        }
    }
    let missing = |field| move || wrong(Reason::MissingField, field);
    let log: Text<'_> = log.ok_or_else(missing("log"))?;
    let ended = newline(log.raw());
    Ok(Entry {
        time: time.ok_or_else(missing("time"))?,
        stream: stream.ok_or_else(missing("stream"))?,
        partial: ended == 0,
        message: log.without_end(ended),
        attributes,
    })
}

/// How many bytes of a JSON text's end stand for a newline.
fn newline(raw: &[u8]) -> usize {
    let escapes: [&[u8]; 3] = [br"\n", br"\u000a", br"\u000A"];
    let ended = escapes
        .iter()
        .find_map(|escape| Some((raw.strip_suffix(*escape)?, escape.len())));
    match ended {
        // An escaped backslash before the `n` is no newline.
        Some((before, length)) => {
            let backslashes = before
                .iter()
                .rev()
                .take_while(|byte| **byte == b'\\')
                .count();
            if backslashes % 2 == 0 { length } else { 0 }
        }
        None => 0,
    }
}

impl<'a> Entry<'a> {
    /// The fields by name: `time`, `stream`, `partial`, `message`, then the attributes.
    pub fn into_record(self) -> Record<'a> {
        let stream = self.stream.name().as_bytes();
        let mut fields = vec![
            Field::new("time", Value::Time(self.time)),
            Field::new("stream", Value::text(stream, Escaping::None)),
            Field::new("partial", Value::Bool(self.partial)),
            Field::new("message", Value::Text(self.message)),
        ];
        fields.extend(self.attributes);
        Record::new(Format::Docker, Some(self.time), fields)
    }
}

impl<'a> From<Entry<'a>> for Fragment<'a> {
    fn from(entry: Entry<'a>) -> Self {
        Self {
            format: Format::Docker,
            time: entry.time,
            stream: entry.stream,
            partial: entry.partial,
            message: entry.message.into_decoded(),
            attributes: entry.attributes,
        }
    }
}
