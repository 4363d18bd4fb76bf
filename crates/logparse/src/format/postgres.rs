//! PostgreSQL's server log in text, with the prefixes people use (`log_line_prefix`).
//!
//! ```text
//! time SP zone SP "[" pid "]" [":"] SP ["[" session-line "-1] "] [ who SP ] level ":  " message
//! 2026-11-21 04:44:44.123 UTC [812] LOG:  database system is ready          (%m [%p], the default)
//! 2026-11-21 04:44:44.123 UTC [812] shop@orders ERROR:  deadlock detected   (%m [%p] %q%u@%d, Debian)
//! 2026-11-21 04:44:44 UTC [812]: [3-1] user=shop,db=orders,app=psql,client=10.0.0.7 LOG:  ready    (pgBadger's)
//! ```
//!
//! - *zone*: an abbreviation or an offset; see [`time`](crate::time) for what is known.
//! - *who*: `user@database`, or `user=…,db=…,app=…,client=…` with what is empty null. An application's name with a space
//!   is refused.
//! - *level*: one of the server's, DETAIL, HINT and the like included.
//! - The message may go on over several lines, LF between them: PostgreSQL begins those with a tab.

use super::Format;
use super::fields::{Fields, Read};
use crate::cursor::Cursor;
use crate::error::{ParseError, Reason};
use crate::record::{Record, Value};
use crate::time::{Context, TimeForm};

const LEVELS: [&[u8]; 17] = [
    b"DEBUG1",
    b"DEBUG2",
    b"DEBUG3",
    b"DEBUG4",
    b"DEBUG5",
    b"INFO",
    b"NOTICE",
    b"WARNING",
    b"ERROR",
    b"LOG",
    b"FATAL",
    b"PANIC",
    b"DETAIL",
    b"HINT",
    b"QUERY",
    b"CONTEXT",
    b"STATEMENT",
];

/// The pairs of *who*, and their fields.
const PAIRS: [(&[u8], &str); 4] = [
    (b"user=", "user"),
    (b"db=", "database"),
    (b"app=", "application"),
    (b"client=", "client"),
];

/// Reads a line, without its ending.
///
/// # Errors
///
/// The line does not follow the grammar of the module.
pub fn parse<'a>(line: &'a [u8], context: &Context) -> Result<Record<'a>, ParseError> {
    let mut cursor = Cursor::new(line);
    let mut fields = Fields::new();
    cursor.take("YYYY-MM-DD hh:mm:ss".len(), "time")?;
    cursor.until(b' ', "time")?;
    cursor.until(b' ', "zone")?;
    let time = line.get(..cursor.at() - 1).unwrap_or_default();
    fields.time(TimeForm::Iso, time, 0, context)?;
    let at = cursor.at() + 1;
    let pid = cursor.between(b'[', b']', "pid")?;
    fields.number("pid", pid, at)?;
    cursor.skip(b":");
    cursor.byte(b' ', "level")?;
    if cursor.peek() == Some(b'[') {
        let at = cursor.at() + 1;
        let session = cursor.between(b'[', b']', "session_line")?;
        let number = session
            .split(|byte| *byte == b'-')
            .next()
            .unwrap_or_default();
        fields.number("session_line", number, at)?;
        cursor.byte(b' ', "level")?;
    }
    let at = cursor.at();
    let mut word = cursor.word("level")?;
    if word.last() != Some(&b':') || word.contains(&b'=') {
        who(word, at, &mut fields)?;
        word = cursor.word("level")?;
    }
    let at = cursor.at() - 1 - word.len();
    let level = word
        .strip_suffix(b":")
        .filter(|level| LEVELS.contains(level));
    let level = level.ok_or_else(|| ParseError::new(Reason::BadLevel, "level", at))?;
    fields.text("level", level);
    cursor.byte(b' ', "message")?;
    fields.text("message", cursor.take_rest());
    Ok(fields.into_record(Format::Postgres))
}

fn who<'a>(word: &'a [u8], at: usize, fields: &mut Fields<'a>) -> Read {
    if !word.starts_with(b"user=") {
        let sign = memchr::memrchr(b'@', word)
            .ok_or_else(|| ParseError::new(Reason::UnexpectedByte, "user", at))?;
        fields.text("user", word.get(..sign).unwrap_or_default());
        fields.text("database", word.get(sign + 1..).unwrap_or_default());
        return Ok(());
    }
    let mut parts = word.split(|byte| *byte == b',');
    let mut here = at;
    for (key, name) in PAIRS {
        let Some(part) = parts.next() else {
            return Ok(());
        };
        match part.strip_prefix(key) {
            Some(b"" | b"[unknown]") => fields.push(name, Value::Null),
            Some(value) => fields.text(name, value),
            None => return Err(ParseError::new(Reason::UnexpectedByte, name, here)),
        }
        here += part.len() + 1;
    }
    match parts.next() {
        None => Ok(()),
        Some(_) => Err(ParseError::new(Reason::TrailingBytes, "client", here - 1)),
    }
}
