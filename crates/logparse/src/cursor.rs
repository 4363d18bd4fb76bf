//! Walks over one line, keeping the offset that an error must name.

use memchr::{memchr, memchr2};

use crate::error::{ParseError, Reason};

/// A position in a line. Every method either advances past what it returns or leaves an error's offset.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(line: &'a [u8]) -> Self {
        Self { line, at: 0 }
    }

    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.line.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn advance(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.line.len());
    }

    /// The bytes up to the next space, of which there must be at least one; stands after the space.
    #[inline]
    pub(crate) fn word(&mut self, field: &'static str) -> Result<&'a [u8], ParseError> {
        let rest = self.rest();
        match memchr(b' ', rest).and_then(|end| rest.split_at_checked(end)) {
            Some((word, _)) if !word.is_empty() => {
                self.at += word.len() + 1;
                Ok(word)
            }
            Some(_) => Err(ParseError::new(Reason::MissingField, field, self.at)),
            None => Err(ParseError::new(
                Reason::MissingField,
                field,
                self.line.len(),
            )),
        }
    }

    /// Exactly this byte.
    #[inline]
    pub(crate) fn byte(&mut self, wanted: u8, field: &'static str) -> Result<(), ParseError> {
        match self.rest().first() {
            Some(&byte) if byte == wanted => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(ParseError::new(Reason::UnexpectedByte, field, self.at)),
            None => Err(ParseError::new(Reason::MissingField, field, self.at)),
        }
    }

    /// What stands between two quotes, a backslash protecting the byte after it; stands after the closing one.
    #[inline]
    pub(crate) fn quoted(&mut self, field: &'static str) -> Result<&'a [u8], ParseError> {
        let opening = self.at;
        self.byte(b'"', field)?;
        let rest = self.rest();
        let mut end = 0;
        while let Some(found) = rest.get(end..).and_then(|tail| memchr2(b'"', b'\\', tail)) {
            end += found;
            if rest.get(end) == Some(&b'"') {
                self.at += end + 1;
                return Ok(rest.get(..end).unwrap_or_default());
            }
            end += 2;
        }
        Err(ParseError::new(Reason::UnclosedQuote, field, opening))
    }

    pub(crate) fn end(&self) -> Result<(), ParseError> {
        if self.rest().is_empty() {
            Ok(())
        } else {
            Err(ParseError::new(Reason::TrailingBytes, "line", self.at))
        }
    }
}
