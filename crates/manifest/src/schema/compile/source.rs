//! Reading the parts of a schema file, with errors at their place.

use std::sync::Arc;

use narae_yaml::{Entry, Node, Number, Value};
use regex::{Regex, RegexBuilder};

use crate::error::{Error, ErrorKind};
use crate::origin::Origin;
use crate::schema::node::Bound;

/// Bytes that a compiled pattern may take; more is a pattern that was made to.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// The name of a schema file.
pub(in crate::schema) struct Source(pub(super) Arc<str>);

impl Source {
    pub(in crate::schema) fn origin(&self, node: &Node) -> Origin {
        Origin::at(Arc::clone(&self.0), node.span.start)
    }

    pub(in crate::schema) fn refuse(&self, origin: Origin, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Unsupported, message).at(origin)
    }

    pub(in crate::schema) fn expected(&self, node: &Node, what: &str) -> Error {
        let message = format!("expected {what}, found {}", node.kind());
        Error::new(ErrorKind::Syntax, message).at(self.origin(node))
    }

    pub(in crate::schema) fn mapping<'n>(&self, node: &'n Node) -> Result<&'n [Entry], Error> {
        node.as_mapping()
            .ok_or_else(|| self.expected(node, "a mapping"))
    }

    pub(in crate::schema) fn sequence<'n>(&self, node: &'n Node) -> Result<&'n [Node], Error> {
        node.as_sequence()
            .ok_or_else(|| self.expected(node, "a sequence"))
    }

    pub(in crate::schema) fn text<'n>(&self, node: &'n Node) -> Result<&'n str, Error> {
        node.as_str().ok_or_else(|| self.expected(node, "a string"))
    }

    pub(in crate::schema) fn texts(&self, node: &Node) -> Result<Vec<Box<str>>, Error> {
        let items = self.sequence(node)?.iter();
        items.map(|item| self.text(item).map(Into::into)).collect()
    }

    pub(in crate::schema) fn flag(&self, node: &Node) -> Result<bool, Error> {
        node.to_value()
            .as_bool()
            .ok_or_else(|| self.expected(node, "true or false"))
    }

    pub(in crate::schema) fn number(&self, node: &Node) -> Result<Number, Error> {
        match node.to_value() {
            Value::Number(number) if number.is_finite() => Ok(number),
            _ => Err(self.expected(node, "a finite number")),
        }
    }

    pub(in crate::schema) fn bound(&self, node: &Node) -> Result<Bound, Error> {
        let number = self.number(node)?;
        Ok(Bound {
            number,
            exclusive: false,
        })
    }

    pub(in crate::schema) fn count(&self, node: &Node) -> Result<Option<usize>, Error> {
        let whole = node
            .to_value()
            .as_u64()
            .and_then(|whole| usize::try_from(whole).ok());
        match whole {
            Some(whole) => Ok(Some(whole)),
            None => Err(self.expected(node, "a whole number that is not negative")),
        }
    }

    /// A regular expression. That of `regex` is RE2's, which Kubernetes has, and lacks look-around
    /// and back references of ECMA 262; a pattern with those is an error.
    pub(in crate::schema) fn pattern(&self, node: &Node) -> Result<Regex, Error> {
        self.regex(node, self.text(node)?)
    }

    pub(in crate::schema) fn regex(&self, node: &Node, text: &str) -> Result<Regex, Error> {
        let built = RegexBuilder::new(text)
            .size_limit(MAX_PATTERN_BYTES)
            .build();
        built.map_err(|error| {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim();
            let reason = reason.strip_prefix("error: ").unwrap_or(reason);
            self.refuse(
                self.origin(node),
                format!("this pattern cannot be used: {reason}"),
            )
        })
    }
}
