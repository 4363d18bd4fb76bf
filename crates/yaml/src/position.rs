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
