//! SealedSecrets as they stand in a file: read with their places, never written anew.
//!
//! A file is YAML or JSON, one document or several, each an object or a `List`. What is no SealedSecret
//! is passed over. The template is opaque here: kept as read, `null` included, and never evaluated.

mod patch;

use narae_yaml::edit::Comment;
use narae_yaml::{Document, Entry, Error, Node, Path, Position, Reader, Value};

pub use self::patch::PatchError;
pub(super) use self::patch::{Patch, path_of, put};
use super::item::ItemError;
use super::provenance::{Record, Recorded};
use super::{Label, LabelError, Scope, SealedItem};

const API_VERSION: &str = "bitnami.com/v1alpha1";

/// A file's text, and the SealedSecrets in it.
#[derive(Debug)]
pub struct SealedFile {
    name: String,
    text: String,
    documents: Vec<Document>,
    secrets: Vec<SealedManifest>,
}

/// One SealedSecret of a file.
#[derive(Debug)]
pub struct SealedManifest {
    file: String,
    /// Which document of the file, from 0, and where in it.
    pub(super) document: usize,
    pub(super) path: Path,
    pub(super) node: Node,
    value: Value,
    record: Record,
}

/// One entry of `encryptedData`.
#[derive(Debug, Clone, Copy)]
pub struct ManifestItem<'a> {
    name: &'a str,
    pub(super) node: &'a Node,
}

impl SealedFile {
    /// Reads `text`, which `name` (a path, as people would type it) is the source of.
    ///
    /// # Errors
    ///
    /// What cannot be read as Kubernetes reads it, with its place; duplicate keys are such a thing.
    pub fn read(name: impl Into<String>, text: impl Into<String>) -> Result<Self, Error> {
        let (name, text) = (name.into(), text.into());
        let documents = Reader::new().named(name.as_str()).read(&text)?;
        Ok(Self::of(name, text, documents))
    }

    /// Reads bytes that should be UTF-8.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and at the first byte that is not UTF-8.
    pub fn read_bytes(name: impl Into<String>, bytes: &[u8]) -> Result<Self, Error> {
        let name = name.into();
        let documents = Reader::new().named(name.as_str()).read_bytes(bytes)?;
        // The reader has just found it to be UTF-8.
        let text = String::from_utf8_lossy(bytes).into_owned();
        Ok(Self::of(name, text, documents))
    }

    fn of(name: String, text: String, documents: Vec<Document>) -> Self {
        let mut secrets = Vec::new();
        for (document, Document { root, .. }) in documents.iter().enumerate() {
            let mut found = |path: Path, node: &Node| {
                if is_sealed_secret(node) {
                    let (value, record) = recorded(&text, node);
                    secrets.push(SealedManifest {
                        file: name.clone(),
                        document,
                        path,
                        node: node.clone(),
                        value,
                        record,
                    });
                }
            };
            found(Path::root(), root);
            let items = listed(root).unwrap_or_default();
            for (index, item) in items.iter().enumerate() {
                found(Path::root().child("items").child(index), item);
            }
        }
        Self {
            name,
            text,
            documents,
            secrets,
        }
    }

    /// What the text is called in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text as it was read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// The SealedSecrets, in the order they stand.
    #[must_use]
    pub fn secrets(&self) -> &[SealedManifest] {
        &self.secrets
    }

    pub(super) fn documents(&self) -> &[Document] {
        &self.documents
    }
}

