//! How a list meets the one that an earlier layer has: it replaces it, is put behind it, or merges
//! with it element by element. A tag on the later list says which; [`super`] documents them.
//!
//! May change the elements of a list, and nothing outside it. Merging is linear in the elements.

use std::collections::HashMap;

use narae_yaml::{Node, NodeData, Segment, Value};

use super::tree::{Data, Tree, meaning};
use crate::error::{Error, ErrorKind};
use crate::origin::Origin;

/// The elements of a list, and how they meet earlier ones.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) items: Vec<Tree>,
    pub(super) how: How,
}

/// What the tag on a list says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum How {
    Replace,
    Append,
    /// By the value under this key.
    Merge(String),
}

/// The tag of an element that is to be taken away.
const DELETE: &str = "!delete";

impl How {
    /// What a tag on a sequence says, when it is one of these.
    pub(super) fn of(tag: &str) -> Option<Self> {
        match tag {
            "!append" => Some(Self::Append),
            "!replace" => Some(Self::Replace),
            _ => {
                let key = tag.strip_prefix("!merge:")?;
                (!key.is_empty()).then(|| Self::Merge(key.to_owned()))
            }
        }
    }
}

impl List {
    pub(super) fn replacing(items: Vec<Tree>) -> Self {
        Self {
            items,
            how: How::Replace,
        }
    }

    /// Reads the elements; `read` reads one, told whether `null` in it is a value.
    pub(super) fn read(
        items: Vec<Node>,
        how: How,
        origin: impl Fn(&Node) -> Origin,
        read: impl Fn(Node, bool) -> Result<Tree, Error>,
    ) -> Result<Self, Error> {
        let How::Merge(key) = &how else {
            let items: Result<_, _> = items.into_iter().map(|item| read(item, true)).collect();
            return Ok(Self { items: items?, how });
        };
        let mut elements = Vec::with_capacity(items.len());
        let mut names: HashMap<String, Origin> = HashMap::with_capacity(items.len());
        for item in items {
            let place = origin(&item);
            let Some(name) = item.get(key).and_then(name_in_node) else {
                let message =
                    format!("an element of `!merge:{key}` must be a mapping with a scalar `{key}`");
                return Err(Error::new(ErrorKind::WrongType, message).at(place));
            };
            if let Some(first) = names.insert(name.clone(), place.clone()) {
                let message = format!("two elements have the same `{key}`");
                let error = Error::new(ErrorKind::Conflict, message).at(place);
                return Err(error.note(format!("first at {first}")));
            }
            elements.push(match item.tag.as_deref() {
                Some(DELETE) => Tree::new(place, Data::Removed(name)),
                _ => read(item, false)?,
            });
        }
        Ok(Self {
            items: elements,
            how,
        })
    }

    /// Merges a later list that appends or merges. One that replaces is for the caller.
    pub(super) fn merge(&mut self, later: Self, path: &mut Vec<Segment>) -> Result<(), Error> {
        let How::Merge(key) = later.how else {
            self.items.extend(later.items);
            return Ok(());
        };
        self.drop_removed();
        // Where each name stands; more than once is an error only for a name that is merged.
        let mut earlier: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, item) in self.items.iter().enumerate() {
            if let Some(name) = name_of(item, &key) {
                earlier.entry(name).or_default().push(index);
            }
        }
        for item in later.items {
            let found = name_of(&item, &key).and_then(|name| earlier.get(&name));
            let known = found.and_then(|found| Some((*found.first()?, found.get(1))));
            match known {
                None => self.items.push(item),
                Some((_, Some(_))) => {
                    let message = format!("more than one element has the `{key}` of this one");
                    let error = Error::new(ErrorKind::Conflict, message).at(item.origin);
                    return Err(error.about(path.iter().cloned().collect()));
                }
                Some((index, None)) => {
                    if let Some(earlier) = self.items.get_mut(index) {
                        path.push(Segment::Index(index));
                        earlier.merge(item, path)?;
                        path.pop();
                    }
                }
            }
        }
        self.drop_removed();
        Ok(())
    }

    pub(super) fn drop_removed(&mut self) {
        self.items
            .retain(|item| !matches!(item.data, Data::Removed(_)));
    }
}

/// What tells an element from the others: its scalar, written as YAML so that `1` is not `"1"`.
fn name_of(element: &Tree, key: &str) -> Option<String> {
    match &element.data {
        Data::Removed(name) => Some(name.clone()),
        Data::Map(map) => match &map.get(key)?.data {
            Data::Leaf(value) => Some(written(value)),
            _ => None,
        },
        _ => None,
    }
}

fn name_in_node(node: &Node) -> Option<String> {
    match &node.data {
        NodeData::Scalar(scalar) => Some(meaning(scalar, node.tag.as_deref()))
            .filter(|value| !value.is_null())
            .map(|value| written(&value)),
        _ => None,
    }
}

fn written(name: &Value) -> String {
    narae_yaml::write(name)
}
