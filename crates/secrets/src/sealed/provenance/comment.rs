//! A record within the comment behind its item, beside what people wrote there.

use std::ops::Range;

use super::Line;

/// What the record begins with.
const MARK: &str = "# narae: ";
/// What every record has, and nobody writes by chance behind [`MARK`].
const FIELD: &str = " sha256:";

/// What the record in `comment` says; `Err` when it cannot be read.
pub(super) fn read(comment: &str) -> Option<Result<Line, ()>> {
    let record = comment.get(find(comment)?)?;
    Some(Line::parse(record.strip_prefix(MARK)?).ok_or(()))
}

/// `comment` with this record, or without any.
pub(in crate::sealed) fn with(comment: &str, record: Option<&Line>) -> String {
    let record = record.map(|line| format!("{MARK}{line}"));
    let (before, after) = match find(comment) {
        None => (comment, ""),
        Some(old) => (
            comment.get(..old.start).unwrap_or_default(),
            comment.get(old.end..).unwrap_or_default(),
        ),
    };
    let parts = [
        before.trim_end(),
        record.as_deref().unwrap_or_default(),
        after.trim_start(),
    ];
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

/// Where the record stands in a comment: up to its end, or to the next `#` behind a blank.
fn find(comment: &str) -> Option<Range<usize>> {
    let blanks = [' ', '\t'];
    for (start, _) in comment.match_indices(MARK) {
        let (before, here) = comment.split_at_checked(start)?;
        // Asked first, so that no byte is looked at for two marks: a mark that passes ends the body before it.
        if !(before.is_empty() || before.ends_with(blanks)) {
            continue;
        }
        let body = here.get(MARK.len()..)?;
        let end = body.match_indices('#').map(|(at, _)| at);
        let mut end = end.filter(|at| body.get(..*at).is_some_and(|body| body.ends_with(blanks)));
        let body = body
            .get(..end.next().unwrap_or(body.len()))?
            .trim_end_matches(blanks);
        if body.contains(FIELD) {
            return Some(start..start + MARK.len() + body.len());
        }
    }
    None
}
