//! Flow mappings, JSON's and YAML's, read forward from within, quotes escaped or not.
//!
//! Not a parser: brackets are counted, strings are passed over, keys and values of the mapping itself and of its `data`
//! are looked at. JSON within a string has its quotes escaped; a string ends at a quote with as many `\` before
//! it as the one it began with.

use super::super::scan::MAX_SPAN_BYTES;
use super::object::Seen;
use super::{Text, Verdict, is_literal, is_stand_in};

/// Deepest nesting followed.
const MAX_DEPTH: usize = 64;

/// What stands in a mapping.
enum Token<'b> {
    Open,
    Close,
    Colon,
    Comma,
    /// Within quotes.
    Quoted(&'b [u8]),
    Plain(&'b [u8]),
}

/// The rest of the mapping that `start` stands in.
pub(super) fn mapping(text: &Text<'_>, start: usize) -> Verdict {
    let mut seen = Seen::default();
    let mut keys = [false; 3];
    let mut depth = 0_usize;
    let mut at = start;
    let (mut key, mut last): (&[u8], &[u8]) = (b"", b"");
    let (mut is_value, mut in_data) = (false, false);
    while at - start <= MAX_SPAN_BYTES {
        let (token, end) = match next(text, at) {
            Ok(found) => found,
            Err(verdict) => return verdict,
        };
        at = end;
        match token {
            Token::Open => {
                in_data |= depth == 0 && is_value && is_data(key);
                depth += 1;
                is_value = false;
                if depth > MAX_DEPTH {
                    return Verdict::No;
                }
            }
            Token::Close => match depth.checked_sub(1) {
                None => return Verdict::No,
                Some(outer) => {
                    depth = outer;
                    in_data &= depth > 0;
                    is_value = false;
                }
            },
            Token::Colon => {
                is_value = true;
                if depth == 0 {
                    key = last;
                    // A key comes once: what looks like more is no mapping, and is not followed any further.
                    let mark = [&b"kind"[..], b"data", b"stringData"]
                        .iter()
                        .position(|name| *name == key);
                    if let Some(slot) = mark.and_then(|mark| keys.get_mut(mark))
                        && std::mem::replace(slot, true)
                    {
                        return Verdict::No;
                    }
                }
            }
            Token::Comma => is_value = false,
            Token::Quoted(scalar) | Token::Plain(scalar) if is_value => {
                if depth == 0 && key == b"kind" {
                    if scalar != b"Secret" {
                        return Verdict::No;
                    }
                    seen.is_secret = true;
                }
                let is_value = match token {
                    Token::Plain(scalar) => is_literal(scalar),
                    _ => !is_stand_in(scalar),
                };
                seen.has_literal |= in_data && depth == 1 && is_value;
            }
            Token::Quoted(scalar) | Token::Plain(scalar) => last = scalar,
        }
        if seen.both() {
            return Verdict::Found(at);
        }
    }
    Verdict::No
}

/// Whether a value on one line, such as `{password: pa55}`, is a mapping with a literal.
pub(super) fn has_literal(value: &[u8]) -> bool {
    let Some(entries) = value.strip_prefix(b"{") else {
        return false;
    };
    entries
        .split(|byte| matches!(byte, b',' | b'}'))
        .any(|entry| {
            let colon = entry.windows(2).position(|pair| pair == b": ");
            let value = colon.and_then(|colon| entry.get(colon + 2..));
            value.is_some_and(|value| is_literal(value.trim_ascii()))
        })
}

fn is_data(key: &[u8]) -> bool {
    matches!(key, b"data" | b"stringData")
}

/// The next token and where it ends.
fn next<'b>(text: &Text<'b>, from: usize) -> Result<(Token<'b>, usize), Verdict> {
    let rest = text.bytes.get(from..).unwrap_or_default();
    let Some(blank) = blanks(rest) else {
        return Err(text.cut());
    };
    let at = from + blank;
    let rest = rest.get(blank..).unwrap_or_default();
    let token = match rest.first() {
        None => return Err(text.cut()),
        Some(b'{' | b'[') => Token::Open,
        Some(b'}' | b']') => Token::Close,
        Some(b':') => Token::Colon,
        Some(b',') => Token::Comma,
        Some(b'\'') => {
            let end = memchr::memchr(b'\'', rest.get(1..).unwrap_or_default());
            let end = end.ok_or_else(|| text.cut())?;
            return Ok((
                Token::Quoted(text.bytes.get(at + 1..at + 1 + end).unwrap_or_default()),
                at + end + 2,
            ));
        }
        Some(b'"' | b'\\') => return quoted(text, at),
        Some(_) => {
            let end = rest
                .iter()
                .position(|byte| b",:{}[]\"\n\\".contains(byte))
                .ok_or_else(|| text.cut())?;
            // A `:` that is no separator belongs to the text, as in `ref+vault://`.
            let end = if rest.get(end) == Some(&b':') {
                plain_end(rest)
            } else {
                Some(end)
            };
            let end = end.ok_or_else(|| text.cut())?;
            let scalar = rest.get(..end).unwrap_or_default().trim_ascii_end();
            return Ok((Token::Plain(scalar), at + end.max(1)));
        }
    };
    Ok((token, at + 1))
}

/// White space, and line breaks written as escapes.
fn blanks(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match rest.get(at..)? {
            [b' ' | b'\t' | b'\n' | b'\r', ..] => at += 1,
            [b'\\', b'n' | b'r' | b't', ..] => at += 2,
            [b'\\'] => return None,
            _ => return Some(at),
        }
    }
}

/// The end of a plain scalar in a flow mapping: `, `, a bracket, `: ` or the line's end.
fn plain_end(rest: &[u8]) -> Option<usize> {
    let is_end = |at: &usize| match rest.get(*at..) {
        Some([b':', b' ' | b'\n', ..]) => true,
        Some([b':', ..]) => false,
        Some([byte, ..]) => b",{}[]\n".contains(byte),
        _ => true,
    };
    (0..rest.len()).find(is_end)
}

fn quoted<'b>(text: &Text<'b>, at: usize) -> Result<(Token<'b>, usize), Verdict> {
    let rest = text.bytes.get(at..).unwrap_or_default();
    let escapes = rest.iter().take_while(|byte| **byte == b'\\').count();
    match rest.get(escapes) {
        None => return Err(text.cut()),
        Some(b'"') => {}
        // Something else that is escaped: no token of a mapping.
        Some(_) => return Err(Verdict::No),
    }
    let content = at + escapes + 1;
    let body = text.bytes.get(content..).unwrap_or_default();
    for quote in memchr::memchr_iter(b'"', body) {
        let before = body.get(..quote).unwrap_or_default();
        let run = before
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count();
        let is_end = if escapes == 0 {
            run % 2 == 0
        } else {
            run <= escapes
        };
        if is_end {
            let scalar = before.get(..quote - run.min(escapes)).unwrap_or_default();
            return Ok((Token::Quoted(scalar), content + quote + 1));
        }
    }
    Err(text.cut())
}
