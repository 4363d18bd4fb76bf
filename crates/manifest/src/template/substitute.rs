//! Puts the inserted values into the parsed tree, where their tokens stand.

use std::collections::HashMap;

use narae_yaml::{Entry, Mapping, Node, NodeData, Scalar, ScalarStyle, Value};

use super::helper;
use super::scope::Found;
use super::sheet::{Part, Sheet};
use crate::error::{Error, ErrorKind};
use crate::values::Index;

/// What to do about two keys of one name.
pub(super) const DUPLICATE: &str = "remove one of them, or give them different names";

/// One pass over the documents of a sheet.
pub(super) struct Substitution<'s> {
    sheet: &'s Sheet,
    /// The inserted values, by token.
    values: &'s [Found<'s>],
    index: &'s Index,
    consumed: Vec<bool>,
    /// Keys that hold tokens, as they read, by where they stand in the text.
    pub(super) keys: HashMap<usize, String>,
    /// Byte ranges of scalars that are not block scalars: a `#` inside one opens no comment.
    scalars: Vec<std::ops::Range<usize>>,
}

impl<'s> Substitution<'s> {
    pub(super) fn new(sheet: &'s Sheet, values: &'s [Found<'s>], index: &'s Index) -> Self {
        Self {
            sheet,
            values,
            index,
            consumed: vec![false; values.len()],
            keys: HashMap::new(),
            scalars: Vec::new(),
        }
    }

    /// The value of a node, with inserted values in place of tokens.
    pub(super) fn value(&mut self, node: &Node) -> Result<Value, Error> {
        match &node.data {
            NodeData::Scalar(scalar) => self.scalar(node, scalar),
            NodeData::Sequence(items) => items
                .iter()
                .map(|item| self.value(item))
                .collect::<Result<_, _>>()
                .map(Value::Sequence),
            NodeData::Mapping(entries) => self.mapping(entries),
        }
    }

    fn mapping(&mut self, entries: &[Entry]) -> Result<Value, Error> {
        let mut mapping = Mapping::with_capacity(entries.len());
        for entry in entries {
            let key = self.key(entry)?;
            let value = self.value(&entry.value)?;
            if mapping.contains_key(&key) {
                return Err(self.duplicate(&key, entry, entries));
            }
            mapping.insert(key, value);
        }
        Ok(Value::Mapping(mapping))
    }

    fn key(&mut self, entry: &Entry) -> Result<String, Error> {
        let node = &entry.key;
        match &node.data {
            NodeData::Scalar(scalar) if self.sheet.has_token(scalar.text()) => {
                self.note(node, scalar);
                let key = self.text(node, scalar, "a key")?;
                self.keys.insert(node.span.start.offset, key.clone());
                Ok(key)
            }
            _ => Ok(entry.name().to_owned()),
        }
    }

    fn scalar(&mut self, node: &Node, scalar: &Scalar) -> Result<Value, Error> {
        if !self.sheet.has_token(scalar.text()) {
            if scalar.text().contains('#') {
                self.note(node, scalar);
            }
            return Ok(scalar.value().clone());
        }
        self.note(node, scalar);
        let whole = self.sheet.whole_token(scalar.text());
        if scalar.style() == ScalarStyle::Plain
            && node.tag.is_none()
            && let Some(number) = whole
            && let Some(value) = self.take(number)
        {
            return Ok(value.clone());
        }
        if let Some(tag) = node.tag.as_deref().filter(|tag| !tag.ends_with("str")) {
            let message = format!("the tag `{tag}` cannot stand before an inserted value");
            return Err(self.error(ErrorKind::Structure, message, node.span.start.offset));
        }
        let place = match scalar.style() {
            ScalarStyle::Literal | ScalarStyle::Folded => "a block of text",
            _ => "a text",
        };
        self.text(node, scalar, place).map(Value::String)
    }

    /// A scalar's text with the texts of the inserted values in it.
    fn text(&mut self, node: &Node, scalar: &Scalar, place: &str) -> Result<String, Error> {
        let mut text = String::with_capacity(scalar.text().len());
        for part in self.sheet.parts(scalar.text()) {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Token(number) => match self.take(number) {
                    Some(value) => text.push_str(
                        &helper::text(value)
                            .map_err(|_| self.not_text(number, value.kind(), place, node))?,
                    ),
                    None => {
                        let message = "an inserted value is not where it was written";
                        let at = node.span.start.offset;
                        return Err(self.error(ErrorKind::Structure, message, at));
                    }
                },
            }
        }
        Ok(text)
    }

