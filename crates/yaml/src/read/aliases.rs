//! How much all aliases of a source stand for, counted before any of it is copied.
//!
//! Ten lines of aliases to aliases stand for a billion nodes. Building would notice once the limit is
//! crossed, after copying nearly as much as the limit allows; sizes alone are added up in the time it
//! takes to read the ten lines.

use std::collections::HashMap;

use granit_parser::Event;

use crate::error::ErrorKind;
use crate::{Error, Limits};

/// Nodes that aliases may stand for before the whole source is counted. Real manifests stay below.
pub(super) const COPIED_AT_SIGHT: usize = 500;

/// Counts what all aliases of `source` stand for, and says how many events that took.
///
/// What else is wrong with the source is left for the builder to find.
pub(super) fn check(source: &str, limits: Limits) -> Result<usize, Error> {
    let mut sizes: HashMap<usize, usize> = HashMap::new();
    // For each open collection, its anchor and the nodes in it so far.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut total = 0usize;
    let mut events = 0;
    for event in super::events(source, limits) {
        let Ok((event, span)) = event else { break };
        events += 1;
        let (anchor, size) = match event {
            Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _) => {
                open.push((anchor, 1));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().unwrap_or_default(),
            Event::Scalar(_, _, anchor, _) => (anchor, 1),
            Event::Alias(anchor) => {
                // One inside its own anchor has no size yet, and will be refused.
                let size = sizes.get(&anchor).copied().unwrap_or_default();
                total = total.saturating_add(size);
                if total > limits.max_alias_nodes {
                    let kind = ErrorKind::Limit {
                        what: "aliases stand for more nodes than",
                        limit: "max_alias_nodes",
                        most: limits.max_alias_nodes,
                    };
                    return Err(Error::at(kind, super::position(source, &span.start)));
                }
                (0, size)
            }
            _ => continue,
        };
        if anchor != 0 {
            sizes.insert(anchor, size);
        }
        if let Some((_, nodes)) = open.last_mut() {
            *nodes = nodes.saturating_add(size);
        }
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `levels` lines, each of nine aliases to the one before.
    fn laughs(levels: usize) -> String {
        let mut source = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
        for level in 1..levels {
            let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
            source.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        source
    }

    #[test]
    fn sizes_are_added_up_without_copies() {
        // The last one crosses the limit: each line is looked at once.
        let limits = Limits::default().with_max_alias_nodes(usize::MAX);
        let events = check(&laughs(15), limits).expect("within the limit");
        assert!(events < 15 * 16, "{events} events");
    }

    #[test]
    fn the_limit_is_exact() {
        let source = "a: &a [1, 2]\nb: &b [*a, *a]\nc: *b\n";
        let limits = Limits::default();
        assert!(check(source, limits.with_max_alias_nodes(13)).is_ok());
        assert!(check(source, limits.with_max_alias_nodes(12)).is_err());
    }
}
