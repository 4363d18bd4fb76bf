//! Bytes in, events out: framing, a format, joining and the ledger put together.
//!
//! **Invariant:** once [`Reader::finish`] was called and [`Reader::next_event`] gave `None`, the events' spans
//! cover the input exactly ([`Reader::verify`]), whatever the bytes and however they were chunked; and the events
//! do not depend on the chunking.
//!
//! With [`ReaderOptions::with_multiline`] lines that belong together are one event, whose spans are theirs.
//!
//! Lines over the limit are kept raw, part by part, with [`Reason::LineTooLong`], and reading goes on behind them;
//! [`Format::Plain`] takes the parts as records marked so. An empty line is raw with [`Reason::Blank`], except in
//! plain text.

mod grouped;

use std::ops::Range;

use grouped::Grouping;

use crate::error::{ParseError, Reason};
use crate::format::container::{Fragment, Joiner, Stream};
use crate::format::{Format, cri, docker};
use crate::grok::Groks;
use crate::ledger::{Imbalance, Ledger};
use crate::line::{Framer, Framing, Line, LineOptions, Part};
use crate::multiline::Rules;
use crate::record::{Record, Spans};
use crate::time::{Context, Timestamp};

/// What became of a line.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the promise of this crate: a record, or raw with a reason"
)]
pub enum Event<'a> {
    /// It was read, perhaps joined with others.
    Record(Record<'a>),
    /// It was not, and here it is.
    Raw(Raw<'a>),
}

impl Event<'_> {
    /// The bytes of the input it was read from.
    pub fn spans(&self) -> Spans {
        match self {
            Self::Record(record) => record.spans().clone(),
            Self::Raw(raw) => raw.span().into(),
        }
    }

    /// The offset of its first byte in the input.
    pub fn offset(&self) -> u64 {
        match self {
            Self::Record(record) => record.spans().start(),
            Self::Raw(raw) => raw.line.offset(),
        }
    }
}

/// A line that is no record, with the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a> {
    line: Line<'a>,
    error: ParseError,
}

impl<'a> Raw<'a> {
    /// The line, as it stood in the input.
    pub const fn line(&self) -> &Line<'a> {
        &self.line
    }

    /// Why it is no record, and where reading stopped.
    pub const fn error(&self) -> ParseError {
        self.error
    }

    /// The bytes of the input it is.
    pub fn span(&self) -> Range<u64> {
        self.line.span()
    }
}

/// Limits of a reader.
#[derive(Debug, Clone)]
pub struct ReaderOptions {
    lines: LineOptions,
    max_message_bytes: usize,
    context: Context,
    multiline: Option<Rules>,
    others: Vec<Format>,
    patterns: Groks,
    start: u64,
}

impl ReaderOptions {
    /// Says that what is pushed begins at this offset of the input: for reading on where an earlier reader's
    /// [`Ledger::frontier`] stood. Lines are still counted from 1.
    #[must_use]
    pub const fn with_start(mut self, offset: u64) -> Self {
        self.start = offset;
        self
    }

    /// Sets how lines are framed. [`Framing::Lines`] stands for the format's own.
    #[must_use]
    pub const fn with_lines(mut self, lines: LineOptions) -> Self {
        self.lines = lines;
        self
    }

    /// Sets the size, in bytes, at which a message joined from partial lines is handed over unfinished.
    #[must_use]
    pub const fn with_max_message_bytes(mut self, bytes: usize) -> Self {
        self.max_message_bytes = bytes;
        self
    }

    /// Joins lines by these rules: lines of the input or, of a container, the messages of each stream. A group whose format
    /// says nothing of further lines gets them as the field `continuation`.
    #[must_use]
    pub fn with_multiline(mut self, rules: Rules) -> Self {
        self.multiline = Some(rules);
        self
    }

    /// Reads a line that is not of the reader's format as one of these, the first that explains it: for inputs that several
    /// programs write. Container logs are not looked into.
    #[must_use]
    pub fn with_other_formats(mut self, formats: impl IntoIterator<Item = Format>) -> Self {
        self.others = formats.into_iter().collect();
        self
    }

