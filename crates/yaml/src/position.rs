//! Places in a source text.

use std::fmt;

/// A place in a source text: byte offset, line and column.
///
/// Lines and columns count from 1 and columns count characters, as editors do; the offset counts
/// bytes from 0, so that `&source[offset..]` starts here. A byte order mark belongs to the source
/// and is counted in the offset, but not in the column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Position {
    /// Bytes before this place.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
}

impl Position {
    /// The place with these coordinates.
    pub const fn new(offset: usize, line: usize, column: usize) -> Self {
        Self {
            offset,
            line,
            column,
        }
    }

    /// Where nothing stands, which the parser places here: behind its colon, not before it, and behind its dash, not
    /// behind the comment that follows.
    pub(crate) fn of_nothing(mut self, source: &str) -> Self {
        let (before, after) = source.split_at_checked(self.offset).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let comment = line.trim_start_matches([' ', '\t', '-', '?', ':']);
        let is_behind_comment = comment.starts_with('#');
        if is_behind_comment {
            let begins = line.strip_suffix(comment).unwrap_or_default();
            let past = line.strip_prefix(begins.trim_end()).unwrap_or_default();
            self.offset -= past.len();
            self.column -= past.chars().count().min(self.column);
        } else if after.starts_with(':') {
            self.offset += 1;
            self.column += 1;
        }
        self
    }
}

impl fmt::Display for Position {
    /// `line:column`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A stretch of source text, from `start` up to but not including `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Span {
    /// Where it begins.
    pub start: Position,
    /// Where it has ended.
    pub end: Position,
}

impl Span {
    /// The stretch between two places.
    pub const fn new(start: Position, end: Position) -> Self {
        Self { start, end }
    }

    /// The byte range, for slicing the source.
    pub const fn range(&self) -> std::ops::Range<usize> {
        self.start.offset..self.end.offset
    }
}
