//! Envoy's default access log, and Istio's, which adds to it.
//!
//! ```text
//! [start] "method path protocol" code flags received sent duration upstream-time "xff" "agent" "id" "authority" "upstream"
//! [start] "method path protocol" code flags details termination "failure" received sent duration upstream-time
//!     "xff" "agent" "id" "authority" "upstream" cluster upstream-local downstream-local downstream-remote sni route
//! ```
//!
//! - *start*: RFC 3339. *code*: 0 if none was sent. `-` is null everywhere.
//! - Envoy does **not escape**: a header may hold any printable byte. The five quoted texts at the end are
//!   therefore told apart by `" "`, and a line in which that occurs more often is refused as
//!   [`Reason::Ambiguous`] rather than read with its headers shifted.
//! - *xff* (`X-Forwarded-For`) may hold `, `. The path holds no space.

use super::Format;
use super::fields::{Fields, Read, last_word};
use crate::cursor::Cursor;
use crate::error::{ParseError, Reason};
use crate::record::Record;
use crate::time::{Context, TimeForm};

const QUOTED: [&str; 5] = [
    "forwarded_for",
    "user_agent",
    "request_id",
    "authority",
    "upstream_host",
];

const ISTIO_TAIL: [&str; 6] = [
    "upstream_cluster",
    "upstream_local_address",
    "downstream_local_address",
    "downstream_remote_address",
    "requested_server_name",
    "route_name",
];

/// Reads a line of Envoy's default format, without its ending.
///
/// # Errors
///
/// The line does not follow the grammar of the module.
pub fn parse<'a>(line: &'a [u8], context: &Context) -> Result<Record<'a>, ParseError> {
    let (mut cursor, mut fields) = head(line, context)?;
    numbers(&mut cursor, &mut fields)?;
    quoted(&mut cursor, &mut fields)?;
    cursor.end()?;
    Ok(fields.into_record(Format::Envoy))
}

/// Reads a line of Istio's default format, without its ending.
///
/// # Errors
///
/// The line does not follow the grammar of the module.
pub fn parse_istio<'a>(line: &'a [u8], context: &Context) -> Result<Record<'a>, ParseError> {
    let (mut cursor, mut fields) = head(line, context)?;
    for name in ["response_code_details", "connection_termination_details"] {
        fields.text_or_dash(name, cursor.word(name)?);
    }
    let failure = cursor.between(b'"', b'"', "upstream_transport_failure_reason")?;
    fields.text_or_dash("upstream_transport_failure_reason", failure);
    cursor.byte(b' ', "bytes_received")?;
    numbers(&mut cursor, &mut fields)?;
    quoted(&mut cursor, &mut fields)?;
    for name in ISTIO_TAIL {
        cursor.byte(b' ', name)?;
        fields.text_or_dash(name, last_word(&mut cursor, name)?);
    }
    cursor.end()?;
    Ok(fields.into_record(Format::Istio))
}

/// Up to the response flags; stands after them.
fn head<'a>(line: &'a [u8], context: &Context) -> Read<(Cursor<'a>, Fields<'a>)> {
    let mut cursor = Cursor::new(line);
    let mut fields = Fields::new();
    let time = cursor.between(b'[', b']', "time")?;
    fields.time(TimeForm::Rfc3339, time, 1, context)?;
    cursor.tag(b" \"", "method")?;
    fields.text_or_dash("method", cursor.word("method")?);
    fields.text_or_dash("path", cursor.word("path")?);
    fields.text_or_dash("protocol", cursor.until(b'"', "protocol")?);
    cursor.byte(b' ', "status")?;
    let at = cursor.at();
    fields.number("status", cursor.word("status")?, at)?;
    fields.text_or_dash("response_flags", cursor.word("response_flags")?);
    Ok((cursor, fields))
}

fn numbers<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Read {
    for name in [
        "bytes_received",
        "bytes_sent",
        "duration_ms",
        "upstream_service_time",
    ] {
        let at = cursor.at();
        fields.number_or_dash(name, cursor.word(name)?, at)?;
    }
    Ok(())
}

/// The five quoted texts; stands after the last quote.
fn quoted<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Read {
    let start = cursor.at();
    cursor.byte(b'"', "forwarded_for")?;
    let rest = cursor.rest();
    let end = memchr::memrchr(b'"', rest)
        .ok_or_else(|| ParseError::new(Reason::UnclosedQuote, "forwarded_for", start))?;
    let inside = rest.get(..end).unwrap_or_default();
    let mut texts = [inside; 5];
    let (mut count, mut from) = (0, 0);
    for separator in memchr::memmem::find_iter(inside, b"\" \"")
        .map(Some)
        .chain([None])
    {
        let to = separator.unwrap_or(inside.len());
        let Some(text) = texts.get_mut(count) else {
            return Err(ParseError::new(
                Reason::Ambiguous,
                "upstream_host",
                start + from,
            ));
        };
        *text = inside.get(from..to).unwrap_or_default();
        (count, from) = (count + 1, to + 3);
    }
    if let Some(missing) = QUOTED.get(count) {
        return Err(ParseError::new(
            Reason::MissingField,
            missing,
            start + 1 + end,
        ));
    }
    for (name, text) in QUOTED.into_iter().zip(texts) {
        fields.text_or_dash(name, text);
    }
    cursor.advance(end + 1);
    Ok(())
}
