//! Flux's marker comments: `# {"$imagepolicy": "namespace:name[:tag|:name|:digest]"}` behind a scalar.
//!
//! A comment counts only where YAML has a comment: behind a scalar, on the line the scalar ends on.
//! A `#` inside a text never does. A comment of the wanted policy that no scalar belongs to is
//! refused rather than passed over, since whoever wrote it expects it to work.
//! <https://fluxcd.io/flux/guides/image-update/#configure-image-update-for-custom-resources>

use std::collections::BTreeSet;
use std::ops::Range;

use narae_yaml::{Document, Node, NodeData, Path, Position};

use super::EditError;
use super::selector::Part;

const KEY: &str = "$imagepolicy";
/// Most scalars of one file that one policy's markers stand behind. Each is a line of the commit's message.
pub const MAX_MARKED: usize = 1_000;

/// A scalar with a marker of the policy.
#[derive(Debug)]
pub(super) struct Marked<'a> {
    pub(super) document: usize,
    pub(super) path: Path,
    pub(super) part: Part,
    pub(super) node: &'a Node,
}

/// Every scalar that a marker of `policy` stands behind, in the order of the file.
pub(super) fn find<'a>(
    source: &str,
    documents: &'a [Document],
    policy: &str,
) -> Result<Vec<Marked<'a>>, EditError> {
    let mut scan = Scan {
        source,
        policy,
        marked: Vec::new(),
        texts: Vec::new(),
        used: BTreeSet::new(),
    };
    for (index, document) in documents.iter().enumerate() {
        scan.walk(index, &document.root, &Path::root())?;
    }
    scan.refuse_detached()
}

struct Scan<'s, 'a> {
    source: &'s str,
    policy: &'s str,
    marked: Vec<Marked<'a>>,
    /// The stretches of all scalars, keys included.
    texts: Vec<Range<usize>>,
    /// Where the comments found begin.
    used: BTreeSet<usize>,
}

impl<'a> Scan<'_, 'a> {
    fn walk(&mut self, document: usize, node: &'a Node, path: &Path) -> Result<(), EditError> {
        // An alias stands for what is written elsewhere; a marker may still be behind itself.
        if node.alias.is_some() || matches!(node.data, NodeData::Scalar(_)) {
            self.text(node.span.range());
            return self.scalar(document, node, path);
        }
        for (index, item) in node.as_sequence().unwrap_or_default().iter().enumerate() {
            self.walk(document, item, &path.child(index))?;
        }
        for entry in node.as_mapping().unwrap_or_default() {
            // What a merge key brought is written, and walked, where it came from.
            if !entry.merged {
                self.text(entry.key.span.range());
                self.walk(document, &entry.value, &path.child(entry.name()))?;
            }
        }
        Ok(())
    }

    fn text(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.texts.push(range);
        }
    }

    fn scalar(&mut self, document: usize, node: &'a Node, path: &Path) -> Result<(), EditError> {
        let Some((at, comment)) = comment_behind(self.source, node.span.range().end) else {
            return Ok(());
        };
        let position = || {
            let line = node.span.end.line;
            let begins = self.source.get(..at).unwrap_or_default();
            let column = begins
                .rsplit('\n')
                .next()
                .unwrap_or_default()
                .chars()
                .count()
                + 1;
            Position::new(at, line, column)
        };
        match read(comment, self.policy) {
            Read::Other => Ok(()),
            Read::Wrong(reason) => Err(EditError::Marker {
                position: position(),
                reason,
            }),
            Read::Part(_) if self.marked.len() == MAX_MARKED => Err(EditError::Marker {
                position: position(),
                reason: "more than 1000 values of this file have a marker of this policy",
            }),
            Read::Part(part) => {
                self.used.insert(at);
                self.marked.push(Marked {
                    document,
                    path: path.clone(),
                    part,
                    node,
                });
                Ok(())
            }
        }
    }

    fn refuse_detached(mut self) -> Result<Vec<Marked<'a>>, EditError> {
        self.texts.sort_by_key(|range| range.start);
        let is_text = |place: usize| {
            let behind = self.texts.partition_point(|range| range.start <= place);
            let last = behind.checked_sub(1).and_then(|last| self.texts.get(last));
            last.is_some_and(|range| range.contains(&place))
        };
        let mut offset = 0;
        for (line, text) in self.source.split('\n').enumerate() {
            // Where one comment begins, no other does until the line ends.
            let comment = text.match_indices('#').find(|(at, _)| {
                let before = text.get(..*at).unwrap_or_default();
                (before.is_empty() || before.ends_with([' ', '\t'])) && !is_text(offset + at)
            });
            if let Some((at, _)) = comment
                && !self.used.contains(&(offset + at))
                && !matches!(
                    read(text.get(at..).unwrap_or_default(), self.policy),
                    Read::Other
                )
            {
                let column = text.get(..at).unwrap_or_default().chars().count() + 1;
                return Err(EditError::Marker {
                    position: Position::new(offset + at, line + 1, column),
                    reason: "this marker stands behind no scalar; put it on the line of the value",
                });
            }
            offset += text.len() + 1;
        }
        Ok(self.marked)
    }
}

/// The comment on the line that `end` is on, if nothing but a comma stands before it.
fn comment_behind(source: &str, end: usize) -> Option<(usize, &str)> {
    let rest = source.get(end..)?;
    let line = rest.split('\n').next().unwrap_or(rest);
    // The parser ends the nothing behind `tag:` at the key.
    let line_rest = line.trim_start_matches([' ', '\t', ',', ':']);
    let at = line.len() - line_rest.len();
    (at > 0 && line_rest.starts_with('#')).then(|| (end + at, line_rest.trim_end()))
}

enum Read {
    /// No marker, or one of another policy.
    Other,
    Part(Part),
    Wrong(&'static str),
}

fn read(comment: &str, policy: &str) -> Read {
    if !comment.contains(KEY) || !comment.contains(policy) {
        return Read::Other;
    }
    let json = comment.trim_start_matches('#').trim();
    let value: Option<serde_json::Value> = serde_json::from_str(json).ok();
    let Some(named) = value.as_ref().and_then(|value| value.get(KEY)) else {
        return Read::Wrong(r#"this marker is not `# {"$imagepolicy": "namespace:name"}`"#);
    };
    let Some(named) = named.as_str() else {
        return Read::Wrong("the policy of this marker is not a string");
    };
    let Some(part) = named.strip_prefix(policy) else {
        return Read::Other;
    };
    match part {
        "" => Read::Part(Part::Whole),
        ":name" => Read::Part(Part::Name),
        ":tag" => Read::Part(Part::Tag),
        ":digest" => Read::Part(Part::Digest),
        _ if part.starts_with(':') => {
            Read::Wrong("the last part of this marker is not `name`, `tag` or `digest`")
        }
        _ => Read::Other,
    }
}
