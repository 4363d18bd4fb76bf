//! Puts the inserted values into a skeleton.

use std::collections::HashMap;

use narae_yaml::{Mapping, Value};

use super::helper;
use super::scope::Found;
use super::sheet::{Sheet, Stretch, Token};
use super::skeleton::{Content, Entry, Fragment, Key, Shape, Text};
use crate::error::{DUPLICATE, Error, ErrorKind};
use crate::values::Index;

/// The values for the holes of one section.
#[derive(Debug)]
pub(super) struct Filling<'s> {
    pub(super) sheet: &'s Sheet,
    pub(super) stretch: &'s Stretch<'s>,
    /// By number in the section.
    pub(super) values: &'s [Found<'s>],
    pub(super) index: &'s Index,
    /// Keys that have holes, as they read, by where they stand in the sheet.
    pub(super) keys: &'s mut HashMap<usize, String>,
}

impl Filling<'_> {
    /// The value of a node.
    pub(super) fn value(&mut self, shape: &Shape) -> Result<Value, Error> {
        match &shape.content {
            Content::Fixed(value) => Ok(value.clone()),
            Content::Hole(number) => Ok(self
                .values
                .get(*number)
                .map(Found::value)
                .cloned()
                .unwrap_or_default()),
            Content::Text(text) => self.text(text).map(Value::String),
            Content::Sequence(items) => items
                .iter()
                .map(|item| self.value(item))
                .collect::<Result<_, _>>()
                .map(Value::Sequence),
            Content::Mapping(entries) => self.mapping(entries),
        }
    }

    fn mapping(&mut self, entries: &[Entry]) -> Result<Value, Error> {
        let mut mapping = Mapping::with_capacity(entries.len());
        for entry in entries {
            let key = self.key(&entry.key)?;
            if matches!(entry.key, Key::Text(_)) {
                self.keys.insert(self.stretch.start + entry.at, key.clone());
            }
            let value = self.value(&entry.value)?;
            if mapping.insert(key, value).is_some() {
                return Err(self.duplicate(entry, entries));
            }
        }
        Ok(Value::Mapping(mapping))
    }

    /// A text with the texts of the inserted values in it.
    fn text(&self, text: &Text) -> Result<String, Error> {
        let mut filled = String::new();
        for fragment in &text.fragments {
            match fragment {
                Fragment::Fixed(part) => filled.push_str(part),
                Fragment::Hole(number) => {
                    let value = self.values.get(*number).map_or(&Value::Null, Found::value);
                    match value {
                        Value::String(part) => filled.push_str(part),
                        other => filled.push_str(
                            &helper::text(other)
                                .map_err(|_| self.not_text(*number, value.kind(), text.what))?,
                        ),
                    }
                }
            }
        }
        Ok(filled)
    }

    fn not_text(&self, number: usize, kind: &str, what: &str) -> Error {
        let offset = self.sheet.token_offsets(self.stretch).nth(number);
        let message = format!("{kind} cannot be part of {what}");
        let error = self.error(
            ErrorKind::WrongType,
            message,
            offset.unwrap_or(self.stretch.start),
        );
        let token = self.token(number).into_iter();
        let ids = token.flat_map(|token| &token.values).copied();
        let error = error.notes_of(self.index.setters(ids));
        if kind == "null" {
            return error.note("give it another value with `(default …)`");
        }
        error.note("to insert it as it is, let the tag stand alone, without quotes or other text")
    }

    fn duplicate(&self, second: &Entry, entries: &[Entry]) -> Error {
        let at = |entry: &Entry| self.stretch.start + entry.at;
        // As the template has it: what was inserted is not for messages.
        let message = format!(
            "the key `{}` stands twice in this mapping",
            self.written(&second.key)
        );
        let error = self.error(ErrorKind::Structure, message, at(second));
        let name = self.key(&second.key).ok();
        let first = entries
            .iter()
            .find(|entry| self.key(&entry.key).ok() == name);
        let Some(first) = first else { return error };
        let holes = first.key.holes().chain(second.key.holes());
        let tokens = holes.filter_map(|number| self.token(number));
        let ids = tokens.flat_map(|token| &token.values).copied();
        error
            .note(format!("first at {}", self.sheet.origin(at(first))))
            .notes_of(self.index.setters(ids))
            .note(DUPLICATE)
    }

    fn key(&self, key: &Key) -> Result<String, Error> {
        match key {
            Key::Fixed(key) => Ok(key.clone()),
            Key::Text(text) => self.text(text),
        }
    }

    /// A key as the template has it, with tags for holes.
    fn written<'k>(&'k self, key: &'k Key) -> String {
        match key {
            Key::Fixed(key) => key.clone(),
            Key::Text(text) => (text.fragments.iter())
                .map(|fragment| match fragment {
                    Fragment::Fixed(part) => part.as_str(),
                    Fragment::Hole(number) => self.sheet.tag(self.stretch.tokens.start + number),
                })
                .collect(),
        }
    }

    fn token(&self, number: usize) -> Option<&Token> {
        self.sheet.tokens.get(self.stretch.tokens.start + number)
    }

    fn error(&self, kind: ErrorKind, message: impl Into<String>, offset: usize) -> Error {
        let (source, at) = self.sheet.place(offset);
        source.error(kind, message, at)
    }
}
