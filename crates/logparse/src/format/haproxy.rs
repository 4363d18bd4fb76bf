//! HAProxy's four default formats: HTTP, TCP, HTTPS and the connection error (configuration manual §8.2).
//!
//! ```text
//! client:port [time] frontend backend/server TR/Tw/Tc/Tr/Ta status bytes cc cs tsc conns queues {req} {res} "request"
//! client:port [time] frontend backend/server Tw/Tc/Tt bytes ts conns queues
//! client:port [time] frontend/bind: message
//! ```
//!
//! - An RFC 3164 header may come before ([`syslog`]); its fields are then prefixed `syslog.`.
//! - *client* is `-` when unknown; *port* may be. A frontend's `~` says that the connection was TLS and is kept.
//! - *timers*: -1 if the step was not reached; `+` before the last one and the bytes under `logasap`, left out of the number.
//! - *conns* `ac/fc/bc/sc/rc` (the last may have a `+`: redispatched), *queues* `sq/bq`.
//! - *captures*: `{a|b}` of request, then of response headers; neither, one (kept as `captured_request`) or both.
//! - *request*: between quotes, with [`Escaping::Hash`]: HAProxy writes `"` `{` `|` `}` `#` and unprintable bytes as
//!   `#HH`. A request without its closing quote was cut and is refused.
//! - HTTPS adds ` err/ssl/client/ca/resumed sni/version/cipher`.

use super::Format;
use super::fields::{Fields, Read, last_word};
use super::syslog;
use crate::cursor::Cursor;
use crate::error::{ParseError, Reason};
use crate::record::{Escaping, Record, Value};
use crate::time::{Context, TimeForm};

const HTTP_TIMERS: &[&str] = &[
    "request_ms",
    "queue_ms",
    "connect_ms",
    "response_ms",
    "duration_ms",
];
const TCP_TIMERS: &[&str] = &["queue_ms", "connect_ms", "duration_ms"];
const CONNECTIONS: &[&str] = &[
    "active_connections",
    "frontend_connections",
    "backend_connections",
    "server_connections",
    "retries",
];
const QUEUES: &[&str] = &["server_queue", "backend_queue"];
const TLS_ERRORS: &[&str] = &[
    "connection_error",
    "tls_error",
    "client_certificate_error",
    "ca_error",
    "tls_resumed",
];

/// Reads a line, without its ending.
///
/// # Errors
///
/// The line follows none of the grammars of the module.
pub fn parse<'a>(line: &'a [u8], context: &Context) -> Result<Record<'a>, ParseError> {
    let mut cursor = Cursor::new(line);
    let mut fields = Fields::new();
    if syslog::header(&mut cursor, &mut fields, context).is_ok() {
        fields.nest("syslog.");
    } else {
        (cursor, fields) = (Cursor::new(line), Fields::new());
    }
    client(&mut cursor, &mut fields)?;
    let at = cursor.at();
    let time = cursor.between(b'[', b']', "time")?;
    fields.time(TimeForm::Clf, time, at + 1, context)?;
    cursor.byte(b' ', "frontend")?;
    if let Some((frontend, length)) = error_head(cursor.rest()) {
        fields.text("frontend", frontend);
        cursor.advance(frontend.len() + 1);
        fields.text("bind", cursor.take(length, "bind")?);
        cursor.advance(2);
        fields.text("message", cursor.take_rest());
        return Ok(fields.into_record(Format::Haproxy));
    }
    fields.text("frontend", cursor.word("frontend")?);
    let at = cursor.at();
    let service = cursor.word("backend")?;
    let slash = memchr::memchr(b'/', service)
        .ok_or_else(|| ParseError::new(Reason::MissingField, "server", at + service.len()))?;
    fields.text("backend", service.get(..slash).unwrap_or_default());
    fields.text("server", service.get(slash + 1..).unwrap_or_default());
    let at = cursor.at();
    let timers = cursor.word("timers")?;
    match memchr::memchr_iter(b'/', timers).count() {
        4 => {
            numbers(&mut fields, HTTP_TIMERS, timers, at)?;
            http(&mut cursor, &mut fields)?;
        }
        2 => {
            numbers(&mut fields, TCP_TIMERS, timers, at)?;
            tcp(&mut cursor, &mut fields)?;
        }
        _ => return Err(ParseError::new(Reason::Arity, "timers", at)),
    }
    cursor.end()?;
    Ok(fields.into_record(Format::Haproxy))
}

