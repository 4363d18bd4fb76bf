//! A text as the pieces it is written in: every scalar, alias, bracket and end, in order.
//!
//! Nodes cannot say where a `-` or a comma stands, or that a merge key is there; pieces and the
//! bytes between them can.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{Event, StructureStyle};

use crate::read::scalar;
use crate::{Error, Position, Reader, ScalarStyle, Schema, Value};

#[cfg(test)]
thread_local! {
    /// How many texts this thread has read.
    pub(super) static READS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// A text, read.
#[derive(Debug)]
pub(super) struct Text<'a> {
    pub(super) source: &'a str,
    pub(super) pieces: Vec<Piece<'a>>,
    /// How many there are.
    pub(super) documents: usize,
}

/// One piece of a text, with its properties.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    pub(super) what: What<'a>,
    pub(super) tag: Option<Box<str>>,
    pub(super) anchor: Option<Box<str>>,
    /// Where it begins, its tag and anchor left out.
    pub(super) start: Position,
    /// Where it begins, its tag and anchor included.
    pub(super) outer: usize,
    pub(super) end: usize,
}

#[derive(Debug, PartialEq)]
pub(super) enum What<'a> {
    DocumentStart {
        is_explicit: bool,
    },
    DocumentEnd,
    Scalar(Cow<'a, str>, ScalarStyle),
    /// By its name, without `*`.
    Alias(&'a str),
    Open(Kind, Layout),
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Sequence,
    Mapping,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Layout {
    Block,
    Flow,
}

impl<'a> Text<'a> {
    /// Reads `source`, which has to pass for a whole reader, too.
    pub(super) fn read(source: &'a str) -> Result<Self, Error> {
        #[cfg(test)]
        READS.with(|reads| reads.set(reads.get() + 1));
        // A guess that saves most of the moving.
        let mut pieces: Vec<Piece<'a>> = Vec::with_capacity((source.len() / 12).min(1 << 16));
        let documents = Reader::new().watch(source, |event, span, at| {
            if let Event::Anchor(_, name) = event {
                if let Some(piece) = pieces.last_mut() {
                    piece.anchor = Some(name.as_ref().into());
                    piece.outer = piece.outer.min(at(&span.start).offset);
                }
                return;
            }
            let (what, tag) = match event {
                Event::DocumentStart(is_explicit, _) => {
                    let is_explicit = *is_explicit;
                    (What::DocumentStart { is_explicit }, None)
                }
                Event::DocumentEnd => (What::DocumentEnd, None),
                Event::Scalar(text, style, _, tag) => {
                    (What::Scalar(text.clone(), (*style).into()), tag.as_deref())
                }
                Event::Alias(_) => {
                    let written = source.get(at(&span.start).offset..at(&span.end).offset);
                    let name = written.unwrap_or_default().trim_start_matches('*');
                    (What::Alias(name), None)
                }
                Event::SequenceStart(style, _, tag) => {
                    (What::Open(Kind::Sequence, (*style).into()), tag.as_deref())
                }
                Event::MappingStart(style, _, tag) => {
                    (What::Open(Kind::Mapping, (*style).into()), tag.as_deref())
                }
                Event::SequenceEnd | Event::MappingEnd => (What::Close, None),
                _ => return,
            };
            let (start, end) = (at(&span.start), at(&span.end).offset);
            let outer = span
                .tag_start()
                .map_or(start.offset, |tag| at(&tag).offset.min(start.offset));
            pieces.push(Piece {
                what,
                tag: tag.map(scalar::short),
                anchor: None,
                start,
                outer,
                end,
            });
        })?;
        let mut text = Self {
            source,
            pieces,
            documents,
        };
        text.place_nothings();
        Ok(text)
    }

    /// The parser says `~` for nothing, and places it elsewhere.
    fn place_nothings(&mut self) {
        for piece in &mut self.pieces {
            if let What::Scalar(text, ScalarStyle::Plain) = &mut piece.what
                && piece.start.offset == piece.end
            {
                *text = Cow::Borrowed("");
                let has_properties = piece.outer != piece.end;
                piece.start = piece.start.of_nothing(self.source);
                piece.end = piece.start.offset;
                if !has_properties {
                    piece.outer = piece.end;
                }
            }
        }
    }

    pub(super) fn piece(&self, place: usize) -> Option<&Piece<'a>> {
        self.pieces.get(place)
    }

    /// Whether `place`, a collection, is written in brackets or braces; `None` if it is none.
    pub(super) fn layout(&self, place: usize) -> Option<(Kind, Layout)> {
        match self.piece(place)?.what {
            What::Open(kind, layout) => Some((kind, layout)),
            _ => None,
        }
    }

    /// The pieces of the node that begins with the piece at `first`.
    pub(super) fn subtree(&self, first: usize) -> Range<usize> {
        let mut depth = 0usize;
        for (place, piece) in self.pieces.iter().enumerate().skip(first) {
            match piece.what {
                What::Open(..) => depth += 1,
                What::Close => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return first..place + 1;
            }
        }
        first..self.pieces.len()
    }

    /// The name a mapping's key has, unless it is a merge key or an alias.
    pub(super) fn key_name(&self, key: usize) -> Option<String> {
        let piece = self.piece(key)?;
        let What::Scalar(text, style) = &piece.what else {
            return None;
        };
        if text == "<<" && *style == ScalarStyle::Plain && piece.tag.as_deref() != Some("!!str") {
            return None;
        }
        let meaning = piece.meaning()?;
        match scalar::key_name(text, &meaning).ok()? {
            Some(name) => Some(name.into_owned()),
            None => meaning
                .into_value(|| text.to_string())
                .as_str()
                .map(str::to_owned),
        }
    }

    /// What the pieces of one node say; `None` if that depends on others.
    pub(super) fn value(&self, pieces: Range<usize>) -> Option<Value> {
        let first = self.piece(pieces.start)?;
        let mut next = pieces.start + 1;
        Some(match &first.what {
            What::Scalar(text, _) => first.meaning()?.into_value(|| text.to_string()),
            What::Open(Kind::Sequence, _) => {
                let mut items = Vec::new();
                while next + 1 < pieces.end {
                    let item = self.subtree(next);
                    next = item.end;
                    items.push(self.value(item)?);
                }
                Value::Sequence(items)
            }
            What::Open(Kind::Mapping, _) => {
                let mut entries = Vec::new();
                while next + 1 < pieces.end {
                    let value = self.subtree(next + 1);
                    entries.push((self.key_name(next)?, self.value(value.clone())?));
                    next = value.end;
                }
                Value::Mapping(entries.into_iter().collect())
            }
            _ => return None,
        })
    }
}

impl Piece<'_> {
    /// What a scalar means.
    pub(super) fn meaning(&self) -> Option<crate::document::Meaning> {
        let What::Scalar(text, style) = &self.what else {
            return None;
        };
        scalar::meaning(Schema::Kubernetes, text, *style, self.tag.as_deref()).ok()
    }

    /// Whether both say the same in the same style; where they stand, and whether brackets are
    /// written, does not count.
    pub(super) fn is_written_as(&self, other: &Self) -> bool {
        let same = match (&self.what, &other.what) {
            (What::Open(kind, _), What::Open(other, _)) => kind == other,
            (what, other) => what == other,
        };
        same && self.tag == other.tag && self.anchor == other.anchor
    }
}

impl From<StructureStyle> for Layout {
    fn from(style: StructureStyle) -> Self {
        match style {
            StructureStyle::Block => Self::Block,
            StructureStyle::Flow => Self::Flow,
        }
    }
}
