//! Values that reach an object as another text than their file shows.
//!
//! `tag: 0123456` is the number 42798 and `yes` is `true`, as in every tool that reads YAML 1.1. Where
//! a template makes a number or boolean of them that is what was meant; where it makes a text, hardly.
//! May only look at where tokens ended up.

use std::collections::BTreeSet;

use narae_yaml::{Path, Value};

use super::rendering::Rendering;
use crate::origin::Origin;
use crate::values::ValueId;

/// A number or boolean that became part of a text and reads there otherwise than it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Respelled {
    /// Its path in the values.
    pub value: Path,
    /// Where it is written.
    pub origin: Origin,
    /// Which of the objects it is part of, the first of them.
    pub object: usize,
    /// The field of that object.
    pub field: Path,
    /// The place in the template.
    pub template: Origin,
}

impl Rendering {
    /// The numbers and booleans that are not written as they read, such as `0123`, `1.10` or `yes`, and
    /// that became a text or a part of one; each once, with the first field it is in.
    ///
    /// O(nodes of all objects) where there are such values, otherwise O(values).
    #[must_use]
    pub fn respelled(&self) -> Vec<Respelled> {
        let index = &self.usage.index;
        let mut wanted: BTreeSet<ValueId> = index.respelled().collect();
        let mut found = Vec::new();
        for (number, object) in self.objects.iter().enumerate() {
            if wanted.is_empty() {
                break;
            }
            object.fields_of(0, &Path::root(), |used| {
                let is_text = || matches!(object.value.at(&used.field), Some(Value::String(_)));
                if !used.is_name && !is_text() {
                    return;
                }
                let inside = wanted.range(used.id..index.end(used.id));
                for id in inside.copied().collect::<Vec<_>>() {
                    wanted.remove(&id);
                    found.extend(index.record(id).map(|record| Respelled {
                        value: index.path(id),
                        origin: record.origin.clone(),
                        object: number,
                        field: used.field.clone(),
                        template: used.template.clone(),
                    }));
                }
            });
        }
        found
    }
}
