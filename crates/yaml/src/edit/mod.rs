//! Edits that keep every other byte.
//!
//! [`replace`] sets one scalar in a text a person wrote, [`replace_all`] several, [`insert`] adds an entry or an element,
//! [`remove`] takes one out, [`set_comment`] changes what is said behind a scalar. Comments, blank lines, quoting, line ends, a byte order mark, other
//! documents: everything else stays as it was, byte for byte.
//!
//! How: the text is read, the path is walked, bytes are spliced, and the result is read again and
//! compared piece by piece, so that an edit either changed exactly what was addressed or is refused.
//! Quotes stay as they were found. A plain scalar stays plain unless some YAML reader (1.1, 1.2,
//! Go) could take the new text for something other than a string; then it gets double quotes. What
//! is inserted takes the indentation of its neighbours, the file's line ends, and the way the
//! document indents its lists.
//!
//! What cannot be edited without guessing is refused by kind in [`EditError`].

mod check;
mod comment;
mod error;
mod insert;
mod lines;
mod place;
mod remove;
mod replace;
mod spell;
mod text;

use std::ops::Range;

pub use comment::{Comment, comment, set_comment};
pub use error::EditError;
pub use insert::insert;
pub use remove::remove;
pub use replace::{Replacement, replace, replace_all};

use check::Expected;
use text::Text;

/// A stretch of the source and what stands there instead.
#[derive(Debug)]
struct Splice {
    range: Range<usize>,
    text: String,
}

impl Splice {
    fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { range, text }
    }

    /// Puts `spelt` where nothing is written, and blanks around it where nothing else separates it.
    fn apart(text: &Text<'_>, at: usize, spelt: &str) -> Self {
        let (before, after) = text.source.split_at_checked(at).unwrap_or_default();
        let left = match before.ends_with([' ', '\t', '\n']) || before.is_empty() {
            true => "",
            false => " ",
        };
        let right =
            match after.is_empty() || after.starts_with([' ', '\t', '\r', '\n', ',', ']', '}']) {
                true => "",
                false => " ",
            };
        Self::new(at..at, format!("{left}{spelt}{right}"))
    }
}

fn read(source: &str) -> Result<Text<'_>, EditError> {
    Text::read(source).map_err(|error| error::unreadable(source, error))
}

/// Puts every splice in its place. They must not overlap.
fn apply(source: &str, mut splices: Vec<Splice>) -> String {
    splices.retain(|splice| !splice.range.is_empty() || !splice.text.is_empty());
    splices.sort_by_key(|splice| splice.range.start);
    let added: usize = splices.iter().map(|splice| splice.text.len()).sum();
    let mut edited = String::with_capacity(source.len() + added);
    let mut from = 0;
    for Splice { range, text } in &splices {
        edited.push_str(source.get(from..range.start).unwrap_or_default());
        edited.push_str(text);
        from = range.end;
    }
    edited.push_str(source.get(from..).unwrap_or_default());
    edited
}

/// The edited text, if it reads as `text` with what is expected instead of the pieces `edited`.
fn finish(
    text: &Text<'_>,
    after: String,
    edited: Range<usize>,
    expected: &Expected<'_>,
) -> Option<String> {
    let read = Text::read(&after).ok()?;
    let fits = check::only_differs(text, &read, edited, expected);
    drop(read);
    fits.then_some(after)
}
