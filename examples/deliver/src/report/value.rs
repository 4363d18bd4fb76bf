//! Values as people tell them apart: where two values differ, so do the texts shown for them.
//!
//! A value is spelled as the delivered file spells it. A text too long to show is cut where it is
//! the same as the other one; texts of several lines are compared line by line. Lines are matched
//! greedily: the nearest pair of equal lines ends a difference. That is always right, if not always
//! shortest, and looks at no more than `LOOKAHEAD`² pairs for one difference.
//!
//! No text that leaves here can move the cursor, colour anything or reorder what is printed.

use narae_cli::terminal::{is_hidden, visible};
use narae_yaml::Value;

/// Characters of a text that are shown.
const WIDTH: usize = 72;
/// Characters shown before the first difference of texts too long to show.
const LEAD: usize = 24;
/// Lines searched for the end of a difference.
const LOOKAHEAD: usize = 200;

/// A line that goes or comes.
pub(super) struct LineChange<'a> {
    pub(super) goes: bool,
    line: &'a str,
    /// The lines it is exchanged for.
    others: &'a [&'a str],
}

impl LineChange<'_> {
    /// The line, cut where it is like the one it is most likely exchanged for.
    pub(super) fn text(&self) -> String {
        let other = self
            .others
            .iter()
            .max_by_key(|other| common_prefix(self.line, other));
        let other = other.map_or_else(String::new, |other| spelled_line(other));
        window(&spelled_line(self.line), &other)
    }
}

/// The lines of `old` and `new` that differ, those that go before those that come in their place.
pub(super) fn line_changes<'a>(
    mut old: &'a [&'a str],
    mut new: &'a [&'a str],
) -> Vec<LineChange<'a>> {
    while let ([old_rest @ .., a], [new_rest @ .., b]) = (old, new)
        && a == b
    {
        (old, new) = (old_rest, new_rest);
    }
    let mut changes = Vec::new();
    loop {
        while let ([a, old_rest @ ..], [b, new_rest @ ..]) = (old, new)
            && a == b
        {
            (old, new) = (old_rest, new_rest);
        }
        if old.is_empty() && new.is_empty() {
            return changes;
        }
        let (goes, comes) = difference(old, new);
        let (gone, old_rest) = old.split_at(goes);
        let (come, new_rest) = new.split_at(comes);
        for (goes, lines, others) in [(true, gone, come), (false, come, gone)] {
            let change = |line: &&'a str| LineChange { goes, line, others };
            changes.extend(lines.iter().map(change));
        }
        (old, new) = (old_rest, new_rest);
    }
}

/// How many lines of each side differ before the nearest two that are the same.
fn difference(old: &[&str], new: &[&str]) -> (usize, usize) {
    (1..=LOOKAHEAD.min(old.len() + new.len()))
        .find_map(|lines| {
            (0..=lines).find_map(|goes| {
                let comes = lines - goes;
                (old.get(goes)? == new.get(comes)?).then_some((goes, comes))
            })
        })
        .unwrap_or((old.len(), new.len()))
}

/// `text`, or if either is too long to show, the part of it where it begins to differ from `other`.
pub(super) fn window(text: &str, other: &str) -> String {
    let length = text.chars().count();
    let longest = length.max(other.chars().count());
    let start = common_prefix(text, other)
        .saturating_sub(LEAD)
        .min(longest.saturating_sub(WIDTH));
    let shown: String = text.chars().skip(start).take(WIDTH).collect();
    let before = if start > 0 { "…" } else { "" };
    let after = if length > start + WIDTH { "…" } else { "" };
    format!("{before}{shown}{after}")
}

fn common_prefix(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}

/// A value on one line: strings that some reader would take for something else are quoted.
pub(super) fn spelled(value: &Value) -> String {
    let as_delivered = match value {
        Value::Sequence(_) | Value::Mapping(_) => false,
        Value::String(text) => !text.contains(is_hidden),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    };
    if as_delivered {
        narae_yaml::write(value).trim_end().to_owned()
    } else {
        visible(&serde_json::to_string(value).unwrap_or_default())
    }
}

/// A line of a text, quoted if people could not see all of it.
fn spelled_line(line: &str) -> String {
    if line.is_empty() || line.ends_with(char::is_whitespace) || line.contains(is_hidden) {
        spelled(&Value::from(line))
    } else {
        line.to_owned()
    }
}