impl SealedManifest {
    /// `metadata.name`; empty if there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.metadata_text("name")
    }

    /// `metadata.namespace`; empty if there is none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.metadata_text("namespace")
    }

    /// The scope its items must have been sealed for: what `metadata.annotations` say, as the
    /// controller takes it. The template's annotations have no say.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope::from_metadata(self.value.get("metadata"))
    }

    /// What its items must be bound to.
    ///
    /// # Errors
    ///
    /// [`LabelError`] when name or namespace do not fit the scope.
    pub fn label(&self) -> Result<Label, LabelError> {
        Label::new(self.scope(), self.namespace(), self.name())
    }

    /// Its items, in the order they stand.
    pub fn items(&self) -> impl Iterator<Item = ManifestItem<'_>> {
        let items = self.spec("encryptedData").and_then(Node::as_mapping);
        items.unwrap_or_default().iter().map(|entry| ManifestItem {
            name: entry.name(),
            node: &entry.value,
        })
    }

    /// The item of this name.
    #[must_use]
    pub fn item(&self, name: &str) -> Option<ManifestItem<'_>> {
        self.items().find(|item| item.name == name)
    }

    /// The V1 form's one blob, `spec.data`: a whole Secret as JSON, sealed as one item. Deprecated.
    #[must_use]
    pub fn v1_data(&self) -> Option<ManifestItem<'_>> {
        let node = self.spec("data")?;
        let empty = matches!(node.to_value(), Value::Null) || node.as_str() == Some("");
        (!empty).then_some(ManifestItem { name: "data", node })
    }

    /// `spec.template` as it stands.
    #[must_use]
    pub fn template(&self) -> Option<&Value> {
        self.value.get("spec")?.get("template")
    }

    /// The whole object as it stands, the [record](super::provenance) in its annotation wherever it stood, as
    /// [`SealRequest::with_previous`](super::SealRequest::with_previous) takes it.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Where it begins.
    #[must_use]
    pub fn position(&self) -> Position {
        self.node.position()
    }

    /// `file:line:column` of a place in its file.
    #[must_use]
    pub fn place(&self, position: Position) -> String {
        if self.file.is_empty() {
            position.to_string()
        } else {
            format!("{}:{position}", self.file)
        }
    }

    /// `namespace/name` for people; `-` for a part that is missing.
    #[must_use]
    pub fn title(&self) -> String {
        let or_dash = |text: &str| if text.is_empty() { "-" } else { text }.to_owned();
        format!("{}/{}", or_dash(self.namespace()), or_dash(self.name()))
    }

    /// What the record says of the item of this name, if it speaks of it.
    #[must_use]
    pub fn recorded(&self, item: &str) -> Option<Recorded> {
        self.record.get(item).map(Recorded::from)
    }

    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    pub(super) fn spec(&self, field: &str) -> Option<&Node> {
        self.node.get("spec")?.get(field)
    }

    fn metadata_text(&self, field: &str) -> &str {
        let metadata = self.value.get("metadata");
        metadata
            .and_then(|metadata| metadata.get(field))
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

impl<'a> ManifestItem<'a> {
    /// Its key.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Its text as it stands, if it is text.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        self.node.as_str()
    }

    /// Where the text begins.
    #[must_use]
    pub fn position(&self) -> Position {
        self.node.position()
    }

    /// The item, read as leniently as the controller does.
    ///
    /// # Errors
    ///
    /// [`ItemError`].
    pub fn parse(&self) -> Result<SealedItem, ItemError> {
        SealedItem::from_base64(self.text().ok_or(ItemError::NotText {
            kind: self.node.kind(),
        })?)
    }
}

fn is_sealed_secret(node: &Node) -> bool {
    let is = |field, expected| node.get(field).and_then(Node::as_str) == Some(expected);
    is("kind", "SealedSecret") && is("apiVersion", API_VERSION)
}

/// The object, and what its annotation and the comments behind its items record.
fn recorded(text: &str, node: &Node) -> (Value, Record) {
    let mut value = node.to_value();
    let mut record = Record::of(&value);
    let items = node.get("spec").and_then(|spec| spec.get("encryptedData"));
    let mut is_said = false;
    for item in items.and_then(Node::as_mapping).unwrap_or_default() {
        if let Some(comment) = items.and_then(|items| comment(text, items, item)) {
            is_said |= record.read_comment(item.name(), comment.text());
        }
    }
    if is_said {
        record.annotate(&mut value);
    }
    (value, record)
}

/// The comment behind an item; `None` where there can be none. In braces there could be, and JSON would not be JSON any more.
fn comment<'t>(text: &'t str, items: &Node, item: &Entry) -> Option<Comment<'t>> {
    let in_braces = text.get(items.span.range())?.starts_with('{');
    let is_shared = item.merged || item.value.alias.is_some();
    if in_braces || is_shared {
        return None;
    }
    Comment::behind(text, &item.value)
}

/// What a `List` holds.
fn listed(node: &Node) -> Option<&[Node]> {
    let kind = node.get("kind")?.as_str()?;
    if kind.ends_with("List") {
        node.get("items")?.as_sequence()
    } else {
        None
    }
}