    /// Sets the patterns that [`Format::Grok`] is read by: the fields of the first that matches a line, its text as `message`
    /// unless that is one of them, and the record's time from `timestamp`, `@timestamp` or `time`.
    ///
    /// ```
    /// use narae_logparse::grok::{Groks, Patterns, Spelling};
    /// use narae_logparse::reader::{Reader, ReaderOptions};
    /// use narae_logparse::{Event, Format, Value};
    ///
    /// let pattern = Patterns::stock(Spelling::Ecs).compile("^%{LOGLEVEL:level} %{WORD:shop} %{NUMBER:ms:int}ms$")?;
    /// let options = ReaderOptions::default().with_grok(Groks::new([pattern]));
    /// let mut reader = Reader::with_options(Format::Grok, &options);
    /// reader.push(b"WARN kiosk 7ms\n");
    /// let Some(Event::Record(record)) = reader.next_event() else { return Err("it matches".into()) };
    /// assert_eq!(record.get("ms").and_then(Value::as_integer::<u32>), Some(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_grok(mut self, patterns: Groks) -> Self {
        self.patterns = patterns;
        self
    }

    /// Sets what times without zone or year mean.
    #[must_use]
    pub fn with_context(mut self, context: Context) -> Self {
        self.context = context;
        self
    }
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self {
            lines: LineOptions::default(),
            max_message_bytes: Joiner::DEFAULT_MAX_MESSAGE_BYTES,
            context: Context::default(),
            multiline: None,
            others: Vec::new(),
            patterns: Groks::default(),
            start: 0,
        }
    }
}

/// Reads one input of one format. Messages of containers (CRI, Docker) are joined, per stream; give each container log its own reader.
///
/// ```
/// use narae_logparse::{Event, Format, Reader, Reason};
///
/// let mut reader = Reader::new(Format::Json);
/// reader.push(b"{\"level\":\"info\"}\n{\"level\":\"wa");
/// let first = reader.next_event();
/// assert!(matches!(first, Some(Event::Record(record)) if record.get("level").is_some()));
/// assert_eq!(reader.next_event(), None);
///
/// reader.finish();
/// let Some(Event::Raw(raw)) = reader.next_event() else { return Err("half a line is no record".into()) };
/// assert_eq!((raw.error().reason(), raw.error().offset()), (Reason::UnclosedQuote, 9));
/// reader.verify()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Reader {
    formats: Formats,
    framer: Framer,
    joiner: Joiner,
    grouping: Option<Grouping>,
    ledger: Ledger,
    input_bytes: u64,
    /// Partial messages are to be handed over once the lines at hand are.
    flushing: bool,
}

impl Reader {
    /// A reader within the default limits.
    pub fn new(format: Format) -> Self {
        Self::with_options(format, &ReaderOptions::default())
    }

    /// A reader within limits of your own.
    pub fn with_options(format: Format, options: &ReaderOptions) -> Self {
        let lines = match options.lines.framing() {
            Framing::Lines => options.lines.with_framing(format.framing()),
            _ => options.lines,
        };
        Self {
            formats: Formats {
                first: format,
                others: options.others.clone(),
                patterns: options.patterns.clone(),
                context: options.context.clone(),
            },
            framer: Framer::new(lines).starting_at(options.start),
            joiner: Joiner::new(options.max_message_bytes),
            grouping: options
                .multiline
                .clone()
                .map(|rules| Grouping::new(rules, options)),
            ledger: Ledger::starting_at(options.start),
            input_bytes: options.start,
            flushing: false,
        }
    }

    /// Adds a chunk. Take the events out before the next.
    pub fn push(&mut self, chunk: &[u8]) {
        self.input_bytes += chunk.len() as u64;
        self.framer.push(chunk);
    }

    /// Passes over bytes that are accounted for elsewhere, such as what an earlier reader had read beyond its
    /// [`Ledger::frontier`] ([`Ledger::ahead`]). The messages of a container and their groups go on behind them, as they
    /// belong to a stream; a group of lines ends. Take the events out before. Not in the middle of a line: says whether it did.
    pub fn skip(&mut self, bytes: u64) -> bool {
        let skipped = self.framer.skip(bytes);
        if skipped {
            let start = self.input_bytes;
            self.input_bytes += bytes;
            self.ledger.pass(start..self.input_bytes);
            if let Some(grouping) = &mut self.grouping {
                grouping.end_lines();
            }
        }
        skipped
    }

    /// Sets the moment that times without a year or a date are near ([`Context::with_reference`]), for the events not taken out yet: for inputs
    /// that are written while they are read.
    pub fn set_reference(&mut self, reference: Timestamp) {
        let context = std::mem::take(&mut self.formats.context);
        self.formats.context = context.with_reference(reference);
    }

    /// Says that the input ends here: the last line needs no newline, and unfinished messages are handed over.
    pub fn finish(&mut self) {
        self.framer.finish();
        self.flushing = true;
    }

    /// Says that unfinished messages have waited long enough, by the caller's clock. What follows is marked as
    /// continuing them. An unfinished line goes on waiting.
    pub const fn flush(&mut self) {
        self.flushing = true;
    }

