//! One layer of values, read but not yet merged. No I/O: the caller brings the text.

use std::sync::Arc;

use narae_yaml::{Document, Path, Reader, Segment, Value};

use super::assignment::{self, Assignment, MAX_SEGMENTS, Typing};
use super::tree::{Data, Tree};
use crate::error::{Error, ErrorKind};
use crate::origin::Origin;

/// One layer of values: a file, or assignments.
#[derive(Clone, Debug)]
pub struct Layer {
    source: Arc<str>,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    Tree(Tree),
    Assignments(Vec<Assignment>),
}

impl Layer {
    /// Reads a values file: one YAML mapping. An empty file is an empty layer.
    ///
    /// `name` is what errors and origins call it, usually its path.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Syntax`] when the text is not one YAML document; [`ErrorKind::WrongType`] when
    /// that document is not a mapping, or an element of a `!merge:KEY` list has no such key;
    /// [`ErrorKind::Conflict`] when two have the same; [`ErrorKind::Unsupported`] for a tag that
    /// has no meaning where it stands.
    pub fn read(name: &str, text: &str) -> Result<Self, Error> {
        let document = Reader::new().named(name).read_one(text)?;
        Self::from_document(name, document)
    }

    /// A single value at a path, as a program gives it.
    ///
    /// `source` is what origins call it, for instance `--image`. Mappings on the way are made when
    /// they do not exist, a mapping merges into one that does, and `null` deletes, as in any
    /// layer. An index addresses an element that the list has when the assignment is merged, or
    /// the one behind its last.
    #[must_use]
    pub fn assignment(source: &str, path: &Path, value: Value) -> Self {
        let assignment = Assignment {
            path: path.clone(),
            value,
            origin: Origin::named(source.into()),
        };
        Self {
            source: source.into(),
            change: Change::Assignments(vec![assignment]),
        }
    }

    /// Assignments as a command line gives them, typed as Helm's `--set` types them:
    /// `image.tag=v2,ports[0].port=8080,hosts={a,b},debug=null`.
    ///
    /// `true`, `false`, `null` and integers that do not begin with 0 are what they look like, all
    /// else is a string. `\` takes the character behind it as it is: `a\.b=x\,y`. Each value's
    /// origin is `source` and its key, for instance `--set image.tag`. What a key leads to is as
    /// for [`assignment`](Self::assignment).
    ///
    /// ```
    /// use narae_manifest::{Layer, Values};
    ///
    /// let layers = [
    ///     Layer::read("base.yaml", "image: {name: shop, tag: v1}\nports: [{port: 80}]\n")?,
    ///     Layer::set("--set", r"image.tag=v2,ports[0].port=8080,labels.app\.kubernetes\.io/name=shop")?,
    ///     Layer::set_string("--set-string", "version=1")?,
    /// ];
    /// let values = Values::merge(layers)?;
    /// assert_eq!(
    ///     narae_yaml::write(values.as_value()),
    ///     "image:\n  name: shop\n  tag: v2\nports:\n- port: 8080\nlabels:\n  app.kubernetes.io/name: shop\nversion: \"1\"\n"
    /// );
    /// assert_eq!(values.origin(&"image.tag".parse()?).unwrap().to_string(), "--set image.tag");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Syntax`] with the column; [`ErrorKind::Limit`] when a key has too many steps.
    pub fn set(source: &str, assignments: &str) -> Result<Self, Error> {
        Self::from_assignments(source, assignments, Typing::Guessed)
    }

    /// As [`set`](Self::set), but every value is a string, as with Helm's `--set-string`.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn set_string(source: &str, assignments: &str) -> Result<Self, Error> {
        Self::from_assignments(source, assignments, Typing::Strings)
    }

    /// The name it was given.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    fn from_assignments(source: &str, text: &str, typing: Typing) -> Result<Self, Error> {
        Ok(Self {
            source: source.into(),
            change: Change::Assignments(assignment::parse(source, text, typing)?),
        })
    }

    fn from_document(name: &str, document: Document) -> Result<Self, Error> {
        let source: Arc<str> = name.into();
        let root = document.root;
        let (place, found) = (root.span.start, root.kind());
        let tree = Tree::from_node(root, &source)?;
        let tree = match tree.data {
            Data::Map(_) => tree,
            Data::Deleted => Tree::empty(),
            _ => {
                let origin = Origin::at(source, place);
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
            Change::Assignments(assignments) => {
                // An index counts the elements that the merged list shows.
                merged.drop_removed();
                for Assignment {
                    path,
                    value,
                    origin,
                } in assignments
                {
                    assign(merged, &path, value, &origin)?;
                }
                Ok(())
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
    if segments.len() > MAX_SEGMENTS {
        let message = format!("a path has at most {MAX_SEGMENTS} steps");
        return Err(Error::new(ErrorKind::Limit, message).at(origin.clone()));
    }
    let mut at = merged;
    for (depth, segment) in segments.iter().enumerate() {
        let walked: Path = segments.iter().take(depth).cloned().collect();
        let (kind, length, place) = (at.kind(), at.list_len(), at.origin.clone());
        let next = match segment {
            Segment::Key(key) => at.entry(key, origin),
            Segment::Index(index) => at.element(*index, origin),
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
