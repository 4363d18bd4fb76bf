use std::sync::Arc;

use indexmap::IndexMap;
use narae_yaml::{Node, NodeData, Path, Segment, Value};

use crate::error::{Error, ErrorKind};
use crate::origin::Origin;

/// Values while they merge: every node with its history.
///
/// INVARIANT: at most as deep as the reader's depth limit, which keeps the recursion here bounded.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) origin: Origin,
    /// Oldest first.
    pub(super) overridden: Vec<Origin>,
    pub(super) data: Data,
}

#[derive(Clone, Debug)]
pub(super) enum Data {
    Leaf(Value),
    List(Vec<Tree>),
    Map(IndexMap<String, Tree>),
    /// What `null` leaves behind while layers merge: the history of a key that may be set again.
    Deleted,
    /// Made on the way to an assignment; it has no history to keep.
    Vacant,
}

impl Data {
    /// Whether a key holding this is absent from the merged values.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Deleted | Self::Vacant)
    }
}

impl Tree {
    pub(super) fn empty() -> Self {
        Self::new(Origin::named("values".into()), Data::Map(IndexMap::new()))
    }

    fn new(origin: Origin, data: Data) -> Self {
        Self {
            origin,
            overridden: Vec::new(),
            data,
        }
    }

    pub(super) fn from_node(node: &Node, source: &Arc<str>) -> Self {
        Self::read(node, source, false)
    }

    fn read(node: &Node, source: &Arc<str>, in_list: bool) -> Self {
        let data = match &node.data {
            NodeData::Mapping(entries) => {
                let tree = |entry: &narae_yaml::Entry| {
                    (
                        entry.name().to_owned(),
                        Self::read(&entry.value, source, in_list),
                    )
                };
                Data::Map(entries.iter().map(tree).collect())
            }
            NodeData::Sequence(items) => Data::List(
                items
                    .iter()
                    .map(|item| Self::read(item, source, true))
                    .collect(),
            ),
            _ => Self::leaf(node.to_value(), in_list),
        };
        Self::new(Origin::at(Arc::clone(source), node.span.start), data)
    }

    pub(super) fn from_value(value: Value, origin: &Origin) -> Self {
        Self::convert(value, origin, false)
    }

    fn convert(value: Value, origin: &Origin, in_list: bool) -> Self {
        let data = match value {
            Value::Mapping(map) => {
                let tree = |(key, value)| (key, Self::convert(value, origin, in_list));
                Data::Map(map.into_iter().map(tree).collect())
            }
            Value::Sequence(list) => {
                let tree = |value| Self::convert(value, origin, true);
                Data::List(list.into_iter().map(tree).collect())
            }
            leaf => Self::leaf(leaf, in_list),
        };
        Self::new(origin.clone(), data)
    }

    fn leaf(value: Value, in_list: bool) -> Data {
        if value.is_null() && !in_list {
            Data::Deleted
        } else {
            Data::Leaf(value)
        }
    }

    /// Merges a later layer into this one; `path` is where both stand.
    pub(super) fn merge(&mut self, later: Self, path: &mut Vec<Segment>) -> Result<(), Error> {
        match (&mut self.data, later.data) {
            (Data::Map(map), Data::Map(entries)) => {
                for (key, tree) in entries {
                    match map.get_mut(&key) {
                        Some(earlier) => {
                            path.push(Segment::Key(key));
                            earlier.merge(tree, path)?;
                            path.pop();
                        }
                        None => {
                            map.insert(key, tree);
                        }
                    }
                }
            }
            (earlier, data) if may_replace(earlier, &data) => {
                let vacant = matches!(earlier, Data::Vacant);
                let origin = std::mem::replace(&mut self.origin, later.origin);
                if !vacant {
                    self.overridden.push(origin);
                }
                self.data = data;
            }
            (_, data) => {
                let path = path.iter().cloned().collect::<Path>();
                return Err(self.mismatch(&path, describe(&data), self.kind(), &later.origin));
            }
        }
        Ok(())
    }

    /// The child under a key, made when there is none; `None` when this can have no keys.
    pub(super) fn entry(&mut self, key: &str, origin: &Origin) -> Option<&mut Self> {
        if self.data.is_absent() {
            if matches!(self.data, Data::Deleted) {
                self.overridden
                    .push(std::mem::replace(&mut self.origin, origin.clone()));
            }
            self.data = Data::Map(IndexMap::new());
        }
        let Data::Map(map) = &mut self.data else {
            return None;
        };
        let vacant = || Self::new(origin.clone(), Data::Vacant);
        Some(map.entry(key.to_owned()).or_insert_with(vacant))
    }

    pub(super) fn element(&mut self, index: usize) -> Option<&mut Self> {
        match &mut self.data {
            Data::List(list) => list.get_mut(index),
            _ => None,
        }
    }

    /// How many elements a list has; `None` for anything else.
    pub(super) fn list_len(&self) -> Option<usize> {
        match &self.data {
            Data::List(list) => Some(list.len()),
            _ => None,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        describe(&self.data)
    }

    pub(super) fn mismatch(&self, path: &Path, new: &str, old: &str, by: &Origin) -> Error {
        let message = format!("`{path}` is {new} here, but {old} in {}", self.origin);
        Error::new(ErrorKind::Conflict, message)
            .at(by.clone())
            .about(path.clone())
            .note("check the indentation; to change the type, delete it with `null` in a layer between")
    }
}

fn may_replace(earlier: &Data, later: &Data) -> bool {
    use Data::{Leaf, List};
    let alike = matches!((earlier, later), (Leaf(_), Leaf(_)) | (List(_), List(_)));
    alike || earlier.is_absent() || later.is_absent()
}

fn describe(data: &Data) -> &'static str {
    match data {
        Data::Leaf(value) => value.kind(),
        Data::List(_) => "a sequence",
        Data::Map(_) => "a mapping",
        Data::Deleted | Data::Vacant => "nothing",
    }
}
