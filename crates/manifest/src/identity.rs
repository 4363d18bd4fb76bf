//! What tells values apart: everything in them but the order in which keys were written.

use std::borrow::Cow;

use narae_yaml::Value;

/// A text that two values share when they are equal, and only then. O(value), sorting keys included.
pub(crate) fn identity(value: &Value) -> String {
    let sorted = match value {
        Value::Sequence(_) | Value::Mapping(_) => {
            let mut sorted = value.clone();
            sort(&mut sorted);
            Cow::Owned(sorted)
        }
        _ => Cow::Borrowed(value),
    };
    narae_yaml::write(&sorted)
}

fn sort(value: &mut Value) {
    match value {
        Value::Mapping(entries) => {
            entries.sort_keys();
            entries.values_mut().for_each(sort);
        }
        Value::Sequence(items) => items.iter_mut().for_each(sort),
        _ => {}
    }
}
