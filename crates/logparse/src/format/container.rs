//! What CRI and Docker logs have in common: two streams, and messages out of partial lines.
//!
//! Each stream is a sequence of its own: a `P` line of one is continued by the next line of the *same* stream,
//! whatever stands between. Use one [`Joiner`] per container log. A message carries the time of its first line.
//!
//! **Limits.** A message is handed over, marked as a part, once it reaches `max_message_bytes` or
//! [`Joiner::MAX_LINES`] lines; what follows is marked as continuing it. So a joiner holds at most the limit and one line per
//! stream, and drops nothing. It keeps no time: a caller who will not wait for the rest calls [`Joiner::flush`].

use std::borrow::Cow;
use std::ops::Range;

use super::Format;
use crate::line::{Ending, Part};
use crate::record::{Escaping, Field, Record, Spans, Text, Value};
use crate::time::Timestamp;

/// What stands between the lines of messages that were grouped.
pub(crate) const JOINED_BY: Ending = Ending::Lf;

/// Where a container wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a container has these two")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// `stdout` or `stderr`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// A line of a container log, whichever runtime wrote it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Fragment<'a> {
    /// The format of the line.
    pub format: Format,
    /// When the runtime read it.
    pub time: Timestamp,
    /// Where it was written to.
    pub stream: Stream,
    /// Whether the next line of the same stream continues the message.
    pub partial: bool,
    /// The message, or this part of it, escapes undone.
    pub message: Cow<'a, [u8]>,
    /// What else the runtime says; of a joined message, what it says of the first line.
    pub attributes: Vec<Field<'a>>,
}

/// What a container wrote in one go, as far as the runtime could tell.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Message<'a> {
    /// The format of its lines.
    pub format: Format,
    /// When its first line was read by the runtime.
    pub time: Timestamp,
    /// Where it was written to.
    pub stream: Stream,
    /// The parts, joined without anything between them.
    pub text: Cow<'a, [u8]>,
    /// What else the runtime says.
    pub attributes: Vec<Field<'a>>,
    /// Whether it is all of the message.
    pub part: Part,
    /// The lines it was joined from.
    pub spans: Spans,
}

/// Joins the lines of one container's log.
///
/// ```
/// use narae_logparse::format::{container::Joiner, cri};
///
/// let mut joiner = Joiner::default();
/// let mut messages = Vec::new();
/// for (number, line) in [
///     "2026-01-01T00:00:00Z stdout P one ",
///     "2026-01-01T00:00:00Z stderr F alarm",
///     "2026-01-01T00:00:01Z stdout F message",
/// ].into_iter().enumerate() {
///     let offset = number as u64 * 100;
///     messages.extend(joiner.push(cri::parse(line.as_bytes())?, offset..offset + 100));
/// }
/// assert_eq!(messages[0].text.as_ref(), b"alarm");
/// assert_eq!(messages[1].text.as_ref(), b"one message");
/// assert_eq!(messages[1].spans.iter().collect::<Vec<_>>(), [0..100, 200..300]);
/// # Ok::<(), narae_logparse::ParseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Joiner {
    max_message_bytes: usize,
    stdout: Pending,
    stderr: Pending,
}

#[derive(Debug, Clone, Default)]
struct Pending {
    open: Option<Open>,
    /// The last message handed over was cut, so the next line continues it.
    continues: bool,
}

#[derive(Debug, Clone)]
struct Open {
    format: Format,
    time: Timestamp,
    text: Vec<u8>,
    attributes: Vec<Field<'static>>,
    lines: usize,
    spans: Spans,
}

impl Joiner {
    /// The longest message in bytes, unless told otherwise: 1 MiB, sixty-four of containerd's parts.
    pub const DEFAULT_MAX_MESSAGE_BYTES: usize = 1 << 20;

    /// The most lines in one message: bounds what empty parts can make it hold.
    pub const MAX_LINES: usize = 4096;

