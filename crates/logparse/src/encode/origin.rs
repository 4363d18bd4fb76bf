//! Where an event comes from, and what that makes of it: its id, its time, the fields beside it.

use crate::hash::fnv1a_128;
use crate::measure::Level;
use crate::reader::Event;
use crate::record::{Escaping, Field, Record, Value};
use crate::time::Timestamp;

/// Where an event was read. The same origin, read again, gives the same ids.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'o> {
    source: &'o str,
    path: &'o str,
    observed: Timestamp,
    resource: &'o [Field<'static>],
}

impl<'o> Origin<'o> {
    /// Of a file: `source` names its content for ever (a device and inode with a generation, an object's version), `path` is where
    /// people look for it, `observed` is when it was read.
    pub const fn new(source: &'o str, path: &'o str, observed: Timestamp) -> Self {
        Self {
            source,
            path,
            observed,
            resource: &[],
        }
    }

    /// Adds fields that all its records have, such as [`Source::describe`](crate::kubernetes::Source::describe)'s.
    #[must_use]
    pub const fn with_resource(mut self, fields: &'o [Field<'static>]) -> Self {
        self.resource = fields;
        self
    }

    /// What names its content for ever.
    pub const fn source(&self) -> &'o str {
        self.source
    }

    /// Where people look for it.
    pub const fn path(&self) -> &'o str {
        self.path
    }

    /// When it was read.
    pub const fn observed(&self) -> Timestamp {
        self.observed
    }

    /// What all its records have.
    pub const fn resource(&self) -> &'o [Field<'static>] {
        self.resource
    }

    /// The event's id: 32 hexadecimal digits made of the source and the bytes the event was read from (FNV-1a, 128 bits). Two
    /// events have one id only if they are the same bytes of the same source.
    pub fn id(&self, event: &Event<'_>) -> String {
        let spans = event.spans();
        let ends: Vec<[u8; 8]> = spans
            .iter()
            .flat_map(|span| [span.start.to_be_bytes(), span.end.to_be_bytes()])
            .collect();
        let pieces = std::iter::once(self.source.as_bytes());
        let hash = fnv1a_128(pieces.chain(ends.iter().map(|end| &end[..])));
        format!("{hash:032x}")
    }

    /// When the event happened or, if it does not say, was read.
    pub(super) fn time(&self, event: &Event<'_>) -> Timestamp {
        match event {
            Event::Record(record) => record.time().unwrap_or(self.observed),
            Event::Raw(_) => self.observed,
        }
    }
}

/// How bad the event says it is.
pub(super) fn level(event: &Event<'_>) -> Option<Level> {
    match event {
        Event::Record(record) => Level::of(record),
        Event::Raw(_) => None,
    }
}

/// The event's own fields. Of a raw line: `message`, `@reason` and `@at`, so that what could not be read is found as well.
pub(super) fn record<'e>(event: &Event<'e>) -> Record<'e> {
    match event {
        Event::Record(record) => record.clone(),
        Event::Raw(raw) => {
            let (line, error) = (raw.line(), raw.error());
            let text = |name: &'static str, value: &'static str| {
                Field::new(name, Value::text(value.as_bytes(), Escaping::None))
            };
            let fields = vec![
                Field::new("message", Value::text(line.bytes(), Escaping::None)),
                text("@reason", error.reason().code()),
                text("@field", error.field()),
                Field::new("@at", Value::Number((error.offset() as u64).into())),
            ];
            Record::new(crate::format::Format::Plain, None, fields)
                .with_origin(line.part(), raw.span().into())
        }
    }
}
