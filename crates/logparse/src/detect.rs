//! Which format is this?
//!
//! The lines of a sample are grouped, so that stack traces and indented lines count with the line they belong to, and every
//! structured format is tried on the first line of each group, the most telling first: HAProxy before the syslog header it
//! comes with, GELF before the JSON it is written in. The format that explains most wins, if it explains at least half;
//! otherwise the input is [`Format::Plain`]. What else was found is there for inputs that several programs write
//! ([`Detection::formats`]). An input that begins like an entry of a journal is framed as one.
//!
//! Cost: one parse per line and format, over at most [`MAX_LINES`] lines.

use crate::format::Format;
use crate::line::{Ending, Framer, Framing, LineOptions};
use crate::multiline::{Grouper, Rules};

/// How many lines of the sample are looked at.
pub const MAX_LINES: usize = 1000;

/// A guess, and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detection {
    format: Format,
    explained: u64,
    lines: u64,
    /// Each structured format that explains lines, with how many, most first.
    found: Vec<(Format, u64)>,
}

impl Detection {
    /// The format.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// The share of the lines that speaks for the format, from 0 to 1: those it explains or, for
    /// [`Format::Plain`], those no other does. 0 for a sample without lines.
    pub fn confidence(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "both are at most MAX_LINES")]
        let (explained, lines) = (self.explained as f64, self.lines.max(1) as f64);
        explained / lines
    }

    /// How many lines were looked at; empty ones and those that continue others are not counted.
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// Every structured format that explains lines of the sample, with how many it does, most first.
    pub fn found(&self) -> &[(Format, u64)] {
        &self.found
    }

    /// The formats to read the input with, in the order to try them on a line
    /// ([`ReaderOptions::with_other_formats`](crate::reader::ReaderOptions::with_other_formats)): those that explain at least one line in
    /// twenty, most first, then plain text if no single format explains half of the lines.
    pub fn formats(&self) -> Vec<Format> {
        let telling = self
            .found
            .iter()
            .filter(|(_, lines)| lines * 20 >= self.lines);
        let mut formats: Vec<Format> = telling.map(|(format, _)| *format).collect();
        if self.format == Format::Plain {
            formats.push(Format::Plain);
        }
        formats
    }
}

/// Guesses the format from the beginning of an input.
///
/// A last line without newline is ignored if there are others, because the sample may end in it.
///
/// ```
/// use narae_logparse::{Format, detect};
///
/// let sample = b"{\"a\":1}\n{\"b\":2}\nnot json\n{\"cut of";
/// let detection = detect::detect(sample);
/// assert_eq!(detection.format(), Format::Json);
/// assert!((detection.confidence() - 2.0 / 3.0).abs() < 1e-9);
/// ```
pub fn detect(sample: &[u8]) -> Detection {
    if sample.starts_with(b"__CURSOR=") || sample.starts_with(b"__REALTIME_TIMESTAMP=") {
        let options = LineOptions::default().with_framing(Framing::Journal);
        let mut framer = Framer::new(options);
        framer.push(sample);
        let mut scores = Scores::default();
        while let Some(entry) = framer.next_line() {
            scores.add(entry.bytes(), &[Format::Journal]);
        }
        let detection = scores.into_detection();
        if detection.format == Format::Journal {
            return detection;
        }
    }
    let complete = memchr::memrchr(b'\n', sample)
        .and_then(|end| sample.get(..end))
        .unwrap_or(sample);
    let mut grouper = Grouper::new(Rules::traces().or_indentation());
    let mut scores = Scores::default();
    for line in complete.split(|byte| *byte == b'\n').take(MAX_LINES) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        grouper.push(line, Ending::Lf, 0..0, ());
        scores.add_groups(&mut grouper);
    }
    grouper.flush();
    scores.add_groups(&mut grouper);
    scores.into_detection()
}

#[derive(Default)]
struct Scores {
    found: Vec<(Format, u64)>,
    lines: u64,
}

impl Scores {
    fn add_groups(&mut self, grouper: &mut Grouper<()>) {
        while let Some(group) = grouper.next_group() {
            self.add(group.first_line(), Format::ALL);
        }
    }

    fn add(&mut self, line: &[u8], formats: &[Format]) {
        if line.is_empty() {
            return;
        }
        self.lines += 1;
        let explains = |format: &&Format| **format != Format::Plain && format.parse(line).is_ok();
        let Some(format) = formats.iter().find(explains) else {
            return;
        };
        match self.found.iter_mut().find(|(found, _)| found == format) {
            Some((_, lines)) => *lines += 1,
            None => self.found.push((*format, 1)),
        }
    }

    fn into_detection(mut self) -> Detection {
        self.found
            .sort_by_key(|(format, lines)| (std::cmp::Reverse(*lines), *format));
        let explained: u64 = self.found.iter().map(|(_, lines)| lines).sum();
        let (format, explained) = match self.found.first() {
            Some((format, lines)) if lines * 2 >= self.lines => (*format, *lines),
            _ => (Format::Plain, self.lines - explained),
        };
        Detection {
            format,
            explained,
            lines: self.lines,
            found: self.found,
        }
    }
}
