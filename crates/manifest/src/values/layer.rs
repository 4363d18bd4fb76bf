use std::sync::Arc;

use narae_yaml::{Document, Path, Reader, Segment, Value};

use super::tree::{Data, Tree};
use crate::error::{Error, ErrorKind};
use crate::origin::Origin;

/// One layer of values: a file, or a single assignment.
#[derive(Clone, Debug)]
pub struct Layer {
    source: Arc<str>,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    Tree(Tree),
    Assignment { path: Path, value: Value },
}

impl Layer {
    /// Reads a values file: one YAML mapping. An empty file is an empty layer.
    ///
    /// `name` is what errors and origins call it, usually its path.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Syntax`] when the text is not one YAML document, and
    /// [`ErrorKind::WrongType`] when that document is not a mapping.
    pub fn read(name: &str, text: &str) -> Result<Self, Error> {
        let document = Reader::new().named(name).read_one(text)?;
        Self::from_document(name, &document)
    }

    /// A single value at a path, as a command line gives it.
    ///
    /// `source` is what origins call it, for instance `--image`. Mappings on the way are made when
    /// they do not exist, a mapping merges into one that does, and `null` deletes, as in any
    /// layer. An index addresses an element that the list has when the assignment is merged.
    #[must_use]
    pub fn assignment(source: &str, path: &Path, value: Value) -> Self {
        let change = Change::Assignment {
            path: path.clone(),
            value,
        };
        Self {
            source: source.into(),
            change,
        }
    }

    /// The name it was given.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    fn from_document(name: &str, document: &Document) -> Result<Self, Error> {
        let source: Arc<str> = name.into();
        let root = &document.root;
        let tree = Tree::from_node(root, &source);
        let tree = match tree.data {
            Data::Map(_) => tree,
            Data::Deleted => Tree::empty(),
            _ => {
                let origin = Origin::at(source, root.span.start);
                let found = root.kind();
                let message = format!("a values file must be one mapping, found {found}");
                return Err(Error::new(ErrorKind::WrongType, message).at(origin));
            }
        };
        Ok(Self {
            source,
            change: Change::Tree(tree),
        })
    }

    pub(super) fn merge_into(self, merged: &mut Tree) -> Result<(), Error> {
        match self.change {
            Change::Tree(tree) => merged.merge(tree, &mut Vec::new()),
            Change::Assignment { path, value } => {
                let origin = Origin::named(self.source);
                assign(merged, &path, value, &origin)
            }
        }
    }
}

/// Walks to the place an assignment addresses, making the mappings it needs, and merges there.
fn assign(merged: &mut Tree, path: &Path, value: Value, origin: &Origin) -> Result<(), Error> {
    let segments = path.segments();
    let deletes_element = value.is_null() && matches!(segments.last(), Some(Segment::Index(_)));
    if deletes_element {
        return Err(conflict("null deletes a key, not an element", path, origin));
    }
    let mut at = merged;
    for (depth, segment) in segments.iter().enumerate() {
        let walked: Path = segments.iter().take(depth).cloned().collect();
        let (kind, length, place) = (at.kind(), at.list_len(), at.origin.clone());
        let next = match segment {
            Segment::Key(key) => at.entry(key, origin),
            Segment::Index(index) => at.element(*index),
        };
        at = next.ok_or_else(|| match (segment, length) {
            (Segment::Index(_), Some(length)) => {
                conflict(format!("`{walked}` has length {length}"), path, origin)
            }
            (Segment::Key(key), _) => {
                let message = format!("`{walked}` has no key `{key}`: it is {kind} in {place}");
                conflict(message, path, origin)
            }
            (Segment::Index(index), None) => {
                let message = format!("`{walked}` has no element {index}: it is {kind} in {place}");
                conflict(message, path, origin)
            }
        })?;
    }
    at.merge(Tree::from_value(value, origin), &mut segments.to_vec())
}

fn conflict(message: impl Into<String>, path: &Path, origin: &Origin) -> Error {
    let message = format!("cannot assign `{path}`: {}", message.into());
    Error::new(ErrorKind::Conflict, message)
        .at(origin.clone())
        .about(path.clone())
}
