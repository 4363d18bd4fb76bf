//! What would change in an object, field by field.
//!
//! Mappings are compared by key. A list whose elements are all mappings that can be told apart by
//! one merge key (`name`, then `key`, `containerPort`, `port`, …) is compared element by element
//! under that key, so that an element inserted in front is one change and not a change of
//! everything behind it; the path of such a change keeps the element's index. When elements that
//! stay change places, the merge key is given up, because order can matter, and the list is compared
//! like any other: index by index when it has as many elements as before, and otherwise as one
//! change of the whole list.
//!
//! Kubernetes' own merge keys live in its OpenAPI; the keys here are the ones that schema uses for
//! workloads, services and routes. A wrong guess makes a plan less readable, never wrong: every
//! difference appears in one form or the other, and equal objects have no change.

use std::collections::HashMap;

use narae_yaml::{Path, Segment, Value};

/// One field that differs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FieldChange {
    /// The field. The index in a list is the new one, or the old one of a removed element.
    pub path: Path,
    /// What it was; `None` when the field is added.
    pub old: Option<Value>,
    /// What it will be; `None` when the field is removed.
    pub new: Option<Value>,
}

/// Keys that tell the elements of a Kubernetes list apart, tried in order.
const MERGE_KEYS: &[&str] = &[
    "name",
    "key",
    "containerPort",
    "port",
    "mountPath",
    "devicePath",
    "ip",
    "topologyKey",
    "type",
    "uid",
    "path",
    "host",
];

/// Compares two objects and lists the leaves that differ, in the order of the new one; what was
/// removed from a mapping or a list follows what it holds now.
///
/// An object that is created or deleted as a whole gives one change for each of its leaves. A leaf
/// is a scalar, or an empty mapping or list.
#[must_use]
pub fn compare(old: Option<&Value>, new: Option<&Value>) -> Vec<FieldChange> {
    let mut comparison = Comparison::default();
    comparison.values(old, new);
    comparison.changes
}

#[derive(Default)]
struct Comparison<'v> {
    /// Where the comparison stands; a [`Path`] is made of it only for what differs.
    steps: Vec<Step<'v>>,
    changes: Vec<FieldChange>,
}

#[derive(Clone, Copy)]
enum Step<'v> {
    Key(&'v str),
    Index(usize),
}

impl<'v> Comparison<'v> {
    fn values(&mut self, old: Option<&'v Value>, new: Option<&'v Value>) {
        match (old, new) {
            (None, None) => {}
            (Some(old), Some(new)) => self.pair(old, new),
            (Some(value), None) => self.leaves(value, true),
            (None, Some(value)) => self.leaves(value, false),
        }
    }

    fn pair(&mut self, old: &'v Value, new: &'v Value) {
        match (old, new) {
            (Value::Mapping(before), Value::Mapping(after))
                if !before.is_empty() && !after.is_empty() =>
            {
                for (key, value) in after.iter() {
                    self.within(Step::Key(key), before.get(key), Some(value));
                }
                for (key, value) in before.iter().filter(|(key, _)| !after.contains_key(key)) {
                    self.within(Step::Key(key), Some(value), None);
                }
            }
            (Value::Sequence(before), Value::Sequence(after)) => self.lists(before, after),
            _ if old == new => {}
            _ => self.record(Some(old), Some(new)),
        }
    }

    fn lists(&mut self, before: &'v [Value], after: &'v [Value]) {
        if before == after {
        } else if let Some((old, new)) = Keyed::both(before, after) {
            for (index, (id, value)) in new.elements.iter().enumerate() {
                self.within(Step::Index(index), old.get(id), Some(value));
            }
            for (index, (id, value)) in old.elements.iter().enumerate() {
                if new.get(id).is_none() {
                    self.within(Step::Index(index), Some(value), None);
                }
            }
        } else if before.len() == after.len() {
            for (index, (old, new)) in before.iter().zip(after).enumerate() {
                self.within(Step::Index(index), Some(old), Some(new));
            }
        } else {
            let whole = |list: &[Value]| Value::Sequence(list.to_vec());
            self.record(Some(&whole(before)), Some(&whole(after)));
        }
    }

    /// Every leaf below `value`, all added or all removed.
    fn leaves(&mut self, value: &'v Value, removed: bool) {
        match value {
            Value::Mapping(map) if !map.is_empty() => {
                for (key, value) in map.iter() {
                    self.leaf_within(Step::Key(key), value, removed);
                }
            }
            Value::Sequence(list) if !list.is_empty() => {
                for (index, value) in list.iter().enumerate() {
                    self.leaf_within(Step::Index(index), value, removed);
                }
            }
            leaf if removed => self.record(Some(leaf), None),
            leaf => self.record(None, Some(leaf)),
        }
    }

    fn leaf_within(&mut self, step: Step<'v>, value: &'v Value, removed: bool) {
        self.steps.push(step);
        self.leaves(value, removed);
        self.steps.pop();
    }

    fn within(&mut self, step: Step<'v>, old: Option<&'v Value>, new: Option<&'v Value>) {
        self.steps.push(step);
        self.values(old, new);
        self.steps.pop();
    }

    fn record(&mut self, old: Option<&Value>, new: Option<&Value>) {
        let mut path = Path::default();
        for step in &self.steps {
            path.push(match step {
                Step::Key(key) => Segment::Key((*key).to_owned()),
                Step::Index(index) => Segment::Index(*index),
            });
        }
        self.changes.push(FieldChange {
            path,
            old: old.cloned(),
            new: new.cloned(),
        });
    }
}

/// A list whose elements are told apart by a merge key, in the list's order.
struct Keyed<'v> {
    elements: Vec<(String, &'v Value)>,
    by_id: HashMap<String, &'v Value>,
}

impl<'v> Keyed<'v> {
    /// Both lists under the first key that tells the elements of each apart, unless elements they
    /// have in common changed places.
    fn both(before: &'v [Value], after: &'v [Value]) -> Option<(Self, Self)> {
        let (old, new) = MERGE_KEYS
            .iter()
            .find_map(|key| Some((Self::of(before, key)?, Self::of(after, key)?)))?;
        let kept = old
            .elements
            .iter()
            .map(|(id, _)| id)
            .filter(|id| new.get(id).is_some());
        let same_order = new
            .elements
            .iter()
            .map(|(id, _)| id)
            .filter(|id| old.get(id).is_some())
            .eq(kept);
        same_order.then_some((old, new))
    }

    fn of(list: &'v [Value], key: &str) -> Option<Self> {
        let elements = list
            .iter()
            .map(|element| Some((identity(element, key)?, element)))
            .collect::<Option<Vec<_>>>()?;
        let by_id: HashMap<_, _> = elements.iter().cloned().collect();
        (by_id.len() == elements.len()).then_some(Self { elements, by_id })
    }

    fn get(&self, id: &str) -> Option<&'v Value> {
        self.by_id.get(id).copied()
    }
}

/// What one element is known by: the text of its merge key. Ports are also told apart by protocol,
/// as Kubernetes does: a Service may have 53 over TCP and over UDP.
fn identity(element: &Value, key: &str) -> Option<String> {
    let own = match element.get(key)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    match (key, element.get("protocol").and_then(Value::as_str)) {
        ("containerPort" | "port", Some(protocol)) => Some(format!("{own}/{protocol}")),
        _ => Some(own),
    }
}
