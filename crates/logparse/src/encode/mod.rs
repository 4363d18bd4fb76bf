//! Records as bytes for others to read: JSON lines here, and what OpenSearch ([`bulk`]), OpenTelemetry ([`otlp`]) and Loki ([`loki`]) take.
//!
//! An [`Object`] loses nothing on the way out:
//!
//! - Numbers are written with the digits they were read with.
//! - A text that is not UTF-8 is written twice: under its name with U+FFFD for what cannot be shown, and under
//!   `NAME.base64` with its exact bytes. The second member is there if and only if the first is not exact.
//! - A name that occurs more than once becomes one member whose value is the array of its values, in order, because
//!   many readers refuse an object with repeated names or drop all but one value.
//! - Text from JSON lines is copied with its escapes, so a lone surrogate stays one.
//! - Times are written in RFC 3339, UTC.

pub mod bulk;
pub mod loki;
mod origin;
pub mod otlp;

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write as _;

use base64::Engine as _;

pub use origin::Origin;

use crate::record::{Escaping, Field, Record, Text, Value};

/// A JSON object being written, member by member, into a buffer.
///
/// ```
/// use narae_logparse::Format;
/// use narae_logparse::encode::Object;
///
/// let record = Format::Json.parse(br#"{"id":12345678901234567890.10,"id":"b"}"#)?;
/// let mut out = Vec::new();
/// Object::begin(&mut out).text("@format", b"json").record(&record).end();
/// assert_eq!(out, br#"{"@format":"json","id":[12345678901234567890.10,"b"]}"#);
/// # Ok::<(), narae_logparse::ParseError>(())
/// ```
#[derive(Debug)]
pub struct Object<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
    /// Names written by hand; the fields of a record with such a name join them in an array.
    own: Vec<Field<'static>>,
}

