//! Spring Boot's console log, and the common layouts of Logback and log4j.
//!
//! **Spring Boot** ([`parse_spring`]), its default pattern in 2.x and 3.x, with or without colours:
//!
//! ```text
//! time SP+ level SP [pid] SP "---" SP ["[" application "] "] ["[" group "] "] "[" thread "] " ["[" correlation "] "]
//!     logger SP* ": " message
//! 2026-11-21T04:44:44.123+09:00  INFO 1 --- [shop] [nio-8080-exec-1] c.e.shop.CartController : order 7 placed
//! ```
//!
//! The thread is the last bracket of exactly 15 characters, which is how Spring pads and cuts it; it may itself contain
//! brackets. Colours (`ESC [ … m`) are stepped over between fields and never part of one but the message.
//!
//! **Logback and log4j** ([`parse_log4j`]): Logback's and log4j 2's default and the ones seen with Hadoop, Kafka and ZooKeeper.
//!
//! ```text
//! time [" -"] ( "[" thread "]" level | level "[" thread "]" | level ) [logger] ( " - " | " : " | ": " ) message
//! 04:44:44.123 [main] INFO  c.e.Shop - started
//! 2026-11-21 04:44:44,123 INFO [main] org.apache.hadoop.Main: started
//! ```
//!
//! In both, *time* is ISO with `T` or a space, `.` or `,`, and a zone or none (a time of day will do in the second), and
//! *level* is one of Java's. A message may go on over several lines, LF between them: a stack trace, say.

use super::Format;
use super::fields::{Fields, Read};
use crate::cursor::Cursor;
use crate::error::{ParseError, Reason};
use crate::record::Record;
use crate::time::{Context, TimeForm};

const LEVELS: [&[u8]; 9] = [
    b"TRACE",
    b"DEBUG",
    b"INFO",
    b"WARN",
    b"ERROR",
    b"FATAL",
    b"WARNING",
    b"SEVERE",
    b"CRITICAL",
];

const THREAD_CHARACTERS: usize = 15;

/// Reads a line of Spring Boot's default pattern, without its ending.
///
/// # Errors
///
/// The line does not follow the grammar of the module.
pub fn parse_spring<'a>(line: &'a [u8], context: &Context) -> Result<Record<'a>, ParseError> {
    let mut cursor = Cursor::new(line);
    let mut fields = Fields::new();
    colours(&mut cursor);
    time(&mut cursor, &mut fields, context)?;
    gap(&mut cursor);
    level(&mut cursor, &mut fields)?;
    gap(&mut cursor);
    let at = cursor.at();
    let pid = cursor.take_while(|byte| byte.is_ascii_digit());
    if !pid.is_empty() {
        fields.number("pid", pid, at)?;
        gap(&mut cursor);
    }
    cursor.tag(b"---", "separator")?;
    gap(&mut cursor);
    brackets(&mut cursor, &mut fields)?;
    let logger = logger(&mut cursor)?;
    fields.text("logger", logger);
    gap(&mut cursor);
    cursor.byte(b':', "message")?;
    colours(&mut cursor);
    if !cursor.rest().is_empty() {
        cursor.byte(b' ', "message")?;
    }
    fields.text("message", cursor.take_rest());
    Ok(fields.into_record(Format::Spring))
}

/// Application, group, thread and correlation, of which only the thread must be there.
fn brackets<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Read {
    const MOST: usize = 4;
    let start = cursor.at();
    let mut found: Vec<&[u8]> = Vec::with_capacity(MOST);
    while cursor.skip(b"[") {
        let rest = cursor.rest();
        let inside = match thread(rest) {
            Some(thread) => thread,
            None => {
                let end = memchr::memchr(b']', rest).unwrap_or(rest.len());
                rest.get(..end).unwrap_or_default()
            }
        };
        cursor.advance(inside.len());
        cursor.byte(b']', "thread")?;
        gap(cursor);
        found.push(inside);
        if found.len() > MOST {
            return Err(ParseError::new(Reason::Arity, "thread", start));
        }
    }
    let is_thread = |inside: &&[u8]| characters(inside) == Some(THREAD_CHARACTERS);
    let Some(at) = found.iter().rposition(is_thread) else {
        return Err(ParseError::new(Reason::MissingField, "thread", start));
    };
    let (before, after) = found.split_at(at);
    match *before {
        [] => {}
        [application] => fields.text("application", application.trim_ascii()),
        [application, group] => {
            fields.text("application", application.trim_ascii());
            fields.text("group", group.trim_ascii());
        }
        _ => return Err(ParseError::new(Reason::Arity, "thread", start)),
    }
    match *after {
        [thread] => fields.text("thread", thread.trim_ascii()),
        [thread, correlation] => {
            fields.text("thread", thread.trim_ascii());
            match correlation.trim_ascii() {
                [] => {}
                correlation => fields.text("correlation", correlation),
            }
        }
        _ => return Err(ParseError::new(Reason::Arity, "thread", start)),
    }
    Ok(())
}

