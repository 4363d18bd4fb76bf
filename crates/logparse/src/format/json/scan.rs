//! One pass over a line of JSON, emitting a field for every leaf.

use std::borrow::Cow;

use super::string::{escape, plain};
use super::{JsonOptions, TIME_NAMES};
use crate::error::{ParseError, Reason};
use crate::record::{Escaping, Field, Name, Number, Text, Value, push};
use crate::time::Timestamp;

/// Small, so that what is found comes back in registers; errors are rare.
type Fault = Box<ParseError>;

/// The fields of the one object in `text`, and the time that the first of [`TIME_NAMES`] gives.
pub(super) fn object<'a>(
    text: &'a str,
    options: &JsonOptions,
) -> Result<(Vec<Field<'a>>, Option<Timestamp>), ParseError> {
    let mut scan = Scan {
        text,
        bytes: text.as_bytes(),
        at: 0,
        options,
        times: [None; TIME_NAMES.len()],
        fields: Vec::new(),
    };
    scan.document().map_err(|fault| *fault)?;
    let time = scan.time();
    Ok((scan.fields, time))
}

struct Scan<'a, 'o> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    options: &'o JsonOptions,
    /// Where in `fields` the last value of each of [`TIME_NAMES`] is.
    times: [Option<usize>; TIME_NAMES.len()],
    fields: Vec<Field<'a>>,
}

/// A key as written.
#[derive(Clone, Copy)]
struct Key<'a> {
    raw: &'a str,
    has_escapes: bool,
    at: usize,
}

impl Key<'_> {
    /// Does something with the text meant.
    #[inline]
    fn meant<T>(self, then: impl FnOnce(&str) -> T) -> T {
        if self.has_escapes {
            then(&self.unescaped())
        } else {
            then(self.raw)
        }
    }

    #[cold]
    fn unescaped(self) -> String {
        let text = Text::borrowed(self.raw.as_bytes(), Escaping::Json);
        String::from_utf8_lossy(&text.decode()).into_owned()
    }
}

