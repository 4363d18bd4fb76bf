//! Lines out of chunks.
//!
//! Bytes wait in one buffer until their line is complete or exceeds the limit. A line is decided from the
//! bytes up to one past its limit and never from where a chunk happened to end, which is what makes the
//! result independent of the chunking. Memory: the limit, plus the largest chunk.

use super::framing::{Found, Scanner};
use super::{Ending, Line, LineOptions, Part};

/// Takes chunks in and gives lines out.
///
/// ```
/// use narae_logparse::line::Framer;
///
/// let mut framer = Framer::default();
/// framer.push(b"one\r\ntw");
/// assert_eq!(framer.next_line().map(|line| line.bytes()), Some(&b"one"[..]));
/// assert_eq!(framer.next_line(), None);
///
/// framer.push(b"o");
/// framer.finish();
/// let last = framer.next_line().ok_or("the last line needs no newline")?;
/// assert_eq!((last.bytes(), last.offset(), last.number()), (&b"two"[..], 5, 2));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Framer {
    options: LineOptions,
    scanner: Scanner,
    buffer: Vec<u8>,
    /// INVARIANT: at most `buffer.len()`.
    start: usize,
    /// The offset of `buffer[start]` in the input.
    offset: u64,
    /// Complete lines handed over.
    lines: u64,
    /// The last thing handed over was cut, so the next continues it.
    cut: bool,
    finished: bool,
}

/// Where the next line lies in the buffer: separates finding (which moves the framer) from looking.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Located {
    start: usize,
    prefix: usize,
    length: usize,
    ending: Ending,
    part: Part,
    offset: u64,
    number: u64,
}

impl Framer {
    /// A framer with limits of your own.
    pub fn new(options: LineOptions) -> Self {
        Self {
            scanner: Scanner::new(options.framing()),
            options,
            ..Self::default()
        }
    }

    /// The same for an input that begins at this offset.
    #[must_use]
    pub fn starting_at(self, offset: u64) -> Self {
        Self { offset, ..self }
    }

    /// Adds a chunk. Take the lines out before the next: the framer holds all that was pushed and not taken.
    ///
    /// A chunk after [`finish`](Self::finish) continues the input; a final line without newline that was
    /// already handed over stays handed over.
    pub fn push(&mut self, chunk: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.finished = false;
        self.buffer.extend_from_slice(chunk);
    }

    /// Passes over bytes of the input that are not pushed. Not in the middle of a line: says whether it did.
    pub(crate) fn skip(&mut self, bytes: u64) -> bool {
        if self.pending_bytes() > 0 {
            return false;
        }
        self.offset += bytes;
        // The rest of a line that was cut is among them, or is a line to who reads on behind them.
        self.cut = false;
        self.scanner = Scanner::new(self.options.framing());
        true
    }

    /// Says that the input ends here, which completes a last line without newline.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// The next complete line, or part of an overlong one; `None` until more is pushed.
    pub fn next_line(&mut self) -> Option<Line<'_>> {
        let located = self.advance()?;
        Some(self.view(located))
    }

    /// How many bytes were pushed and not yet handed over.
    pub fn pending_bytes(&self) -> usize {
        self.buffer.len() - self.start
    }

    pub(crate) fn advance(&mut self) -> Option<Located> {
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        let limit = self.options.max_line_bytes();
        // One CR may stand between the longest content and its LF.
        let window = rest.get(..limit.saturating_add(2)).unwrap_or(rest);
        let found = self.scanner.find(window, limit);
        let (prefix, length, ending, cut_after) = match found {
            Found::Frame { length, ending } if length <= limit => (0, length, ending, false),
            Found::Counted { prefix, length } => {
                let content = rest.get(prefix..).unwrap_or_default();
                let here = length.min(limit);
                match content.get(..here) {
                    Some(_) => (prefix, here, Ending::None, length > limit),
                    // The input ends before the frame does.
                    None if self.finished => (prefix, content.len(), Ending::None, true),
                    None => return None,
                }
            }
            Found::Open if self.finished && rest.len() <= limit => {
                (0, rest.len(), Ending::None, false)
            }
            Found::Open if !self.finished && !is_overlong(window, limit) => return None,
            _ => (0, cut_at(window, limit), Ending::None, true),
        };
        let taken = prefix + length + ending.as_bytes().len();
        if taken == 0 {
            return None;
        }
        match found {
            _ if !cut_after => self.scanner.end(),
            Found::Counted { length: all, .. } => self.scanner.count_down(all - length),
            _ => self.scanner.cut(length),
        }
        let located = Located {
            start: self.start,
            prefix,
            length,
            ending,
            part: Part::from_cuts(self.cut, cut_after),
            offset: self.offset,
            number: self.lines + 1,
        };
        self.cut = cut_after;
        self.lines += u64::from(!cut_after);
        self.start += taken;
        self.offset += taken as u64;
        Some(located)
    }

    pub(crate) fn view(&self, located: Located) -> Line<'_> {
        let content = located.start + located.prefix;
        let end = content + located.length;
        Line {
            prefix: self.buffer.get(located.start..content).unwrap_or_default(),
            bytes: self.buffer.get(content..end).unwrap_or_default(),
            ending: located.ending,
            part: located.part,
            offset: located.offset,
            number: located.number,
        }
    }
}

/// Whether a line that begins like this must exceed the limit, whatever follows.
fn is_overlong(window: &[u8], limit: usize) -> bool {
    match window.len().checked_sub(limit) {
        None | Some(0) => false,
        Some(1) => window.last() != Some(&b'\r'),
        Some(_) => true,
    }
}

/// Where to cut an overlong line: at the limit, or up to three bytes before it to keep a character together.
fn cut_at(window: &[u8], limit: usize) -> usize {
    let continues = |at: usize| window.get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
    if !continues(limit) {
        return limit;
    }
    (limit.saturating_sub(3)..limit)
        .rev()
        .find(|&at| window.get(at).is_some_and(|byte| *byte >= 0xC0))
        .unwrap_or(limit)
}
