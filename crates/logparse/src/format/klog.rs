//! klog, the log of Kubernetes components, and glog, which it comes from.
//!
//! ```text
//! level mmdd SP hh:mm:ss.uuuuuu SP+ thread SP [dir/]file:line] SP message
//! I1121 04:44:44.123456       1 controller.go:116] "Pod ready" pod="web/shop-0" attempts=2
//! ```
//!
//! - *level*: `I`, `W`, `E` or `F`, given as `info`, `warning`, `error` or `fatal`.
//! - *time*: local time without year or zone; both come from the [`Context`].
//! - *thread*: digits, padded with spaces.
//! - *message*: the rest, kept as written, unless it is structured to its last byte: a Go-quoted text, then ` key=value`
//!   any number of times. Then `message` is that text, and every key is the field `kv.KEY`: a key named `level` cannot
//!   pose as the line's own.
//! - *value*: a Go-quoted text; or a block, `<` LF, lines that begin with a tab, LF, ` >`; or what Go prints, up to the
//!   next space that no `(`, `[` or `{` encloses.

use super::Format;
use super::fields::{Fields, Read};
use crate::cursor::Cursor;
use crate::error::{ParseError, Reason};
use crate::record::{Escaping, Record, Value};
use crate::time::{Context, TimeForm};

/// Reads a line, without its ending; a block's lines are part of it, LF between them.
///
/// # Errors
///
/// The line does not follow the grammar of the module.
pub fn parse<'a>(line: &'a [u8], context: &Context) -> Result<Record<'a>, ParseError> {
    let mut cursor = Cursor::new(line);
    let mut fields = Fields::new();
    let level = match cursor.take(1, "level")? {
        b"I" => "info",
        b"W" => "warning",
        b"E" => "error",
        b"F" => "fatal",
        _ => return Err(ParseError::new(Reason::UnexpectedByte, "level", 0)),
    };
    fields.text("level", level.as_bytes());
    let at = cursor.at();
    let time = cursor.take("mmdd hh:mm:ss.uuuuuu".len(), "time")?;
    fields.time(TimeForm::Klog, time, at, context)?;
    cursor.byte(b' ', "thread")?;
    cursor.take_while(|byte| byte == b' ');
    let at = cursor.at();
    let thread = cursor.word("thread")?;
    fields.number("thread", thread, at)?;
    let at = cursor.at();
    let place = cursor.until(b']', "file")?;
    let colon = memchr::memrchr(b':', place).unwrap_or(place.len());
    let (file, number) = place.split_at(colon);
    let [b':', number @ ..] = number else {
        return Err(ParseError::new(Reason::MissingField, "line", at + colon));
    };
    fields.text("file", file);
    fields.number("line", number, at + colon + 1)?;
    cursor.byte(b' ', "message")?;
    message(&mut cursor, &mut fields)?;
    Ok(fields.into_record(Format::Klog))
}

fn message<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Read {
    if cursor.peek() == Some(b'"') {
        let mut structured = *cursor;
        let mut list = Vec::new();
        if let Some(text) = message_and_pairs(&mut structured, &mut list)? {
            fields.push("message", Value::text(text, Escaping::Go));
            for (key, value) in list {
                let key = String::from_utf8_lossy(key);
                fields.push_owned(format!("kv.{key}"), value);
            }
            return Ok(());
        }
    }
    fields.text("message", cursor.take_rest());
    Ok(())
}

/// The message, if the rest is structured to its end. An error only for a block that never ends.
fn message_and_pairs<'a>(
    cursor: &mut Cursor<'a>,
    list: &mut Vec<(&'a [u8], Value<'a>)>,
) -> Read<Option<&'a [u8]>> {
    let Ok(message) = cursor.quoted("message") else {
        return Ok(None);
    };
    while cursor.skip(b" ") {
        let key = cursor.take_while(|byte| byte > b' ' && byte != b'=' && byte != b'"');
        if key.is_empty() || std::str::from_utf8(key).is_err() || !cursor.skip(b"=") {
            return Ok(None);
        }
        let value = match cursor.peek() {
            Some(b'"') => match cursor.quoted("kv") {
                Ok(raw) => Value::text(raw, Escaping::Go),
                Err(_) => return Ok(None),
            },
            Some(b'<') if matches!(cursor.rest(), b"<" | [b'<', b'\n', ..]) => block(cursor)?,
            _ => match printed(cursor.rest()) {
                Some(raw) => {
                    cursor.advance(raw.len());
                    Value::text(raw, Escaping::None)
                }
                None => return Ok(None),
            },
        };
        list.push((key, value));
    }
    Ok(cursor.end().is_ok().then_some(message))
}

fn block<'a>(cursor: &mut Cursor<'a>) -> Read<Value<'a>> {
    let at = cursor.at();
    let unclosed = || ParseError::new(Reason::UnclosedBlock, "kv", at);
    let rest = cursor.rest().strip_prefix(b"<\n").ok_or_else(unclosed)?;
    let mut length = 0;
    for line in rest.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b" >") {
            cursor.advance(b"<\n".len() + length + b" >".len());
            let raw = rest.get(..length).unwrap_or_default();
            return Ok(Value::text(raw, Escaping::Block));
        }
        if !line.starts_with(b"\t") {
            break;
        }
        length += line.len();
    }
    Err(unclosed())
}

/// Up to the next space outside of brackets; `None` if those do not close.
fn printed(rest: &[u8]) -> Option<&[u8]> {
    let mut depth = 0_usize;
    let mut length = 0;
    for &byte in rest {
        match byte {
            b' ' | b'\n' if depth == 0 => break,
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        length += 1;
    }
    rest.get(..length).filter(|_| depth == 0)
}