    /// A joiner with a limit of your own.
    pub const fn new(max_message_bytes: usize) -> Self {
        let nothing = Pending {
            open: None,
            continues: false,
        };
        let also_nothing = Pending {
            open: None,
            continues: false,
        };
        Self {
            max_message_bytes,
            stdout: nothing,
            stderr: also_nothing,
        }
    }

    /// Takes a line and the bytes of the input it is; gives the message that it completes, if it does.
    ///
    /// Spans must come in order. A full line that continues nothing is handed back without a copy.
    pub fn push<'a>(
        &mut self,
        line: impl Into<Fragment<'a>>,
        span: Range<u64>,
    ) -> Option<Message<'a>> {
        let entry: Fragment<'a> = line.into();
        let limit = self.max_message_bytes;
        let pending = self.pending(entry.stream);
        if !entry.partial && pending.open.is_none() {
            let part = Part::from_cuts(std::mem::take(&mut pending.continues), false);
            return Some(Message {
                format: entry.format,
                time: entry.time,
                stream: entry.stream,
                text: entry.message,
                attributes: entry.attributes,
                part,
                spans: span.into(),
            });
        }
        let own = |fields: Vec<Field<'a>>| fields.into_iter().map(Field::into_owned).collect();
        let open = pending.open.get_or_insert_with(|| Open {
            format: entry.format,
            time: entry.time,
            text: Vec::new(),
            attributes: own(entry.attributes),
            lines: 0,
            spans: Spans::default(),
        });
        open.text.extend_from_slice(&entry.message);
        open.lines += 1;
        open.spans.push(span);
        let full = open.text.len() >= limit || open.lines >= Self::MAX_LINES;
        if entry.partial && !full {
            None
        } else {
            pending.close(entry.stream, entry.partial)
        }
    }

    /// Gives up waiting: hands over what this stream has pending, marked as the head or middle of a message.
    pub fn flush(&mut self, stream: Stream) -> Option<Message<'static>> {
        self.pending(stream).close(stream, true)
    }

    /// How many bytes of messages wait for their end.
    pub fn pending_bytes(&self) -> usize {
        let bytes = |pending: &Pending| pending.open.as_ref().map_or(0, |open| open.text.len());
        bytes(&self.stdout) + bytes(&self.stderr)
    }

    /// Whether this line would be copied, because it begins or continues a message of several lines.
    pub(crate) const fn takes(&self, entry: &Fragment<'_>) -> bool {
        let pending = match entry.stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        };
        entry.partial || pending.open.is_some()
    }

    const fn pending(&mut self, stream: Stream) -> &mut Pending {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }
}

impl Default for Joiner {
    fn default() -> Self {
        Self::new(Self::DEFAULT_MAX_MESSAGE_BYTES)
    }
}

impl Pending {
    fn close(&mut self, stream: Stream, cut: bool) -> Option<Message<'static>> {
        let open = self.open.take()?;
        let part = Part::from_cuts(std::mem::replace(&mut self.continues, cut), cut);
        Some(Message {
            format: open.format,
            time: open.time,
            stream,
            text: Cow::Owned(open.text),
            attributes: open.attributes,
            part,
            spans: open.spans,
        })
    }
}

impl<'a> Message<'a> {
    /// The fields by name: `time`, `stream` and `message`, then the attributes.
    pub fn into_record(self) -> Record<'a> {
        let mut fields = vec![
            Field::new("time", Value::Time(self.time)),
            Field::new(
                "stream",
                Value::text(self.stream.name().as_bytes(), Escaping::None),
            ),
            Field::new("message", Value::Text(Text::new(self.text, Escaping::None))),
        ];
        fields.extend(self.attributes);
        Record::new(self.format, Some(self.time), fields).with_origin(self.part, self.spans)
    }

    /// The same, owning its bytes.
    pub fn into_owned(self) -> Message<'static> {
        let attributes = self.attributes.into_iter().map(Field::into_owned);
        Message {
            format: self.format,
            time: self.time,
            stream: self.stream,
            text: Cow::Owned(self.text.into_owned()),
            attributes: attributes.collect(),
            part: self.part,
            spans: self.spans,
        }
    }
}
