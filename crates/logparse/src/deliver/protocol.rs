//! Requests of items, and answers of responses, for each kind of server.
//!
//! | status | `_bulk` | OTLP | Loki |
//! |---|---|---|---|
//! | 200, 204 | each item by its id: 200, 201 and 409 (it is there from before) are done, 401, 403, 429 and 5xx later, the rest refused | done; with `partialSuccess`, see below | done |
//! | 413 | split | split | split |
//! | 400 | split: one of them is not understood | refused, as the specification has it | split: one line is out of bounds |
//! | 401, 403, 404, 3xx | later: the address or credentials are wrong, not the records | the same | the same |
//! | 408, 429, 5xx | later | later: 429, 502, 503, 504; refused: other 5xx | later |
//! | else | refused | refused | refused |
//!
//! **`_bulk`:** an answer that lacks an item, has one too many or one that was not sent leaves that record *later*; order does not matter.
//! **OTLP:** of a batch in which some records were rejected nobody says which, and it must not be sent again: all of it is dead-lettered with that reason, so
//! that nothing is lost. A warning without rejected records is no rejection.

use std::collections::HashMap;

use super::answer::{Answer, Outcome, Response};
use crate::encode::otlp::Encoding;
use crate::encode::{Item, loki, otlp};
use crate::format::json::{self, JsonOptions};
use crate::record::{Record, Value};

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// OpenSearch's and Elasticsearch's `_bulk`.
    Bulk,
    /// OpenTelemetry.
    Otlp(Encoding),
    /// Loki's push API.
    Loki,
}

impl Protocol {
    /// The path to post to, and its query.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Bulk => "/_bulk?filter_path=errors,items.*._id,items.*.status,items.*.error",
            Self::Otlp(_) => "/v1/logs",
            Self::Loki => "/loki/api/v1/push",
        }
    }

    /// The request's `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Bulk => "application/x-ndjson",
            Self::Otlp(Encoding::Protobuf) => "application/x-protobuf",
            Self::Otlp(Encoding::Json) | Self::Loki => "application/json",
        }
    }

    /// The body of a request for these items, which were encoded for this protocol.
    pub fn request<'i>(self, items: impl IntoIterator<Item = &'i Item>) -> Vec<u8> {
        let items = items.into_iter();
        match self {
            Self::Bulk => items.fold(Vec::new(), |mut out, item| {
                out.extend_from_slice(item.body());
                out
            }),
            Self::Otlp(encoding) => otlp::request(items, encoding),
            Self::Loki => loki::request(items),
        }
    }

    /// What a response says of the items that were sent, in their order. Never an error: what makes no sense is [`Answer::Later`].
    pub fn answer<'i>(
        self,
        response: &Response<'_>,
        items: impl IntoIterator<Item = &'i Item>,
    ) -> Answer {
        let ids: Vec<&str> = items.into_iter().map(Item::id).collect();
        match (response.status(), self) {
            (200..=299, Self::Bulk) => bulk(response, &ids),
            (200..=299, Self::Otlp(encoding)) => partial(response, encoding, ids.len()),
            (200..=299, Self::Loki) => done(ids.len()),
            (413, _) => Answer::Split(response.reason()),
            (400, Self::Bulk | Self::Loki) => Answer::Split(response.reason()),
            (300..=399 | 401 | 403 | 404 | 408 | 429 | 502..=504, _) => response.later(),
            (500..=599, Self::Bulk | Self::Loki) => response.later(),
            (400..=599, _) => Answer::Refused(response.reason()),
            // No HTTP.
            _ => response.later(),
        }
    }
}

fn done(items: usize) -> Answer {
    Answer::Each(vec![Outcome::Done; items])
}

fn object(body: &[u8]) -> Option<Record<'_>> {
    if body.len() > Response::MAX_BODY_BYTES {
        return None;
    }
    json::parse_with(body, &JsonOptions::default().with_max_depth(16)).ok()
}

