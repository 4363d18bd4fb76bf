//! A text as the pieces it is written in: every scalar, alias, bracket and end, in order.
//!
//! Nodes cannot say where a `-` or a comma stands, or that a merge key is there; pieces and the
//! bytes between them can. Paths are walked here, and positions found for what is spliced.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{Event, StructureStyle};

use super::EditError;
use crate::path::{Path, Segment};
use crate::read::scalar;
use crate::{Error, Position, Reader, ScalarStyle, Schema, Value};

/// A text, read.
#[derive(Debug)]
pub(super) struct Text<'a> {
    pub(super) source: &'a str,
    pub(super) pieces: Vec<Piece<'a>>,
    pub(super) values: Vec<Value>,
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

/// Where a path leads.
#[derive(Debug)]
pub(super) struct Place {
    /// The pieces of what stands there.
    pub(super) pieces: Range<usize>,
    /// The offset from which on its text is looked for: past the key's colon, or past the dash.
    pub(super) from: usize,
    /// The piece of its key, if it stands in a mapping.
    pub(super) key: Option<usize>,
    /// The piece that opens what it stands in, unless that is the document.
    pub(super) parent: Option<usize>,
}

impl<'a> Text<'a> {
    /// Reads `source`, which has to pass for a whole reader, too.
    pub(super) fn read(source: &'a str) -> Result<Self, Error> {
        let mut pieces: Vec<Piece<'a>> = Vec::new();
        let values = Reader::new().read_watched(source, |event, span, at| {
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
            values,
        };
        text.place_nothings();
        Ok(text)
    }

    /// The parser places the nothing after a colon before the colon, and says `~` for it.
    fn place_nothings(&mut self) {
        for piece in &mut self.pieces {
            if let What::Scalar(text, ScalarStyle::Plain) = &mut piece.what
                && piece.start.offset == piece.end
            {
                *text = Cow::Borrowed("");
                if self.source.as_bytes().get(piece.end) == Some(&b':') {
                    piece.start.offset += 1;
                    piece.start.column += 1;
                    piece.outer += 1;
                    piece.end += 1;
                }
            }
        }
    }

    /// Walks `path` from the root of `document`.
    pub(super) fn find(&self, document: usize, path: &Path) -> Result<Place, EditError> {
        let mut place = self.root(document)?;
        let mut here = Path::root();
        self.refuse_alias(&place, &here)?;
        for segment in path.segments() {
            here.push(segment.clone());
            place = match self.step(&place, segment) {
                Some(place) => place,
                None => return Err(self.missing(document, here)),
            };
            self.refuse_alias(&place, &here)?;
        }
        Ok(place)
    }

    fn root(&self, document: usize) -> Result<Place, EditError> {
        let starts =
            |(_, piece): &(usize, &Piece<'_>)| matches!(piece.what, What::DocumentStart { .. });
        let missing = EditError::NoDocument {
            document,
            documents: self.values.len(),
        };
        let (start, piece) = self
            .pieces
            .iter()
            .enumerate()
            .filter(starts)
            .nth(document)
            .ok_or(missing)?;
        let is_explicit = matches!(piece.what, What::DocumentStart { is_explicit: true });
        Ok(Place {
            pieces: self.subtree(start + 1),
            from: if is_explicit {
                piece.end
            } else {
                piece.start.offset
            },
            key: None,
            parent: None,
        })
    }

    pub(super) fn step(&self, place: &Place, segment: &Segment) -> Option<Place> {
        let children = self.children(place);
        match (&self.piece(place.pieces.start)?.what, segment) {
            (What::Open(Kind::Sequence, _), Segment::Index(index)) => {
                children.into_iter().nth(*index)
            }
            (What::Open(Kind::Mapping, _), Segment::Key(name)) => {
                let called = |child: &Place| {
                    let key = child.key.and_then(|key| self.key_name(key));
                    key.as_deref() == Some(name)
                };
                children.into_iter().find(called)
            }
            _ => None,
        }
    }

    /// What a collection holds, merge keys included.
    pub(super) fn children(&self, place: &Place) -> Vec<Place> {
        let parent = place.pieces.start;
        let Some(What::Open(kind, layout)) = self.piece(parent).map(|piece| &piece.what) else {
            return Vec::new();
        };
        let mut children = Vec::new();
        let mut next = parent + 1;
        let mut from = self.past_properties(place);
        while next + 1 < place.pieces.end {
            let key = (*kind == Kind::Mapping).then_some(next);
            if key.is_some() {
                next = self.subtree(next).end;
            } else if *layout == Layout::Block {
                from = self.past_dash(from);
            }
            let pieces = self.subtree(next);
            if let Some(key) = key {
                from = self.past_colon(key);
            }
            next = pieces.end;
            let child = Place {
                pieces,
                from,
                key,
                parent: Some(parent),
            };
            from = self.end(&child);
            children.push(child);
        }
        children
    }

    /// The pieces of the node that begins with the piece at `first`.
    fn subtree(&self, first: usize) -> Range<usize> {
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

    pub(super) fn piece(&self, place: usize) -> Option<&Piece<'a>> {
        self.pieces.get(place)
    }

    /// The piece that begins what stands at `place`.
    pub(super) fn first(&self, place: &Place) -> Option<&Piece<'a>> {
        self.piece(place.pieces.start)
    }

    /// Whether `place`, a collection, is written in brackets or braces; `None` if it is none.
    pub(super) fn layout(&self, place: usize) -> Option<(Kind, Layout)> {
        match self.piece(place)?.what {
            What::Open(kind, layout) => Some((kind, layout)),
            _ => None,
        }
    }

    /// The kind of what stands there, as messages name it.
    pub(super) fn kind(&self, place: &Place) -> &'static str {
        match self.first(place).map(|piece| &piece.what) {
            Some(What::Open(Kind::Sequence, _)) => "a sequence",
            Some(What::Open(Kind::Mapping, _)) => "a mapping",
            Some(What::Alias(_)) => "an alias",
            _ => self
                .value(place.pieces.clone())
                .map_or("a scalar", |value| value.kind()),
        }
    }

