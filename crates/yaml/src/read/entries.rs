//! Entries of a mapping that is being built: names, duplicates, merge keys.

use super::keys::Keys;
use super::scalar;
use crate::document::{Entry, Meaning, Node, NodeData, ScalarStyle};
use crate::error::ErrorKind;
use crate::{Error, Position};

#[derive(Debug, Default)]
pub(super) struct OpenMapping {
    entries: Vec<Entry>,
    keys: Keys,
    key: Option<Key>,
    merge: Option<Merge>,
}

#[derive(Debug)]
enum Key {
    Name(Node),
    Merge(Position),
}

/// What `<<` holds, and before which entry it stood.
#[derive(Debug)]
struct Merge {
    position: Position,
    before: usize,
    sources: Vec<Vec<Entry>>,
}

impl OpenMapping {
    /// Takes a key or, if one is waiting, its value.
    pub(super) fn take(&mut self, node: Node) -> Result<(), Error> {
        match self.key.take() {
            None => self.take_key(node),
            Some(Key::Name(key)) => {
                self.entries.push(Entry {
                    key,
                    value: node,
                    merged: false,
                });
                Ok(())
            }
            Some(Key::Merge(position)) => {
                let sources = merge_sources(node)?;
                self.merge = Some(Merge {
                    position,
                    before: self.entries.len(),
                    sources,
                });
                Ok(())
            }
        }
    }

    fn take_key(&mut self, mut node: Node) -> Result<(), Error> {
        let at = node.span.start;
        let is_merge = is_merge_key(&node);
        let kind = node.kind();
        let NodeData::Scalar(scalar) = &mut node.data else {
            return Err(Error::at(ErrorKind::Key(kind), at));
        };
        if is_merge {
            if let Some(first) = &self.merge {
                let kind = ErrorKind::DuplicateKey {
                    key: "<<".to_owned(),
                    first: first.position,
                };
                return Err(Error::at(kind, at));
            }
            self.key = Some(Key::Merge(at));
            return Ok(());
        }
        if let Some(name) =
            scalar::key_name(&scalar.text, &scalar.meaning).map_err(|kind| Error::at(kind, at))?
        {
            scalar.meaning = if name == scalar.text {
                Meaning::Text
            } else {
                Meaning::Other(name.into())
            };
        }
        let name = scalar.as_str().unwrap_or_default();
        if let Some(first) = self
            .keys
            .find(&self.entries, name)
            .and_then(|place| self.entries.get(place))
        {
            let kind = ErrorKind::DuplicateKey {
                key: name.to_owned(),
                first: first.key.span.start,
            };
            return Err(Error::at(kind, at));
        }
        self.key = Some(Key::Name(node));
        Ok(())
    }

    /// The entries, with merged ones where `<<` stood. Written entries win, then earlier sources.
    pub(super) fn finish(self) -> Vec<Entry> {
        let Self {
            mut entries,
            mut keys,
            merge,
            ..
        } = self;
        let Some(merge) = merge else { return entries };
        let written = entries.len();
        for entry in merge.sources.into_iter().flatten() {
            if keys.find(&entries, entry.name()).is_none() {
                entries.push(Entry {
                    merged: true,
                    ..entry
                });
            }
        }
        if let Some(after) = entries.get_mut(merge.before..) {
            after.rotate_left(written - merge.before);
        }
        entries
    }
}

/// `<<` merges when it is plain, as Go and YAML 1.1 have it; quoted, it is an ordinary key.
fn is_merge_key(node: &Node) -> bool {
    let NodeData::Scalar(scalar) = &node.data else {
        return false;
    };
    let tagged = node.tag.as_deref();
    scalar.text == "<<"
        && scalar.style == ScalarStyle::Plain
        && matches!(tagged, None | Some("!!merge"))
}

fn merge_sources(node: Node) -> Result<Vec<Vec<Entry>>, Error> {
    let (kind, at) = (node.kind(), node.span.start);
    match node.data {
        NodeData::Mapping(entries) => Ok(vec![entries]),
        NodeData::Sequence(items) => items
            .into_iter()
            .map(|item| {
                let (kind, at) = (item.kind(), item.span.start);
                match item.data {
                    NodeData::Mapping(entries) => Ok(entries),
                    _ => Err(Error::at(ErrorKind::Merge(kind), at)),
                }
            })
            .collect(),
        NodeData::Scalar(_) => Err(Error::at(ErrorKind::Merge(kind), at)),
    }
}
