//! Syslog: RFC 5424 to the letter, and what is called RFC 3164 as it is found.
//!
//! **RFC 5424** ([`parse_5424`]), the grammar of its §6:
//!
//! ```text
//! <PRI>1 SP time SP host SP app SP procid SP msgid SP structured-data [SP message]
//! <165>1 2026-11-21T04:44:44.003Z web-1 shop 812 ID47 [meta@32473 seq="1"] order placed
//! ```
//!
//! `-` is null. *time* is RFC 3339. *structured-data* is `-` or elements `[ID name="value"…]`; each value is the field
//! `sd.ID.NAME` with [`Escaping::StructuredData`]. A byte order mark before the message is left out of it. The lengths
//! are limited as the RFC has it: 255, 48, 128 and 32 bytes.
//!
//! **RFC 3164** ([`parse_3164`]) describes what was seen in the wild and so is this:
//!
//! ```text
//! [<PRI>] [sequence ": "] [time] [SP host] [SP tag ["[" pid "]"] ":"] SP message
//! <34>Oct 11 22:14:15 web-1 su[42]: 'su root' failed      (the RFC)
//! Oct 11 22:14:15 web-1 su: failed                        (a file: no priority)
//! <13>Oct 11 22:14:15 su: failed                          (/dev/log: no host)
//! <13>2026-11-21T04:44:44+09:00 web-1 su: failed          (rsyslog's forward format)
//! 2026-11-21T04:44:44+0900 web-1 su[42]: failed           (journalctl, rsyslog's files)
//! <166>Jan  5 2026 10:11:12 fw : %ASA-6-302013: Built     (Cisco, with year)
//! <189>123: *Mar  1 00:00:01.123 UTC: %SYS-5-CONFIG_I: x  (Cisco IOS)
//! ```
//!
//! A word after the time is the host unless it ends in `:`, which makes it the tag. A tag is up to 48 bytes of letters,
//! digits and `_/.-%@()`; when there is none the message is all after the host. Either a priority or a time must be
//! there; after no priority and a time that begins with the year, as lines of any program do, both a host, by its letters, and a
//! tag. Year and zone come from the [`Context`].
//!
//! In both, `facility` and `severity` are numbers and `level` is the severity's name.

use super::Format;
use super::fields::{Fields, Read};
use crate::cursor::Cursor;
use crate::error::{ParseError, Reason};
use crate::record::{Escaping, Record, Value};
use crate::time::{Context, TimeForm};

const LEVELS: [&str; 8] = [
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
];

const MAX_TAG_BYTES: usize = 48;

/// Which bytes below 128 a tag has, as bits.
const IN_TAG: u128 = {
    let mut rest: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_/.-%@()";
    let mut bits = 0;
    while let [byte, after @ ..] = rest {
        bits |= 1 << *byte;
        rest = after;
    }
    bits
};

/// Reads a line of RFC 5424, without its framing.
///
/// # Errors
///
/// The line does not follow the RFC's grammar.
pub fn parse_5424<'a>(line: &'a [u8], context: &Context) -> Result<Record<'a>, ParseError> {
    let mut cursor = Cursor::new(line);
    let mut fields = Fields::new();
    priority(&mut cursor, &mut fields)?;
    cursor.tag(b"1 ", "version")?;
    let at = cursor.at();
    match cursor.word("time")? {
        b"-" => fields.push("time", Value::Null),
        time => fields.time(TimeForm::Rfc3339, time, at, context)?,
    }
    for (name, most) in [("host", 255), ("app", 48), ("procid", 128), ("msgid", 32)] {
        let at = cursor.at();
        let word = cursor.word(name)?;
        if word.len() > most {
            return Err(ParseError::new(Reason::NameTooLong, name, at + most));
        }
        if let Some(bad) = word.iter().position(|byte| !byte.is_ascii_graphic()) {
            return Err(ParseError::new(Reason::UnexpectedByte, name, at + bad));
        }
        fields.text_or_dash(name, word);
    }
    if !cursor.skip(b"-") {
        structured_data(&mut cursor, &mut fields)?;
    }
    if cursor.skip(b" ") {
        cursor.skip(b"\xEF\xBB\xBF");
        fields.text("message", cursor.take_rest());
    }
    cursor.end()?;
    Ok(fields.into_record(Format::Syslog5424))
}

