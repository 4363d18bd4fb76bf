//! OpenTelemetry's logs: `ExportLogsServiceRequest` in JSON or protobuf (opentelemetry-proto 1.x, `logs/v1/logs.proto`).
//!
//! | of the event | becomes |
//! |---|---|
//! | its time | `timeUnixNano`; when it was read, `observedTimeUnixNano` |
//! | its level | `severityNumber` (9 for info, 17 for error…) and `severityText` as written |
//! | `message`, `msg`, `log`, `body`, `short_message` (GELF) or `MESSAGE` (the journal), the first there is | `body` |
//! | `trace_id` and `span_id`, if they are 32 and 16 hexadecimal digits | `traceId`, `spanId` |
//! | `stream` of a container | the attribute `log.iostream` |
//! | every other field | an attribute; what is null is left out, a name that occurs twice is an array |
//! | its id | the attribute `log.record.uid`, for whoever drops what came twice |
//! | the origin | the resource: `log.file.path` and the origin's fields |
//!
//! A number becomes an integer if it is one of 64 bits, a double if it has a fraction or an exponent, and otherwise its digits as a text. Bytes
//! that are not UTF-8 become `bytesValue`.

mod json;
mod protobuf;

use super::{Item, Origin, origin, repeats};
use crate::format::json as json_format;
use crate::line::Part;
use crate::measure::Level;
use crate::reader::Event;
use crate::record::{Field, Number, Value};

/// How requests are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the specification has these two")]
pub enum Encoding {
    /// `application/json`.
    Json,
    /// `application/x-protobuf`.
    Protobuf,
}

/// Names under which records have their text.
const BODY_NAMES: &[&str] = &["message", "msg", "log", "body", "short_message", "MESSAGE"];

/// `AnyValue`.
enum Any {
    Text(String),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Vec<u8>),
    Array(Vec<Any>),
    /// Null inside an array.
    Empty,
}

/// `LogRecord`.
struct LogRecord {
    time: u64,
    observed: u64,
    severity: u8,
    severity_text: Option<String>,
    body: Option<Any>,
    attributes: Vec<(String, Any)>,
    trace_id: Option<Vec<u8>>,
    span_id: Option<Vec<u8>>,
}

/// Encodes an event.
pub fn item(event: &Event<'_>, origin: &Origin<'_>, encoding: Encoding) -> Item {
    let id = origin.id(event);
    let record = log_record(event, origin, &id);
    let path = Any::Text(origin.path().to_owned());
    let resource: Vec<(String, Any)> = std::iter::once(("log.file.path".to_owned(), path))
        .chain(attributes(origin.resource().iter().collect()))
        .collect();
    let (mut group, mut body) = (Vec::new(), Vec::with_capacity(512));
    match encoding {
        Encoding::Json => {
            json::attributes(&resource, &mut group);
            json::record(&record, &mut body);
        }
        Encoding::Protobuf => {
            protobuf::attributes(1, &resource, &mut group);
            protobuf::record(&record, &mut body);
        }
    }
    Item { id, group, body }
}

/// One request for all of them: items of one resource together, in their order.
pub(crate) fn request<'i>(items: impl Iterator<Item = &'i Item>, encoding: Encoding) -> Vec<u8> {
    let mut resources: Vec<(&[u8], Vec<&[u8]>)> = Vec::new();
    for item in items {
        let known = resources.iter_mut().find(|(group, _)| *group == item.group);
        match known {
            Some((_, records)) => records.push(&item.body),
            None => resources.push((&item.group, vec![&item.body])),
        }
    }
    match encoding {
        Encoding::Json => json::request(&resources),
        Encoding::Protobuf => protobuf::request(&resources),
    }
}

