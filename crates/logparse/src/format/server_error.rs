//! Error logs of nginx and Apache.
//!
//! **nginx** ([`parse_nginx`]):
//!
//! ```text
//! YYYY/MM/DD hh:mm:ss [level] pid#tid: [*connection SP] message [, client: X] [, server: X] [, request: "…"]
//!     [, subrequest: "…"] [, upstream: "…"] [, host: "…"] [, referrer: "…"]
//! ```
//!
//! Nothing in it is escaped, so a client can write what looks like the next key. A line in which a key comes twice or
//! out of order is refused as [`Reason::Ambiguous`] instead of trusting one of them.
//!
//! **Apache** ([`parse_apache`]), 2.4, 2.2, and what httpd prints before it has a log:
//!
//! ```text
//! [time] [[module]:level] [pid N[:tid N]] [source: ] [(errno)text: ] [[client address] ] message [, referer: X]
//! [time] [level] [[client address] ] message [, referer: X]
//! AHnnnnn: message
//! ```
//!
//! *time* is C's `asctime` with or without microseconds, or ISO with or without zone. A message that begins with `AH`, five
//! digits and `: ` gives `code`. Apache escapes unprintable bytes (`\n`, `\xHH`) and `"` in messages.

use memchr::memmem;

use super::Format;
use super::fields::{Fields, Read};
use crate::cursor::Cursor;
use crate::error::{ParseError, Reason};
use crate::record::{Escaping, Record, Value};
use crate::time::{Context, TimeForm};

/// What nginx adds to a message, in this order; whether it is quoted, and its field.
const NGINX_KEYS: [(&[u8], bool, &str); 7] = [
    (b", client: ", false, "client"),
    (b", server: ", false, "server"),
    (b", request: \"", true, "request"),
    (b", subrequest: \"", true, "subrequest"),
    (b", upstream: \"", true, "upstream"),
    (b", host: \"", true, "host"),
    (b", referrer: \"", true, "referrer"),
];

const NGINX_LEVELS: [&[u8]; 8] = [
    b"emerg", b"alert", b"crit", b"error", b"warn", b"notice", b"info", b"debug",
];

/// Reads a line of nginx's error log, without its ending.
///
/// # Errors
///
/// The line does not follow the grammar of the module.
pub fn parse_nginx<'a>(line: &'a [u8], context: &Context) -> Result<Record<'a>, ParseError> {
    let mut cursor = Cursor::new(line);
    let mut fields = Fields::new();
    let time = cursor.take("YYYY/MM/DD hh:mm:ss".len(), "time")?;
    fields.time(TimeForm::Iso, time, 0, context)?;
    cursor.byte(b' ', "level")?;
    let at = cursor.at() + 1;
    let level = cursor.between(b'[', b']', "level")?;
    if !NGINX_LEVELS.contains(&level) {
        return Err(ParseError::new(Reason::BadLevel, "level", at));
    }
    fields.text("level", level);
    cursor.byte(b' ', "pid")?;
    let at = cursor.at();
    let pid = cursor.until(b'#', "pid")?;
    fields.number("pid", pid, at)?;
    let at = cursor.at();
    let tid = cursor.until(b':', "tid")?;
    fields.number("tid", tid, at)?;
    cursor.byte(b' ', "message")?;
    if cursor.skip(b"*") {
        let at = cursor.at();
        fields.number("connection", cursor.word("connection")?, at)?;
    }
    nginx_message(cursor.rest(), cursor.at(), &mut fields)?;
    Ok(fields.into_record(Format::NginxError))
}

fn nginx_message<'a>(rest: &'a [u8], base: usize, fields: &mut Fields<'a>) -> Read {
    let mut found = Vec::new();
    for (key, quoted, name) in NGINX_KEYS {
        let mut places = memmem::find_iter(rest, key);
        if let Some(at) = places.next() {
            if let Some(again) = places.next() {
                return Err(ParseError::new(Reason::Ambiguous, name, base + again));
            }
            found.push((at, key.len(), quoted, name));
        }
    }
    let message = found.first().map_or(rest.len(), |(at, ..)| *at);
    fields.text("message", rest.get(..message).unwrap_or_default());
    for (number, &(at, length, quoted, name)) in found.iter().enumerate() {
        let end = found.get(number + 1).map_or(rest.len(), |(next, ..)| *next);
        let Some(value) = rest.get(at + length..end) else {
            return Err(ParseError::new(Reason::Ambiguous, name, base + at));
        };
        let value = if quoted {
            value
                .strip_suffix(b"\"")
                .ok_or_else(|| ParseError::new(Reason::UnclosedQuote, name, base + at))?
        } else if let Some(comma) = memmem::find(value, b", ") {
            let at = base + at + length + comma;
            return Err(ParseError::new(Reason::UnexpectedByte, name, at));
        } else {
            value
        };
        fields.text(name, value);
    }
    Ok(())
}

