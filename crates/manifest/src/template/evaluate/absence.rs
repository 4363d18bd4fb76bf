//! What to say about a value that is not there: its path, what was meant, where that is set.
//!
//! May only describe. Whether a value may be absent is decided by who asked for it.

use narae_yaml::{Path, Value};

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
        if missing.hints.is_empty() {
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
