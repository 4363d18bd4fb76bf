//! Secret objects with plaintext, in block YAML, flow YAML or JSON; and in the annotation of `kubectl apply`.
//!
//! One is recognised by whichever of `kind: Secret` and `data` or `stringData` comes first, and then read forward for
//! the other, in the same mapping: there has to be a literal in it. References and expressions are none.
//!
//! A diff of block YAML is read as what it is of: the first byte of its lines is passed over.

use memchr::memmem;

use super::super::finding::Shape;
use super::super::scan::{HISTORY_BYTES, MAX_SPAN_BYTES};
use super::flow;
use super::{Read, Rule, Text, Verdict, is_literal, unquoted, untagged};

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

/// Whether a literal of these stands in every object there is.
pub(super) fn is_frequent(literal: &str) -> bool {
    matches!(literal, "data" | "kind")
}

/// What is looked for to tell quickly that an object is none.
pub(super) struct Marks {
    secret: memmem::Finder<'static>,
    document_end: memmem::Finder<'static>,
}

impl Marks {
    pub(super) fn new() -> Self {
        Self {
            secret: memmem::Finder::new("Secret"),
            document_end: memmem::Finder::new("\n---"),
        }
    }

    /// Whether nothing in the document at the start of `rest`, which ends soon, says `Secret`.
    fn exclude(&self, rest: &[u8]) -> bool {
        // Not farther: a document may have many such keys.
        let rest = rest.get(..4096).unwrap_or(rest);
        let end = self.document_end.find(rest);
        let document = end.and_then(|end| rest.get(..end));
        document.is_some_and(|document| self.secret.find(document).is_none())
    }
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
    // `metadata`: half of what is found ends here.
    if text
        .before(at)
        .is_some_and(|byte| byte.is_ascii_alphanumeric())
    {
        return (at, Verdict::No);
    }
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
    if before.is_some_and(|byte| !b" \t\n\r{,-[+".contains(&byte)) {
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
    if text.slice(at, end) == b"kind" && is_other_word(after.get(colon + 1..).unwrap_or_default()) {
        return (start, Verdict::No);
    }
    let is_double = is_quoted && text.before(at) == Some(b'"');
    let in_flow = || {
        let line = text
            .slice(start.saturating_sub(HISTORY_BYTES), start)
            .trim_ascii_end();
        matches!(line.last(), Some(b'{' | b','))
    };
    let verdict = match First::before(text, start) {
        // Most objects that say `kind` before `data`.
        Some(first) if !is_double && !first.is_diff && text.marks.exclude(text.from(start)) => {
            Verdict::No
        }
        Some(first) if !is_double => block(text, start, &first),
        _ if is_double || in_flow() => flow::mapping(text, start),
        _ => Verdict::No,
    };
    (start, verdict)
}

/// Whether the value at the start of `rest`, in quotes or not, begins as no `Secret` does: that of most objects.
fn is_other_word(rest: &[u8]) -> bool {
    let value = rest.trim_ascii_start();
    let escapes = value.iter().take_while(|byte| **byte == b'\\').count();
    let value = match value.get(escapes..) {
        Some([b'"' | b'\'', quoted @ ..]) => quoted,
        _ => value,
    };
    value
        .first()
        .is_some_and(|first| first.is_ascii_alphabetic() && *first != b'S')
}

/// Where a key stands that is the first on its line but for the hyphens of a sequence, and the mark of a diff.
struct First {
    column: usize,
    is_diff: bool,
}

impl First {
    fn before(text: &Text<'_>, start: usize) -> Option<Self> {
        let before = text.slice(start.saturating_sub(HISTORY_BYTES), start);
        let line = before
            .rsplit(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let is_diff = match line {
            [b'+', ..] | [b'-'] => true,
            // What a diff does not change has a blank before it; nobody indents by an odd number.
            [b' ', ..] => line.len() % 2 == 1,
            _ => false,
        };
        let indentation = line.strip_prefix(b"+").unwrap_or(line);
        let is_first = indentation.iter().all(|byte| matches!(byte, b' ' | b'-'));
        let column = line.len();
        is_first.then_some(Self { column, is_diff })
    }
}

/// The rest of a block mapping, from its key at `start` on.
fn block(text: &Text<'_>, start: usize, first: &First) -> Verdict {
    let &First {
        column: indentation,
        is_diff,
    } = first;
    let mut seen = Seen::default();
    let mut in_data = false;
    // The column of a key of the data whose value is not on its line.
    let mut open = None;
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
        let unmarked = match line {
            [b'+' | b'-', rest @ ..] if is_diff && at > start => rest,
            _ => line,
        };
        let content = unmarked.trim_ascii_start();
        column += line.len() - content.len();
        if column == usize::from(is_diff)
            && (content.starts_with(b"---") || content.starts_with(b"..."))
        {
            return Verdict::No;
        }
        let is_note = content.starts_with(b"#") || (is_diff && line.starts_with(b"\\ No newline"));
        if !content.is_empty() && !is_note {
            if column < indentation {
                return Verdict::No;
            }
            if column == indentation {
                in_data = false;
                if let Some((key, value)) = entry(content) {
                    match key {
                        b"kind" if at > start && seen.is_secret => return Verdict::No,
                        b"kind" => seen.is_secret = unquoted(value) == b"Secret",
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
                open = None;
            } else if in_data && !seen.has_literal {
                if let Some((_, value)) = entry(content) {
                    let value = untagged(value);
                    seen.has_literal = is_block_scalar(value) || is_literal(value);
                    open = value.is_empty().then_some(column);
                } else if open.is_some_and(|key| column > key) {
                    seen.has_literal = is_literal(content);
                }
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

/// `key: value`, the key without quotes, the value without a comment.
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
    Some((unquoted(key.trim_ascii()), value.trim_ascii()))
}

fn is_block_scalar(value: &[u8]) -> bool {
    value.starts_with(b"|") || (value.starts_with(b">") && !value.starts_with(b">>"))
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