fn client<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Read {
    let at = cursor.at();
    let client = cursor.word("client")?;
    let colon = memchr::memrchr(b':', client)
        .ok_or_else(|| ParseError::new(Reason::MissingField, "client_port", at + client.len()))?;
    let (address, port) = client.split_at(colon);
    fields.text_or_dash("client", address);
    fields.number_or_dash(
        "client_port",
        port.get(1..).unwrap_or_default(),
        at + colon + 1,
    )
}

/// Frontend and length of the bind name, if `frontend/bind: ` stands here.
fn error_head(rest: &[u8]) -> Option<(&[u8], usize)> {
    let word = rest.split(|byte| *byte == b' ').next()?;
    let head = word.strip_suffix(b":")?;
    let slash = memchr::memchr(b'/', head)?;
    Some((head.get(..slash)?, head.len() - slash - 1))
}

fn http<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Read {
    let at = cursor.at();
    fields.number("status", cursor.word("status")?, at)?;
    bytes(cursor, fields)?;
    fields.text_or_dash(
        "captured_request_cookie",
        cursor.word("captured_request_cookie")?,
    );
    fields.text_or_dash(
        "captured_response_cookie",
        cursor.word("captured_response_cookie")?,
    );
    state(cursor, fields, 4)?;
    connections(cursor, fields)?;
    let at = cursor.at();
    let queues = cursor.word("queues")?;
    numbers(fields, QUEUES, queues, at)?;
    for name in ["captured_request_headers", "captured_response_headers"] {
        if cursor.peek() == Some(b'{') {
            let captured = cursor.between(b'{', b'}', name)?;
            let header = |raw| Value::text(raw, Escaping::Hash);
            let headers = captured.split(|byte| *byte == b'|').map(header).collect();
            fields.push(name, Value::List(headers));
            cursor.byte(b' ', "request")?;
        }
    }
    let request = cursor.quoted_verbatim("request")?;
    fields.request(request, Escaping::Hash);
    if cursor.rest().is_empty() {
        Ok(())
    } else {
        tls(cursor, fields)
    }
}

fn tls<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Read {
    cursor.byte(b' ', "connection_error")?;
    let at = cursor.at();
    let errors: Vec<&[u8]> = cursor.word("tls")?.split(|byte| *byte == b'/').collect();
    if errors.len() != TLS_ERRORS.len() {
        return Err(ParseError::new(Reason::Arity, "connection_error", at));
    }
    for (name, error) in TLS_ERRORS.iter().zip(errors) {
        fields.text_or_dash(name, error);
    }
    let at = cursor.at();
    let session: Vec<&[u8]> = last_word(cursor, "server_name")?
        .split(|byte| *byte == b'/')
        .collect();
    let [name, version, cipher] = session.as_slice() else {
        return Err(ParseError::new(Reason::Arity, "server_name", at));
    };
    fields.text_or_dash("server_name", name);
    fields.text_or_dash("tls_version", version);
    fields.text_or_dash("tls_cipher", cipher);
    Ok(())
}

fn tcp<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Read {
    bytes(cursor, fields)?;
    state(cursor, fields, 2)?;
    connections(cursor, fields)?;
    let at = cursor.at();
    let queues = last_word(cursor, "queues")?;
    numbers(fields, QUEUES, queues, at)
}

fn bytes<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Read {
    let at = cursor.at();
    let bytes = cursor.word("bytes")?;
    fields.number("bytes", bytes.strip_prefix(b"+").unwrap_or(bytes), at)
}

/// The termination state, whose letters the manual explains (§8.5).
fn state<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>, letters: usize) -> Read {
    let at = cursor.at();
    let state = cursor.word("termination_state")?;
    if state.len() != letters {
        return Err(ParseError::new(
            Reason::UnexpectedByte,
            "termination_state",
            at,
        ));
    }
    fields.text("termination_state", state);
    Ok(())
}

fn connections<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Read {
    let at = cursor.at();
    let connections = cursor.word("connections")?;
    numbers(fields, CONNECTIONS, connections, at)
}

/// Numbers joined by `/`, as many as there are names.
fn numbers<'a>(
    fields: &mut Fields<'a>,
    names: &[&'static str],
    word: &'a [u8],
    mut at: usize,
) -> Read {
    if memchr::memchr_iter(b'/', word).count() + 1 != names.len() {
        let field = names.first().copied().unwrap_or("line");
        return Err(ParseError::new(Reason::Arity, field, at));
    }
    for (name, number) in names.iter().zip(word.split(|byte| *byte == b'/')) {
        fields.number(name, number.strip_prefix(b"+").unwrap_or(number), at)?;
        at += number.len() + 1;
    }
    Ok(())
}