fn structured_data<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Read {
    cursor.byte(b'[', "structured_data")?;
    loop {
        let id = name(cursor)?;
        while cursor.skip(b" ") {
            let name = name(cursor)?;
            cursor.byte(b'=', "structured_data")?;
            let value = cursor.quoted("structured_data")?;
            fields.push_owned(
                format!("sd.{id}.{name}"),
                Value::text(value, Escaping::StructuredData),
            );
        }
        cursor.byte(b']', "structured_data")?;
        if !cursor.skip(b"[") {
            return Ok(());
        }
    }
}

fn name<'a>(cursor: &mut Cursor<'a>) -> Read<&'a str> {
    let at = cursor.at();
    let name =
        cursor.take_while(|byte| byte.is_ascii_graphic() && !matches!(byte, b'=' | b']' | b'"'));
    let error = |reason| ParseError::new(reason, "structured_data", at);
    match name.len() {
        0 => Err(error(Reason::MissingField)),
        1..=32 => std::str::from_utf8(name).map_err(|_| error(Reason::NotUtf8)),
        _ => Err(error(Reason::NameTooLong)),
    }
}

/// Reads a line of what is called RFC 3164, without its framing.
///
/// # Errors
///
/// The line has neither a priority nor a time, or one that is not well formed.
pub fn parse_3164<'a>(line: &'a [u8], context: &Context) -> Result<Record<'a>, ParseError> {
    let mut cursor = Cursor::new(line);
    let mut fields = Fields::new();
    header(&mut cursor, &mut fields, context)?;
    fields.text("message", cursor.take_rest());
    Ok(fields.into_record(Format::Syslog))
}

/// All but the message; stands on it.
pub(super) fn header<'a>(
    cursor: &mut Cursor<'a>,
    fields: &mut Fields<'a>,
    context: &Context,
) -> Read {
    let has_priority = cursor.peek() == Some(b'<');
    if has_priority {
        priority(cursor, fields)?;
        sequence(cursor, fields)?;
    }
    let Some(form) = time(cursor, fields, context)? else {
        return if has_priority {
            Ok(())
        } else {
            Err(ParseError::new(Reason::BadTimestamp, "time", cursor.at()))
        };
    };
    // Lines of any program begin with such a time.
    let is_strict = !has_priority && form != TimeForm::Syslog;
    if cursor.rest().is_empty() && !is_strict {
        return Ok(());
    }
    cursor.skip(b":");
    cursor.byte(b' ', "host")?;
    let at = cursor.at();
    if !is_strict && tag(cursor, fields)? {
        return Ok(());
    }
    let host = cursor.until_or_end(b' ');
    if host.is_empty() {
        return Err(ParseError::new(Reason::MissingField, "host", cursor.at()));
    }
    if is_strict && !is_host(host) {
        return Err(ParseError::new(Reason::UnexpectedByte, "host", at));
    }
    fields.text("host", host);
    let mut has_tag = false;
    if cursor.skip(b" ") {
        // Cisco's ASA sets a colon of its own between host and tag.
        cursor.skip(b": ");
        has_tag = tag(cursor, fields)?;
    }
    if is_strict && !has_tag {
        return Err(ParseError::new(Reason::MissingField, "tag", cursor.at()));
    }
    Ok(())
}

/// A name or an address, and not what other programs have there: their level.
fn is_host(word: &[u8]) -> bool {
    const LEVELS: [&[u8]; 14] = [
        b"trace",
        b"debug",
        b"info",
        b"information",
        b"notice",
        b"warn",
        b"warning",
        b"err",
        b"error",
        b"crit",
        b"critical",
        b"alert",
        b"fatal",
        b"panic",
    ];
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:".contains(byte);
    let is_level = |level: &&[u8]| word.eq_ignore_ascii_case(level);
    word.iter().all(is_name) && !word.ends_with(b":") && !LEVELS.iter().any(is_level)
}

