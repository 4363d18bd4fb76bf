//! Lines out of bytes: where each begins and ends, how it ended, and whether it is whole.
//!
//! A line ends with LF or CR LF; the last one may end with the input. A CR anywhere else is content. [`Framing`] has the
//! other ways: NUL, octet counting (RFC 6587) and systemd's entries.
//! [`Framer`] does this for input that arrives in chunks, and gives the same lines however the input
//! is cut.
//!
//! **Invariant:** the [`span`](Line::span)s of the lines, in order, cover the input exactly, so
//! `prefix` + `bytes` + `ending` of every line, joined, is the input.
//!
//! **Limit:** content longer than [`LineOptions::max_line_bytes`] is handed over in several lines whose
//! [`part`](Line::part) says so. A caller who wants to truncate keeps the [`Part::Head`]; one who wants to
//! split takes all parts; neither can mistake a part for a line. A cut never falls inside a UTF-8 character.

mod framer;
mod framing;

use std::ops::Range;

pub use framer::Framer;
pub(crate) use framer::Located;
pub use framing::Framing;

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "LF, CR LF, NUL or nothing: what ends lines anywhere"
)]
pub enum Ending {
    /// The input ended, or the line was cut at the limit.
    None,
    /// `\n`.
    Lf,
    /// `\r\n`.
    CrLf,
    /// A NUL byte.
    Nul,
}

impl Ending {
    /// The bytes of the ending.
    pub const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::None => b"",
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
            Self::Nul => b"\0",
        }
    }
}

/// Which part of its line, or of its message, something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a sequence has a head, a middle and a tail, or is whole"
)]
pub enum Part {
    /// All of it.
    Whole,
    /// The beginning; more follows.
    Head,
    /// Neither the beginning nor the end.
    Middle,
    /// The end of what a head began.
    Tail,
}

impl Part {
    /// A stable name: `whole`, `head`, `middle` or `tail`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Head => "head",
            Self::Middle => "middle",
            Self::Tail => "tail",
        }
    }

    pub(crate) const fn from_cuts(cut_before: bool, cut_after: bool) -> Self {
        match (cut_before, cut_after) {
            (false, false) => Self::Whole,
            (false, true) => Self::Head,
            (true, true) => Self::Middle,
            (true, false) => Self::Tail,
        }
    }
}

/// How lines are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineOptions {
    framing: Framing,
    max_line_bytes: usize,
}

impl LineOptions {
    /// The longest content of a line, in bytes, unless told otherwise: 1 MiB. Container runtimes split at
    /// 16 KiB and web servers write a few; stack traces in one JSON line reach hundreds of KiB.
    pub const DEFAULT_MAX_LINE_BYTES: usize = 1 << 20;

    /// The smallest limit: a part must be able to hold a whole UTF-8 character and then some.
    pub const LEAST_MAX_LINE_BYTES: usize = 16;

    /// Sets how lines are told apart.
    #[must_use]
    pub const fn with_framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// How lines are told apart.
    pub const fn framing(&self) -> Framing {
        self.framing
    }

    /// Sets the longest content of a line in bytes, ending not counted; at least
    /// [`LEAST_MAX_LINE_BYTES`](Self::LEAST_MAX_LINE_BYTES).
    #[must_use]
    pub fn with_max_line_bytes(mut self, bytes: usize) -> Self {
        self.max_line_bytes = bytes.max(Self::LEAST_MAX_LINE_BYTES);
        self
    }

    /// The longest content of a line, in bytes.
    pub const fn max_line_bytes(&self) -> usize {
        self.max_line_bytes
    }
}

impl Default for LineOptions {
    fn default() -> Self {
        Self {
            framing: Framing::Lines,
            max_line_bytes: Self::DEFAULT_MAX_LINE_BYTES,
        }
    }
}

/// A line, or a part of one, borrowed from the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    pub(crate) prefix: &'a [u8],
    pub(crate) bytes: &'a [u8],
    pub(crate) ending: Ending,
    pub(crate) part: Part,
    pub(crate) offset: u64,
    pub(crate) number: u64,
}

impl<'a> Line<'a> {
    /// The content, without its ending.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What stood before the content: the length, if octets are counted.
    pub const fn prefix(&self) -> &'a [u8] {
        self.prefix
    }

    /// How it ended.
    pub const fn ending(&self) -> Ending {
        self.ending
    }

    /// Whether this is a whole line or a part of one that exceeded the limit.
    pub const fn part(&self) -> Part {
        self.part
    }

    /// The offset of the first byte, prefix included, from the start of the input.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The line's number, from 1; the parts of one line share it.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The bytes of the input this is, prefix and ending included.
    pub fn span(&self) -> Range<u64> {
        let length = self.prefix.len() + self.bytes.len() + self.ending.as_bytes().len();
        self.offset..self.offset + length as u64
    }

    /// The content as text, or `None` if it is not UTF-8: the bytes are kept as they are either way.
    pub fn to_str(&self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes).ok()
    }
}
