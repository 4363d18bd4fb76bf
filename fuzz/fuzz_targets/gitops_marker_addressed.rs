//! Whatever YAML there is, an edit by marker comments changes the scalars that a marker of the policy stands behind and no
//! other byte, or is refused; and what a policy lets through is pinned. The first line is the image, the rest is the file.
#![no_main]

use std::ops::Range;

use libfuzzer_sys::fuzz_target;
use narae_gitops::edit::{self, Image, Setting};
use narae_gitops::image::{ImagePolicy, ImageReference, TagPolicy, is_commit_hash, is_moving_tag};
use narae_yaml::{Node, NodeData, Reader};

fuzz_target!(|input: &str| {
    let (first, source) = input.split_once('\n').unwrap_or_default();
    let Ok(image) = first.parse::<ImageReference>() else {
        return;
    };
    pinned(&image);
    let (selector, setting) = ("marker:a:b", Setting::Image(Image::from(&image)));
    let selector = selector.parse().expect("a selector");
    let Ok(edited) = edit::set(source, &selector, &setting) else {
        return;
    };
    // A scalar with an anchor or an alias is in several places.
    if source.contains(['*', '&']) {
        return;
    }
    let (before, after) = (scalars(source), scalars(&edited.text));
    assert_eq!(before.len(), after.len(), "{source:?} -> {:?}", edited.text);
    let pairs = before.iter().zip(&after);
    let changed: Vec<_> = pairs
        .filter(|((_, old), (_, new))| old != new)
        .map(|((old, _), (new, _))| {
            // Where there was nothing, a space comes with it.
            let space = usize::from(old.is_empty() && edited.text[..new.start].ends_with(' '));
            (old.clone(), new.start - space..new.end)
        })
        .collect();
    assert_eq!(changed.len(), edited.changes.len(), "{:?}", edited.changes);
    for (old, _) in &changed {
        let behind = source[old.end..].lines().next().unwrap_or_default();
        assert!(
            behind.contains("$imagepolicy") && behind.contains("a:b"),
            "{behind:?}"
        );
    }
    let (old, new): (Vec<_>, Vec<_>) = changed.into_iter().unzip();
    assert_eq!(without(source, &old), without(&edited.text, &new));
});

fn pinned(image: &ImageReference) {
    let tag = image.tag().unwrap_or_default();
    for tags in [TagPolicy::CommitHash, TagPolicy::Immutable] {
        let with_digest = ImagePolicy::new(tags)
            .requiring_digest()
            .check(image)
            .is_ok();
        assert!(!with_digest || image.digest().is_some());
        if ImagePolicy::new(tags).check(image).is_ok() {
            assert!(image.digest().is_some() || (!tag.is_empty() && !is_moving_tag(tag)));
            assert!(tags != TagPolicy::CommitHash || is_commit_hash(tag));
        }
    }
}

/// Every scalar that is a value: where, and what it says.
fn scalars(source: &str) -> Vec<(Range<usize>, String)> {
    fn walk(node: &Node, found: &mut Vec<(Range<usize>, String)>) {
        match &node.data {
            NodeData::Scalar(_) => {
                found.push((node.span.range(), format!("{:?}", node.to_value())));
            }
            NodeData::Sequence(items) => items.iter().for_each(|item| walk(item, found)),
            NodeData::Mapping(entries) => {
                entries.iter().for_each(|entry| walk(&entry.value, found));
            }
        }
    }
    let mut found = Vec::new();
    for document in Reader::new().read(source).expect("it was read") {
        walk(&document.root, &mut found);
    }
    found
}

fn without(text: &str, cut: &[Range<usize>]) -> String {
    let (mut kept, mut from) = (String::new(), 0);
    for range in cut {
        kept.push_str(&text[from..range.start]);
        from = range.end;
    }
    kept + &text[from..]
}