    /// The next event; `None` until more is pushed.
    pub fn next_event(&mut self) -> Option<Event<'_>> {
        match (self.formats.first, &self.grouping) {
            (Format::Cri | Format::Docker, None) => self.next_message(),
            (Format::Cri | Format::Docker, Some(_)) => self.next_grouped_message(),
            (_, None) => self.next_line(),
            (_, Some(_)) => self.next_grouped_line(),
        }
    }

    /// The format being read.
    pub const fn format(&self) -> Format {
        self.formats.first
    }

    /// What the events so far add up to.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Where the input stands: how many bytes were pushed, and where it began.
    pub const fn input_bytes(&self) -> u64 {
        self.input_bytes
    }

    /// Checks that the events account for every byte pushed, once. Holds after [`finish`](Self::finish) and the
    /// last event.
    ///
    /// # Errors
    ///
    /// Bytes are still pending; otherwise it is a defect of this crate.
    pub fn verify(&self) -> Result<(), Imbalance> {
        self.ledger.verify(self.input_bytes)
    }

    fn next_line(&mut self) -> Option<Event<'_>> {
        let line = self.framer.next_line()?;
        let event = self.formats.event(line);
        enter(&mut self.ledger, &event);
        Some(event)
    }

    /// Lines that the joiner takes are looked at and let go, so that the loop may go on; the one that becomes
    /// an event on its own is looked at again outside of it.
    fn next_message(&mut self) -> Option<Event<'_>> {
        let located = loop {
            let Some(located) = self.framer.advance() else {
                return self.unfinished();
            };
            let line = self.framer.view(located);
            let Ok(entry) = fragment(self.formats.first, &line) else {
                break located;
            };
            if !self.joiner.takes(&entry) {
                break located;
            }
            if let Some(message) = self.joiner.push(entry, line.span()) {
                let event = Event::Record(message.into_owned().into_record());
                enter(&mut self.ledger, &event);
                return Some(event);
            }
        };
        let line = self.framer.view(located);
        let event = match fragment(self.formats.first, &line) {
            Ok(entry) => Event::Record(self.joiner.push(entry, line.span())?.into_record()),
            Err(error) => Event::Raw(Raw { line, error }),
        };
        enter(&mut self.ledger, &event);
        Some(event)
    }

    fn unfinished(&mut self) -> Option<Event<'_>> {
        if !self.flushing {
            return None;
        }
        let streams = [Stream::Stdout, Stream::Stderr];
        let Some(message) = streams
            .into_iter()
            .find_map(|stream| self.joiner.flush(stream))
        else {
            self.flushing = false;
            return None;
        };
        let event = Event::Record(message.into_record());
        enter(&mut self.ledger, &event);
        Some(event)
    }
}

fn fragment<'a>(format: Format, line: &Line<'a>) -> Result<Fragment<'a>, ParseError> {
    check(line)?;
    match format {
        Format::Docker => docker::parse(line.bytes).map(Into::into),
        _ => cri::parse(line.bytes).map(Into::into),
    }
}

/// What lines are read as.
#[derive(Debug, Clone)]
struct Formats {
    first: Format,
    others: Vec<Format>,
    patterns: Groks,
    context: Context,
}

impl Formats {
    /// The record of the first format that explains the line; otherwise why the first does not.
    fn parse<'a>(&mut self, line: &'a [u8]) -> Result<Record<'a>, ParseError> {
        if self.first == Format::Grok {
            return self.patterns.record(line, line, None, &self.context);
        }
        self.first.parse_with(line, &self.context).or_else(|error| {
            let mut others = self.others.iter();
            let found = others.find_map(|format| format.parse_with(line, &self.context).ok());
            found.ok_or(error)
        })
    }

    fn event<'a>(&mut self, line: Line<'a>) -> Event<'a> {
        let checked = match self.first {
            Format::Plain => Ok(()),
            _ => check(&line),
        };
        match checked.and_then(|()| self.parse(line.bytes)) {
            Ok(record) => Event::Record(record.with_origin(line.part(), line.span().into())),
            Err(error) => Event::Raw(Raw { line, error }),
        }
    }
}

/// What no structured format reads.
fn check(line: &Line<'_>) -> Result<(), ParseError> {
    if line.part() != Part::Whole {
        return Err(ParseError::new(Reason::LineTooLong, "line", 0));
    }
    if line.bytes().is_empty() {
        return Err(ParseError::new(Reason::Blank, "line", 0));
    }
    Ok(())
}

fn enter(ledger: &mut Ledger, event: &Event<'_>) {
    match event {
        Event::Record(record) => ledger.record(record.spans()),
        Event::Raw(raw) => ledger.raw(raw.span(), raw.error().reason()),
    }
}
