//! Why a line is not a record of its format: a reason to branch on, the field, and the offset.

use std::fmt;

/// Why a line could not be read, in terms a program can count and branch on.
///
/// The line itself is never lost: whoever gets the error still has its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The line has no bytes besides its ending.
    Blank,
    /// The line is longer than the limit and was handed over in parts.
    LineTooLong,
    /// The line ends, or the next separator comes, before this field.
    MissingField,
    /// Another byte was expected here.
    UnexpectedByte,
    /// A quoted string never ends.
    UnclosedQuote,
    /// A time is not written as the format says, or names a moment that does not exist.
    BadTimestamp,
    /// A number is not written as the format says, or does not fit.
    BadNumber,
    /// A level is not one of the format's.
    BadLevel,
    /// An address is not written as the format says.
    BadAddress,
    /// There are more or fewer values than the format says, or than fit each other.
    Arity,
    /// The line can be read in more than one way, because its format does not escape what stands here.
    Ambiguous,
    /// A block of several lines never ends.
    UnclosedBlock,
    /// An output stream is neither `stdout` nor `stderr`.
    BadStream,
    /// A tag is neither `P` nor `F`.
    BadTag,
    /// An escape sequence is not one of the format's.
    BadEscape,
    /// The text is not valid UTF-8, and the format demands it.
    NotUtf8,
    /// The line holds a JSON value that is not an object.
    NotAnObject,
    /// Something follows the end of the record.
    TrailingBytes,
    /// Values are nested deeper than the limit.
    TooDeep,
    /// The line has more fields than the limit.
    TooManyFields,
    /// A field's dotted name is longer than the limit.
    NameTooLong,
    /// None of the caller's grok patterns matches.
    NoMatch,
}

impl Reason {
    /// A stable name for counters and output, in snake case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::LineTooLong => "line_too_long",
            Self::MissingField => "missing_field",
            Self::UnexpectedByte => "unexpected_byte",
            Self::UnclosedQuote => "unclosed_quote",
            Self::BadTimestamp => "bad_timestamp",
            Self::BadNumber => "bad_number",
            Self::BadLevel => "bad_level",
            Self::BadAddress => "bad_address",
            Self::Arity => "arity",
            Self::Ambiguous => "ambiguous",
            Self::UnclosedBlock => "unclosed_block",
            Self::BadStream => "bad_stream",
            Self::BadTag => "bad_tag",
            Self::BadEscape => "bad_escape",
            Self::NotUtf8 => "not_utf8",
            Self::NotAnObject => "not_an_object",
            Self::TrailingBytes => "trailing_bytes",
            Self::TooDeep => "too_deep",
            Self::TooManyFields => "too_many_fields",
            Self::NameTooLong => "name_too_long",
            Self::NoMatch => "no_match",
        }
    }
}

/// What was found, as a clause for people.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blank => "the line is empty",
            Self::LineTooLong => "the line is longer than the limit",
            Self::MissingField => "the field is missing",
            Self::UnexpectedByte => "another byte was expected",
            Self::UnclosedQuote => "the closing quote is missing",
            Self::BadTimestamp => "not a time of this format",
            Self::BadNumber => "not a number of this format",
            Self::BadLevel => "not a level of this format",
            Self::BadAddress => "not an address of this format",
            Self::Arity => "more or fewer values than belong here",
            Self::Ambiguous => "it can be read in more than one way",
            Self::UnclosedBlock => "the block never ends",
            Self::BadStream => "expected stdout or stderr",
            Self::BadTag => "expected the tag P or F",
            Self::BadEscape => "not an escape of this format",
            Self::NotUtf8 => "not valid UTF-8",
            Self::NotAnObject => "expected a JSON object",
            Self::TrailingBytes => "bytes follow the end of the record",
            Self::TooDeep => "nested deeper than the limit",
            Self::TooManyFields => "more fields than the limit",
            Self::NameTooLong => "a dotted name is longer than the limit",
            Self::NoMatch => "no pattern matches",
        })
    }
}

/// A line that is not a record: the [`Reason`], the field it concerns, and the byte where reading stopped.
///
/// Holds no byte of the line, so it is safe to log and cheap to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({field}, byte {offset} of the line)")]
pub struct ParseError {
    reason: Reason,
    field: &'static str,
    offset: usize,
}

impl ParseError {
    pub(crate) const fn new(reason: Reason, field: &'static str, offset: usize) -> Self {
        Self {
            reason,
            field,
            offset,
        }
    }

    /// Why the line is not a record.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The field being read, by its name in the format's documentation; `line` when it is none.
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// The offset of the offending byte from the start of the line, in bytes.
    pub const fn offset(&self) -> usize {
        self.offset
    }
}