impl<'a> Scan<'a, '_> {
    fn document(&mut self) -> Result<(), Fault> {
        self.space();
        match self.peek() {
            Some(b'{') => {}
            Some(_) => return Err(self.error(Reason::NotAnObject)),
            None => return Err(self.error(Reason::MissingField)),
        }
        self.fields.reserve(16);
        self.flatten(None, 1)?;
        self.space();
        if self.at < self.bytes.len() {
            return Err(self.error(Reason::TrailingBytes));
        }
        Ok(())
    }

    fn time(&self) -> Option<Timestamp> {
        let found = self.times.iter().flatten();
        found
            .filter_map(|index| match self.fields.get(*index)?.value() {
                Value::Text(text) => Timestamp::from_rfc3339(&text.decode()),
                _ => None,
            })
            .next()
    }

    /// An object whose members become fields under `outer`; stands on `{`. Recursion is bounded by `max_depth`.
    fn flatten(&mut self, outer: Option<&str>, depth: usize) -> Result<(), Fault> {
        self.enter(depth)?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key = self.key()?;
            self.colon()?;
            self.check_name(outer, key)?;
            if self.peek() != Some(b'{') || self.is_empty_object() {
                self.member(outer, key, depth)?;
            } else if let Some(outer) = outer {
                let name = key.meant(|key| Name::dotted(outer, key));
                self.flatten(Some(&name), depth + 1)?;
            } else {
                key.meant(|key| self.flatten(Some(key), depth + 1))?;
            }
            if self.member_ends(b'}')? {
                return Ok(());
            }
        }
    }

    #[inline]
    fn check_name(&self, outer: Option<&str>, key: Key<'a>) -> Result<(), Fault> {
        let before = outer.map_or(0, |outer| outer.len() + 1);
        // What is meant is never longer than what is written.
        if before + key.raw.len() <= self.options.max_name_bytes
            || before + key.meant(str::len) <= self.options.max_name_bytes
        {
            return Ok(());
        }
        let error = ParseError::new(Reason::NameTooLong, "name", key.at);
        Err(Box::new(error))
    }

    /// The value of a member, as a field.
    #[inline]
    fn member(&mut self, outer: Option<&str>, key: Key<'a>, depth: usize) -> Result<(), Fault> {
        if outer.is_none() {
            key.meant(|name| self.note_time(name));
        }
        match self.peek() {
            Some(b'"') => {
                let text = self.string()?;
                self.emit(outer, key, || Value::text(text, Escaping::Json))
            }
            Some(b'-' | b'0'..=b'9') => {
                let literal = self.number()?;
                self.emit(outer, key, || Value::Number(Number::from_json(literal)))
            }
            _ => {
                let value = self.other(depth)?;
                self.emit(outer, key, || value)
            }
        }
    }

    /// Remembers that the next field is called so, if that is a name of times.
    #[inline]
    fn note_time(&mut self, name: &str) {
        if !name.starts_with(['@', 't']) {
            return;
        }
        let known = TIME_NAMES.iter().position(|known| *known == name);
        if let Some(place) = known.and_then(|rank| self.times.get_mut(rank)) {
            *place = Some(self.fields.len());
        }
    }

    #[inline]
    fn emit(
        &mut self,
        outer: Option<&str>,
        key: Key<'a>,
        value: impl FnOnce() -> Value<'a>,
    ) -> Result<(), Fault> {
        if self.fields.len() >= self.options.max_fields {
            return Err(self.error(Reason::TooManyFields));
        }
        match outer {
            None if key.has_escapes => push(
                &mut self.fields,
                || Name::from(Cow::Owned(key.unescaped())),
                value,
            ),
            None => push(&mut self.fields, || Name::Borrowed(key.raw), value),
            Some(outer) => {
                let name = || key.meant(|key| Name::dotted(outer, key));
                push(&mut self.fields, name, value);
            }
        }
        Ok(())
    }

    /// Any value but a text, a number and an object to flatten.
    fn other(&mut self, depth: usize) -> Result<Value<'a>, Fault> {
        match self.peek() {
            Some(b'{' | b'[') => {
                let from = self.at;
                self.skip(depth + 1)?;
                Ok(Value::Json(Cow::Borrowed(
                    self.text.get(from..self.at).unwrap_or_default(),
                )))
            }
            Some(b't') => self.word("true").map(|()| Value::Bool(true)),
            Some(b'f') => self.word("false").map(|()| Value::Bool(false)),
            Some(b'n') => self.word("null").map(|()| Value::Null),
            _ => Err(self.unexpected()),
        }
    }

    /// An array or object kept as written; stands on its bracket. Recursion is bounded by `max_depth`.
    fn skip(&mut self, depth: usize) -> Result<(), Fault> {
        let is_object = self.peek() == Some(b'{');
        let close = if is_object { b'}' } else { b']' };
        self.enter(depth)?;
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(());
        }
        loop {
            if is_object {
                self.string()?;
                self.colon()?;
            }
            match self.peek() {
                Some(b'{' | b'[') => self.skip(depth + 1)?,
                Some(b'"') => drop(self.string()?),
                Some(b'-' | b'0'..=b'9') => drop(self.number()?),
                _ => drop(self.other(depth)?),
            }
            if self.member_ends(close)? {
                return Ok(());
            }
        }
    }

    /// Past an opening bracket and the white space after it.
    fn enter(&mut self, depth: usize) -> Result<(), Fault> {
        if depth > self.options.max_depth {
            return Err(self.error(Reason::TooDeep));
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    #[inline]
    fn colon(&mut self) -> Result<(), Fault> {
        // As nearly every writer has it.
        if let Some([b':', b'!'..=b'~']) = self.next_two() {
            self.at += 1;
            return Ok(());
        }
        self.space();
        self.expect(b':')?;
        self.space();
        Ok(())
    }

    /// After a member: true past the closing bracket, false past a comma and before the next member.
    #[inline]
    fn member_ends(&mut self, close: u8) -> Result<bool, Fault> {
        if let Some([b',', b'"']) = self.next_two() {
            self.at += 1;
            return Ok(false);
        }
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                Ok(false)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn is_empty_object(&self) -> bool {
        let inside = self.bytes.get(self.at + 1..).unwrap_or_default();
        inside.iter().find(|byte| !is_space(**byte)) == Some(&b'}')
    }

    #[inline]
    fn key(&mut self) -> Result<Key<'a>, Fault> {
        let at = self.at;
        let has_escapes = self.simple_string().is_none();
        if has_escapes {
            self.string_with_escapes()?;
        }
        // Cannot fail: quotes are never inside a character.
        let raw = self.text.get(at + 1..self.at - 1).unwrap_or_default();
        Ok(Key {
            raw,
            has_escapes,
            at,
        })
    }

    /// What stands between two quotes, escapes checked and kept.
    #[inline]
    fn string(&mut self) -> Result<&'a [u8], Fault> {
        match self.simple_string() {
            Some(raw) => Ok(raw),
            None => self.string_with_escapes(),
        }
    }

    /// A string without escapes, if one stands here.
    #[inline]
    fn simple_string(&mut self) -> Option<&'a [u8]> {
        let inside = self.bytes.get(self.at..)?.strip_prefix(b"\"")?;
        let (raw, rest) = inside.split_at_checked(plain(inside))?;
        (rest.first() == Some(&b'"')).then(|| self.at += raw.len() + 2)?;
        Some(raw)
    }

    #[inline(never)]
    fn string_with_escapes(&mut self) -> Result<&'a [u8], Fault> {
        let opening = self.at;
        self.expect(b'"')?;
        let from = self.at;
        loop {
            self.at += plain(self.bytes.get(self.at..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.unexpected()),
                None => {
                    let error = ParseError::new(Reason::UnclosedQuote, "string", opening);
                    return Err(Box::new(error));
                }
            }
        }
        let raw = self.bytes.get(from..self.at).unwrap_or_default();
        self.at += 1;
        Ok(raw)
    }

    fn escape(&mut self) -> Result<(), Fault> {
        match escape(self.bytes.get(self.at + 1..).unwrap_or_default()) {
            Some(length) => {
                self.at += 1 + length;
                Ok(())
            }
            None => {
                let error = ParseError::new(Reason::BadEscape, "string", self.at);
                Err(Box::new(error))
            }
        }
    }

    fn number(&mut self) -> Result<&'a str, Fault> {
        let from = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ if self.at == from => return Err(self.unexpected()),
            _ => return Err(self.error(Reason::BadNumber)),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(self.text.get(from..self.at).unwrap_or_default())
    }

    /// At least one digit.
    fn digits(&mut self) -> Result<(), Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return Err(self.error(Reason::BadNumber));
        }
        self.at += count;
        Ok(())
    }

    fn word(&mut self, word: &'static str) -> Result<(), Fault> {
        if self
            .bytes
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word.as_bytes()))
        {
            self.at += word.len();
            return Ok(());
        }
        Err(self.unexpected())
    }

    #[inline]
    fn expect(&mut self, wanted: u8) -> Result<(), Fault> {
        if self.peek() == Some(wanted) {
            self.at += 1;
            return Ok(());
        }
        Err(self.unexpected())
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn next_two(&self) -> Option<[u8; 2]> {
        self.bytes.get(self.at..)?.first_chunk().copied()
    }

    #[inline]
    fn space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    #[cold]
    fn unexpected(&self) -> Fault {
        self.error(if self.peek().is_some() {
            Reason::UnexpectedByte
        } else {
            Reason::MissingField
        })
    }

    #[cold]
    fn error(&self, reason: Reason) -> Fault {
        Box::new(ParseError::new(reason, "json", self.at))
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