fn bulk(response: &Response<'_>, ids: &[&str]) -> Answer {
    let Some(answer) = object(response.body()) else {
        return Answer::unknown("the answer to _bulk is not JSON");
    };
    let items = match answer.get("items") {
        Some(Value::Json(items)) if items.starts_with('[') => items,
        _ => return Answer::unknown("the answer to _bulk has no items"),
    };
    // Two items with one id are the same record sent twice: what holds for one holds for the other.
    let mut outcomes: HashMap<String, Outcome> = HashMap::with_capacity(ids.len());
    for item in elements(items) {
        let Some(item) = object(item.as_bytes()) else {
            continue;
        };
        let field = |name: &str| {
            let mut actions = ["create", "index"].into_iter();
            actions.find_map(|action| item.get(&format!("{action}.{name}")).cloned())
        };
        let id = field("_id").and_then(|id| id.to_str().map(|id| id.into_owned()));
        let status = field("status").and_then(|status| status.as_integer::<u16>());
        if let (Some(id), Some(status)) = (id, status) {
            let text = |name: &str| {
                let value = field(name).and_then(|v| v.to_str().map(|text| text.into_owned()));
                value.unwrap_or_default()
            };
            let why = || {
                let (kind, reason) = (text("error.type"), text("error.reason"));
                let reason: String = reason.chars().take(300).collect();
                format!("{status} {kind}: {reason}")
            };
            let outcome = match status {
                200..=299 | 409 => Outcome::Done,
                // Of 401 and 403 the credentials are wrong or may not write to this index, not the record.
                401 | 403 | 429 | 500..=599 => Outcome::Later(why()),
                _ => Outcome::Refused(why()),
            };
            outcomes.insert(id, outcome);
        }
    }
    let lacking = || Outcome::Later("the answer to _bulk lacks an item".to_owned());
    let found = ids.iter().map(|id| outcomes.get(*id).cloned());
    Answer::Each(
        found
            .map(|outcome| outcome.unwrap_or_else(lacking))
            .collect(),
    )
}

fn partial(response: &Response<'_>, encoding: Encoding, items: usize) -> Answer {
    let found = match encoding {
        // Many servers answer with nothing at all.
        _ if response.body().is_empty() => Some((0, String::new())),
        Encoding::Json => object(response.body()).map(|answer| {
            let rejected = answer.get("partialSuccess.rejectedLogRecords");
            let message = answer.get("partialSuccess.errorMessage");
            (
                rejected.and_then(Value::as_integer::<u64>).unwrap_or(0),
                message
                    .and_then(|m| Some(m.to_str()?.into_owned()))
                    .unwrap_or_default(),
            )
        }),
        Encoding::Protobuf => partial_success(response.body()),
    };
    match found {
        // It was taken, and what was said about it is not known: a second time would be twice.
        None | Some((0, _)) => done(items),
        Some((rejected, message)) => {
            let message: String = message.chars().take(300).collect();
            Answer::Refused(format!(
                "{rejected} of {items} records of the request were rejected, which is not said: {message}"
            ))
        }
    }
}

/// `ExportLogsServiceResponse`: field 1 is `partial_success`, in which 1 is the number rejected and 2 the message.
fn partial_success(body: &[u8]) -> Option<(u64, String)> {
    let mut found = (0, String::new());
    for (number, value) in Fields(body) {
        let Wire::Bytes(inner) = value? else { continue };
        if number != 1 {
            continue;
        }
        for (number, value) in Fields(inner) {
            match (number, value?) {
                (1, Wire::Varint(rejected)) => found.0 = rejected,
                (2, Wire::Bytes(message)) => {
                    found.1 = String::from_utf8_lossy(message).into_owned();
                }
                _ => {}
            }
        }
    }
    Some(found)
}

enum Wire<'b> {
    Varint(u64),
    Bytes(&'b [u8]),
    Other,
}

/// The fields of a protobuf message; `None` for one that cannot be read, which is the last.
struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, bytes: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<(u64, Wire<'b>)> {
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => self.take(8).map(|_| Wire::Other)?,
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Wire::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Wire::Other)?,
            _ => return None,
        };
        Some((key >> 3, value))
    }
}

impl<'b> Iterator for Fields<'b> {
    type Item = (u64, Option<Wire<'b>>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        match self.field() {
            Some((number, value)) => Some((number, Some(value))),
            None => {
                self.0 = &[];
                Some((0, None))
            }
        }
    }
}

/// The elements of a JSON array that was checked.
fn elements(array: &str) -> impl Iterator<Item = &str> {
    let inside = array
        .trim()
        .strip_prefix('[')
        .and_then(|array| array.strip_suffix(']'))
        .unwrap_or_default();
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    inside.split(move |character: char| {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted => depth = depth.saturating_sub(1),
            ',' => return depth == 0 && !quoted,
            _ => {}
        }
        false
    })
}
