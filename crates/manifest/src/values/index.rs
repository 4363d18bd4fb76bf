//! Who set each value, and which of them a rendering used.
//!
//! The merged values are one plain [`Value`]; their history is kept beside it, one record per
//! value, in the order of a walk from the root. A record knows its parent and where its subtree
//! ends, which is enough to find a path, to make one, and to walk.
//!
//! A rendering borrows the values and hands references about. To tell which value a reference is,
//! it is looked up by its address, which is its identity for as long as the values are borrowed:
//! that costs one table per rendering and nothing per value passed on.

use std::collections::HashMap;

use indexmap::IndexMap;
use narae_yaml::{Mapping, Path, Position, Segment, Value};

use super::tree::{Data, Tree};
use crate::origin::Origin;

/// The number of a value in the walk.
pub(crate) type ValueId = usize;

/// One record per value, in the order of a walk from the root.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    records: Vec<Record>,
    /// Keys that a layer deleted and none set again: where they were, and their history.
    deleted: Vec<Record>,
}

#[derive(Clone, Debug)]
pub(crate) struct Record {
    parent: ValueId,
    /// Absent for the root.
    segment: Option<Segment>,
    /// One past the last record of this value's subtree.
    end: ValueId,
    pub(crate) origin: Origin,
    /// Where its key stands, in the file that `origin` is about.
    key: Option<Position>,
    /// Oldest first.
    pub(crate) overridden: Vec<Origin>,
    /// As [`Tree::is_respelled`].
    is_respelled: bool,
}

impl Index {
    /// Turns a merged tree into its value and keeps its history. Deleted keys end here.
    pub(super) fn take(&mut self, tree: Tree) -> Value {
        self.add(tree, 0, None)
    }

    fn add(&mut self, tree: Tree, parent: ValueId, segment: Option<Segment>) -> Value {
        let id = self.records.len();
        let Tree {
            origin,
            key,
            overridden,
            data,
            is_respelled,
            ..
        } = tree;
        self.records.push(Record {
            parent,
            segment,
            end: id + 1,
            origin,
            key,
            overridden,
            is_respelled,
        });
        let value = match data {
            Data::Leaf(value) => value,
            Data::Deleted | Data::Removed(_) | Data::Vacant => Value::Null,
            Data::List(list) => {
                let present = list.items.into_iter().filter(|tree| !tree.data.is_absent());
                let item = |(i, tree)| self.add(tree, id, Some(Segment::Index(i)));
                Value::Sequence(present.enumerate().map(item).collect())
            }
            Data::Map(map) => self.add_entries(map, id),
        };
        let end = self.records.len();
        if let Some(record) = self.records.get_mut(id) {
            record.end = end;
        }
        value
    }

    fn add_entries(&mut self, map: IndexMap<String, Tree>, parent: ValueId) -> Value {
        let mut mapping = Mapping::with_capacity(map.len());
        for (key, tree) in map {
            let segment = Some(Segment::Key(key.clone()));
            if matches!(tree.data, Data::Deleted) {
                self.deleted.push(Record {
                    parent,
                    segment,
                    end: 0,
                    origin: tree.origin,
                    key: tree.key,
                    overridden: tree.overridden,
                    is_respelled: false,
                });
            } else if !tree.data.is_absent() {
                let value = self.add(tree, parent, segment);
                mapping.insert(key, value);
            }
        }
        Value::Mapping(mapping)
    }

    /// Who deleted the key at a path, and whom that overrode.
    pub(crate) fn deleted(&self, path: &Path) -> Option<&Record> {
        let (segment, parent) = (path.segments().last()?, self.find(&path.parent()?)?);
        self.deleted
            .iter()
            .find(|record| record.parent == parent && record.segment.as_ref() == Some(segment))
    }

    pub(crate) fn record(&self, id: ValueId) -> Option<&Record> {
        self.records.get(id)
    }

    /// The value at a path.
    pub(crate) fn find(&self, path: &Path) -> Option<ValueId> {
        path.segments().iter().try_fold(0, |at, segment| {
            self.children(at).find(|child| {
                self.record(*child)
                    .and_then(|record| record.segment.as_ref())
                    == Some(segment)
            })
        })
    }

    /// The path of a value.
    pub(crate) fn path(&self, id: ValueId) -> Path {
        let mut segments = Vec::new();
        let mut at = id;
        while let Some(Record {
            parent,
            segment: Some(segment),
            ..
        }) = self.record(at)
        {
            segments.push(segment.clone());
            at = *parent;
        }
        segments.reverse();
        segments.into_iter().collect()
    }

    /// The values whose text is not what their file says, in their order.
    pub(crate) fn respelled(&self) -> impl Iterator<Item = ValueId> {
        let records = self.records.iter().enumerate();
        records.filter_map(|(id, record)| record.is_respelled.then_some(id))
    }

    /// Who set each of some values, in words; the first few of them, each once.
    pub(crate) fn setters(&self, ids: impl IntoIterator<Item = ValueId>) -> Vec<String> {
        const MAX_SETTERS: usize = 3;
        let mut found: Vec<String> = Vec::new();
        for id in ids {
            if let Some(record) = self.record(id).filter(|_| id != 0) {
                let setter = format!("`{}` is set by {}", self.path(id), record.origin);
                if !found.contains(&setter) {
                    found.push(setter);
                }
            }
            if found.len() == MAX_SETTERS {
                break;
            }
        }
        found
    }

    pub(crate) fn children(&self, id: ValueId) -> impl Iterator<Item = ValueId> {
        let end = self.end(id);
        let next = move |child: &ValueId| Some(self.end(*child));
        std::iter::successors(Some(id + 1), next).take_while(move |child| *child < end)
    }

    /// One past the last value of the subtree of `id`.
    pub(crate) fn end(&self, id: ValueId) -> ValueId {
        self.record(id).map_or(id + 1, |record| record.end)
    }

    /// The number of each value by its address, for as long as `value` is borrowed. `value` must
    /// be the one this index was made with.
    pub(crate) fn by_address(&self, value: &Value) -> HashMap<usize, ValueId> {
        let mut table = HashMap::with_capacity(self.records.len());
        number(value, &mut table);
        table
    }
}

impl Record {
    /// Who wrote its key: the place of the value where the key has none.
    pub(crate) fn key_origin(&self) -> Origin {
        match self.key {
            Some(key) => self.origin.moved_to(key),
            None => self.origin.clone(),
        }
    }
}

/// Walks in the same order as [`Index::add`].
fn number(value: &Value, table: &mut HashMap<usize, ValueId>) {
    table.insert(address(value), table.len());
    match value {
        Value::Sequence(list) => list.iter().for_each(|value| number(value, table)),
        Value::Mapping(map) => map.iter().for_each(|(_, value)| number(value, table)),
        _ => {}
    }
}

/// What tells one borrowed value from another.
pub(crate) fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}