impl<'o> Object<'o> {
    /// Begins an object at the end of `out`.
    pub fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self {
            out,
            first: true,
            own: Vec::new(),
        }
    }

    /// Adds a text.
    #[must_use]
    pub fn text(self, name: &str, bytes: &[u8]) -> Self {
        self.own(name, Value::Text(Text::new(bytes.to_vec(), Escaping::None)))
    }

    /// Adds an unsigned integer.
    #[must_use]
    pub fn number(self, name: &str, value: u64) -> Self {
        self.own(name, Value::Number(value.into()))
    }

    /// Adds the fields of a record.
    #[must_use]
    pub fn record(self, record: &Record<'_>) -> Self {
        self.fields(record.fields())
    }

    /// Adds fields.
    #[must_use]
    pub fn fields(mut self, fields: &[Field<'_>]) -> Self {
        let own = std::mem::take(&mut self.own);
        let fields: Vec<&Field<'_>> = own.iter().chain(fields).collect();
        self.members(&fields);
        self
    }

    /// Ends the object.
    pub fn end(mut self) {
        let own = std::mem::take(&mut self.own);
        self.members(&own.iter().collect::<Vec<_>>());
        self.out.push(b'}');
    }

    fn own(mut self, name: &str, value: Value<'static>) -> Self {
        self.own.push(Field::new(name.to_owned(), value));
        self
    }

    fn members(&mut self, fields: &[&Field<'_>]) {
        let Some(next) = repeats(fields) else {
            for field in fields {
                self.member(field.name(), &[field.value()]);
            }
            return;
        };
        for values in next {
            let members: Vec<&Value<'_>> = values
                .iter()
                .filter_map(|at| fields.get(*at))
                .map(|f| f.value())
                .collect();
            if let Some(field) = values.first().and_then(|at| fields.get(*at)) {
                self.member(field.name(), &members);
            }
        }
    }

    fn member(&mut self, name: &str, values: &[&Value<'_>]) {
        self.name(name, "");
        self.several(values, write_value);
        if !values.iter().all(|value| is_exact(value)) {
            self.name(name, ".base64");
            self.several(values, write_base64);
        }
    }

    fn name(&mut self, name: &str, suffix: &str) {
        if !std::mem::replace(&mut self.first, false) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        write_escaped(name, self.out);
        self.out.extend_from_slice(suffix.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn several(&mut self, values: &[&Value<'_>], write: impl Fn(&Value<'_>, &mut Vec<u8>)) {
        match values {
            [value] => write(value, self.out),
            _ => write_list(values.iter().copied(), self.out, write),
        }
    }
}

/// An event encoded for a destination: what requests are put together from ([`Protocol::request`](crate::deliver::Protocol::request)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    id: String,
    /// What it shares with others: a resource, a set of labels, encoded.
    group: Vec<u8>,
    body: Vec<u8>,
}

impl Item {
    /// The event's id, the same whenever the same bytes are read again.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How many bytes it takes.
    pub const fn bytes(&self) -> usize {
        self.id.len() + self.group.len() + self.body.len()
    }

    /// Its own bytes.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The bytes it shares with others of its group.
    pub fn group(&self) -> &[u8] {
        &self.group
    }

    /// Its own bytes as a text.
    ///
    /// # Errors
    ///
    /// They are protobuf.
    pub const fn text(&self) -> Result<&str, std::str::Utf8Error> {
        std::str::from_utf8(self.body.as_slice())
    }

    /// Any item, for who delivers something else.
    pub const fn new(id: String, group: Vec<u8>, body: Vec<u8>) -> Self {
        Self { id, group, body }
    }
}

fn write_list<'v, 'a: 'v>(
    values: impl Iterator<Item = &'v Value<'a>>,
    out: &mut Vec<u8>,
    write: impl Fn(&Value<'_>, &mut Vec<u8>),
) {
    out.push(b'[');
    for (number, value) in values.enumerate() {
        if number > 0 {
            out.push(b',');
        }
        write(value, out);
    }
    out.push(b']');
}

/// Whether JSON can hold it as it is.
fn is_exact(value: &Value<'_>) -> bool {
    match value {
        Value::Text(text) => text.to_str().is_ok(),
        Value::List(values) => values.iter().all(is_exact),
        _ => true,
    }
}

fn write_base64(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Text(text) => {
            let encoded = base64::engine::general_purpose::STANDARD.encode(text.decode());
            write_str(&encoded, out);
        }
        Value::List(values) => write_list(values.iter(), out, write_base64),
        _ => out.extend_from_slice(b"null"),
    }
}

/// The positions of each name, in order of its first; `None` if every name occurs once.
fn repeats(fields: &[&Field<'_>]) -> Option<Vec<Vec<usize>>> {
    // Few names are compared with each other faster than they are hashed.
    const FEW: usize = 24;
    let repeated = |(at, field): (usize, &&Field<'_>)| {
        fields
            .get(..at)
            .unwrap_or_default()
            .iter()
            .any(|earlier| earlier.name() == field.name())
    };
    if fields.len() <= FEW && !fields.iter().enumerate().any(repeated) {
        return None;
    }
    let mut groups: Vec<Vec<usize>> = Vec::with_capacity(fields.len());
    let mut group_of: HashMap<&str, usize> = HashMap::with_capacity(fields.len());
    for (at, field) in fields.iter().enumerate() {
        let group = *group_of.entry(field.name()).or_insert(groups.len());
        match groups.get_mut(group) {
            Some(positions) => positions.push(at),
            None => groups.push(vec![at]),
        }
    }
    (groups.len() < fields.len()).then_some(groups)
}

fn write_value(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Json(json) => out.extend_from_slice(json.as_bytes()),
        Value::Text(text) => write_text(text, out),
        Value::List(values) => write_list(values.iter(), out, write_value),
        Value::Number(number) => display(number, out),
        Value::Time(time) => {
            out.push(b'"');
            display(time, out);
            out.push(b'"');
        }
    }
}

fn display(value: &impl std::fmt::Display, out: &mut Vec<u8>) {
    // Writing into a Vec cannot fail.
    let _ = write!(out, "{value}");
}

fn write_text(text: &Text<'_>, out: &mut Vec<u8>) {
    if text.escaping() == Escaping::Json {
        out.push(b'"');
        out.extend_from_slice(text.raw());
        out.push(b'"');
        return;
    }
    match text.decode() {
        Cow::Borrowed(bytes) => write_str(&String::from_utf8_lossy(bytes), out),
        Cow::Owned(bytes) => write_str(&String::from_utf8_lossy(&bytes), out),
    }
}

fn write_str(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_escaped(text, out);
    out.push(b'"');
}

fn write_escaped(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some(plain) = rest
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1F | 0x7F))
    {
        let (before, after) = rest.split_at(plain);
        out.extend_from_slice(before);
        let Some((&byte, after)) = after.split_first() else {
            return;
        };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(br"\n"),
            b'\r' => out.extend_from_slice(br"\r"),
            b'\t' => out.extend_from_slice(br"\t"),
            _ => display(&format_args!("\\u{byte:04x}"), out),
        }
        rest = after;
    }
    out.extend_from_slice(rest);
}
