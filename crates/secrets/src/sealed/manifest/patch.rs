//! Changes to a file's text that keep every other byte.
//!
//! A patch replaces the text of single scalars where they stand, in the quotes they had, and comments behind them, all in one
//! pass; then the result is read again and compared with what it should say, so that a patch either
//! changed exactly what it names or is refused. (narae-yaml edits one scalar at a time, reading the
//! file twice for each, and leaves block scalars alone; a file may hold a thousand items.)

use std::ops::Range;

use narae_yaml::edit::{self, EditError};
use narae_yaml::{Document, Mapping, Node, Path, Reader, ScalarStyle, Segment, Value};
use thiserror::Error;

use super::{SealedFile, SealedManifest, comment};
use crate::sealed::provenance::{ANNOTATION, Line, in_comment};

/// Why a place of a file cannot be changed without changing others. Nothing is changed then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PatchError {
    /// The place is an alias, comes from a merge key, or is an anchor others refer to.
    #[error("{place}: shared with other places by anchor and alias; write it out once")]
    Shared {
        /// `file:line:column`.
        place: String,
    },
    /// The scalar's style cannot be kept.
    #[error("{place}: cannot be edited as it is written; write it on one line, plain or in quotes")]
    Style {
        /// `file:line:column`.
        place: String,
    },
    /// The result would not read as intended.
    #[error("{file}: the edit would change something else; edit by hand")]
    Unsafe {
        /// The file.
        file: String,
    },
}

/// Replacements in one file, to be made at once.
pub(in crate::sealed) struct Patch<'a> {
    file: &'a SealedFile,
    splices: Vec<(Range<usize>, String)>,
    expected: Vec<Value>,
    /// Annotations that are empty now, or begin to be there; each with its document.
    annotations: Vec<(usize, Path, Option<String>)>,
}

impl<'a> Patch<'a> {
    pub(in crate::sealed) fn new(file: &'a SealedFile) -> Self {
        Self {
            file,
            splices: Vec::new(),
            expected: file.documents().iter().map(Document::to_value).collect(),
            annotations: Vec::new(),
        }
    }

    pub(in crate::sealed) fn is_empty(&self) -> bool {
        self.splices.is_empty() && self.annotations.is_empty()
    }

    /// Another ciphertext for the item `name`. Base64 needs no quotes and no escapes in any style.
    pub(in crate::sealed) fn set_item(
        &mut self,
        secret: &SealedManifest,
        name: &str,
        base64: &str,
    ) -> Result<(), PatchError> {
        let path = path_of(secret, ["spec", "encryptedData", name]);
        let node = self.own_node(secret, &path)?;
        let style = || PatchError::Style {
            place: secret.place(node.position()),
        };
        let scalar = node.as_scalar().ok_or_else(style)?;
        let mut range = node.span.range();
        let written = self.file.text.get(range.clone()).ok_or_else(style)?;
        let mut value = base64.to_owned();
        let text = match scalar.style() {
            ScalarStyle::Plain if !written.is_empty() => base64.to_owned(),
            ScalarStyle::SingleQuoted => format!("'{base64}'"),
            ScalarStyle::DoubleQuoted => format!("\"{base64}\""),
            ScalarStyle::Literal if !written.trim_end().is_empty() => {
                // What follows its last line decides how many line breaks it ends with.
                range.end = range.start + written.trim_end().len();
                let old = scalar.text();
                value.push_str(old.get(old.trim_end().len()..).unwrap_or_default());
                base64.to_owned()
            }
            _ => return Err(style()),
        };
        self.splices.push((range, text));
        self.expect(secret.document, &path, Value::String(value));
        Ok(())
    }

