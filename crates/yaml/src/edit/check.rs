//! Whether an edit changed what it should, and nothing else.

use std::ops::Range;

use super::text::{Text, What};
use crate::Value;

/// What should stand where something was edited.
#[derive(Debug)]
pub(super) enum Expected<'a> {
    /// A scalar with the tag and the anchor of the one before.
    Scalar(&'a Value),
    /// A key and its value.
    Entry(&'a str, &'a Value),
    /// An element.
    Item(&'a Value),
    /// A mapping or sequence of one entry or element, instead of nothing.
    Collection(Value),
    /// No longer anything.
    Nothing,
}

/// Whether `after` is `before` but for the pieces `edited`, instead of which it has what is expected.
///
/// What is written is compared, not what it stands for: keys, texts, styles, tags, anchors, names of
/// aliases. So whatever aliases and merge keys bring elsewhere is free to change with its anchor.
pub(super) fn only_differs(
    before: &Text<'_>,
    after: &Text<'_>,
    edited: Range<usize>,
    expected: &Expected<'_>,
) -> bool {
    let (old, new) = (&before.pieces, &after.pieces);
    let behind = old.len() - edited.end.min(old.len());
    let Some(end) = new.len().checked_sub(behind) else {
        return false;
    };
    if end < edited.start {
        return false;
    }
    let same = |old: &[_], new: &[_]| {
        let mut pairs = std::iter::zip::<&[super::text::Piece<'_>], &[_]>(old, new);
        old.len() == new.len() && pairs.all(|(old, new)| old.is_written_as(new))
    };
    let (Some(head), Some(tail)) = (old.get(..edited.start), old.get(edited.end..)) else {
        return false;
    };
    let unchanged = new.get(..edited.start).is_some_and(|new| same(head, new))
        && new.get(end..).is_some_and(|new| same(tail, new));
    unchanged && is_expected(before, after, edited.start, edited.start..end, expected)
}

/// The first piece that is not as `before` has it, or as it is expected to be: scalars in place of scalars.
pub(super) fn first_misfit<'v>(
    before: &Text<'_>,
    after: &Text<'_>,
    expected: impl Fn(usize) -> Option<&'v Value>,
) -> Option<usize> {
    let fits = |at: usize| match (before.piece(at), after.piece(at), expected(at)) {
        (Some(_), Some(_), Some(value)) => {
            is_expected(before, after, at, at..at + 1, &Expected::Scalar(value))
        }
        (Some(old), Some(new), None) => old.is_written_as(new),
        _ => false,
    };
    let most = before.pieces.len().max(after.pieces.len());
    (0..most).find(|at| !fits(*at))
}

fn is_expected(
    before: &Text<'_>,
    after: &Text<'_>,
    old: usize,
    new: Range<usize>,
    expected: &Expected<'_>,
) -> bool {
    let value = |pieces: Range<usize>| after.value(pieces);
    let untouched = |at: usize| {
        let piece = after.piece(at);
        piece.is_some_and(|piece| piece.tag.is_none() && piece.anchor.is_none())
    };
    match expected {
        Expected::Nothing => new.is_empty(),
        Expected::Scalar(expected) => {
            let (Some(before), Some(after)) = (before.piece(old), after.piece(new.start)) else {
                return false;
            };
            new.len() == 1
                && matches!(after.what, What::Scalar(..))
                && (&before.tag, &before.anchor) == (&after.tag, &after.anchor)
                && value(new).as_ref() == Some(expected)
        }
        Expected::Item(expected) => untouched(new.start) && value(new).as_ref() == Some(expected),
        Expected::Collection(expected) => value(new).as_ref() == Some(expected),
        Expected::Entry(key, expected) => {
            untouched(new.start)
                && after.key_name(new.start).as_deref() == Some(key)
                && value(new.start + 1..new.end).as_ref() == Some(expected)
        }
    }
}
