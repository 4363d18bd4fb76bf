//! Strings of several lines, as literal blocks.

use super::push_blanks;
use super::quoted::needs_escape;

/// What follows `|`.
#[derive(Clone, Copy)]
pub(super) struct Header {
    /// Whether the indentation must be told, since the first line does not show it.
    indicator: bool,
    chomping: &'static str,
}

impl Header {
    /// Whether blank lines after the block would belong to it.
    pub(super) fn keeps(self) -> bool {
        self.chomping == "+"
    }
}

/// How to write `text` as a literal block that every reader gives back exactly, if there is a way.
///
/// At the root of a document readers disagree about what an indentation indicator counts from, so
/// none is used there.
pub(super) fn header(text: &str, at_root: bool) -> Option<Header> {
    if !text.as_bytes().contains(&b'\n') {
        return None;
    }
    let body = text.trim_end_matches('\n');
    if body.is_empty() {
        return None;
    }
    // Lines of blanks only are where readers differ most.
    let faithful = body
        .split('\n')
        .all(|line| line.is_empty() || !line.chars().all(|c| matches!(c, ' ' | '\t')))
        && !text.chars().any(|c| c != '\n' && needs_escape(c));
    let indicator = body.starts_with([' ', '\t', '\n']);
    if !faithful || (indicator && at_root) {
        return None;
    }
    let chomping = match text.len() - body.len() {
        0 => "-",
        1 => "",
        _ => "+",
    };
    Some(Header {
        indicator,
        chomping,
    })
}

/// Writes the block behind `indent` columns, `step` of them inside its parent; but for its last
/// line break.
pub(super) fn push(out: &mut String, header: Header, text: &str, indent: usize, step: usize) {
    out.push('|');
    if header.indicator {
        out.push_str(&step.to_string());
    }
    out.push_str(header.chomping);
    let lines = text.strip_suffix('\n').unwrap_or(text);
    for line in lines.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            push_blanks(out, indent);
            out.push_str(line);
        }
    }
}