/// Reads a line of Apache's error log, without its ending.
///
/// # Errors
///
/// The line does not follow the grammar of the module.
pub fn parse_apache<'a>(line: &'a [u8], context: &Context) -> Result<Record<'a>, ParseError> {
    let mut cursor = Cursor::new(line);
    let mut fields = Fields::new();
    if code(line).is_none() {
        apache_head(&mut cursor, &mut fields, context)?;
    }
    if let Some(code) = code(cursor.rest()) {
        fields.text("code", code);
        cursor.advance(code.len() + 2);
    }
    const REFERER: &[u8] = b", referer: ";
    let rest = cursor.rest();
    let end = memmem::find(rest, REFERER).unwrap_or(rest.len());
    let message = cursor.take(end, "message")?;
    fields.push("message", Value::text(message, Escaping::Access));
    if cursor.skip(REFERER) {
        let at = cursor.at();
        if let Some(again) = memmem::find(cursor.rest(), REFERER) {
            return Err(ParseError::new(Reason::Ambiguous, "referer", at + again));
        }
        fields.push("referer", Value::text(cursor.take_rest(), Escaping::Access));
    }
    Ok(fields.into_record(Format::ApacheError))
}

/// And `trace1` to `trace8`.
const APACHE_LEVELS: [&[u8]; 8] = [
    b"emerg", b"alert", b"crit", b"error", b"warn", b"notice", b"info", b"debug",
];

fn apache_head<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>, context: &Context) -> Read {
    let time = cursor.between(b'[', b']', "time")?;
    let form = match time.first() {
        Some(b'0'..=b'9') => TimeForm::Iso,
        _ => TimeForm::Asctime,
    };
    fields.time(form, time, 1, context)?;
    cursor.byte(b' ', "level")?;
    let at = cursor.at() + 1;
    let level = cursor.between(b'[', b']', "level")?;
    let level = match memchr::memchr(b':', level) {
        None => level,
        Some(colon) => {
            fields.text("module", level.get(..colon).unwrap_or_default());
            level.get(colon + 1..).unwrap_or_default()
        }
    };
    if !APACHE_LEVELS.contains(&level)
        && !matches!(level, [b't', b'r', b'a', b'c', b'e', b'1'..=b'8'])
    {
        return Err(ParseError::new(Reason::BadLevel, "level", at));
    }
    fields.text("level", level);
    cursor.byte(b' ', "message")?;
    if cursor.skip(b"[pid ") {
        let at = cursor.at();
        let ids = cursor.until(b']', "pid")?;
        let colon = memchr::memchr(b':', ids).unwrap_or(ids.len());
        let (pid, tid) = ids.split_at(colon);
        fields.number("pid", pid, at)?;
        if let Some(tid) = tid.strip_prefix(b":tid ") {
            fields.number("tid", tid, at + colon + 5)?;
        } else if !tid.is_empty() {
            return Err(ParseError::new(Reason::UnexpectedByte, "tid", at + colon));
        }
        cursor.byte(b' ', "message")?;
    }
    client(cursor, fields);
    Ok(())
}

/// `[client X] `, with what stands between it and the process: the errno's text, or the place in the source.
fn client<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) {
    let mut ahead = *cursor;
    let cause = match ahead.peek() {
        Some(b'[') => b"",
        // `(13)Permission denied: ` or `core.c(123): (2)…: `; anything else belongs to the message.
        _ => match memmem::find(ahead.rest(), b": [client ") {
            Some(length) => {
                let cause = ahead.rest().get(..length).unwrap_or_default();
                if !cause.starts_with(b"(") && !cause.ends_with(b")") {
                    return;
                }
                ahead.advance(length + 2);
                cause
            }
            None => return,
        },
    };
    if !ahead.skip(b"[client ") {
        return;
    }
    let Ok(client) = ahead.until(b']', "client") else {
        return;
    };
    if ahead.skip(b" ") {
        if !cause.is_empty() {
            fields.push("cause", Value::text(cause, Escaping::Access));
        }
        fields.text("client", client);
        *cursor = ahead;
    }
}

/// `AHnnnnn`, if it stands here with its colon.
fn code(rest: &[u8]) -> Option<&[u8]> {
    let (code, after) = rest.split_at_checked(7)?;
    let digits = code.strip_prefix(b"AH")?;
    (digits.iter().all(u8::is_ascii_digit) && after.starts_with(b": ")).then_some(code)
}
