//! What a line says: named values, borrowed from the line and converted when asked.
//!
//! A [`Record`] is a list of [`Field`]s in the order of the line. Text stays as it was written until
//! [`Text::decode`] undoes its format's escapes, and numbers stay literals until someone asks for an integer, so
//! nothing is lost to a conversion nobody wanted. [`Record::into_owned`] cuts the ties to the line.
//!
//! A name may occur more than once (JSON allows it, and flattening can produce it): all are kept, in order.

mod escape;
mod name;
#[cfg(feature = "serde")]
mod serialize;
mod text;
mod value;

use std::borrow::Cow;
use std::ops::Range;

use crate::format::Format;
use crate::line::Part;
use crate::time::Timestamp;

pub(crate) use name::Name;
pub use text::{Escaping, Text};
pub use value::{Number, Unit, Value};

/// A name and what it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Field<'a> {
    name: Name<'a>,
    value: Value<'a>,
}

impl<'a> Field<'a> {
    /// A field.
    pub fn new(name: impl Into<Cow<'a, str>>, value: Value<'a>) -> Self {
        Self::named(Name::from(name.into()), value)
    }

    #[inline]
    pub(crate) const fn named(name: Name<'a>, value: Value<'a>) -> Self {
        Self { name, value }
    }

    /// The name; dotted if it came from nested objects.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value.
    pub const fn value(&self) -> &Value<'a> {
        &self.value
    }

    pub(crate) fn with_prefix(self, prefix: &str) -> Self {
        Self::new(format!("{prefix}{}", &*self.name), self.value)
    }

    /// The same, owning its bytes.
    pub fn into_owned(self) -> Field<'static> {
        Field {
            name: self.name.into_owned(),
            value: self.value.into_owned(),
        }
    }
}

/// Adds a field, made where it will stay: one that is made first and then moved costs more than finding it did.
#[inline]
pub(crate) fn push<'a>(
    fields: &mut Vec<Field<'a>>,
    name: impl FnOnce() -> Name<'a>,
    value: impl FnOnce() -> Value<'a>,
) {
    // `extend` finds room before it asks for the field, so there is nothing to drop if there is none.
    fields.extend(std::iter::once_with(|| Field::named(name(), value())));
}

/// A line, or several joined ones, as named values.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<'a> {
    format: Format,
    time: Option<Timestamp>,
    part: Part,
    spans: Spans,
    fields: Vec<Field<'a>>,
}

impl<'a> Record<'a> {
    pub(crate) const fn new(
        format: Format,
        time: Option<Timestamp>,
        fields: Vec<Field<'a>>,
    ) -> Self {
        Self {
            format,
            time,
            part: Part::Whole,
            spans: Spans::NONE,
            fields,
        }
    }

    pub(crate) const fn with_time(mut self, time: Option<Timestamp>) -> Self {
        self.time = time;
        self
    }

    pub(crate) const fn with_format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    pub(crate) fn with_field(mut self, field: Field<'a>) -> Self {
        self.fields.push(field);
        self
    }

    pub(crate) fn into_fields(self) -> Vec<Field<'a>> {
        self.fields
    }

    pub(crate) fn with_origin(mut self, part: Part, spans: Spans) -> Self {
        self.part = part;
        self.spans = spans;
        self
    }

    /// The format it was read as.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// When it happened, if the record says so in a way its format defines.
    pub const fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// Whether it is whole, or a part of a message that exceeded a limit or was flushed unfinished.
    pub const fn part(&self) -> Part {
        self.part
    }

    /// The bytes of the input it was read from; empty if it was read from a line alone.
    pub const fn spans(&self) -> &Spans {
        &self.spans
    }

    /// All fields, in the order of the line.
    pub fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    /// The value of a name; the last one if there are several, as most readers of JSON have it.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.fields
            .iter()
            .rev()
            .find(|field| *field.name == *name)
            .map(Field::value)
    }

    /// Every value of a name, in order.
    pub fn get_all<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r Value<'a>> {
        self.fields
            .iter()
            .filter(move |field| *field.name == *name)
            .map(Field::value)
    }

    /// The same, owning its bytes.
    pub fn into_owned(self) -> Record<'static> {
        Record {
            format: self.format,
            time: self.time,
            part: self.part,
            spans: self.spans,
            fields: self.fields.into_iter().map(Field::into_owned).collect(),
        }
    }
}

/// The byte ranges of the input that something was read from: usually one, more for a message joined from
/// lines that others stand between. In order, disjoint, neighbours merged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spans {
    first: Range<u64>,
    more: Vec<Range<u64>>,
}

impl Spans {
    const NONE: Self = Self {
        first: 0..0,
        more: Vec::new(),
    };

    /// The offset of the first byte.
    pub const fn start(&self) -> u64 {
        self.first.start
    }

    /// How many bytes the ranges hold.
    pub fn bytes(&self) -> u64 {
        self.iter().map(|span| span.end - span.start).sum()
    }

    /// The ranges, in order.
    pub fn iter(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        std::iter::once(&self.first)
            .filter(|span| !span.is_empty())
            .chain(&self.more)
            .cloned()
    }

    /// Adds a range that begins at or after the end of the last one.
    pub(crate) fn push(&mut self, span: Range<u64>) {
        let last = self.more.last_mut().unwrap_or(&mut self.first);
        if last.is_empty() {
            *last = span;
        } else if last.end == span.start {
            last.end = span.end;
        } else {
            self.more.push(span);
        }
    }
}

impl From<Range<u64>> for Spans {
    fn from(first: Range<u64>) -> Self {
        Self {
            first,
            more: Vec::new(),
        }
    }
}
