//! What a file says, by two readers that have nothing in common, and what it should say after an edit.

use narae_yaml::{Path, Segment, Value};
use serde::Deserialize as _;

use super::Wanted;
use super::written::{Link, Written};

/// The values a text has for one reader, with places that are the same for all of them.
pub(super) trait Tree: Clone + PartialEq + std::fmt::Debug {
    fn read(text: &str) -> Option<Vec<Self>>;
    fn child(&mut self, segment: &Segment) -> Option<&mut Self>;
    fn keys(&self) -> Vec<String>;
    fn insert(&mut self, key: &str, value: Self);
    fn remove(&mut self, key: &str);
    fn scalar(value: &Value) -> Self;
    /// Whether merge keys are done.
    const MERGES: bool;

    fn at(&mut self, path: &Path) -> Option<&mut Self> {
        path.segments()
            .iter()
            .try_fold(self, |node, segment| node.child(segment))
    }

    fn set(&mut self, path: &Path, new: Option<Self>) {
        let Some(Segment::Key(key)) = path.segments().last() else {
            if let (Some(node), Some(new)) = (self.at(path), new) {
                *node = new;
            }
            return;
        };
        let Some(holder) = path.parent().and_then(|parent| self.at(&parent)) else {
            return;
        };
        match new {
            Some(new) => holder.insert(key, new),
            None => holder.remove(key),
        }
    }

    /// `before` with what is wanted, here and wherever it is referred to.
    fn expected(before: &[Self], written: &Written, wanted: &Wanted) -> Vec<Self> {
        let mut all = before.to_vec();
        for ((document, path), new) in wanted {
            if let Some(root) = all.get_mut(*document) {
                root.set(path, new.as_ref().map(Self::scalar));
            }
        }
        for (document, link) in &written.links {
            if let Some(root) = all.get_mut(*document) {
                root.follow(link);
            }
        }
        all
    }

    fn follow(&mut self, link: &Link) {
        match link {
            Link::Alias { at, of } => {
                let stands = self.at(of).cloned();
                self.set(at, stands);
            }
            Link::Merge { at, of, own } if Self::MERGES => {
                let mut done: Vec<String> = own.iter().map(|&key| key.to_owned()).collect();
                let was = self.at(at).map(|node| node.keys()).unwrap_or_default();
                for of in of {
                    for key in self.at(of).map(|node| node.keys()).unwrap_or_default() {
                        if !done.contains(&key) {
                            let value = self.at(&of.child(key.as_str())).cloned();
                            self.set(&at.child(key.as_str()), value);
                            done.push(key);
                        }
                    }
                }
                for gone in was.into_iter().filter(|key| !done.contains(key)) {
                    self.set(&at.child(gone), None);
                }
            }
            Link::Merge { at, of, .. } => {
                let merge = at.child("<<");
                let is_list = self.at(&merge.child(0)).is_some();
                for (index, of) in of.iter().enumerate() {
                    let at = if is_list {
                        merge.child(index)
                    } else {
                        merge.clone()
                    };
                    let stands = self.at(of).cloned();
                    self.set(&at, stands);
                }
            }
        }
    }
}

impl Tree for Value {
    const MERGES: bool = true;

    fn read(text: &str) -> Option<Vec<Self>> {
        narae_yaml::read(text).ok()
    }

    fn child(&mut self, segment: &Segment) -> Option<&mut Self> {
        self.at_mut(&segment.clone().into())
    }

    fn keys(&self) -> Vec<String> {
        let keys = self
            .as_mapping()
            .into_iter()
            .flat_map(|mapping| mapping.keys());
        keys.map(str::to_owned).collect()
    }

    fn insert(&mut self, key: &str, value: Self) {
        if let Some(mapping) = self.as_mapping_mut() {
            mapping.insert(key, value);
        }
    }

    fn remove(&mut self, key: &str) {
        self.as_mapping_mut()
            .and_then(|mapping| mapping.remove(key));
    }

    fn scalar(value: &Value) -> Self {
        value.clone()
    }
}

impl Tree for serde_yaml::Value {
    const MERGES: bool = false;

    fn read(text: &str) -> Option<Vec<Self>> {
        // With the mark it takes `---` for a text.
        let text = text.trim_start_matches('\u{feff}');
        let documents = serde_yaml::Deserializer::from_str(text);
        let values = documents.map(Self::deserialize).collect::<Result<_, _>>();
        let mut values: Vec<Self> = values.ok()?;
        values.iter_mut().for_each(untag);
        Some(values)
    }

    fn child(&mut self, segment: &Segment) -> Option<&mut Self> {
        match segment {
            Segment::Key(key) => self.get_mut(key.as_str()),
            Segment::Index(index) => self.get_mut(*index),
        }
    }

    fn keys(&self) -> Vec<String> {
        let keys = self
            .as_mapping()
            .into_iter()
            .flat_map(|mapping| mapping.keys());
        keys.filter_map(|key| key.as_str().map(str::to_owned))
            .collect()
    }

    fn insert(&mut self, key: &str, value: Self) {
        if let Some(mapping) = self.as_mapping_mut() {
            mapping.insert(key.into(), value);
        }
    }

    fn remove(&mut self, key: &str) {
        self.as_mapping_mut()
            .and_then(|mapping| mapping.shift_remove(key));
    }

    fn scalar(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => (*truth).into(),
            Value::Number(_) => value.as_i64().map_or(Self::Null, Self::from),
            value => value.as_str().map_or(Self::Null, Self::from),
        }
    }
}

fn untag(value: &mut serde_yaml::Value) {
    use serde_yaml::Value;
    if let Value::Tagged(tagged) = value {
        *value = std::mem::take(&mut tagged.value);
    }
    match value {
        Value::Sequence(items) => items.iter_mut().for_each(untag),
        Value::Mapping(mapping) => mapping.values_mut().for_each(untag),
        _ => {}
    }
}
