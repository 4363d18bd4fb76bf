//! One pass over a line of JSON, emitting a field for every leaf.

use std::borrow::Cow;

use super::JsonOptions;
use crate::error::{ParseError, Reason};
use crate::record::{Escaping, Field, Number, Text, Value};

/// The fields of the one object in `text`.
pub(super) fn object<'a>(
    text: &'a str,
    options: &JsonOptions,
) -> Result<Vec<Field<'a>>, ParseError> {
    let mut scan = Scan {
        text,
        bytes: text.as_bytes(),
        at: 0,
        options,
        path: String::new(),
        fields: Vec::new(),
    };
    scan.space();
    match scan.peek() {
        Some(b'{') => {}
        Some(_) => return Err(scan.error(Reason::NotAnObject)),
        None => return Err(scan.error(Reason::MissingField)),
    }
    scan.fields.reserve(16);
    scan.flatten(1)?;
    scan.space();
    if scan.at < scan.bytes.len() {
        return Err(scan.error(Reason::TrailingBytes));
    }
    Ok(scan.fields)
}

struct Scan<'a, 'o> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    options: &'o JsonOptions,
    /// The dotted name of the object being read, without a final dot; empty at the top.
    path: String,
    fields: Vec<Field<'a>>,
}

impl<'a> Scan<'a, '_> {
    /// An object whose members become fields; stands on `{`. Recursion is bounded by `max_depth`.
    fn flatten(&mut self, depth: usize) -> Result<(), ParseError> {
        self.enter(depth)?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key_at = self.at;
            let key = self.string()?;
            self.colon()?;
            if self.peek() == Some(b'{') && !self.is_empty_object() {
                let outer = self.path.len();
                self.descend(&key, depth == 1, key_at)?;
                self.flatten(depth + 1)?;
                self.path.truncate(outer);
            } else {
                let name = self.name(key, depth == 1, key_at)?;
                let value = self.value(depth)?;
                self.emit(name, value)?;
            }
            if self.member_ends(b'}')? {
                return Ok(());
            }
        }
    }

    fn descend(&mut self, key: &Text<'a>, top: bool, key_at: usize) -> Result<(), ParseError> {
        if !top {
            self.path.push('.');
        }
        self.path.push_str(&json_str(key));
        self.check_name(self.path.len(), key_at)
    }

    fn name(&self, key: Text<'a>, top: bool, key_at: usize) -> Result<Cow<'a, str>, ParseError> {
        let name = match (top, self.plain(&key)) {
            (true, Some(name)) => Cow::Borrowed(name),
            (true, None) => Cow::Owned(json_str(&key).into_owned()),
            (false, _) => {
                let key = json_str(&key);
                let mut name = String::with_capacity(self.path.len() + 1 + key.len());
                name.extend([&self.path, ".", &key]);
                Cow::Owned(name)
            }
        };
        self.check_name(name.len(), key_at)?;
        Ok(name)
    }

    /// A key without escapes, with the lifetime of the line.
    fn plain(&self, key: &Text<'a>) -> Option<&'a str> {
        let raw = key.as_borrowed()?;
        if memchr::memchr(b'\\', raw).is_some() {
            None
        } else {
            std::str::from_utf8(raw).ok()
        }
    }

    fn check_name(&self, bytes: usize, key_at: usize) -> Result<(), ParseError> {
        if bytes > self.options.max_name_bytes {
            return Err(ParseError::new(Reason::NameTooLong, "name", key_at));
        }
        Ok(())
    }

    fn emit(&mut self, name: Cow<'a, str>, value: Value<'a>) -> Result<(), ParseError> {
        if self.fields.len() >= self.options.max_fields {
            return Err(self.error(Reason::TooManyFields));
        }
        self.fields.push(Field::new(name, value));
        Ok(())
    }

    /// Any value but an object to flatten.
    fn value(&mut self, depth: usize) -> Result<Value<'a>, ParseError> {
        match self.peek() {
            Some(b'"') => self.string().map(Value::Text),
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
            _ => self
                .number()
                .map(|literal| Value::Number(Number::from_json(literal))),
        }
    }

    /// An array or object kept as written; stands on its bracket. Recursion is bounded by `max_depth`.
    fn skip(&mut self, depth: usize) -> Result<(), ParseError> {
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
                _ => drop(self.value(depth)?),
            }
            if self.member_ends(close)? {
                return Ok(());
            }
        }
    }

    /// Past an opening bracket and the white space after it.
    fn enter(&mut self, depth: usize) -> Result<(), ParseError> {
        if depth > self.options.max_depth {
            return Err(self.error(Reason::TooDeep));
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    fn colon(&mut self) -> Result<(), ParseError> {
        self.space();
        self.expect(b':')?;
        self.space();
        Ok(())
    }

    /// After a member: true past the closing bracket, false past a comma and before the next member.
    fn member_ends(&mut self, close: u8) -> Result<bool, ParseError> {
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

    /// What stands between two quotes, escapes checked and kept.
    fn string(&mut self) -> Result<Text<'a>, ParseError> {
        let opening = self.at;
        self.expect(b'"')?;
        let from = self.at;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(plain) = rest
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1F))
            else {
                return Err(ParseError::new(Reason::UnclosedQuote, "string", opening));
            };
            self.at += plain;
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                _ => return Err(self.unexpected()),
            }
        }
        let raw = self.bytes.get(from..self.at).unwrap_or_default();
        self.at += 1;
        Ok(Text::borrowed(raw, Escaping::Json))
    }

    fn escape(&mut self) -> Result<(), ParseError> {
        let length = match self.bytes.get(self.at + 1..).unwrap_or_default() {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', digits @ ..]
                if digits
                    .iter()
                    .take(4)
                    .filter(|digit| digit.is_ascii_hexdigit())
                    .count()
                    == 4 =>
            {
                6
            }
            _ => return Err(ParseError::new(Reason::BadEscape, "string", self.at)),
        };
        self.at += length;
        Ok(())
    }

    fn number(&mut self) -> Result<&'a str, ParseError> {
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
    fn digits(&mut self) -> Result<(), ParseError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return Err(self.error(Reason::BadNumber));
        }
        self.at += count;
        Ok(())
    }

    fn word(&mut self, word: &'static str) -> Result<(), ParseError> {
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
    fn expect(&mut self, wanted: u8) -> Result<(), ParseError> {
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
    fn space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    fn unexpected(&self) -> ParseError {
        self.error(if self.peek().is_some() {
            Reason::UnexpectedByte
        } else {
            Reason::MissingField
        })
    }

    const fn error(&self, reason: Reason) -> ParseError {
        ParseError::new(reason, "json", self.at)
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The text of a JSON string, which is UTF-8 because the line is.
fn json_str<'t>(text: &'t Text<'_>) -> Cow<'t, str> {
    text.to_str().unwrap_or_default()
}
