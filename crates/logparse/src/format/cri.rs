//! Container logs as container runtimes write them for the kubelet.
//!
//! ```text
//! time SP stream SP tags SP message
//! 2026-11-21T04:44:44.123456789Z stdout F hello
//! ```
//!
//! - *time*: RFC 3339 with up to nine digits of fraction and any offset.
//! - *stream*: `stdout` or `stderr`.
//! - *tags*: joined by `:`, the first is `P` (partial: the next line of the same stream continues the message) or
//!   `F` (full: the message ends here). Others may follow; they are kept and mean nothing yet.
//! - *message*: the rest of the line, any bytes, possibly none. The space before it is not optional.
//!
//! As the kubelet reads it (`k8s.io/cri-client/pkg/logs`), except that a first tag that is neither `P` nor `F`
//! is refused rather than taken for `F`. There are no escapes.
//!
//! containerd cuts messages at 16 KiB, cri-o at 8 KiB: [`Joiner`](super::container::Joiner) puts them together again.

use std::borrow::Cow;

use super::Format;
use super::container::{Fragment, Stream};
use crate::cursor::Cursor;
use crate::error::{ParseError, Reason};
use crate::record::{Escaping, Field, Record, Value};
use crate::time::Timestamp;

/// One line of a container log.
///
/// ```
/// use narae_logparse::format::{container::Stream, cri};
///
/// let entry = cri::parse(b"2026-11-21T04:44:44.5+09:00 stderr P:later half of it")?;
/// assert_eq!((entry.stream, entry.partial), (Stream::Stderr, true));
/// assert_eq!((entry.tags, entry.message), (&b"P:later"[..], &b"half of it"[..]));
/// assert_eq!(entry.time.to_string(), "2026-11-20T19:44:44.500Z");
/// # Ok::<(), narae_logparse::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// When the runtime read it.
    pub time: Timestamp,
    /// The same as written.
    pub time_text: &'a [u8],
    /// Where it was written to.
    pub stream: Stream,
    /// Whether the next line of the same stream continues the message.
    pub partial: bool,
    /// All tags, as written.
    pub tags: &'a [u8],
    /// The message, or this part of it.
    pub message: &'a [u8],
}

/// Reads a line, without its ending.
///
/// # Errors
///
/// The line does not follow the grammar of the module.
#[inline]
pub fn parse(line: &[u8]) -> Result<Entry<'_>, ParseError> {
    let mut cursor = Cursor::new(line);
    let time_text = cursor.word("time")?;
    let time = Timestamp::from_rfc3339(time_text)
        .ok_or_else(|| ParseError::new(Reason::BadTimestamp, "time", 0))?;
    let at = cursor.at();
    let stream = match cursor.word("stream")? {
        b"stdout" => Stream::Stdout,
        b"stderr" => Stream::Stderr,
        _ => return Err(ParseError::new(Reason::BadStream, "stream", at)),
    };
    let at = cursor.at();
    let tags = cursor.word("tags")?;
    let partial = match tags {
        [b'P'] | [b'P', b':', ..] => true,
        [b'F'] | [b'F', b':', ..] => false,
        _ => return Err(ParseError::new(Reason::BadTag, "tags", at)),
    };
    Ok(Entry {
        time,
        time_text,
        stream,
        partial,
        tags,
        message: cursor.rest(),
    })
}

impl<'a> Entry<'a> {
    /// The fields by name: `time`, `stream`, `tags` and `message`.
    pub fn into_record(self) -> Record<'a> {
        let fields = vec![
            Field::new("time", Value::Time(self.time)),
            Field::new(
                "stream",
                Value::text(self.stream.name().as_bytes(), Escaping::None),
            ),
            Field::new("tags", Value::text(self.tags, Escaping::None)),
            Field::new("message", Value::text(self.message, Escaping::None)),
        ];
        Record::new(Format::Cri, Some(self.time), fields)
    }
}

impl<'a> From<Entry<'a>> for Fragment<'a> {
    fn from(entry: Entry<'a>) -> Self {
        Self {
            format: Format::Cri,
            time: entry.time,
            stream: entry.stream,
            partial: entry.partial,
            message: Cow::Borrowed(entry.message),
            attributes: Vec::new(),
        }
    }
}
