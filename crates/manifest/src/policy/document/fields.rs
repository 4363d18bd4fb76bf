//! A mapping of a policy file, read field by field with the place of each.
//!
//! May refuse what is unknown or of the wrong type; knows no field by name.

use std::sync::Arc;

use narae_yaml::{Entry, Node, NodeData, Value};

use crate::error::{Error, ErrorKind};
use crate::expression::{Expression, Subject};
use crate::origin::Origin;
use crate::suggestion::nearest;

/// A mapping of a policy file.
pub(super) struct Fields<'n> {
    file: Arc<str>,
    node: &'n Node,
    pub(super) entries: &'n [Entry],
}

impl<'n> Fields<'n> {
    pub(super) fn of(file: &Arc<str>, node: &'n Node, what: &str) -> Result<Self, Error> {
        match &node.data {
            NodeData::Mapping(entries) => Ok(Self {
                file: Arc::clone(file),
                node,
                entries,
            }),
            _ => {
                let message = format!("{what} is a mapping, found {}", node.kind());
                Err(Error::new(ErrorKind::WrongType, message).at(origin(file, node)))
            }
        }
    }

    /// Refuses fields that are not understood.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Error> {
        let unknown = self
            .entries
            .iter()
            .find(|entry| !known.contains(&entry.name()));
        let Some(entry) = unknown else { return Ok(()) };
        let message = format!("`{}` is not understood here", entry.name());
        let error = self.error(ErrorKind::Unsupported, message, &entry.key);
        Err(match nearest(entry.name(), known.iter().copied()) {
            Some(name) => error.note(format!("did you mean `{name}`")),
            None => error.note("a policy is either enforced as it is written, or refused"),
        })
    }

    pub(super) fn node(&self, name: &str) -> Option<&'n Node> {
        self.entries
            .iter()
            .find(|entry| entry.name() == name)
            .map(|entry| &entry.value)
    }

    pub(super) fn fields(&self, name: &str) -> Result<Option<Fields<'n>>, Error> {
        let present = self.node(name).filter(|node| !node.to_value().is_null());
        present
            .map(|node| Self::of(&self.file, node, &format!("`{name}`")))
            .transpose()
    }

    pub(super) fn list(&self, name: &str) -> Result<Vec<Fields<'n>>, Error> {
        self.items(name)?
            .iter()
            .map(|item| Self::of(&self.file, item, &format!("an element of `{name}`")))
            .collect()
    }

    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Error> {
        self.items(name)?
            .iter()
            .map(|item| self.text_of(item, name))
            .collect()
    }

    /// The texts of a list that must not be empty, each with its place.
    pub(super) fn some_texts(&self, name: &str) -> Result<Vec<(String, &'n Node)>, Error> {
        let items = self.items(name)?;
        if items.is_empty() {
            let message = format!("a rule without `{name}` matches nothing");
            let place = self.node(name).unwrap_or(self.node);
            return Err(self.error(ErrorKind::Unsupported, message, place));
        }
        items
            .iter()
            .map(|item| Ok((self.text_of(item, name)?, item)))
            .collect()
    }

    fn items(&self, name: &str) -> Result<&'n [Node], Error> {
        match self.node(name).map(|node| (node, &node.data)) {
            None => Ok(&[]),
            Some((_, NodeData::Sequence(items))) => Ok(items),
            Some((node, _)) if node.to_value().is_null() => Ok(&[]),
            Some((node, _)) => {
                let message = format!("`{name}` is a sequence, found {}", node.kind());
                Err(self.error(ErrorKind::WrongType, message, node))
            }
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Error> {
        self.node(name)
            .map(|node| self.text_of(node, name))
            .transpose()
    }

    fn text_of(&self, node: &Node, name: &str) -> Result<String, Error> {
        match node.to_value() {
            Value::String(text) => Ok(text),
            other => {
                let message = format!("`{name}` is text, found {}", other.kind());
                let error = self.error(ErrorKind::WrongType, message, node);
                Err(error.note("put it in quotes if it is meant as text"))
            }
        }
    }

    pub(super) fn expression(&self, name: &str, variables: &[&str]) -> Result<Expression, Error> {
        let Some(node) = self.node(name) else {
            return Err(self.refusal(format!("`{name}` is missing")));
        };
        let text = self.text_of(node, name)?;
        Expression::parse(&text, Subject::Request, variables, origin(&self.file, node))
    }

    pub(super) fn bad(&self, name: &str, expected: &str) -> Error {
        let message = format!("`{name}` takes {expected}");
        self.error(
            ErrorKind::Unsupported,
            message,
            self.node(name).unwrap_or(self.node),
        )
    }

    pub(super) fn refusal(&self, message: impl Into<String>) -> Error {
        self.refusal_of(ErrorKind::Unsupported, message)
    }

    pub(super) fn refusal_of(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        self.error(kind, message, self.node)
    }

    pub(super) fn error(&self, kind: ErrorKind, message: impl Into<String>, node: &Node) -> Error {
        Error::new(kind, message).at(origin(&self.file, node))
    }
}

fn origin(file: &Arc<str>, node: &Node) -> Origin {
    Origin::at(Arc::clone(file), node.span.start)
}
