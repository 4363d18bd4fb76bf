//! Collects the fields of a record, with the checks that keep a value out of the wrong field.

use super::Format;
use crate::cursor::Cursor;
use crate::error::{ParseError, Reason};
use crate::record::{Escaping, Field, Name, Number, Record, Value, push};
use crate::time::{Context, Reading, TimeForm, Timestamp};

/// A record being read.
pub(super) struct Fields<'a> {
    list: Vec<Field<'a>>,
    time: Option<Timestamp>,
}

/// A result whose error says where a line stopped being of its format.
pub(super) type Read<T = ()> = Result<T, ParseError>;

impl<'a> Fields<'a> {
    pub(super) fn new() -> Self {
        Self {
            list: Vec::with_capacity(16),
            time: None,
        }
    }

    pub(super) fn push(&mut self, name: &'static str, value: Value<'a>) {
        self.make(name, || value);
    }

    #[inline]
    fn make(&mut self, name: &'static str, value: impl FnOnce() -> Value<'a>) {
        push(&mut self.list, || Name::Borrowed(name), value);
    }

    pub(super) fn push_owned(&mut self, name: String, value: Value<'a>) {
        self.list.push(Field::new(name, value));
    }

    #[inline]
    pub(super) fn text(&mut self, name: &'static str, raw: &'a [u8]) {
        self.make(name, || Value::text(raw, Escaping::None));
    }

    /// A text; `-` stands for nothing.
    pub(super) fn text_or_dash(&mut self, name: &'static str, raw: &'a [u8]) {
        self.escaped_or_dash(name, raw, Escaping::None);
    }

    pub(super) fn escaped_or_dash(
        &mut self,
        name: &'static str,
        raw: &'a [u8],
        escaping: Escaping,
    ) {
        self.make(name, || match raw {
            b"-" => Value::Null,
            _ => Value::text(raw, escaping),
        });
    }

    /// A decimal number that begins at `at`.
    pub(super) fn number(&mut self, name: &'static str, raw: &'a [u8], at: usize) -> Read {
        let literal = decimal(name, raw, at)?;
        self.make(name, || Value::Number(Number::from_json(literal)));
        Ok(())
    }

    #[inline]
    pub(super) fn integer(&mut self, name: &'static str, value: u64) {
        self.make(name, || Value::Number(Number::from(value)));
    }

    /// A decimal number, or `-` for nothing.
    pub(super) fn number_or_dash(&mut self, name: &'static str, raw: &'a [u8], at: usize) -> Read {
        if raw != b"-" {
            return self.number(name, raw, at);
        }
        self.make(name, || Value::Null);
        Ok(())
    }

    /// The record's time, written in this form; a text if the context cannot date it.
    pub(super) fn time(
        &mut self,
        form: TimeForm,
        raw: &'a [u8],
        at: usize,
        context: &Context,
    ) -> Read {
        let reading = form
            .parse(raw, context)
            .ok_or_else(|| ParseError::new(Reason::BadTimestamp, "time", at))?;
        self.time = reading.moment();
        self.make("time", || match reading {
            Reading::Moment(time) => Value::Time(time),
            Reading::Undated => Value::text(raw, Escaping::None),
        });
        Ok(())
    }

    /// Method, target and protocol, or `request` if it is not well formed.
    pub(super) fn request(&mut self, raw: &'a [u8], escaping: Escaping) {
        match super::access::RequestLine::parse(raw) {
            Some(line) => {
                self.push("method", Value::text(line.method, escaping));
                self.push("target", Value::text(line.target, escaping));
                self.push("protocol", Value::text(line.protocol, escaping));
            }
            None => self.escaped_or_dash("request", raw, escaping),
        }
    }

    /// Goes on after the fields of another format's record, with its time.
    pub(super) fn extend(&mut self, record: Record<'a>) {
        self.time = record.time();
        self.list.extend(record.into_fields());
    }

    /// Puts the fields so far under a name of their own: they are of what the line was wrapped in.
    pub(super) fn nest(&mut self, prefix: &str) {
        let nested = std::mem::take(&mut self.list).into_iter();
        self.list
            .extend(nested.map(|field| field.with_prefix(prefix)));
        self.time = None;
    }

    pub(super) fn into_record(self, format: Format) -> Record<'a> {
        Record::new(format, self.time, self.list)
    }
}

fn decimal<'a>(name: &'static str, raw: &'a [u8], at: usize) -> Read<&'a str> {
    Number::decimal(raw).ok_or_else(|| ParseError::new(Reason::BadNumber, name, at))
}

/// A value that stands in a list, or for nothing if it is `-`.
pub(super) fn element<'a>(
    name: &'static str,
    raw: &'a [u8],
    at: usize,
    numeric: bool,
) -> Read<Value<'a>> {
    match raw {
        b"-" => Ok(Value::Null),
        _ if numeric => {
            decimal(name, raw, at).map(|literal| Value::Number(Number::from_json(literal)))
        }
        _ => Ok(Value::text(raw, Escaping::None)),
    }
}

/// What ends a word and may stand before a quote, a bracket or the end of the line.
pub(super) fn last_word<'a>(cursor: &mut Cursor<'a>, field: &'static str) -> Read<&'a [u8]> {
    let word = cursor.until_or_end(b' ');
    if word.is_empty() {
        return Err(ParseError::new(Reason::MissingField, field, cursor.at()));
    }
    Ok(word)
}
