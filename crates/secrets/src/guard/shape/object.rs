//! Secret objects with plaintext, in block YAML, flow YAML or JSON; and in the annotation of `kubectl apply`.
//!
//! One is recognised by whichever of `kind: Secret` and `data` or `stringData` comes first, and then read forward for
//! the other, in the same mapping: there has to be a literal in it. References and expressions are none.

use super::super::finding::Shape;
use super::super::scan::{HISTORY_BYTES, MAX_SPAN_BYTES};
use super::flow;
use super::{Read, Rule, Text, Verdict, is_stand_in};

pub(super) fn rules() -> impl Iterator<Item = Rule> {
    let rules: [(&str, Shape, Read); 4] = [
        ("data", Shape::SecretObject, key),
        ("stringData", Shape::SecretObject, key),
        ("kind", Shape::SecretObject, key),
        (
            "last-applied-configuration",
            Shape::LastApplied,
            last_applied,
        ),
    ];
    rules.into_iter().map(|(literal, shape, read)| Rule {
        literal,
        shape,
        read,
    })
}

/// What has been seen of a mapping.
#[derive(Clone, Copy, Default)]
pub(super) struct Seen {
    pub(super) is_secret: bool,
    pub(super) has_literal: bool,
}

impl Seen {
    pub(super) fn both(self) -> bool {
        self.is_secret && self.has_literal
    }
}

/// A key that may be one of a Secret's.
fn key(text: &Text<'_>, at: usize, end: usize) -> (usize, Verdict) {
    let start = match text.before(at) {
        Some(b'"' | b'\'') => {
            let before = text.slice(0, at - 1);
            at - 1
                - before
                    .iter()
                    .rev()
                    .take_while(|byte| **byte == b'\\')
                    .count()
        }
        _ => at,
    };
    let before = text.slice(start.saturating_sub(1), start).first().copied();
    let is_quoted = start < at;
    // `metadata`, `kinds`: most of what is found ends here.
    if before.is_some_and(|byte| !b" \t\n\r{,-[".contains(&byte)) {
        return (start, Verdict::No);
    }
    let after = text.from(end);
    let Some(colon) = after.iter().position(|byte| !b"\\\"' ".contains(byte)) else {
        return (
            start,
            if after.len() < 8 {
                text.cut()
            } else {
                Verdict::No
            },
        );
    };
    if after.get(colon) != Some(&b':') || colon > 8 {
        return (start, Verdict::No);
    }
    let is_double = is_quoted && text.before(at) == Some(b'"');
    let in_flow = || {
        let line = text
            .slice(start.saturating_sub(HISTORY_BYTES), start)
            .trim_ascii_end();
        matches!(line.last(), Some(b'{' | b','))
    };
    let verdict = match block_indentation(text, start) {
        Some(indentation) if !is_double => block(text, start, indentation),
        _ if is_double || in_flow() => flow::mapping(text, start),
        _ => Verdict::No,
    };
    (start, verdict)
}

/// The column of a key that is the first on its line but for the hyphens of a sequence.
fn block_indentation(text: &Text<'_>, start: usize) -> Option<usize> {
    let before = text.slice(start.saturating_sub(HISTORY_BYTES), start);
    let line = before
        .rsplit(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let is_first = line.iter().all(|byte| matches!(byte, b' ' | b'-'));
    is_first.then_some(line.len())
}

/// The rest of a block mapping whose keys stand at `indentation`, from its key at `start` on.
fn block(text: &Text<'_>, start: usize, indentation: usize) -> Verdict {
    let mut seen = Seen::default();
    let mut in_data = false;
    let mut at = start;
    // The first line is read as if it were indented like the others.
    let mut column = indentation;
    while at - start <= MAX_SPAN_BYTES {
        let rest = text.from(at);
        let line_end = memchr::memchr(b'\n', rest);
        if line_end.is_none() && !text.is_complete {
            return Verdict::Undecided;
        }
        let line = rest
            .get(..line_end.unwrap_or(rest.len()))
            .unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let content = line.trim_ascii_start();
        column += line.len() - content.len();
        if column == 0 && (content.starts_with(b"---") || content.starts_with(b"...")) {
            return Verdict::No;
        }
        if !content.is_empty() && !content.starts_with(b"#") {
            if column < indentation {
                return Verdict::No;
            }
            if column == indentation {
                in_data = false;
                if let Some((key, value)) = entry(content) {
                    match key {
                        b"kind" if at > start && seen.is_secret => return Verdict::No,
                        b"kind" => seen.is_secret = value == b"Secret",
                        b"data" | b"stringData" => {
                            in_data = true;
                            seen.has_literal |= flow::has_literal(value);
                        }
                        _ => {}
                    }
                    if key == b"kind" && !seen.is_secret {
                        return Verdict::No;
                    }
                }
            } else if in_data
                && !seen.has_literal
                && let Some((_, value)) = entry(content)
            {
                seen.has_literal = is_block_scalar(value) || !is_stand_in(value);
            }
            if seen.both() {
                return Verdict::Found(at + line.len());
            }
        }
        let Some(line_end) = line_end else {
            return Verdict::No;
        };
        at += line_end + 1;
        column = 0;
    }
    Verdict::No
}

/// `key: value` without quotes and comment.
fn entry(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut colons = memchr::memchr_iter(b':', line);
    let colon = colons.find(|colon| line.get(colon + 1) == Some(&b' '));
    let (key, value) = match colon {
        Some(colon) => (line.get(..colon)?, line.get(colon + 2..)?),
        None => (line.strip_suffix(b":")?, &b""[..]),
    };
    let value = value.trim_ascii();
    let mut marks = memchr::memchr_iter(b'#', value);
    let comment = marks.find_map(|at| value.get(..at)?.strip_suffix(b" "));
    let value = comment.unwrap_or(value);
    let value = if value.starts_with(b"#") { b"" } else { value };
    Some((unquoted(key.trim_ascii()), unquoted(value.trim_ascii())))
}

fn is_block_scalar(value: &[u8]) -> bool {
    value.starts_with(b"|") || (value.starts_with(b">") && !value.starts_with(b">>"))
}

pub(super) fn unquoted(text: &[u8]) -> &[u8] {
    let stripped = |quote: u8| text.strip_prefix(&[quote])?.strip_suffix(&[quote]);
    stripped(b'"').or_else(|| stripped(b'\'')).unwrap_or(text)
}

/// The object in the annotation begins at the next `{`.
fn last_applied(text: &Text<'_>, at: usize, end: usize) -> (usize, Verdict) {
    let rest = text.from(end);
    let near = rest.get(..128).unwrap_or(rest);
    match near.iter().position(|byte| *byte == b'{') {
        Some(brace) => (at, flow::mapping(text, end + brace + 1)),
        None if near.len() < 128 => (at, text.cut()),
        None => (at, Verdict::No),
    }
}
