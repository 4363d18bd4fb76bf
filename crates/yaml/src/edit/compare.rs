//! Whether an edit changed what it should, and nothing else.

use crate::path::{Path, Segment};
use crate::{Document, Node, NodeData, Value};

/// Whether `after` is `before` but for the scalar at `path`, which is `new`.
///
/// What is written is compared: style, text, tags, anchors, names of aliases. Places are not, and
/// neither is what aliases and merge keys stand for, since that changes with its anchor.
pub(super) fn only_differs_at(
    before: &[Document],
    after: &[Document],
    document: usize,
    path: &Path,
    new: &Value,
) -> bool {
    before.len() == after.len()
        && before
            .iter()
            .zip(after)
            .enumerate()
            .all(|(place, (before, after))| {
                let path = (place == document).then(|| path.segments());
                same(&before.root, &after.root, path, new)
            })
}

/// `path` is what is left to go to the edited scalar, or `None` if it is elsewhere.
fn same(before: &Node, after: &Node, path: Option<&[Segment]>, new: &Value) -> bool {
    if before.tag != after.tag || before.anchor != after.anchor || before.alias != after.alias {
        return false;
    }
    if before.alias.is_some() {
        return true;
    }
    match (&before.data, &after.data) {
        (NodeData::Scalar(_), NodeData::Scalar(after)) if path.is_some_and(<[Segment]>::is_empty) => {
            after.value() == *new
        }
        (NodeData::Scalar(before), NodeData::Scalar(after)) => before == after,
        (NodeData::Sequence(before), NodeData::Sequence(after)) => {
            before.len() == after.len()
                && before.iter().zip(after).enumerate().all(|(place, (before, after))| {
                    same(before, after, further(path, |segment| *segment == Segment::Index(place)), new)
                })
        }
        (NodeData::Mapping(before), NodeData::Mapping(after)) => {
            before.len() == after.len()
                && before.iter().zip(after).all(|(before, after)| {
                    let here = |segment: &Segment| matches!(segment, Segment::Key(key) if key == before.name());
                    before.merged == after.merged
                        && same(&before.key, &after.key, None, new)
                        && (before.merged || same(&before.value, &after.value, further(path, here), new))
                })
        }
        _ => false,
    }
}

fn further(path: Option<&[Segment]>, here: impl Fn(&Segment) -> bool) -> Option<&[Segment]> {
    let (first, rest) = path?.split_first()?;
    here(first).then_some(rest)
}
