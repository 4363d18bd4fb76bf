//! "Did you mean": the nearest known name by optimal string alignment distance (insertions,
//! deletions, substitutions and swaps of neighbours, each costing one; Damerau 1964, restricted).
//!
//! A suggestion is made only when at most a third of the name differs, so that two unrelated short
//! names are never offered for one another. O(name × candidate) each; names past
//! [`MAX_NAME_CHARS`] are not compared.

use narae_yaml::{Path, Segment};

/// Longer names are not compared: nobody mistypes a name of this length by two letters and looks
/// for help here, and the cost is quadratic.
const MAX_NAME_CHARS: usize = 128;

/// The candidate nearest to `name`, when one is near enough to be what was meant.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted: Vec<char> = folded(name);
    let limit = (wanted.len() / 3).max(1);
    if wanted.is_empty() || wanted.len() > MAX_NAME_CHARS {
        return None;
    }
    candidates
        .into_iter()
        .filter(|candidate| *candidate != name)
        .filter_map(|candidate| {
            let chars = folded(candidate);
            let close = chars.len().abs_diff(wanted.len()) <= limit && !chars.is_empty();
            let distance = close.then(|| distance(&wanted, &chars))?;
            // One letter is not a likeness: `a` is no misspelling of `b`.
            let likeness = wanted.len().max(chars.len()) > distance;
            (distance <= limit && likeness).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The path beside `path` whose name is nearest to its own.
pub(crate) fn nearest_sibling<'a>(
    path: &Path,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<Path> {
    let Some(Segment::Key(name)) = path.segments().last() else {
        return None;
    };
    Some(path.parent()?.child(nearest(name, candidates)?))
}

/// Case and word separators aside: `minReplicas`, `min_replicas` and `min-replicas` are one name
/// to the person who mistook it.
fn folded(name: &str) -> Vec<char> {
    name.chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .take(MAX_NAME_CHARS + 1)
        .collect()
}

fn distance(a: &[char], b: &[char]) -> usize {
    // Three rows of the table are enough: a swap looks back two.
    let mut before_previous = vec![0; b.len() + 1];
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    let mut last_a = None;
    for (i, &x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        let mut last_b = None;
        for (j, &y) in b.iter().enumerate() {
            let at =
                |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX / 2);
            let substituted = at(&previous, j) + usize::from(x != y);
            let mut best = substituted
                .min(at(&previous, j + 1) + 1)
                .min(at(&row, j) + 1);
            if last_a == Some(y) && last_b == Some(x) && j > 0 {
                best = best.min(at(&before_previous, j - 1) + 1);
            }
            row.push(best);
            last_b = Some(y);
        }
        last_a = Some(x);
        before_previous = std::mem::replace(&mut previous, row);
    }
    previous.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_strangers_are_not() {
        let names = ["replicas", "image", "minReplicas", "tag"];
        for (typed, meant) in [
            ("replcas", Some("replicas")),
            ("imgae", Some("image")),
            ("min_replicas", Some("minReplicas")),
            ("tga", Some("tag")),
            ("port", None),
            ("a", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names), meant, "for {typed:?}");
        }
        assert_eq!(nearest("b", ["a"]), None);
        assert_eq!(nearest(&"x".repeat(200), [&*"x".repeat(199)]), None);
    }
}
