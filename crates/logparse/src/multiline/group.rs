//! Groups of lines, bounded, none lost.

use std::collections::VecDeque;

use super::Rules;
use super::trace::{State, Step};
use crate::line::{Ending, Part};
use crate::record::Spans;

/// How much a group may hold before it is handed over in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    max_bytes: usize,
    max_lines: usize,
}

impl Limits {
    /// Sets the bytes at which a group is handed over unfinished; 1 MiB unless told.
    #[must_use]
    pub const fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets the lines at which a group is handed over unfinished; 4096 unless told.
    #[must_use]
    pub const fn with_max_lines(mut self, lines: usize) -> Self {
        self.max_lines = lines;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 1 << 20,
            max_lines: 4096,
        }
    }
}

/// The most lines that wait for proof that they belong to a trace.
const MAX_UNPROVEN_LINES: usize = 64;

/// Lines that belong together, with what the caller noted of the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Group<T> {
    text: Vec<u8>,
    lines: usize,
    first_line_bytes: usize,
    ending: Ending,
    spans: Spans,
    part: Part,
    note: T,
}

impl<T> Group<T> {
    /// The lines with the endings between them, as they were pushed; the last ending is not part of it.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The ending of the last line.
    pub const fn ending(&self) -> Ending {
        self.ending
    }

    /// The first line.
    pub fn first_line(&self) -> &[u8] {
        self.text.get(..self.first_line_bytes).unwrap_or_default()
    }

    /// What follows the first line and its ending, unless there is nothing.
    pub fn continuation(&self) -> Option<&[u8]> {
        let rest = self.text.get(self.first_line_bytes..).unwrap_or_default();
        let rest = rest.strip_prefix(b"\r").unwrap_or(rest);
        rest.split_first().map(|(_, rest)| rest)
    }

    /// How many lines it has.
    pub const fn lines(&self) -> usize {
        self.lines
    }

    /// The bytes of the input it is.
    pub const fn spans(&self) -> &Spans {
        &self.spans
    }

    /// Whether it is all of the group, or a part because of a limit or a flush.
    pub const fn part(&self) -> Part {
        self.part
    }

    pub(crate) fn into_parts(self) -> (Vec<u8>, Spans, Part, T) {
        (self.text, self.spans, self.part, self.note)
    }

    /// What was noted of its first line.
    pub const fn note(&self) -> &T {
        &self.note
    }

    fn append(&mut self, other: Self) {
        self.text.extend_from_slice(self.ending.as_bytes());
        self.text.extend_from_slice(&other.text);
        self.ending = other.ending;
        self.lines += other.lines;
        other.spans.iter().for_each(|span| self.spans.push(span));
    }
}

/// Puts lines together by [`Rules`].
///
/// ```
/// use narae_logparse::line::Ending;
/// use narae_logparse::multiline::{Grouper, Rules};
///
/// let log = "ERROR order 7 failed\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\nINFO next";
/// let mut grouper = Grouper::new(Rules::traces());
/// let mut offset = 0;
/// for line in log.lines() {
///     let end = offset + line.len() as u64 + 1;
///     grouper.push(line.as_bytes(), Ending::Lf, offset..end, ());
///     offset = end;
/// }
/// let trace = grouper.next_group().ok_or("the trace ended")?;
/// assert_eq!((trace.lines(), trace.first_line()), (3, &b"ERROR order 7 failed"[..]));
/// assert_eq!(grouper.next_group(), None);
/// grouper.flush();
/// assert_eq!(grouper.next_group().map(|group| group.text().to_vec()).as_deref(), Some(&b"INFO next"[..]));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone)]
pub struct Grouper<T> {
    rules: Rules,
    limits: Limits,
    state: State,
    open: Option<Group<T>>,
    /// Lines that may belong to the open group; each a group of its own if nothing proves it.
    unproven: Vec<Group<T>>,
    ready: VecDeque<Group<T>>,
    /// The last group handed over was cut, so a line that continues it is marked so.
    cut: bool,
}

impl<T> Grouper<T> {
    /// A grouper within the default limits.
    pub fn new(rules: Rules) -> Self {
        Self::with_limits(rules, Limits::default())
    }

    /// A grouper within limits of your own.
    pub fn with_limits(rules: Rules, limits: Limits) -> Self {
        Self {
            rules,
            limits,
            state: State::Line,
            open: None,
            unproven: Vec::new(),
            ready: VecDeque::new(),
            cut: false,
        }
    }

    /// Takes a line, its ending, the bytes of the input both are, and a note. Take the groups out before the next.
    pub fn push(&mut self, line: &[u8], ending: Ending, spans: impl Into<Spans>, note: T) {
        let group = Group {
            text: line.to_vec(),
            lines: 1,
            first_line_bytes: line.len(),
            ending,
            spans: spans.into(),
            part: Part::Whole,
            note,
        };
        let begun = self.open.is_some() || self.cut;
        match self.rules.step(line, self.state) {
            Step::Join(state) if begun => {
                self.state = state;
                let unproven = std::mem::take(&mut self.unproven);
                unproven.into_iter().for_each(|line| self.join(line));
                self.join(group);
            }
            Step::Perhaps(state) if begun && self.unproven.len() < MAX_UNPROVEN_LINES => {
                self.state = state;
                self.unproven.push(group);
                if self.pending_bytes() > self.limits.max_bytes {
                    self.close(false);
                }
            }
            Step::Start(state) | Step::Join(state) => {
                self.close(false);
                self.state = state;
                self.open(group);
            }
            Step::Perhaps(_) => {
                self.close(false);
                self.open(group);
            }
        }
    }

    /// Gives up waiting: hands over what is pending. A line that continues it is marked as doing so.
    pub fn flush(&mut self) {
        let state = self.state;
        let waits = self.unproven.is_empty() && (self.open.is_some() || self.cut);
        self.close(false);
        // What was flushed may have been whole; only a line that continues it can tell.
        if waits {
            self.cut = true;
            self.state = state;
        }
    }

    /// The next group that is complete, or a part of one that exceeded the limits.
    pub fn next_group(&mut self) -> Option<Group<T>> {
        self.ready.pop_front()
    }

    /// Bytes of lines that wait.
    pub fn pending_bytes(&self) -> usize {
        let waiting = self.open.iter().chain(&self.unproven);
        waiting
            .map(|group| group.text.len() + group.ending.as_bytes().len())
            .sum()
    }

    /// Whether lines wait.
    pub fn is_pending(&self) -> bool {
        self.open.is_some()
    }

    fn open(&mut self, group: Group<T>) {
        self.cut = false;
        self.open = Some(group);
        self.hand_over_if_full();
    }

    fn join(&mut self, line: Group<T>) {
        match &mut self.open {
            Some(open) => open.append(line),
            None => self.open = Some(line),
        }
        self.hand_over_if_full();
    }

    fn hand_over_if_full(&mut self) {
        let is_full = |group: &Group<T>| {
            group.text.len() >= self.limits.max_bytes || group.lines >= self.limits.max_lines
        };
        if let Some(mut full) = self.open.take_if(|group| is_full(group)) {
            // Marked as the head although nothing may follow: that is not known yet.
            full.part = Part::from_cuts(self.cut, true);
            self.cut = true;
            self.ready.push_back(full);
        }
    }

    fn close(&mut self, cut_after: bool) {
        if let Some(mut group) = self.open.take() {
            group.part = Part::from_cuts(self.cut, cut_after);
            self.ready.push_back(group);
        }
        self.cut = false;
        self.state = State::Line;
        self.ready.extend(self.unproven.drain(..));
    }
}
