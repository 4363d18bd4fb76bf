//! Lines out of chunks.
//!
//! Bytes wait in one buffer until their line is complete or exceeds the limit. A line is decided from the
//! bytes up to one past its limit and never from where a chunk happened to end, which is what makes the
//! result independent of the chunking. Memory: the limit, plus the largest chunk.

use memchr::memchr;

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
    buffer: Vec<u8>,
    /// INVARIANT: at most `buffer.len()`.
    start: usize,
    /// How many bytes after `start` are known to hold no LF, so that a long line is searched once.
    searched: usize,
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
            options,
            ..Self::default()
        }
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
        let newline = window
            .get(self.searched..)
            .and_then(|unsearched| memchr(b'\n', unsearched))
            .map(|found| found + self.searched);
        let (length, ending) = match newline {
            Some(at) => {
                let (content, ending) =
                    match window.get(..at).and_then(|line| line.strip_suffix(b"\r")) {
                        Some(content) => (content.len(), Ending::CrLf),
                        None => (at, Ending::Lf),
                    };
                if content <= limit {
                    (content, ending)
                } else {
                    (cut_at(window, limit), Ending::None)
                }
            }
            None if is_overlong(window, limit) => (cut_at(window, limit), Ending::None),
            None if self.finished && rest.len() <= limit => (rest.len(), Ending::None),
            None if self.finished => (cut_at(window, limit), Ending::None),
            None => {
                self.searched = window.len();
                return None;
            }
        };
        let taken = length + ending.as_bytes().len();
        if taken == 0 {
            return None;
        }
        let cut_after = ending == Ending::None && taken < rest.len();
        // A last line without newline is complete only because the input is; anything else without an
        // ending was cut at the limit.
        let located = Located {
            start: self.start,
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
        self.searched = 0;
        Some(located)
    }

    pub(crate) fn view(&self, located: Located) -> Line<'_> {
        let end = located.start + located.length;
        Line {
            bytes: self.buffer.get(located.start..end).unwrap_or_default(),
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
