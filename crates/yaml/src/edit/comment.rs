//! The comment behind a scalar, on the line where it ends.

use std::ops::Range;

use super::check::Expected;
use super::text::What;
use super::{EditError, Splice, apply, finish, read};
use crate::{Node, Path, ScalarStyle};

/// What stands behind a scalar on the line where it ends: a comment, or room for one.
///
/// For editing many of them at once; [`comment`] and [`set_comment`] take a path and check the result.
///
/// ```
/// use narae_yaml::Reader;
/// use narae_yaml::edit::Comment;
///
/// let source = "image:\n  tag: abc1234   # set by CI\n";
/// let document = Reader::new().read_one(source)?;
/// let tag = document.root.at(&"image.tag".parse()?).ok_or("no tag")?;
/// let comment = Comment::behind(source, tag).ok_or("no room")?;
/// assert_eq!(comment.text(), "# set by CI");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment<'s> {
    text: &'s str,
    /// From the end of the scalar to that of the comment; empty without one.
    range: Range<usize>,
    /// Blanks before the comment.
    blanks: usize,
}

impl<'s> Comment<'s> {
    /// What stands behind `scalar`, which was read from `source`; `None` where no comment of its own can
    /// stand: behind a collection, a block scalar or nothing at all, and where something else follows on the line.
    ///
    /// In brackets over several lines there is room for a comment, which turns JSON into something else: who cares,
    /// asks for brackets first.
    #[must_use]
    pub fn behind(source: &'s str, scalar: &Node) -> Option<Self> {
        Self::at(source, scalar.as_scalar()?.style(), scalar.span.range())
    }

    fn at(source: &'s str, style: ScalarStyle, scalar: Range<usize>) -> Option<Self> {
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) || scalar.is_empty() {
            return None;
        }
        let line = source.get(scalar.end..)?.split(['\n', '\r']).next()?;
        let text = line.trim_matches([' ', '\t']);
        let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
        let end = match text.is_empty() {
            true => scalar.end,
            false if blanks > 0 && text.starts_with('#') => scalar.end + blanks + text.len(),
            false => return None,
        };
        Some(Self {
            text,
            range: scalar.end..end,
            blanks,
        })
    }

    /// The comment from its `#` on, without blanks behind it; empty if there is none.
    #[must_use]
    pub fn text(&self) -> &'s str {
        self.text
    }

    /// The bytes of the source, and what belongs there instead, for the comment to become `new`: empty for none, else
    /// `#` and what follows on one line. Blanks before it stay as they are.
    ///
    /// `None` when `new` is no comment: it must begin with `#`, and hold neither line breaks (those of YAML 1.1 included) nor what
    /// YAML cannot hold.
    #[must_use]
    pub fn replacement(&self, new: &str) -> Option<(Range<usize>, String)> {
        if new.is_empty() {
            return Some((self.range.clone(), String::new()));
        }
        if !new.starts_with('#') || !new.chars().all(is_printable) {
            return None;
        }
        if self.text.is_empty() {
            return Some((self.range.clone(), format!(" {new}")));
        }
        let start = self.range.start + self.blanks;
        Some((start..self.range.end, new.to_owned()))
    }
}

/// The comment behind the scalar at `path`, from its `#` on; empty if there is none.
///
/// # Errors
///
/// As [`set_comment`].
pub fn comment<'s>(source: &'s str, document: usize, path: &Path) -> Result<&'s str, EditError> {
    let text = read(source)?;
    place(&text, document, path).map(|(_, comment)| comment.text)
}

/// Sets the comment behind the scalar at `path` in the `document`th document of `source` (from 0): `#` and what
/// follows on one line, or nothing to remove it.
///
/// ```
/// use narae_yaml::edit;
///
/// let source = "image:\n  tag: abc1234   # set by CI\n  name: shop\n";
/// let edited = edit::set_comment(source, 0, &"image.tag".parse()?, "# pinned")?;
/// let edited = edit::set_comment(&edited, 0, &"image.name".parse()?, "# ours")?;
/// assert_eq!(edited, "image:\n  tag: abc1234   # pinned\n  name: shop # ours\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the text cannot be read without doubt, the path leads to no scalar of its own, no comment can stand there
/// (in brackets, behind a block scalar, where something follows on the line), or `new` is no comment. See [`EditError`].
pub fn set_comment(
    source: &str,
    document: usize,
    path: &Path,
    new: &str,
) -> Result<String, EditError> {
    let text = read(source)?;
    let (found, comment) = place(&text, document, path)?;
    let (range, spelt) = comment.replacement(new).ok_or(EditError::NewNotComment)?;
    let edited = apply(source, vec![Splice::new(range, spelt)]);
    // Not one piece of the text may change.
    finish(&text, edited, 0..0, &Expected::Nothing).ok_or_else(|| text.unsafe_at(&found, path))
}

fn place<'s>(
    text: &super::Text<'s>,
    document: usize,
    path: &Path,
) -> Result<(super::place::Place, Comment<'s>), EditError> {
    let place = text.find(document, path)?;
    let position = text.position(&place);
    let path = || path.clone();
    let Some((What::Scalar(_, style), end)) =
        text.first(&place).map(|piece| (&piece.what, piece.end))
    else {
        return Err(EditError::NotScalar {
            path: path(),
            kind: text.kind(&place),
            position,
        });
    };
    let refused = EditError::NoComment {
        path: path(),
        position,
    };
    if text.is_in_flow(&place) {
        return Err(refused);
    }
    let comment = Comment::at(text.source, *style, position.offset..end).ok_or(refused)?;
    Ok((place, comment))
}

/// Whether a comment may hold this in every version of YAML: printable, no line break, no byte order mark.
fn is_printable(c: char) -> bool {
    match c {
        '\t' => true,
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
        c => !c.is_control(),
    }
}
