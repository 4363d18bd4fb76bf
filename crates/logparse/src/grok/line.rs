//! A line, or a group of them, as a reader's record: nothing of it is lost, whatever the patterns name.
//!
//! The text that was matched is the field `message`, unless a pattern has a field of that name; a group's further lines are then
//! the field `continuation`. The record's time is that of the field `timestamp`, `@timestamp` or `time`.

use super::Groks;
use crate::error::{ParseError, Reason};
use crate::format::Format;
use crate::record::{Escaping, Field, Record, Unit, Value};
use crate::time::{Context, Reading, TimeForm, Timestamp};

/// Names under which stock pieces, and most others, have the time.
const TIME_NAMES: &[&str] = &["timestamp", "@timestamp", "time"];

/// What stock pieces take for a time.
const TIME_FORMS: &[TimeForm] = &[
    TimeForm::Iso,
    TimeForm::Clf,
    TimeForm::Syslog,
    TimeForm::Asctime,
];

/// Seconds since 1970, of which there are so many digits: fewer are how long something took.
const UNIX: TimeForm = TimeForm::Unix(Unit::Seconds);
const UNIX_DIGITS: usize = 10;

impl Groks {
    /// Matches a line. `text` is the group that it begins, or the line itself, and `continuation` what else is in the group.
    pub(crate) fn record<'a>(
        &mut self,
        line: &'a [u8],
        text: &'a [u8],
        continuation: Option<&'a [u8]>,
        context: &Context,
    ) -> Result<Record<'a>, ParseError> {
        let found = self.parse(line).map_err(|mismatches| {
            let reached = mismatches.iter().map(|mismatch| mismatch.reached());
            ParseError::new(Reason::NoMatch, "line", reached.max().unwrap_or(0))
        });
        let (_, record) = found?;
        let time = time(&record, context);
        let record = record.with_format(Format::Grok).with_time(time);
        let field = |name: &'static str, text| Field::new(name, Value::text(text, Escaping::None));
        Ok(match (record.get("message"), continuation) {
            (None, _) => record.with_field(field("message", text)),
            (Some(_), Some(rest)) => record.with_field(field("continuation", rest)),
            (Some(_), None) => record,
        })
    }
}

fn time(record: &Record<'_>, context: &Context) -> Option<Timestamp> {
    let value = TIME_NAMES.iter().find_map(|name| record.get(name))?;
    let text = match value {
        Value::Number(number) => number.literal(),
        value => value.to_str()?,
    };
    let unix = Some(&UNIX).filter(|_| text.len() >= UNIX_DIGITS);
    let mut forms = TIME_FORMS.iter().chain(unix);
    forms
        .find_map(|form| form.parse(text.as_bytes(), context))
        .and_then(Reading::moment)
}