    /// Columns in front of `offset` in its line.
    pub(super) fn column(&self, offset: usize) -> usize {
        self.line_before(offset).chars().count()
    }

    /// Whether nothing but blanks stands in front of `offset` in its line.
    pub(super) fn begins_line(&self, offset: usize) -> bool {
        self.line_before(offset)
            .chars()
            .all(|c| matches!(c, ' ' | '\t'))
    }

    /// Whether nothing but blanks and a comment stand behind `offset` in its line.
    pub(super) fn ends_line(&self, offset: usize) -> bool {
        let line = self.after(offset).lines().next().unwrap_or_default();
        let rest = line.trim_start_matches([' ', '\t', '\r']);
        rest.is_empty() || rest.starts_with('#')
    }

    pub(super) fn position(&self, place: &Place) -> Position {
        self.first(place)
            .map(|piece| piece.start)
            .unwrap_or_default()
    }

    /// Where the text of a node has ended: before the comment behind it, and after the first line
    /// break of a block scalar, or after all it keeps.
    pub(super) fn end(&self, place: &Place) -> usize {
        let solid = self.pieces.get(place.pieces.clone()).unwrap_or_default();
        let solid = solid
            .iter()
            .rfind(|piece| piece.what != What::Close || piece.end > piece.start.offset);
        let Some(piece) = solid else {
            return place.from;
        };
        let written = self.source.get(..piece.end).unwrap_or_default();
        let end = match &piece.what {
            // The parser may count the next line's indentation in.
            What::Scalar(text, ScalarStyle::Literal | ScalarStyle::Folded)
                if text.ends_with("\n\n") =>
            {
                written.trim_end_matches([' ', '\t']).len()
            }
            What::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded) => {
                let body = written.trim_end_matches(['\n', '\r', ' ', '\t']).len();
                self.line_end(body).min(piece.end)
            }
            _ => piece.end,
        };
        end.max(place.from)
    }

    /// Where the entry or element at `place` begins: its key with all that belongs to it, or its dash.
    pub(super) fn start(&self, place: &Place) -> usize {
        let Some(key) = place.key.and_then(|key| self.piece(key)) else {
            let in_flow = place.parent.and_then(|parent| self.layout(parent))
                == Some((Kind::Sequence, Layout::Flow));
            return match in_flow {
                true => self.first(place).map_or(place.from, |piece| piece.outer),
                false => place.from.saturating_sub(1),
            };
        };
        let before = self.source.get(..key.outer).unwrap_or_default();
        let explicit = before.trim_end_matches([' ', '\t']).strip_suffix('?');
        explicit.map_or(key.outer, str::len)
    }

    /// The offset behind the line of `offset`, which is `offset` itself if a line begins there.
    pub(super) fn line_end(&self, offset: usize) -> usize {
        let (before, after) = self.source.split_at_checked(offset).unwrap_or_default();
        if before.ends_with('\n') {
            return offset;
        }
        after
            .find('\n')
            .map_or(self.source.len(), |at| offset + at + 1)
    }

    /// What stands on the line of `offset` before it.
    pub(super) fn line_before(&self, offset: usize) -> &'a str {
        let before = self.source.get(..offset).unwrap_or_default();
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.get(line..).unwrap_or_default();
        line.strip_prefix('\u{feff}').unwrap_or(line)
    }

    pub(super) fn after(&self, offset: usize) -> &'a str {
        self.source.get(offset..).unwrap_or_default()
    }

    /// The offset of the first character from `offset` on that is neither blank nor comment.
    pub(super) fn past_blanks(&self, mut offset: usize) -> usize {
        loop {
            let rest = self.after(offset);
            let text = rest.trim_start_matches([' ', '\t', '\r', '\n', '\u{feff}']);
            offset += rest.len() - text.len();
            if !text.starts_with('#') {
                return offset;
            }
            offset = self.line_end(offset + 1);
        }
    }

    /// The offset of the first dash of the block sequence that the piece at `open` opens, the value
    /// of the key before it.
    pub(super) fn first_dash(&self, open: usize) -> usize {
        self.past_blanks(self.past_colon(open.saturating_sub(1)))
    }

    fn past_dash(&self, from: usize) -> usize {
        let at = self.past_blanks(from);
        at + usize::from(self.after(at).starts_with('-'))
    }

    fn past_colon(&self, key: usize) -> usize {
        let from = self
            .pieces
            .get(self.subtree(key))
            .and_then(|pieces| pieces.last());
        let from = from.map_or(0, |piece| piece.end);
        let at = self.past_blanks(from);
        match self.after(at).starts_with(':') {
            true => at + 1,
            false => from,
        }
    }

    /// The offset behind the tag, the anchor and the opening bracket of a collection.
    pub(super) fn past_properties(&self, place: &Place) -> usize {
        let Some(piece) = self.first(place) else {
            return place.from;
        };
        if piece.end > piece.start.offset {
            return piece.end;
        }
        // Past the last word of `!!map &a`, in whatever order they are.
        let mut at = place.from.max(piece.outer);
        if piece.tag.is_none() && piece.anchor.is_none() {
            return place.from;
        }
        while self.after(at).starts_with(['!', '&']) {
            let word = self.after(at).find([' ', '\t', '\r', '\n']);
            at = word.map_or(self.source.len(), |length| at + length);
            let next = self.past_blanks(at);
            if !self.after(next).starts_with(['!', '&']) || next >= piece.start.offset {
                break;
            }
            at = next;
        }
        at
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

    fn refuse_alias(&self, place: &Place, here: &Path) -> Result<(), EditError> {
        match self.first(place).map(|piece| &piece.what) {
            Some(What::Alias(name)) => Err(EditError::Alias {
                path: here.clone(),
                name: (*name).to_owned(),
                position: self.position(place),
            }),
            _ => Ok(()),
        }
    }

    /// Why the last step of `path` leads nowhere.
    fn missing(&self, document: usize, path: Path) -> EditError {
        // Merged entries are not written where they are found, so nodes have to be asked.
        let documents = Reader::new().read(self.source).unwrap_or_default();
        let entry = || {
            let Some(Segment::Key(name)) = path.segments().last() else {
                return None;
            };
            let parent = documents.get(document)?.root.at(&path.parent()?)?;
            parent.entry(name).map(|entry| entry.key.position())
        };
        match entry() {
            Some(position) => EditError::Merged { path, position },
            None => EditError::NotFound { path },
        }
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
