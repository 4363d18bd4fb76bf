//! Every way to get one place of an object wrong.

use narae_yaml::{Path, Segment, Value};

/// An object with one change.
pub(super) struct Mutation {
    pub(super) name: String,
    pub(super) object: Value,
}

/// Changes at every place below those that address the object.
pub(super) fn mutations(object: &Value) -> Vec<Mutation> {
    let mut all = Vec::new();
    places(object, Path::root(), &mut |path, value| {
        if is_address(path) {
            return;
        }
        for (what, change) in changes(value) {
            let mut changed = object.clone();
            change.apply(&mut changed, path);
            all.push(Mutation {
                name: format!("{what} at {path}"),
                object: changed,
            });
        }
    });
    all
}

enum Change {
    Remove,
    Replace(Value),
}

impl Change {
    fn apply(self, object: &mut Value, path: &Path) {
        match (self, path.segments().last(), path.parent()) {
            (Self::Replace(value), ..) => *object.at_mut(path).unwrap() = value,
            (Self::Remove, Some(Segment::Key(key)), Some(parent)) => {
                let parent = object.at_mut(&parent).unwrap();
                parent.as_mapping_mut().unwrap().remove(key);
            }
            (Self::Remove, Some(Segment::Index(index)), Some(parent)) => {
                let parent = object.at_mut(&parent).unwrap();
                parent.as_sequence_mut().unwrap().remove(*index);
            }
            _ => unreachable!("the root is not removed"),
        }
    }
}

fn is_address(path: &Path) -> bool {
    matches!(
        path.to_pointer().as_str(),
        "/apiVersion" | "/kind" | "/metadata/name" | "/metadata/namespace" | "/metadata"
    )
}

fn changes(value: &Value) -> Vec<(&'static str, Change)> {
    let mut changes = Vec::new();
    let mut replace = |what, value| changes.push((what, Change::Replace(value)));
    match value {
        Value::Mapping(mapping) => {
            let mut grown = mapping.clone();
            grown.insert("naraeUnknown", Value::from("x"));
            replace("unknown field", Value::Mapping(grown));
            replace("a list", Value::Sequence(Vec::new()));
            replace("a text", Value::from("x"));
            replace("an empty mapping", narae_yaml::Mapping::new().into());
        }
        Value::Sequence(items) => {
            replace("a mapping", narae_yaml::Mapping::new().into());
            replace("a text", Value::from("x"));
            replace("an empty list", Value::Sequence(Vec::new()));
            replace("a null item", Value::Sequence(vec![Value::Null]));
            if let Some(first) = items.first() {
                let twice = items.iter().chain([first]).cloned().collect();
                replace("the first twice", Value::Sequence(twice));
            }
        }
        Value::String(_) => {
            replace("a number", Value::from(7));
            replace("true", Value::Bool(true));
            replace("an empty text", Value::from(""));
            replace("another text", Value::from("Not_a (good) one"));
            replace("a list", Value::Sequence(Vec::new()));
            replace("a mapping", narae_yaml::Mapping::new().into());
        }
        Value::Number(_) => {
            replace("a text", Value::from("abc"));
            replace("a number in quotes", Value::from("7"));
            replace("a fraction", Value::from(1.5));
            replace("a whole float", Value::from(2.0));
            replace("a negative number", Value::from(-1));
            replace("a large number", Value::from(99_999_999_999_i64));
            replace("true", Value::Bool(true));
            replace("a list", Value::Sequence(Vec::new()));
        }
        Value::Bool(_) => {
            replace("true in quotes", Value::from("true"));
            replace("a number", Value::from(1));
        }
        Value::Null => replace("a text", Value::from("x")),
    }
    replace("null", Value::Null);
    changes.push(("removed", Change::Remove));
    changes
}

fn places(value: &Value, path: Path, visit: &mut impl FnMut(&Path, &Value)) {
    if path.is_root() {
        // The root itself can only get a field.
    } else {
        visit(&path, value);
    }
    match value {
        Value::Mapping(mapping) => {
            for (key, value) in mapping {
                places(value, path.child(key), visit);
            }
        }
        Value::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, path.child(index), visit);
            }
        }
        _ => {}
    }
}
