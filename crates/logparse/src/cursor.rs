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

    #[inline]
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.line.get(self.at..).unwrap_or_default()
    }

    #[inline]
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

    /// The bytes up to this one, which must come; stands after it.
    #[inline]
    pub(crate) fn until(&mut self, end: u8, field: &'static str) -> Result<&'a [u8], ParseError> {
        let rest = self.rest();
        let found = memchr(end, rest).and_then(|length| rest.get(..length));
        let found =
            found.ok_or_else(|| ParseError::new(Reason::MissingField, field, self.line.len()))?;
        self.at += found.len() + 1;
        Ok(found)
    }

    /// The bytes up to this one or the end of the line; stands on it.
    #[inline]
    pub(crate) fn until_or_end(&mut self, end: u8) -> &'a [u8] {
        let rest = self.rest();
        let found = memchr(end, rest)
            .and_then(|length| rest.get(..length))
            .unwrap_or(rest);
        self.at += found.len();
        found
    }

    /// The next bytes, as many as this.
    pub(crate) fn take(
        &mut self,
        bytes: usize,
        field: &'static str,
    ) -> Result<&'a [u8], ParseError> {
        let taken = self.rest().get(..bytes);
        let taken =
            taken.ok_or_else(|| ParseError::new(Reason::MissingField, field, self.line.len()))?;
        self.at += bytes;
        Ok(taken)
    }

    /// The bytes from here on that are wanted, possibly none.
    #[inline]
    pub(crate) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest
            .iter()
            .position(|byte| !wanted(*byte))
            .unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// Exactly these bytes.
    pub(crate) fn tag(&mut self, wanted: &[u8], field: &'static str) -> Result<(), ParseError> {
        wanted.iter().try_for_each(|byte| self.byte(*byte, field))
    }

    /// Steps over these bytes if they come next.
    #[inline]
    pub(crate) fn skip(&mut self, wanted: &[u8]) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len();
        }
        found
    }

    /// What stands between these two, the closing one not inside; stands after it.
    pub(crate) fn between(
        &mut self,
        open: u8,
        close: u8,
        field: &'static str,
    ) -> Result<&'a [u8], ParseError> {
        self.byte(open, field)?;
        self.until(close, field)
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    /// Everything that is left.
    #[inline]
    pub(crate) fn take_rest(&mut self) -> &'a [u8] {
        let rest = self.rest();
        self.at = self.line.len();
        rest
    }

    /// What stands between two quotes where a backslash is a byte like any other; stands after the closing one.
    pub(crate) fn quoted_verbatim(&mut self, field: &'static str) -> Result<&'a [u8], ParseError> {
        let opening = self.at;
        self.byte(b'"', field)?;
        self.until(b'"', field)
            .map_err(|_| ParseError::new(Reason::UnclosedQuote, field, opening))
    }

    pub(crate) fn end(&self) -> Result<(), ParseError> {
        if self.rest().is_empty() {
            Ok(())
        } else {
            Err(ParseError::new(Reason::TrailingBytes, "line", self.at))
        }
    }
}
