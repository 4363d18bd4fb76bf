//! Edits that keep every other byte.
//!
//! [`replace`] sets one scalar in a text a person wrote, [`insert`] adds an entry or an element,
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
mod spell;
mod text;

use std::ops::Range;

pub use comment::{Comment, comment, set_comment};
pub use error::EditError;
pub use insert::insert;
pub use remove::remove;

use crate::{Path, ScalarStyle, Value};
use check::Expected;
use text::{Text, What};

/// Sets the scalar at `path` in the `document`th document of `source` (from 0) to the scalar `new`.
///
/// The result is `source` with one stretch replaced; if the value is already `new`, it is `source`
/// itself. A scalar that carries an anchor changes for all its aliases too.
///
/// ```
/// use narae_yaml::edit;
///
/// let source = "image:\n  tag: abc1234   # set by CI\n";
/// let path = "image.tag".parse()?;
/// let edited = edit::replace(source, 0, &path, &"12e4567".into())?;
/// // Plain, 12e4567 would be a number.
/// assert_eq!(edited, "image:\n  tag: \"12e4567\"   # set by CI\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the text cannot be read without doubt, the path leads to no scalar of its own, or the edit
/// would change anything else. See [`EditError`].
pub fn replace(
    source: &str,
    document: usize,
    path: &Path,
    new: &Value,
) -> Result<String, EditError> {
    if matches!(new, Value::Sequence(_) | Value::Mapping(_)) {
        return Err(EditError::NewNotScalar { kind: new.kind() });
    }
    let text = read(source)?;
    let place = text.find(document, path)?;
    let position = text.position(&place);
    let style = match text.first(&place).map(|piece| &piece.what) {
        Some(What::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded)) => {
            let path = path.clone();
            return Err(EditError::BlockScalar { path, position });
        }
        Some(What::Scalar(text, _)) if text.contains("{{") => {
            return Err(EditError::Template { position });
        }
        Some(What::Scalar(_, style)) => *style,
        _ => {
            let kind = text.kind(&place);
            let path = path.clone();
            return Err(EditError::NotScalar {
                path,
                kind,
                position,
            });
        }
    };
    if text.value(place.pieces.clone()).as_ref() == Some(new) {
        return Ok(source.to_owned());
    }
    let spelt = spell::scalar(new, style, text.is_in_flow(&place));
    let range = position.offset
        ..text
            .first(&place)
            .map_or(position.offset, |piece| piece.end);
    let splice = match range.is_empty() {
        true => Splice::apart(&text, range.start, &spelt),
        false => Splice::new(range, spelt),
    };
    let edited = apply(source, vec![splice]);
    finish(&text, edited, place.pieces.clone(), &Expected::Scalar(new))
        .ok_or_else(|| text.unsafe_at(&place, path))
}

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
