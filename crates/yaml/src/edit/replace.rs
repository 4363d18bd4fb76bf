//! Scalars set in place: one, or many at the cost of one.
//!
//! However many there are, the text is read twice, before and after, and every collection on their ways is
//! looked through once.

use std::collections::BTreeMap;

use super::check;
use super::place::Place;
use super::text::{Text, What};
use super::{EditError, Splice, apply, read, spell};
use crate::{Path, ScalarStyle, Value};

/// A scalar to be set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Replacement<'a> {
    document: usize,
    path: &'a Path,
    new: &'a Value,
}

impl<'a> Replacement<'a> {
    /// The scalar at `path` in the `document`th document (from 0) becomes the scalar `new`.
    #[must_use]
    pub fn new(document: usize, path: &'a Path, new: &'a Value) -> Self {
        Self {
            document,
            path,
            new,
        }
    }
}

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
    replace_all(source, &[Replacement::new(document, path, new)])
}

/// Sets several scalars, or none if one of them cannot be. Of two for the same scalar the last one counts.
///
/// ```
/// use narae_yaml::edit::{self, Replacement};
///
/// let (host, port) = ("host".parse()?, "port".parse()?);
/// let edited = edit::replace_all(
///     "host: here # where\nport: 80\n",
///     &[Replacement::new(0, &host, &"there".into()), Replacement::new(0, &port, &8080.into())],
/// )?;
/// assert_eq!(edited, "host: there # where\nport: 8080\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`replace`], with the place of the first that is refused.
pub fn replace_all(source: &str, replacements: &[Replacement<'_>]) -> Result<String, EditError> {
    if let Some(wrong) = replacements
        .iter()
        .find(|it| matches!(it.new, Value::Sequence(_) | Value::Mapping(_)))
    {
        let kind = wrong.new.kind();
        return Err(EditError::NewNotScalar { kind });
    }
    let text = read(source)?;
    // By the piece that each one replaces.
    let mut wanted = BTreeMap::new();
    let wheres: Vec<_> = replacements
        .iter()
        .map(|it| (it.document, it.path))
        .collect();
    for (place, replacement) in text.find_all(&wheres)?.into_iter().zip(replacements) {
        wanted.insert(place.pieces.start, (place, replacement));
    }
    let mut splices = Vec::new();
    for (place, replacement) in wanted.values() {
        splices.extend(splice(&text, place, replacement)?);
    }
    if splices.is_empty() {
        return Ok(source.to_owned());
    }
    let edited = apply(source, splices);
    let expected = |piece| wanted.get(&piece).map(|(_, replacement)| replacement.new);
    let misfit = match Text::read(&edited) {
        Ok(read) => check::first_misfit(&text, &read, expected),
        Err(_) => Some(0),
    };
    let Some(at) = misfit else {
        return Ok(edited);
    };
    // What was set last before the misfit made it.
    let (before, all) = (wanted.range(..=at).next_back(), wanted.iter().next());
    Err(match before.or(all) {
        Some((_, (place, replacement))) => text.unsafe_at(place, replacement.path),
        None => EditError::NewNotScalar { kind: "nothing" },
    })
}

/// What to write where; nothing if it is so already.
fn splice(
    text: &Text<'_>,
    place: &Place,
    replacement: &Replacement<'_>,
) -> Result<Option<Splice>, EditError> {
    let Replacement { path, new, .. } = replacement;
    let position = text.position(place);
    let style = match text.first(place).map(|piece| &piece.what) {
        Some(What::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded)) => {
            let path = (*path).clone();
            return Err(EditError::BlockScalar { path, position });
        }
        Some(What::Scalar(text, _)) if text.contains("{{") => {
            return Err(EditError::Template { position });
        }
        Some(What::Scalar(_, style)) => *style,
        _ => {
            let kind = text.kind(place);
            let path = (*path).clone();
            return Err(EditError::NotScalar {
                path,
                kind,
                position,
            });
        }
    };
    if text.value(place.pieces.clone()).as_ref() == Some(*new) {
        return Ok(None);
    }
    let spelt = spell::scalar(new, style, text.is_in_flow(place));
    let range = position.offset..text.first(place).map_or(position.offset, |piece| piece.end);
    Ok(Some(match range.is_empty() {
        true => Splice::apart(text, range.start, &spelt),
        false => Splice::new(range, spelt),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::text::READS;
    use super::*;

    /// Costs cannot be seen from outside, and nothing here is timed.
    #[test]
    fn a_text_is_read_twice_however_many_scalars_are_set() -> Result<(), EditError> {
        for count in [1, 10, 5_000] {
            let source = "- a: 1 # one\n".repeat(count);
            let paths: Vec<Path> = (0..count)
                .map(|index| Path::root().child(index).child("a"))
                .collect();
            let two = Value::from(2);
            let all: Vec<_> = paths
                .iter()
                .map(|path| Replacement::new(0, path, &two))
                .collect();
            let before = READS.get();
            assert_eq!(replace_all(&source, &all)?, source.replace('1', "2"));
            assert_eq!(READS.get() - before, 2, "{count}");
        }
        Ok(())
    }
}