    fn not_text(&self, number: usize, kind: &str, place: &str, node: &Node) -> Error {
        let message = format!("{kind} cannot be part of {place}");
        let offset = self
            .sheet
            .token_offset(number)
            .unwrap_or(node.span.start.offset);
        let token = self.sheet.tokens.get(number);
        let ids = token
            .into_iter()
            .flat_map(|token| token.values.iter().copied());
        let error = self.error(ErrorKind::WrongType, message, offset);
        let error = error.notes_of(self.index.setters(ids));
        if kind == "null" {
            return error.note("give it another value with `(default …)`");
        }
        error.note("to insert it as it is, let the tag stand alone, without quotes or other text")
    }

    fn take(&mut self, number: usize) -> Option<&'s Value> {
        if let Some(consumed) = self.consumed.get_mut(number) {
            *consumed = true;
        }
        self.values.get(number).map(Found::value)
    }

    fn note(&mut self, node: &Node, scalar: &Scalar) {
        if !matches!(scalar.style(), ScalarStyle::Literal | ScalarStyle::Folded) {
            self.scalars.push(node.span.range());
        }
    }

    /// Every value that found no scalar must stand in a comment.
    pub(super) fn finish(&self) -> Result<(), Error> {
        for (number, offset) in self.sheet.token_offsets() {
            let consumed = self.consumed.get(number).copied().unwrap_or(false);
            if !consumed && !self.is_in_comment(offset) {
                let message = "a value cannot be inserted here";
                let error = self.error(ErrorKind::Structure, message, offset);
                return Err(error.note(
                    "an anchor, an alias, a tag, a directive and what follows a backslash hold no value",
                ));
            }
        }
        Ok(())
    }

    fn is_in_comment(&self, offset: usize) -> bool {
        let before = self.sheet.text().get(..offset).unwrap_or_default();
        let line = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
        let text = before.get(line..).unwrap_or_default();
        text.match_indices('#').any(|(at, _)| {
            let previous = text.get(..at).and_then(|text| text.chars().next_back());
            let opens = previous.is_none_or(|c| matches!(c, ' ' | '\t'));
            opens
                && !self
                    .scalars
                    .iter()
                    .any(|range| range.contains(&(line + at)))
        })
    }

    fn duplicate(&self, key: &str, second: &Entry, entries: &[Entry]) -> Error {
        let at = |entry: &Entry| entry.key.span.start.offset;
        // As the template has it: what was inserted is not for messages.
        let written = self.sheet.in_words(second.name());
        let message = format!("the key `{written}` stands twice in this mapping");
        let error = self.error(ErrorKind::Structure, message, at(second));
        let mut fresh = Self::new(self.sheet, self.values, self.index);
        let first = entries
            .iter()
            .find(|entry| fresh.key(entry).is_ok_and(|name| name == key));
        match first {
            Some(first) => {
                let texts = [first, second].map(|entry| entry.key.as_scalar());
                let texts = texts.into_iter().flatten().map(Scalar::text);
                let ids = texts.flat_map(|text| self.sheet.tokens_in(text));
                let ids = ids.flat_map(|token| token.values.iter().copied());
                error
                    .note(format!("first at {}", self.sheet.origin(at(first))))
                    .notes_of(self.index.setters(ids))
                    .note(DUPLICATE)
            }
            None => error,
        }
    }

    fn error(&self, kind: ErrorKind, message: impl Into<String>, offset: usize) -> Error {
        let (source, at) = self.sheet.place(offset);
        source.error(kind, message, at)
    }
}
