//! The record of a whole SealedSecret, from comments and annotation.

use std::collections::BTreeMap;

use narae_yaml::{Mapping, Value};

use super::{ANNOTATION, Line, MAX_RECORD_BYTES, comment};

/// What is recorded of each item, by the name it stands under.
#[derive(Debug, Clone, Default)]
pub(in crate::sealed) struct Record {
    lines: BTreeMap<String, Line>,
    damaged: bool,
}

impl Record {
    /// Reads the annotation of a SealedSecret; what is not understood is not in it.
    pub(in crate::sealed) fn of(manifest: &Value) -> Self {
        fn annotation(metadata: Option<&Value>) -> Option<&str> {
            let text = metadata?.get("annotations")?.get(ANNOTATION)?.as_str()?;
            (text.len() <= MAX_RECORD_BYTES).then_some(text)
        }
        let template = manifest.get("spec").and_then(|spec| spec.get("template"));
        let text = annotation(manifest.get("metadata"))
            .or_else(|| annotation(template.and_then(|template| template.get("metadata"))))
            .unwrap_or_default();
        let mut record = Self::default();
        for line in text.lines().map(Line::parse) {
            let again = line.map(|line| record.lines.insert(line.item.clone(), line));
            record.damaged |= !matches!(again, Some(None));
        }
        record
    }

    /// Reads the comment behind the item `name`, which counts more than the annotation. Whether it said anything.
    pub(in crate::sealed) fn read_comment(&mut self, name: &str, comment: &str) -> bool {
        match comment::read(comment) {
            None => return false,
            Some(Err(())) => {
                self.damaged = true;
                self.lines.remove(name);
            }
            Some(Ok(line)) => {
                self.lines.insert(name.to_owned(), line);
            }
        }
        true
    }

    pub(in crate::sealed) fn get(&self, item: &str) -> Option<&Line> {
        self.lines.get(item)
    }

    /// What is recorded of each item, by the name it stands under.
    pub(in crate::sealed) fn lines(&self) -> impl Iterator<Item = (&str, &Line)> {
        self.lines.iter().map(|(name, line)| (name.as_str(), line))
    }

    /// Whether it has lines that cannot be read, or two for one item.
    pub(in crate::sealed) fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// Records an item, unless something in `line` could not be read again.
    pub(in crate::sealed) fn insert(&mut self, line: Line) {
        let written = comment::with("", Some(&line));
        if comment::read(&written).is_some_and(|read| read.as_ref() == Ok(&line)) {
            self.lines.insert(line.item.clone(), line);
        }
    }

    /// The annotation's value, however large; empty if there is nothing to record.
    pub(in crate::sealed) fn to_text(&self) -> String {
        // In the annotation a record cannot stand under another name than its own.
        let own = self.lines.iter().filter(|(name, line)| line.item == **name);
        own.map(|(_, line)| format!("{line}\n")).collect()
    }

    /// Makes this the annotation of a SealedSecret; it has none if there is nothing to record or too much.
    pub(in crate::sealed) fn annotate(&self, manifest: &mut Value) {
        let Some(metadata) = manifest.get_mut("metadata").and_then(Value::as_mapping_mut) else {
            return;
        };
        let text = self.to_text();
        let is_written = !text.is_empty() && text.len() <= MAX_RECORD_BYTES;
        if is_written {
            let annotations = metadata.get_or_insert_with("annotations", || Mapping::new().into());
            if annotations.is_null() {
                *annotations = Mapping::new().into();
            }
        }
        let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(Value::as_mapping_mut)
        else {
            return;
        };
        if is_written {
            annotations.insert(ANNOTATION, text);
        } else if annotations.remove(ANNOTATION).is_some() && annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
}
