//! The documents of a section, with holes where values will stand.
//!
//! A skeleton knows nothing of values: sections that are the same text have the same one. May refuse
//! a token where no value can stand; what stands in a hole is for [`super::filling`].

use std::ops::Range;
use std::sync::Arc;

use narae_yaml::{Document, Node, NodeData, Scalar, ScalarStyle, Value};

use super::sheet::{Part, Sheet, Stretch};
use crate::error::{Error, ErrorKind};

/// The documents of a section.
#[derive(Debug, Default)]
pub(super) struct Skeleton {
    pub(super) documents: Vec<Arc<Shape>>,
    /// Nodes in all of them, what aliases stand for included.
    pub(super) nodes: usize,
    pub(super) has_anchors: bool,
}

/// A node.
#[derive(Debug)]
pub(super) struct Shape {
    /// Where it stands in the section.
    pub(super) at: usize,
    pub(super) content: Content,
}

/// What a node holds.
#[derive(Debug)]
pub(super) enum Content {
    Fixed(Value),
    /// A value, whatever it is, by its number in the section.
    Hole(usize),
    Text(Text),
    Sequence(Vec<Shape>),
    Mapping(Vec<Entry>),
}

#[derive(Debug)]
pub(super) struct Entry {
    /// Where its key stands in the section.
    pub(super) at: usize,
    pub(super) key: Key,
    pub(super) value: Shape,
}

#[derive(Debug)]
pub(super) enum Key {
    Fixed(String),
    Text(Text),
}

/// A text that values are part of.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) fragments: Vec<Fragment>,
    /// What it is, as messages name it.
    pub(super) what: &'static str,
}

#[derive(Debug)]
pub(super) enum Fragment {
    Fixed(String),
    Hole(usize),
}

impl Skeleton {
    /// The skeleton of what was read of a section.
    pub(super) fn of(
        sheet: &Sheet,
        stretch: &Stretch<'_>,
        documents: Vec<Document>,
    ) -> Result<Self, Error> {
        let mut search = Search {
            sheet,
            stretch,
            found: vec![false; stretch.tokens.len()],
            scalars: Vec::new(),
            skeleton: Self::default(),
        };
        for document in documents {
            let shape = search.shape(document.root)?;
            search.skeleton.documents.push(Arc::new(shape));
        }
        search.scalars.sort_unstable_by_key(|range| range.start);
        search.check()?;
        Ok(search.skeleton)
    }
}

impl Shape {
    /// The holes that this scalar is, or that are in it, by their numbers in the section.
    pub(super) fn holes(&self) -> impl Iterator<Item = usize> {
        let (whole, text) = match &self.content {
            Content::Hole(number) => (Some(*number), None),
            Content::Text(text) => (None, Some(text)),
            _ => (None, None),
        };
        whole
            .into_iter()
            .chain(text.into_iter().flat_map(Text::holes))
    }
}

impl Key {
    /// The holes in this key, by their numbers in the section.
    pub(super) fn holes(&self) -> impl Iterator<Item = usize> {
        let text = match self {
            Self::Fixed(_) => None,
            Self::Text(text) => Some(text),
        };
        text.into_iter().flat_map(Text::holes)
    }
}

impl Text {
    fn holes(&self) -> impl Iterator<Item = usize> {
        self.fragments.iter().filter_map(|fragment| match fragment {
            Fragment::Hole(number) => Some(*number),
            Fragment::Fixed(_) => None,
        })
    }
}

/// One pass over the documents of a section.
struct Search<'s> {
    sheet: &'s Sheet,
    stretch: &'s Stretch<'s>,
    /// The tokens that were found in scalars.
    found: Vec<bool>,
    /// Byte ranges of scalars that are not block scalars: a `#` inside one opens no comment. Sorted
    /// once all are known; an alias stands for ranges that were there before.
    scalars: Vec<Range<usize>>,
    skeleton: Skeleton,
}