fn log_record(event: &Event<'_>, origin: &Origin<'_>, id: &str) -> LogRecord {
    let level = origin::level(event);
    let record = origin::record(event);
    let nanoseconds = |time: crate::Timestamp| u64::try_from(time.unix_nanoseconds()).unwrap_or(0);
    // Of a name that occurs twice the last is meant; the others stay what they are.
    let body = BODY_NAMES.iter().find_map(|name| record.get(name));
    let hex = |name: &str, digits: usize| {
        let value = record.get(name)?;
        let bytes = unhex(&value.to_str()?)?;
        let telling = bytes.len() * 2 == digits && bytes.iter().any(|b| *b != 0);
        telling.then_some((value, bytes))
    };
    let (trace_id, span_id) = (hex("trace_id", 32), hex("span_id", 16));
    let ids = [&trace_id, &span_id].map(|id| id.as_ref().map(|(value, _)| *value));
    let used = [body, ids[0], ids[1]];
    let time = record.time();
    let severity_text = level.and_then(|_| {
        let names = ["level", "severity", "lvl", "log.level", "severity_text"];
        names
            .iter()
            .find_map(|name| Some(record.get(name)?.to_str()?.into_owned()))
    });
    let is_elsewhere = |field: &&Field<'_>| {
        let is_it = |used: &&Value<'_>| std::ptr::eq(*used, field.value());
        used.iter().flatten().any(is_it)
            || (time.is_some() && is_time(field) && field.value().as_time() == time)
    };
    let rest = record.fields().iter().filter(|field| !is_elsewhere(field));
    let mut all = vec![("log.record.uid".to_owned(), Any::Text(id.to_owned()))];
    if record.part() != Part::Whole {
        let part = Any::Text(record.part().name().to_owned());
        all.push(("log.record.part".to_owned(), part));
    }
    all.extend(
        attributes(rest.collect()).map(|(name, value)| match &name[..] {
            "stream" => ("log.iostream".to_owned(), value),
            _ => (name, value),
        }),
    );
    LogRecord {
        time: time.map_or(0, nanoseconds),
        observed: nanoseconds(origin.observed()),
        severity: level.map_or(0, severity),
        severity_text,
        body: body.and_then(any),
        attributes: all,
        trace_id: trace_id.map(|(_, bytes)| bytes),
        span_id: span_id.map(|(_, bytes)| bytes),
    }
}

/// Whether it is where a record has its time.
fn is_time(field: &Field<'_>) -> bool {
    matches!(field.value(), Value::Time(_)) || json_format::TIME_NAMES.contains(&field.name())
}

/// Each name once, as the specification wants it.
fn attributes(fields: Vec<&Field<'_>>) -> impl Iterator<Item = (String, Any)> {
    let groups = repeats(&fields).unwrap_or_else(|| (0..fields.len()).map(|at| vec![at]).collect());
    let named: Vec<(String, Any)> = groups
        .into_iter()
        .filter_map(|group| {
            let values = group.iter().filter_map(|at| fields.get(*at));
            let name = values.clone().next()?.name().to_owned();
            let mut values = values.map(|field| any(field.value()));
            let value = match group.len() {
                1 => values.next()??,
                _ => Any::Array(values.map(|value| value.unwrap_or(Any::Empty)).collect()),
            };
            Some((name, value))
        })
        .collect();
    named.into_iter()
}

/// `None` for null.
fn any(value: &Value<'_>) -> Option<Any> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => Any::Bool(*value),
        Value::Number(number) => number_value(number),
        Value::Text(text) => match text.to_str() {
            Ok(text) => Any::Text(text.into_owned()),
            Err(_) => Any::Bytes(text.decode().into_owned()),
        },
        Value::Time(time) => Any::Text(time.to_string()),
        Value::List(values) => Any::Array(
            values
                .iter()
                .map(|v| any(v).unwrap_or(Any::Empty))
                .collect(),
        ),
        Value::Json(json) => Any::Text(json.clone().into_owned()),
    })
}

fn number_value(number: &Number<'_>) -> Any {
    let literal = number.literal();
    let double = number.as_f64();
    match literal.parse::<i64>() {
        Ok(value) => Any::Int(value),
        Err(_) if literal.contains(['.', 'e', 'E']) && double.is_finite() => Any::Double(double),
        Err(_) => Any::Text(literal.into_owned()),
    }
}

/// The first number of the range, of the log data model's `SeverityNumber`.
const fn severity(level: Level) -> u8 {
    match level {
        Level::Trace => 1,
        Level::Debug => 5,
        Level::Info => 9,
        Level::Warn => 13,
        Level::Error => 17,
        Level::Fatal => 21,
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16)?).ok())
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    let pairs = digits.chunks_exact(2);
    Some(
        pairs
            .map(|pair| pair.iter().fold(0, |sum, digit| sum << 4 | digit))
            .collect(),
    )
}
