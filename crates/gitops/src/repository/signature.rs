//! Who commits, and when: parameters, never read from the machine.

use std::fmt;

/// A name, an address and a time, as they stand in a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    name: String,
    email: String,
    time: Timestamp,
}

impl Signature {
    /// Someone at some time.
    ///
    /// Dots, commas, quotes and the like around name and address are dropped, as git drops them.
    ///
    /// # Errors
    ///
    /// When the name is empty, or either has `<`, `>` or a control character, or the address a
    /// space.
    pub fn new(name: &str, email: &str, time: Timestamp) -> Result<Self, SignatureError> {
        let (name, email) = (name.trim_matches(is_crud), email.trim_matches(is_crud));
        if name.is_empty() || !is_plain(name) {
            return Err(SignatureError::Name);
        }
        if !is_plain(email) || email.contains(char::is_whitespace) {
            return Err(SignatureError::Email);
        }
        Ok(Self {
            name: name.to_owned(),
            email: email.to_owned(),
            time,
        })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address; may be empty.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }

    /// When.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.time
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <{}> {}", self.name, self.email, self.time)
    }
}

/// A moment and the offset from UTC it was written at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    offset_minutes: i16,
}

impl Timestamp {
    /// The last second of the year 9999: past it, no tool reads the date.
    pub const MAX_SECONDS: i64 = 253_402_300_799;

    /// `seconds` since 1970-01-01 00:00 UTC, written at `offset_minutes` east of UTC.
    ///
    /// # Errors
    ///
    /// When `seconds` is negative or past [`Timestamp::MAX_SECONDS`], or the offset is a day or more.
    pub fn new(seconds: i64, offset_minutes: i16) -> Result<Self, SignatureError> {
        if !(0..=Self::MAX_SECONDS).contains(&seconds) || offset_minutes.unsigned_abs() >= 24 * 60 {
            return Err(SignatureError::Time);
        }
        Ok(Self {
            seconds,
            offset_minutes,
        })
    }

    /// Seconds since 1970-01-01 00:00 UTC.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Minutes east of UTC.
    #[must_use]
    pub fn offset_minutes(self) -> i16 {
        self.offset_minutes
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        let minutes = self.offset_minutes.unsigned_abs();
        write!(
            f,
            "{} {sign}{:02}{:02}",
            self.seconds,
            minutes / 60,
            minutes % 60
        )
    }
}

/// Which part of a signature git cannot write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The name.
    #[error("author name: expected text without `<`, `>` or control characters")]
    Name,
    /// The address.
    #[error("author address: expected text without spaces, `<`, `>` or control characters")]
    Email,
    /// The time.
    #[error(
        "commit time: expected seconds since 1970 up to the year 9999, and an offset of less than a day"
    )]
    Time,
}

/// What git strips from both ends (`strbuf_addstr_without_crud` in `ident.c`).
fn is_crud(character: char) -> bool {
    character <= ' ' || ".,:;<>\"\\'".contains(character)
}

fn is_plain(text: &str) -> bool {
    !text
        .chars()
        .any(|character| character.is_control() || matches!(character, '<' | '>'))
}
