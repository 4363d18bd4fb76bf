//! ingress-nginx: the combined format with what happened upstream.
//!
//! ```text
//! combined SP length SP time SP [upstream] [SP [alternative]] SP addrs SP lengths SP times SP statuses [SP id]
//! 192.0.2.7 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 27 "-" "curl" 120 0.013 [shop-web-80] []
//!     10.1.0.4:8080, 10.1.0.5:8080 0, 27 0.001, 0.012 502, 200 0f3c…
//! ```
//!
//! - The four *upstream* fields are lists, one element per attempt: `, ` between attempts of one group of servers, ` : `
//!   between groups. `-` is null. They are [`Value::List`]s even of one.
//! - All four must have the same number of elements, and each element its type (address, integer, seconds, status).
//!   Otherwise the line is refused: no address can end up as a length, which is what becomes of such lines elsewhere.
//! - `request_time` and `upstream_response_time` are seconds.

use super::Format;
use super::access;
use super::fields::{Fields, Read, element, last_word};
use crate::cursor::Cursor;
use crate::error::{ParseError, Reason};
use crate::record::{Record, Value};

/// Reads a line, without its ending.
///
/// # Errors
///
/// The line does not follow the grammar of the module.
pub fn parse(line: &[u8]) -> Result<Record<'_>, ParseError> {
    let mut cursor = Cursor::new(line);
    let mut fields = Fields::new();
    fields.extend(access::entry(&mut cursor)?.into_record());
    cursor.byte(b' ', "request_length")?;
    for name in ["request_length", "request_time"] {
        let at = cursor.at();
        fields.number_or_dash(name, cursor.word(name)?, at)?;
    }
    fields.text_or_dash("upstream", cursor.between(b'[', b']', "upstream")?);
    cursor.byte(b' ', "upstream_addr")?;
    // An IPv6 address begins with a bracket, too, but its port follows.
    let mut ahead = cursor;
    if ahead.between(b'[', b']', "upstream_addr").is_ok() && ahead.peek() == Some(b' ') {
        let alternative = cursor.between(b'[', b']', "alternative_upstream")?;
        fields.text_or_dash("alternative_upstream", alternative);
        cursor.byte(b' ', "upstream_addr")?;
    }
    let mut arity = None;
    for (name, numeric) in [
        ("upstream_addr", false),
        ("upstream_response_length", true),
        ("upstream_response_time", true),
        ("upstream_status", true),
    ] {
        let at = cursor.at();
        if arity.is_some() {
            cursor.byte(b' ', name)?;
        }
        let values = list(&mut cursor, name, numeric)?;
        if *arity.get_or_insert(values.len()) != values.len() {
            return Err(ParseError::new(Reason::Arity, name, at + 1));
        }
        fields.push(name, Value::List(values));
    }
    if cursor.skip(b" ") {
        fields.text_or_dash("request_id", last_word(&mut cursor, "request_id")?);
    }
    cursor.end()?;
    Ok(fields.into_record(Format::IngressNginx))
}

/// Elements joined by `, ` or ` : `; stands after the last.
fn list<'a>(cursor: &mut Cursor<'a>, name: &'static str, numeric: bool) -> Read<Vec<Value<'a>>> {
    let mut values = Vec::with_capacity(1);
    loop {
        let at = cursor.at();
        let word = last_word(cursor, name)?;
        let (raw, more) = match word.strip_suffix(b",") {
            Some(raw) => (raw, true),
            None => (word, false),
        };
        let is_address = |raw: &[u8]| raw == b"-" || raw.contains(&b':');
        if !numeric && !is_address(raw) {
            return Err(ParseError::new(Reason::BadAddress, name, at));
        }
        values.push(element(name, raw, at, numeric)?);
        if more {
            cursor.byte(b' ', name)?;
        } else if !cursor.skip(b" : ") {
            return Ok(values);
        }
    }
}
