//! An edit either does exactly what it was asked to or is refused: the text it leaves reads as the value
//! that was meant, and reads back through every document.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_yaml::{Path, Segment, Value, edit};

fuzz_target!(|input: (u8, String, Vec<u8>, String)| {
    let (what, source, steps, new) = input;
    let Ok(mut values) = narae_yaml::read(&source) else {
        return;
    };
    let Some(value) = values.first_mut() else {
        return;
    };
    let path = walk(value, &steps);
    let edited = match what % 4 {
        0 => {
            let edited = edit::replace(&source, 0, &path, &new.as_str().into());
            *value.at_mut(&path).expect("it was found") = new.into();
            edited
        }
        1 => {
            let new = Value::from(vec![new]);
            let path = path.child(match value.at_mut(&path).expect("it was found") {
                Value::Mapping(mapping) => {
                    mapping.get_or_insert_with("new key", || new.clone());
                    Segment::from("new key")
                }
                Value::Sequence(items) => {
                    let index = usize::from(what / 4).min(items.len());
                    items.insert(index, new.clone());
                    Segment::from(index)
                }
                // Nothing at all may become a mapping.
                other => {
                    *other = narae_yaml::Mapping::from([("new key", new.clone())]).into();
                    Segment::from("new key")
                }
            });
            edit::insert(&source, 0, &path, &new)
        }
        2 => edit::set_comment(&source, 0, &path, &new),
        _ => {
            let edited = edit::remove(&source, 0, &path);
            let holder = path.parent().and_then(|parent| value.at_mut(&parent));
            match (holder, path.segments().last()) {
                (Some(Value::Mapping(mapping)), Some(Segment::Key(key))) => {
                    drop(mapping.remove(key))
                }
                (Some(Value::Sequence(items)), Some(Segment::Index(index))) => {
                    drop(items.remove(*index));
                }
                _ => {}
            }
            edited
        }
    };
    if let Ok(edited) = edited {
        let after = narae_yaml::read(&edited).expect("it was checked");
        // What an alias stands for may change with its anchor.
        assert!(
            source.contains('*') || after == values,
            "{source:?} -> {edited:?}"
        );
    }
});

/// Some place in `value`.
fn walk(value: &Value, steps: &[u8]) -> Path {
    let mut path = Path::root();
    for &step in steps {
        let here = value.at(&path).expect("it was found");
        let key = here.as_mapping().and_then(|m| m.keys().nth(step.into()));
        let index = here.get_index(step.into()).map(|_| usize::from(step));
        let Some(segment) = key.map(Segment::from).or(index.map(Segment::from)) else {
            break;
        };
        path.push(segment);
    }
    path
}
