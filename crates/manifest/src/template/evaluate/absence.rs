//! What to say about a value that is not there: its path, what was meant, where that is set.
//!
//! May only describe. Whether a value may be absent is decided by who asked for it.

use narae_yaml::{Mapping, Path, Value};

use super::Evaluator;
use crate::error::{Error, ErrorKind};
use crate::suggestion::nearest;
use crate::template::scope::Found;
use crate::template::syntax::{Expression, Form};

/// A value that is not there.
#[derive(Debug)]
pub(super) struct Missing {
    /// Its path, when it would be part of the values.
    pub(super) path: Option<Path>,
    hints: Vec<String>,
}

impl Evaluator<'_> {
    /// What to say about a key that `container` does not have.
    pub(super) fn absence(&self, container: &Found<'_>, segment: &str, text: &str) -> Missing {
        let index = self.values.index();
        let known = container
            .sources()
            .next()
            .filter(|_| container.value().as_mapping().is_some());
        let id = known.and_then(|address| self.by_address.get(&address).copied());
        let path = id.map(|id| index.path(id));
        let mut hints = Vec::new();
        let deleted = path
            .as_ref()
            .and_then(|path| index.deleted(&path.child(segment)));
        if let Some(record) = deleted {
            hints.push(format!("it is deleted by `null` at {}", record.origin));
        }
        match container.value() {
            Value::Mapping(map) => {
                if let Some(name) = nearest(segment, map.keys()) {
                    let meant = match (text.strip_suffix(segment), text.strip_prefix(segment)) {
                        (Some(before), _) => format!("{before}{name}"),
                        (None, Some(behind)) => format!("{name}{behind}"),
                        (None, None) => name.to_owned(),
                    };
                    let mut hint = format!("did you mean `{meant}`");
                    let near = path
                        .as_ref()
                        .and_then(|path| self.values.origin(&path.child(name)));
                    if let Some(origin) = near {
                        hint.push_str(&format!(" ({origin})"));
                    }
                    hints.push(hint);
                } else if id != Some(0) && self.values.as_value().get(segment).is_some() {
                    hints.push(format!(
                        "from the top of the values it is `@root.{segment}`"
                    ));
                } else if let Some(path) = &path {
                    hints.extend(self.contents(path, map));
                }
            }
            Value::Sequence(list) => hints.push(format!("the sequence's length is {}", list.len())),
            other => {
                hints.push(format!(
                    "what stands before `{segment}` is {}",
                    other.kind()
                ));
                if self.values.as_value().get(segment).is_some() {
                    hints.push(format!(
                        "from the top of the values it is `@root.{segment}`"
                    ));
                }
            }
        }
        Missing {
            path: path.map(|path| path.child(segment)),
            hints,
        }
    }

    /// What a mapping has instead, and where it begins.
    fn contents(&self, path: &Path, map: &Mapping) -> Option<String> {
        const MAX_KEYS: usize = 8;
        let mut keys: Vec<String> = map
            .keys()
            .take(MAX_KEYS)
            .map(|key| format!("`{key}`"))
            .collect();
        if map.len() > MAX_KEYS {
            keys.push("…".to_owned());
        }
        let origin = self.values.origin(path).filter(|_| !path.is_root());
        let place = match origin {
            Some(origin) => format!("`{path}` ({origin}) has"),
            None => "at the top of the values are".to_owned(),
        };
        (!keys.is_empty()).then(|| format!("{place} {}", keys.join(", ")))
    }

    pub(super) fn missing(&self, expression: &Expression, missing: &Missing) -> Error {
        let name = match (&expression.form, &missing.path) {
            (Form::Reference(reference), _) => reference.text.clone(),
            (_, Some(path)) => path.to_string(),
            _ => "this value".to_owned(),
        };
        let mut message = format!("value `{name}` is not set");
        if let Some(path) = &missing.path
            && path.to_string() != name
        {
            message.push_str(&format!(" (`{path}` in the values)"));
        }
        let mut error = self.error(ErrorKind::MissingValue, message, expression.at);
        for hint in &missing.hints {
            error = error.note(hint);
        }
        let is_named = |hint: &String| hint.starts_with("did you") || hint.starts_with("from");
        if !missing.hints.iter().any(is_named) {
            error = error.note(
                "set it in a layer, or allow it to be absent: `(default …)`, `#if (defined …)`",
            );
        }
        match &missing.path {
            Some(path) => error.about(path.clone()),
            None => error,
        }
    }
}
