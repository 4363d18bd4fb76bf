//! Text read through an encoding, one byte at a time: escapes undone, line breaks passed over.
//!
//! A reader answers `None` where the buffer ends before the next byte is certain; it is then asked
//! again with more. Readers nest ([`Unescaped`] of [`Unescaped`] is JSON within JSON), copy nothing and
//! keep nothing but their place.

/// Blanks passed over after a line break; more are not indentation.
const MAX_INDENTATION: usize = 128;

/// A reader of decoded bytes.
pub(super) trait Units: Clone {
    /// The next decoded byte; `None` where the buffer ends.
    fn next(&mut self) -> Option<u8>;
    /// Where in the buffer that byte's spelling begins.
    fn at(&self) -> usize;
}

/// The bytes as they are.
#[derive(Clone)]
pub(super) struct Raw<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Raw<'b> {
    pub(super) fn new(bytes: &'b [u8], at: usize) -> Self {
        Self { bytes, at }
    }
}

impl Units for Raw<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    fn at(&self) -> usize {
        self.at
    }
}

/// Escapes by `\` as JSON (RFC 8259, section 7) and double-quoted YAML (1.2.2, section 5.7) have them.
#[derive(Clone)]
pub(super) struct Unescaped<I> {
    inner: I,
    /// What is left of a character of several bytes.
    rest: [u8; 4],
    left: usize,
}

impl<I: Units> Unescaped<I> {
    pub(super) fn new(inner: I) -> Self {
        Self {
            inner,
            rest: [0; 4],
            left: 0,
        }
    }

    /// What follows a `\`: `None` where the buffer ends, `Some(None)` when it is no escape.
    fn escape(&mut self) -> Option<Option<u8>> {
        let code = match self.inner.next()? {
            b'x' => number(&mut self.inner, 2)?,
            b'u' => match number(&mut self.inner, 4)? {
                Some(high @ 0xD800..0xDC00) => self.low_surrogate(high)?,
                code => code,
            },
            b'U' => number(&mut self.inner, 8)?,
            code => return Some(short_escape(code)),
        };
        let Some(character) = code.and_then(char::from_u32) else {
            return Some(None);
        };
        let mut utf8 = [0; 4];
        let length = character.encode_utf8(&mut utf8).len();
        self.rest = utf8;
        self.rest.rotate_left(length);
        self.left = length - 1;
        Some(utf8.first().copied())
    }

    fn low_surrogate(&mut self, high: u32) -> Option<Option<u32>> {
        if self.inner.next()? != b'\\' || self.inner.next()? != b'u' {
            return Some(None);
        }
        let low = number(&mut self.inner, 4)?;
        let low = low.filter(|low| (0xDC00..0xE000).contains(low));
        Some(low.map(|low| 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)))
    }
}

impl<I: Units> Units for Unescaped<I> {
    fn next(&mut self) -> Option<u8> {
        if self.left > 0 {
            let index = self.rest.len() - self.left;
            self.left -= 1;
            return self.rest.get(index).copied();
        }
        let before = self.clone();
        let byte = self.inner.next()?;
        if byte != b'\\' {
            return Some(byte);
        }
        let literally = self.inner.clone();
        let Some(escape) = self.escape() else {
            *self = before;
            return None;
        };
        Some(escape.unwrap_or_else(|| {
            self.inner = literally;
            byte
        }))
    }

    fn at(&self) -> usize {
        self.inner.at()
    }
}

/// What `\` and this one character stand for.
fn short_escape(code: u8) -> Option<u8> {
    match code {
        b'"' | b'\'' | b'\\' | b'/' | b' ' => Some(code),
        // A line break that is escaped is folded away by YAML; within base64, so are all.
        b'n' | b'\n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        b'0' => Some(0),
        b'a' => Some(7),
        b'b' => Some(8),
        b'v' => Some(11),
        b'f' => Some(12),
        b'e' => Some(27),
        _ => None,
    }
}

/// The one byte that the escape at the start of `bytes` stands for, whether it is itself one of an escape's characters or not; `None` where
/// it may stand for any.
pub(super) fn escaped_byte(bytes: &[u8]) -> Option<u8> {
    match bytes {
        [b'\\', b'x' | b'u' | b'U', ..] => None,
        // What is no escape is what it is.
        [b'\\', code, ..] => Some(short_escape(*code).unwrap_or(b'\\')),
        [b'%', high, low, ..] => {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
        }
        _ => None,
    }
}

/// `%XX` (RFC 3986, section 2.1).
#[derive(Clone)]
pub(super) struct Percent<I>(I);

impl<I: Units> Percent<I> {
    pub(super) fn new(inner: I) -> Self {
        Self(inner)
    }
}

impl<I: Units> Units for Percent<I> {
    fn next(&mut self) -> Option<u8> {
        let before = self.0.clone();
        let byte = self.0.next()?;
        if byte != b'%' {
            return Some(byte);
        }
        let literally = self.0.clone();
        let Some(code) = number(&mut self.0, 2) else {
            self.0 = before;
            return None;
        };
        let code = code.and_then(|code| u8::try_from(code).ok());
        Some(code.unwrap_or_else(|| {
            self.0 = literally;
            byte
        }))
    }

    fn at(&self) -> usize {
        self.0.at()
    }
}

/// Lines joined: a line break and the indentation after it are passed over, as where base64 is wrapped.
#[derive(Clone)]
pub(super) struct Joined<I>(I);

impl<I: Units> Joined<I> {
    pub(super) fn new(inner: I) -> Self {
        Self(inner)
    }
}

impl<I: Units> Units for Joined<I> {
    fn next(&mut self) -> Option<u8> {
        let before = self.0.clone();
        let Some(mut byte) = self.0.next() else {
            self.0 = before;
            return None;
        };
        if !is_break(byte) {
            return Some(byte);
        }
        for _ in 0..MAX_INDENTATION {
            let Some(next) = self.0.next() else {
                self.0 = before;
                return None;
            };
            byte = next;
            if !is_break(byte) && !is_blank(byte) {
                break;
            }
        }
        Some(byte)
    }

    fn at(&self) -> usize {
        self.0.at()
    }
}

/// Lines without what stands before them: indentation, and the marks of diffs, quotes and comments.
///
/// A value of several lines is compared in this form, so that it is found in a block scalar.
#[derive(Clone)]
pub(super) struct Lines<I> {
    inner: I,
    starts: bool,
}

impl<I: Units> Lines<I> {
    pub(super) fn new(inner: I) -> Self {
        Self {
            inner,
            starts: false,
        }
    }
}

impl<I: Units> Units for Lines<I> {
    fn next(&mut self) -> Option<u8> {
        loop {
            let byte = self.inner.next()?;
            let is_mark = is_blank(byte) || matches!(byte, b'+' | b'-' | b'>' | b'|' | b'#');
            if byte == b'\r' || (self.starts && is_mark) {
                continue;
            }
            self.starts = byte == b'\n';
            return Some(byte);
        }
    }

    fn at(&self) -> usize {
        self.inner.at()
    }
}

pub(super) fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// A number of `digits` hexadecimal digits: `None` where the buffer ends, `Some(None)` when it is none.
fn number(units: &mut impl Units, digits: u32) -> Option<Option<u32>> {
    let mut number: u32 = 0;
    for _ in 0..digits {
        let Some(digit) = char::from(units.next()?).to_digit(16) else {
            return Some(None);
        };
        number = number.wrapping_shl(4) | digit;
    }
    Some(Some(number))
}