/// `<0>` to `<191>`.
fn priority<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Read {
    cursor.byte(b'<', "priority")?;
    let at = cursor.at();
    let digit = |byte: u8| byte.wrapping_sub(b'0');
    let digits = cursor.take_while(|byte| byte.is_ascii_digit());
    let value = match *digits {
        [a] => Some(digit(a)),
        [a @ b'1'..=b'9', b] => Some(digit(a) * 10 + digit(b)),
        [b'1', b, c] => Some(100 + digit(b) * 10 + digit(c)),
        _ => None,
    };
    let value = value
        .filter(|value| *value <= 191)
        .ok_or_else(|| ParseError::new(Reason::BadNumber, "priority", at))?;
    cursor.byte(b'>', "priority")?;
    fields.integer("facility", u64::from(value / 8));
    fields.integer("severity", u64::from(value % 8));
    let level = LEVELS
        .get(usize::from(value % 8))
        .copied()
        .unwrap_or_default();
    fields.text("level", level.as_bytes());
    Ok(())
}

/// Cisco's `123: ` before the time.
fn sequence<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Read {
    let mut ahead = *cursor;
    let at = ahead.at();
    let digits = ahead.take_while(|byte| byte.is_ascii_digit());
    if !digits.is_empty() && ahead.skip(b": ") {
        fields.number("sequence", digits, at)?;
        *cursor = ahead;
    }
    Ok(())
}

/// Reads the time if one stands here, and says how it is written. A clock that is not set is marked with `*` by Cisco, a lost one
/// with `.`.
fn time<'a>(
    cursor: &mut Cursor<'a>,
    fields: &mut Fields<'a>,
    context: &Context,
) -> Read<Option<TimeForm>> {
    let mut ahead = *cursor;
    if !ahead.skip(b"*") {
        ahead.skip(b".");
    }
    let at = ahead.at();
    let rest = ahead.rest();
    let form = if let Some((form, length)) = month_and_clock(rest) {
        fields.time(form, rest.get(..length).unwrap_or_default(), at, context)?;
        ahead.advance(length);
        // Cisco names the zone; it is UTC or one the caller has set for all.
        ahead.skip(b" UTC");
        form
    } else {
        let word = rest.split(|byte| *byte == b' ').next().unwrap_or_default();
        let Some(form) = iso_form(word) else {
            return Ok(None);
        };
        if fields.time(form, word, at, context).is_err() {
            return Ok(None);
        }
        ahead.advance(word.len());
        form
    };
    *cursor = ahead;
    Ok(Some(form))
}

/// RFC 3339, or nearly so, as `journalctl -o short-iso` has it: `2026-11-21T04:44:44+0900`.
fn iso_form(word: &[u8]) -> Option<TimeForm> {
    match word {
        [b'0'..=b'9', .., b'+' | b'-', _, _, _, _] if word.len() > 19 => Some(TimeForm::Iso),
        [b'0'..=b'9', ..] if word.len() > 19 => Some(TimeForm::Rfc3339),
        _ => None,
    }
}

/// How long `Mmm dd [yyyy] hh:mm:ss[.fraction]` is, if that is what stands here.
fn month_and_clock(rest: &[u8]) -> Option<(TimeForm, usize)> {
    let is_clock = |from: usize| {
        matches!(
            rest.get(from..from + 8),
            Some([_, _, b':', _, _, b':', _, _])
        )
    };
    if !rest.first()?.is_ascii_uppercase() || rest.get(3) != Some(&b' ') {
        return None;
    }
    let from = [7, 12].into_iter().find(|from| is_clock(*from))?;
    let mut length = from + 8;
    if rest.get(length) == Some(&b'.') {
        let fraction = rest.get(length + 1..).unwrap_or_default();
        length += 1 + fraction
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
    }
    Some((TimeForm::Syslog, length))
}

/// Reads `tag[pid]: ` if it stands here.
fn tag<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Read<bool> {
    let mut ahead = *cursor;
    let tag = ahead.take_while(|byte| byte.is_ascii() && IN_TAG >> byte & 1 == 1);
    if tag.is_empty() || tag.len() > MAX_TAG_BYTES {
        return Ok(false);
    }
    let at = ahead.at() + 1;
    let pid = if ahead.skip(b"[") {
        ahead.until(b']', "pid").ok()
    } else {
        None
    };
    if !ahead.skip(b":") || !(ahead.skip(b" ") || ahead.rest().is_empty()) {
        return Ok(false);
    }
    fields.text("tag", tag);
    if let Some(pid) = pid {
        // rsyslog and journald write numbers here; others write what they like.
        if fields.number("pid", pid, at).is_err() {
            fields.text("pid", pid);
        }
    }
    *cursor = ahead;
    Ok(true)
}