    /// Other records, or none, for the items named: behind the item as a comment, else in the annotation. In a style nobody
    /// writes an annotation in, nothing happens: the items are sealed anew once more, which is right if not small.
    pub(in crate::sealed) fn set_record<'l>(
        &mut self,
        secret: &SealedManifest,
        records: impl IntoIterator<Item = (&'l str, Option<&'l Line>)>,
    ) -> Result<(), PatchError> {
        let items = secret.spec("encryptedData");
        let mut lines = Vec::new();
        for (name, record) in records {
            let entry = items.and_then(|items| items.entry(name));
            let place = items.zip(entry);
            let place = place.and_then(|(items, entry)| comment(&self.file.text, items, entry));
            let behind = place.and_then(|place| {
                let new = in_comment(place.text(), record);
                Some((place.text() != new, place.replacement(&new)?))
            });
            if let Some((true, replacement)) = &behind {
                self.splices.push(replacement.clone());
            }
            // What is said in the comment need not be said twice.
            lines.push((name, record.filter(|_| behind.is_none())));
        }
        self.set_annotation(secret, lines)
    }

    fn set_annotation(
        &mut self,
        secret: &SealedManifest,
        records: Vec<(&str, Option<&Line>)>,
    ) -> Result<(), PatchError> {
        let Some(path) = record_path(secret) else {
            let lines = records.into_iter().filter_map(|(_, record)| record);
            let text: String = lines.map(|line| format!("{line}\n")).collect();
            if !text.is_empty() {
                let path = path_of(secret, ["metadata", "annotations", ANNOTATION]);
                self.annotations.push((secret.document, path, Some(text)));
            }
            return Ok(());
        };
        let node = self.own_node(secret, &path)?;
        let Some(scalar) = node.as_scalar() else {
            return Ok(());
        };
        let old: Vec<&str> = scalar.text().lines().collect();
        let mut new: Vec<String> = old.iter().map(|line| (*line).to_owned()).collect();
        for (item, record) in records {
            let found = new.iter().position(|line| item_of(line) == item);
            let at = found.unwrap_or_else(|| new.partition_point(|line| item_of(line) < item));
            if found.is_some() {
                new.remove(at);
            }
            if let Some(line) = record {
                new.insert(at, line.to_string());
            }
        }
        if new == old {
            return Ok(());
        }
        if new.is_empty() {
            // With its last annotation the mapping goes, too.
            let holder = path.parent().filter(|holder| {
                let holder = self
                    .own_node(secret, holder)
                    .ok()
                    .and_then(Node::as_mapping);
                holder.is_some_and(|annotations| annotations.len() == 1)
            });
            let gone = holder.unwrap_or(path);
            self.annotations.push((secret.document, gone, None));
            return Ok(());
        }
        let range = node.span.range();
        let written = self.file.text.get(range.clone()).unwrap_or_default();
        let end = scalar.text().trim_end().len();
        let end = scalar.text().get(end..).unwrap_or_default();
        let value = new.join("\n") + end;
        let text = match scalar.style() {
            ScalarStyle::Literal => {
                let line_break = if written.contains("\r\n") {
                    "\r\n"
                } else {
                    "\n"
                };
                let indent = " ".repeat(node.position().column.saturating_sub(1));
                let after = written.get(written.trim_end().len()..).unwrap_or_default();
                new.join(&format!("{line_break}{indent}")) + after
            }
            ScalarStyle::DoubleQuoted => serde_json::Value::from(value.as_str()).to_string(),
            _ => return Ok(()),
        };
        self.splices.push((range, text));
        self.expect(secret.document, &path, Value::String(value));
        Ok(())
    }

    /// The patched text, if it says what it should.
    pub(in crate::sealed) fn apply(mut self) -> Result<String, PatchError> {
        let unsafe_here = || PatchError::Unsafe {
            file: self.file.name.clone(),
        };
        self.splices.sort_by_key(|(range, _)| range.start);
        let mut text = String::with_capacity(self.file.text.len() + 64);
        let mut done = 0;
        for (range, new) in &self.splices {
            text.push_str(
                self.file
                    .text
                    .get(done..range.start)
                    .ok_or_else(unsafe_here)?,
            );
            text.push_str(new);
            done = range.end;
        }
        text.push_str(self.file.text.get(done..).ok_or_else(unsafe_here)?);
        let read = Reader::new().read(&text).map_err(|_| unsafe_here())?;
        if read
            .iter()
            .map(Document::to_value)
            .eq(self.expected.iter().cloned())
        {
            Ok(self.annotated(text))
        } else {
            Err(unsafe_here())
        }
    }

    /// The text with whole annotations added and removed, as far as that can be done there.
    fn annotated(&self, mut text: String) -> String {
        for (document, path, new) in &self.annotations {
            let edited = match new {
                Some(new) => put(&text, *document, path, &new.as_str().into()),
                None => edit::remove(&text, *document, path),
            };
            text = edited.unwrap_or(text);
        }
        text
    }

    /// The node at `path`, if an edit there changes no other place.
    fn own_node(&self, secret: &SealedManifest, path: &Path) -> Result<&'a Node, PatchError> {
        let root = self.file.documents().get(secret.document);
        let shared = |position| PatchError::Shared {
            place: secret.place(position),
        };
        let mut node = &root.ok_or_else(|| shared(secret.position()))?.root;
        for segment in path.segments() {
            let next = match segment {
                Segment::Key(key) => match node.entry(key) {
                    Some(entry) if entry.merged => return Err(shared(entry.key.position())),
                    entry => entry.map(|entry| &entry.value),
                },
                Segment::Index(index) => node.as_sequence().and_then(|items| items.get(*index)),
            };
            node = next.ok_or_else(|| shared(node.position()))?;
            if node.alias.is_some() {
                return Err(shared(node.position()));
            }
        }
        Ok(node)
    }

    fn expect(&mut self, document: usize, path: &Path, value: Value) {
        let place = self.expected.get_mut(document);
        if let Some(place) = place.and_then(|document| document.at_mut(path)) {
            *place = value;
        }
    }
}

pub(in crate::sealed) fn path_of<'k>(
    secret: &SealedManifest,
    keys: impl IntoIterator<Item = &'k str>,
) -> Path {
    let mut path = secret.path.clone();
    path.extend(keys);
    path
}

/// Where the record stands, if there is one.
fn record_path(secret: &SealedManifest) -> Option<Path> {
    let places: [&[&str]; 2] = [
        &["metadata", "annotations", ANNOTATION],
        &["spec", "template", "metadata", "annotations", ANNOTATION],
    ];
    let place = places.into_iter().find(|place| {
        let relative: Path = place.iter().copied().collect();
        secret.node.at(&relative).is_some()
    })?;
    Some(path_of(secret, place.iter().copied()))
}

/// Sets what stands at `path`, or adds it with whatever must hold it.
pub(in crate::sealed) fn put(
    text: &str,
    document: usize,
    path: &Path,
    value: &Value,
) -> Result<String, EditError> {
    let missing = match edit::replace(text, document, path, value) {
        Err(EditError::NotFound { path }) => path,
        done => return done,
    };
    let inner = path.segments().get(missing.segments().len()..);
    let mut value = value.clone();
    for segment in inner.unwrap_or_default().iter().rev() {
        if let Segment::Key(key) = segment {
            value = Value::Mapping(Mapping::from_iter([(key.clone(), value)]));
        }
    }
    edit::insert(text, document, &missing, &value)
}

/// The item a record line is about.
fn item_of(line: &str) -> &str {
    line.split_once(' ').map_or(line, |(item, _)| item)
}