/// Fifteen characters with a closing bracket right behind them.
fn thread(rest: &[u8]) -> Option<&[u8]> {
    let mut ends =
        (0..rest.len()).filter(|at| rest.get(*at).is_some_and(|byte| byte & 0xC0 != 0x80));
    let end = ends.nth(THREAD_CHARACTERS)?;
    (rest.get(end) == Some(&b']')).then(|| rest.get(..end))?
}

fn characters(bytes: &[u8]) -> Option<usize> {
    std::str::from_utf8(bytes)
        .ok()
        .map(|text| text.chars().count())
}

/// Reads a line of one of the layouts of Logback and log4j, without its ending.
///
/// # Errors
///
/// The line does not follow the grammar of the module.
pub fn parse_log4j<'a>(line: &'a [u8], context: &Context) -> Result<Record<'a>, ParseError> {
    let mut cursor = Cursor::new(line);
    let mut fields = Fields::new();
    time(&mut cursor, &mut fields, context)?;
    cursor.byte(b' ', "level")?;
    cursor.skip(b"- ");
    spaces(&mut cursor);
    if cursor.peek() == Some(b'[') {
        bracketed_thread(&mut cursor, &mut fields)?;
        spaces(&mut cursor);
        level(&mut cursor, &mut fields)?;
    } else {
        level(&mut cursor, &mut fields)?;
        spaces(&mut cursor);
        if cursor.peek() == Some(b'[') {
            bracketed_thread(&mut cursor, &mut fields)?;
        }
    }
    spaces(&mut cursor);
    if cursor.skip(b"- ") {
        // ZooKeeper names the class with the thread.
        fields.text("message", cursor.take_rest());
        return Ok(fields.into_record(Format::Log4j));
    }
    let logger = logger(&mut cursor)?;
    match logger.strip_suffix(b":") {
        Some(b"") => {}
        Some(logger) => fields.text("logger", logger),
        None => {
            fields.text("logger", logger);
            spaces(&mut cursor);
            if !cursor.skip(b"-") {
                cursor.byte(b':', "message")?;
            }
        }
    }
    if !cursor.rest().is_empty() {
        cursor.byte(b' ', "message")?;
    }
    fields.text("message", cursor.take_rest());
    Ok(fields.into_record(Format::Log4j))
}

fn bracketed_thread<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Read {
    cursor.byte(b'[', "thread")?;
    let rest = cursor.rest();
    let end = memchr::memmem::find(rest, b"] ")
        .ok_or_else(|| ParseError::new(Reason::MissingField, "thread", cursor.at() + rest.len()))?;
    fields.text("thread", cursor.take(end, "thread")?);
    cursor.byte(b']', "thread")
}

fn time<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>, context: &Context) -> Read {
    let rest = cursor.rest();
    let is_dated = matches!(rest, [_, _, _, _, b'-' | b'/', ..]);
    let (form, least) = if is_dated {
        (TimeForm::Iso, 19)
    } else {
        (TimeForm::TimeOfDay, 8)
    };
    let (at, text) = (cursor.at(), cursor.take(least, "time")?);
    let more = cursor.take_while(|byte| byte != b' ' && byte != 0x1b);
    let text = rest.get(..text.len() + more.len()).unwrap_or_default();
    fields.time(form, text, at, context)
}

fn level<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Read {
    let at = cursor.at();
    let level = cursor.take_while(|byte| byte.is_ascii_uppercase());
    if !LEVELS.contains(&level) {
        return Err(ParseError::new(Reason::BadLevel, "level", at));
    }
    fields.text("level", level);
    Ok(())
}

fn logger<'a>(cursor: &mut Cursor<'a>) -> Read<&'a [u8]> {
    // Wherever else one of these stands, it is not in the name of a logger: Quarkus' thread, the fields of a span.
    let logger = cursor.take_while(|byte| byte > b' ' && !b"(){}=\"',;".contains(&byte));
    if logger.is_empty() {
        return Err(ParseError::new(Reason::MissingField, "logger", cursor.at()));
    }
    Ok(logger)
}

fn spaces(cursor: &mut Cursor<'_>) {
    cursor.take_while(|byte| byte == b' ');
}

/// Spaces and colours.
fn gap(cursor: &mut Cursor<'_>) {
    colours(cursor);
    while cursor.skip(b" ") {
        spaces(cursor);
        colours(cursor);
    }
}

/// Steps over any `ESC [ … m`.
fn colours(cursor: &mut Cursor<'_>) {
    loop {
        let mut ahead = *cursor;
        if !ahead.skip(b"\x1b[") {
            return;
        }
        ahead.take_while(|byte| byte.is_ascii_digit() || byte == b';');
        if !ahead.skip(b"m") {
            return;
        }
        *cursor = ahead;
    }
}
