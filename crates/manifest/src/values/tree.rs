//! Values while they merge: every node with its history.
//!
//! May read a file's nodes into a tree and merge one tree into another. What a template may see of
//! it is decided by [`Index::take`](super::Index::take).

use std::sync::Arc;

use indexmap::IndexMap;
use narae_yaml::{Node, NodeData, Path, Position, Scalar, Segment, Value};

use super::list::{How, List};
use crate::error::{Error, ErrorKind};
use crate::origin::Origin;
use crate::suggestion::nearest;

/// INVARIANT: at most as deep as the reader's depth limit and an assignment's path together, which
/// keeps the recursion here bounded.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) origin: Origin,
    /// Where its key stands, in the file that `origin` is about.
    pub(super) key: Option<Position>,
    /// Oldest first.
    pub(super) overridden: Vec<Origin>,
    pub(super) data: Data,
    /// Written `!replace`: takes the place of whatever was there.
    replaces: bool,
    /// A number or boolean whose text is not what is written: `0123` is 83, `yes` is `true`.
    pub(super) is_respelled: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Data {
    Leaf(Value),
    List(List),
    Map(IndexMap<String, Tree>),
    /// What `null` leaves behind while layers merge: the history of a key that may be set again.
    Deleted,
    /// An element to take away, by its name in the list it merges into.
    Removed(String),
    /// Made on the way to an assignment; it has no history to keep.
    Vacant,
}

impl Data {
    /// Whether what holds this is absent from the merged values.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Deleted | Self::Removed(_) | Self::Vacant)
    }
}

impl Tree {
    pub(super) fn empty() -> Self {
        Self::new(Origin::named("values".into()), Data::Map(IndexMap::new()))
    }

    pub(super) fn new(origin: Origin, data: Data) -> Self {
        Self {
            origin,
            key: None,
            overridden: Vec::new(),
            data,
            replaces: false,
            is_respelled: false,
        }
    }

    pub(super) fn from_node(node: Node, source: &Arc<str>) -> Result<Self, Error> {
        Self::read(node, source, false)
    }

    /// In a list that is not merged, `null` is a value like any other.
    fn read(node: Node, source: &Arc<str>, in_list: bool) -> Result<Self, Error> {
        let place = |node: &Node| Origin::at(Arc::clone(source), node.span.start);
        let origin = place(&node);
        if let Some(tag) = node.tag.as_deref() {
            check_tag(tag, &node).map_err(|error| error.at(origin.clone()))?;
        }
        let mut is_written_otherwise = false;
        let data = match node.data {
            NodeData::Mapping(entries) => {
                let mut map = IndexMap::with_capacity(entries.len());
                for entry in entries {
                    let key = entry.key.span.start;
                    let (name, value) = entry.into_parts();
                    let mut tree = Self::read(value, source, in_list)?;
                    tree.key = Some(key);
                    map.insert(name, tree);
                }
                Data::Map(map)
            }
            NodeData::Sequence(items) => {
                let how = node.tag.as_deref().and_then(How::of);
                let read = |item: Node, in_list| Self::read(item, source, in_list);
                Data::List(List::read(items, how.unwrap_or(How::Replace), place, read)?)
            }
            NodeData::Scalar(scalar) => {
                let value = meaning(&scalar, node.tag.as_deref());
                is_written_otherwise = is_respelled(scalar.text(), &value);
                Self::leaf(value, in_list)
            }
        };
        let mut tree = Self::new(origin, data);
        tree.replaces = node.tag.as_deref() == Some(REPLACE);
        tree.is_respelled = is_written_otherwise;
        Ok(tree)
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
                Data::List(List::replacing(list.into_iter().map(tree).collect()))
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
            (Data::Map(map), Data::Map(entries)) if !later.replaces => {
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
            (Data::List(list), Data::List(later)) if later.how != How::Replace => {
                list.merge(later, path)?;
            }
            (earlier, data) if later.replaces || may_replace(earlier, &data) => {
                let vacant = matches!(earlier, Data::Vacant);
                let origin = std::mem::replace(&mut self.origin, later.origin);
                if !vacant {
                    self.overridden.push(origin);
                }
                self.key = later.key;
                self.is_respelled = later.is_respelled;
                self.data = data;
            }
            (_, data) => {
                let path = path.iter().cloned().collect::<Path>();
                return Err(self.mismatch(&path, describe(&data), self.kind(), &later.origin));
            }
        }
        Ok(())
    }