impl Search<'_> {
    fn shape(&mut self, node: Node) -> Result<Shape, Error> {
        let at = node.span.start.offset;
        self.skeleton.nodes += 1;
        self.skeleton.has_anchors |= node.anchor.is_some();
        let content = match node.data {
            NodeData::Scalar(scalar) => {
                self.scalar(scalar, &node.span.range(), node.tag.as_deref())?
            }
            NodeData::Sequence(items) => {
                let items = items.into_iter().map(|item| self.shape(item));
                Content::Sequence(items.collect::<Result<_, _>>()?)
            }
            NodeData::Mapping(entries) => {
                let entries = entries.into_iter().map(|entry| self.entry(entry));
                Content::Mapping(entries.collect::<Result<_, _>>()?)
            }
        };
        Ok(Shape { at, content })
    }

    fn entry(&mut self, entry: narae_yaml::Entry) -> Result<Entry, Error> {
        let span = entry.key.span;
        self.skeleton.nodes += 1;
        self.skeleton.has_anchors |= entry.key.anchor.is_some();
        let at = span.start.offset;
        let text = match entry.key.as_scalar() {
            Some(scalar) if self.sheet.has_token(scalar.text()) => {
                self.note(scalar, &span.range());
                Some(self.text(scalar, "a key", at)?)
            }
            _ => None,
        };
        let (name, value) = entry.into_parts();
        let key = text.map_or(Key::Fixed(name), Key::Text);
        let value = self.shape(value)?;
        Ok(Entry { at, key, value })
    }

    fn scalar(
        &mut self,
        scalar: Scalar,
        range: &Range<usize>,
        tag: Option<&str>,
    ) -> Result<Content, Error> {
        if !self.sheet.has_token(scalar.text()) {
            if scalar.text().contains('#') {
                self.note(&scalar, range);
            }
            return Ok(Content::Fixed(scalar.into_value()));
        }
        self.note(&scalar, range);
        if scalar.style() == ScalarStyle::Plain
            && tag.is_none()
            && let Some(number) = self.sheet.whole_token(scalar.text())
        {
            self.find(number, range.start)?;
            return Ok(Content::Hole(number));
        }
        if let Some(tag) = tag.filter(|tag| !tag.ends_with("str")) {
            let message = format!("the tag `{tag}` cannot stand before an inserted value");
            return Err(self.error(message, range.start));
        }
        let what = match scalar.style() {
            ScalarStyle::Literal | ScalarStyle::Folded => "a block of text",
            _ => "a text",
        };
        Ok(Content::Text(self.text(&scalar, what, range.start)?))
    }

    fn text(&mut self, scalar: &Scalar, what: &'static str, at: usize) -> Result<Text, Error> {
        let mut fragments = Vec::new();
        for part in self.sheet.parts(scalar.text()) {
            fragments.push(match part {
                Part::Text(text) => Fragment::Fixed(text.to_owned()),
                Part::Token(number) => {
                    self.find(number, at)?;
                    Fragment::Hole(number)
                }
            });
        }
        Ok(Text { fragments, what })
    }

    fn find(&mut self, number: usize, at: usize) -> Result<(), Error> {
        match self.found.get_mut(number) {
            Some(found) => *found = true,
            None => return Err(self.error("an inserted value is not where it was written", at)),
        }
        Ok(())
    }

    fn note(&mut self, scalar: &Scalar, range: &Range<usize>) {
        if !matches!(scalar.style(), ScalarStyle::Literal | ScalarStyle::Folded) {
            self.scalars.push(range.clone());
        }
    }

    /// Every token that is in no scalar must stand in a comment.
    fn check(&self) -> Result<(), Error> {
        for (offset, found) in self.sheet.token_offsets(self.stretch).zip(&self.found) {
            let at = offset - self.stretch.start;
            if !found && !self.is_in_comment(at) {
                let error = self.error("a value cannot be inserted here", at);
                return Err(error.note(
                    "an anchor, an alias, a tag, a directive and what follows a backslash hold no value",
                ));
            }
        }
        Ok(())
    }

    fn is_in_comment(&self, at: usize) -> bool {
        let before = self.stretch.text.get(..at).unwrap_or_default();
        let line = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
        let text = before.get(line..).unwrap_or_default();
        text.match_indices('#').any(|(at, _)| {
            let previous = text.get(..at).and_then(|text| text.chars().next_back());
            let opens = previous.is_none_or(|c| matches!(c, ' ' | '\t'));
            opens && !self.is_in_scalar(line + at)
        })
    }

    fn is_in_scalar(&self, at: usize) -> bool {
        let behind = self.scalars.partition_point(|range| range.start <= at);
        let last = behind
            .checked_sub(1)
            .and_then(|last| self.scalars.get(last));
        last.is_some_and(|range| range.contains(&at))
    }

    fn error(&self, message: impl Into<String>, at: usize) -> Error {
        let (source, at) = self.sheet.place(self.stretch.start + at);
        source.error(ErrorKind::Structure, message, at)
    }
}
