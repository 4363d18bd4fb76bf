//! Text as written, and as meant.

use std::borrow::Cow;
use std::str::Utf8Error;

use super::escape;

/// How special bytes are written in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Escaping {
    /// Every byte stands for itself.
    None,
    /// As Apache and nginx write their access logs: `\xHH` any byte, `\"` `\\` themselves, and `\b` `\f` `\n` `\r`
    /// `\t` `\v` the control characters. Anything else after a backslash stands, with it, for itself.
    Access,
    /// As in a JSON string, RFC 8259 §7. A lone surrogate becomes U+FFFD when decoded; [`Text::raw`] has it.
    Json,
    /// As Go's `strconv.Quote` and logfmt writers have it: `\a` `\b` `\f` `\n` `\r` `\t` `\v`, `\"`, `\\`, `\xHH` a byte,
    /// `\uHHHH` and `\UHHHHHHHH` a character. Anything else after a backslash stands, with it, for itself.
    Go,
    /// As in the structured data of RFC 5424 §6.3.3: `\"`, `\\` and `\]` stand for their last byte; a backslash before
    /// anything else stands for itself.
    StructuredData,
    /// As HAProxy writes requests and captured headers: `#HH` is any byte.
    Hash,
    /// A block of klog: every line begins with a tab that is not part of it, and the last line end is not either.
    Block,
}

/// A text value: its bytes as they stand in the line, and what they mean once asked.
///
/// Bytes that are not UTF-8 are kept; [`to_str`](Self::to_str) says so instead of replacing them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<'a> {
    raw: Cow<'a, [u8]>,
    escaping: Escaping,
}

impl<'a> Text<'a> {
    /// A text written with this escaping.
    pub fn new(raw: impl Into<Cow<'a, [u8]>>, escaping: Escaping) -> Self {
        Self {
            raw: raw.into(),
            escaping,
        }
    }

    #[inline]
    pub(crate) const fn borrowed(raw: &'a [u8], escaping: Escaping) -> Self {
        Self {
            raw: Cow::Borrowed(raw),
            escaping,
        }
    }

    /// The bytes as they stand in the line, escapes and all.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The raw bytes with the lifetime of the line, unless they are owned.
    pub(crate) const fn as_borrowed(&self) -> Option<&'a [u8]> {
        match self.raw {
            Cow::Borrowed(raw) => Some(raw),
            Cow::Owned(_) => None,
        }
    }

    /// How the raw bytes are written.
    pub const fn escaping(&self) -> Escaping {
        self.escaping
    }

    /// The bytes meant, escapes undone. Borrowed when there are none.
    pub fn decode(&self) -> Cow<'_, [u8]> {
        let mark = match self.escaping {
            Escaping::None => return Cow::Borrowed(&self.raw),
            Escaping::Block => b'\t',
            Escaping::Hash => b'#',
            _ => b'\\',
        };
        if memchr::memchr(mark, &self.raw).is_none() {
            return Cow::Borrowed(&self.raw);
        }
        Cow::Owned(match self.escaping {
            Escaping::None => self.raw.to_vec(),
            Escaping::Access => decode_access(&self.raw),
            Escaping::Json => decode_json(&self.raw),
            Escaping::Go => escape::go(&self.raw),
            Escaping::StructuredData => escape::structured_data(&self.raw),
            Escaping::Hash => escape::hash(&self.raw),
            Escaping::Block => escape::block(&self.raw),
        })
    }

    /// The bytes meant, with the lifetime of the line if there are no escapes.
    pub(crate) fn into_decoded(self) -> Cow<'a, [u8]> {
        match self.decode() {
            Cow::Owned(bytes) => Cow::Owned(bytes),
            Cow::Borrowed(_) => self.raw,
        }
    }

    /// The same without its last bytes.
    pub(crate) fn without_end(self, bytes: usize) -> Self {
        let keep = self.raw.len().saturating_sub(bytes);
        let raw = match self.raw {
            Cow::Borrowed(raw) => Cow::Borrowed(raw.get(..keep).unwrap_or_default()),
            Cow::Owned(mut raw) => {
                raw.truncate(keep);
                Cow::Owned(raw)
            }
        };
        Self { raw, ..self }
    }

    /// The text meant.
    ///
    /// # Errors
    ///
    /// The decoded bytes are not UTF-8; [`decode`](Self::decode) has them.
    pub fn to_str(&self) -> Result<Cow<'_, str>, Utf8Error> {
        match self.decode() {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes)
                .map(Cow::Owned)
                .map_err(|error| error.utf8_error()),
        }
    }

    /// The same, owning its bytes.
    pub fn into_owned(self) -> Text<'static> {
        Text {
            raw: Cow::Owned(self.raw.into_owned()),
            escaping: self.escaping,
        }
    }
}

fn decode_access(mut raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    while let Some((&byte, rest)) = raw.split_first() {
        let (meant, after) = match (byte, rest) {
            (b'\\', [b'x', high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (byte, rest),
            },
            (b'\\', [escape, after @ ..]) => match control(*escape) {
                Some(meant) => (meant, after),
                None => (byte, rest),
            },
            _ => (byte, rest),
        };
        out.push(meant);
        raw = after;
    }
    out
}

pub(super) const fn control(escape: u8) -> Option<u8> {
    Some(match escape {
        b'"' | b'\\' => escape,
        b'b' => 0x08,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 0x0b,
        b'f' => 0x0c,
        b'r' => b'\r',
        _ => return None,
    })
}

pub(super) const fn hex(digit: u8) -> Option<u8> {
    Some(match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => return None,
    })
}

fn decode_json(mut raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut utf8 = [0; 4];
    while let Some((&byte, rest)) = raw.split_first() {
        raw = match (byte, rest) {
            (b'\\', [b'u', after @ ..]) if after.len() >= 4 => {
                let (meant, after) = unicode(after);
                out.extend_from_slice(meant.encode_utf8(&mut utf8).as_bytes());
                after
            }
            (b'\\', [b'/', after @ ..]) => {
                out.push(b'/');
                after
            }
            (b'\\', [escape, after @ ..]) => {
                match control(*escape) {
                    Some(meant) => out.push(meant),
                    None => out.extend_from_slice(&[byte, *escape]),
                }
                after
            }
            _ => {
                out.push(byte);
                rest
            }
        };
    }
    out
}

/// The character of the four digits after a `\u`, and of a second escape if both make a pair.
fn unicode(after: &[u8]) -> (char, &[u8]) {
    let (Some(first), rest) = unit(after) else {
        return (
            char::REPLACEMENT_CHARACTER,
            after.get(4..).unwrap_or_default(),
        );
    };
    if let 0xD800..=0xDBFF = first
        && let Some(tail) = rest.strip_prefix(br"\u")
        && let (Some(second @ 0xDC00..=0xDFFF), tail) = unit(tail)
    {
        let scalar = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return (
            char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER),
            tail,
        );
    }
    (
        char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER),
        rest,
    )
}

pub(super) fn unit(digits: &[u8]) -> (Option<u32>, &[u8]) {
    let Some((digits, rest)) = digits.split_first_chunk::<4>() else {
        return (None, &[]);
    };
    let value = digits
        .iter()
        .try_fold(0, |sum, &digit| Some(sum << 4 | u32::from(hex(digit)?)));
    (value, rest)
}