    /// Forgets the elements that were to be taken out of earlier lists: there are none to come.
    pub(super) fn drop_removed(&mut self) {
        match &mut self.data {
            Data::Map(map) => map.values_mut().for_each(Self::drop_removed),
            Data::List(list) => {
                list.drop_removed();
                list.items.iter_mut().for_each(Self::drop_removed);
            }
            Data::Leaf(_) | Data::Deleted | Data::Removed(_) | Data::Vacant => {}
        }
    }

    /// The child under a key, made when there is none; `None` when this can have no keys.
    pub(super) fn entry(&mut self, key: &str, origin: &Origin) -> Option<&mut Self> {
        self.fill(origin, || Data::Map(IndexMap::new()));
        let Data::Map(map) = &mut self.data else {
            return None;
        };
        let vacant = || Self::new(origin.clone(), Data::Vacant);
        Some(map.entry(key.to_owned()).or_insert_with(vacant))
    }

    /// The element of an index, made when it is the next one; `None` when there can be none.
    pub(super) fn element(&mut self, index: usize, origin: &Origin) -> Option<&mut Self> {
        if index == 0 {
            self.fill(origin, || Data::List(List::replacing(Vec::new())));
        }
        let Data::List(List { items, .. }) = &mut self.data else {
            return None;
        };
        if index == items.len() {
            items.push(Self::new(origin.clone(), Data::Vacant));
        }
        items.get_mut(index)
    }

    /// Puts an empty collection where there is nothing.
    fn fill(&mut self, origin: &Origin, data: impl FnOnce() -> Data) {
        if self.data.is_absent() {
            if matches!(self.data, Data::Deleted) {
                self.overridden
                    .push(std::mem::replace(&mut self.origin, origin.clone()));
                self.key = None;
            }
            self.data = data();
        }
    }

    /// How many elements a list has; `None` for anything else.
    pub(super) fn list_len(&self) -> Option<usize> {
        match &self.data {
            Data::List(list) => Some(list.items.len()),
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
            .note(
                "check the indentation; to change the type, write `!replace` before the new value",
            )
    }
}

/// What a scalar of a values file means: `!replace` says how it meets an earlier value, not what it is.
pub(super) fn meaning(scalar: &Scalar, tag: Option<&str>) -> Value {
    if tag == Some(REPLACE) {
        scalar.untagged_value()
    } else {
        scalar.value()
    }
}

/// Whether the text of what a scalar means is another than what is written.
fn is_respelled(written: &str, value: &Value) -> bool {
    match value {
        Value::Bool(truth) => written != if *truth { "true" } else { "false" },
        Value::Number(number) => written != number.to_string(),
        _ => false,
    }
}

const REPLACE: &str = "!replace";

/// Refuses a tag that would otherwise be ignored.
fn check_tag(tag: &str, node: &Node) -> Result<(), Error> {
    if tag.starts_with("!!") {
        return Ok(());
    }
    let number = node.as_scalar().map(|scalar| meaning(scalar, Some(tag)));
    if matches!(number, Some(Value::Number(number)) if !number.is_finite()) {
        let message = "a number that is not finite cannot be read by Kubernetes";
        let error = Error::new(ErrorKind::Syntax, message);
        return Err(error.note("quote it if a string is meant"));
    }
    let known = match node.data {
        NodeData::Sequence(_) => How::of(tag).is_some(),
        // An element to delete is read by its list.
        _ => tag == REPLACE,
    };
    if known {
        return Ok(());
    }
    let message = format!("the tag `{tag}` has no meaning here");
    let error = Error::new(ErrorKind::Unsupported, message);
    Err(match nearest(tag, ["!append", "!replace"]) {
        Some(meant) if matches!(node.data, NodeData::Sequence(_)) => {
            error.note(format!("did you mean `{meant}`"))
        }
        _ => error.note("`!replace` stands before any value, `!append` and `!merge:KEY` before a list, `!delete` before an element of `!merge:KEY`"),
    })
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
        Data::Deleted | Data::Removed(_) | Data::Vacant => "nothing",
    }
}
