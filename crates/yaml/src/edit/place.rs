//! Where a path leads in a text, and where what stands there begins and ends.

use std::collections::BTreeMap;
use std::ops::Range;

use super::EditError;
use super::text::{Kind, Layout, Piece, Text, What};
use crate::path::{Path, Segment};
use crate::{Position, Reader, ScalarStyle};

/// Where a path leads.
#[derive(Clone, Debug)]
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

/// What is left to walk of one of several paths.
struct Way<'p> {
    index: usize,
    rest: &'p [Segment],
}

impl<'a> Text<'a> {
    /// Walks `path` from the root of `document`.
    pub(super) fn find(&self, document: usize, path: &Path) -> Result<Place, EditError> {
        let found = self.find_all(&[(document, path)])?.pop();
        found.ok_or_else(|| EditError::NotFound { path: path.clone() })
    }

    /// Walks several paths; each collection on their ways is looked through once.
    pub(super) fn find_all(&self, wanted: &[(usize, &Path)]) -> Result<Vec<Place>, EditError> {
        let mut ways: BTreeMap<usize, Vec<Way<'_>>> = BTreeMap::new();
        for (index, (document, path)) in wanted.iter().enumerate() {
            let rest = path.segments();
            ways.entry(*document).or_default().push(Way { index, rest });
        }
        let mut found = BTreeMap::new();
        for (document, (start, piece)) in self.document_starts().enumerate() {
            if let Some(ways) = ways.remove(&document) {
                let root = self.root(start, piece);
                self.descend(document, root, &Path::root(), ways, &mut found)?;
            }
        }
        match ways.keys().next() {
            None => Ok(found.into_values().collect()),
            Some(document) => Err(EditError::NoDocument {
                document: *document,
                documents: self.documents,
            }),
        }
    }

    /// Follows `ways` from `place`, which is at `here`.
    fn descend(
        &self,
        document: usize,
        place: Place,
        here: &Path,
        ways: Vec<Way<'_>>,
        found: &mut BTreeMap<usize, Place>,
    ) -> Result<(), EditError> {
        self.refuse_alias(&place, here)?;
        let mut onward: BTreeMap<&Segment, Vec<Way<'_>>> = BTreeMap::new();
        for Way { index, rest } in ways {
            match rest.split_first() {
                Some((first, rest)) => onward.entry(first).or_default().push(Way { index, rest }),
                None => drop(found.insert(index, place.clone())),
            }
        }
        if onward.is_empty() {
            return Ok(());
        }
        for (index, child) in self.children(&place).into_iter().enumerate() {
            let segment = match child.key {
                Some(key) => self.key_name(key).map(Segment::Key),
                None => Some(Segment::Index(index)),
            };
            if let Some((segment, ways)) = segment.and_then(|it| onward.remove_entry(&it)) {
                let mut there = here.clone();
                there.push(segment.clone());
                self.descend(document, child, &there, ways, found)?;
            }
        }
        match onward.into_keys().next() {
            Some(segment) => Err(self.missing(document, here.child(segment.clone()))),
            None => Ok(()),
        }
    }

    fn document_starts(&self) -> impl Iterator<Item = (usize, &Piece<'a>)> {
        let is_start =
            |(_, piece): &(usize, &Piece<'_>)| matches!(piece.what, What::DocumentStart { .. });
        self.pieces.iter().enumerate().filter(is_start)
    }

    /// Of the document that begins with the piece at `start`.
    fn root(&self, start: usize, piece: &Piece<'_>) -> Place {
        let is_explicit = matches!(piece.what, What::DocumentStart { is_explicit: true });
        Place {
            pieces: self.subtree(start + 1),
            from: if is_explicit {
                piece.end
            } else {
                piece.start.offset
            },
            key: None,
            parent: None,
        }
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

    /// The piece that begins what stands at `place`.
    pub(super) fn first(&self, place: &Place) -> Option<&Piece<'a>> {
        self.piece(place.pieces.start)
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

    pub(super) fn position(&self, place: &Place) -> Position {
        self.first(place)
            .map(|piece| piece.start)
            .unwrap_or_default()
    }

    /// Whether what stands there is inside brackets or braces, where more characters are special.
    pub(super) fn is_in_flow(&self, place: &Place) -> bool {
        place
            .parent
            .and_then(|parent| self.layout(parent))
            .is_some_and(|(_, layout)| layout == Layout::Flow)
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

    /// Whether the last scalar before `offset` is a block scalar.
    pub(super) fn is_block_before(&self, offset: usize) -> bool {
        let before = |piece: &&Piece<'_>| piece.start.offset < offset;
        let mut scalars = self.pieces.iter().rev().filter(before);
        let is_block = |piece: &Piece<'_>| match &piece.what {
            What::Scalar(_, style) => {
                Some(matches!(style, ScalarStyle::Literal | ScalarStyle::Folded))
            }
            _ => None,
        };
        scalars.find_map(is_block).unwrap_or_default()
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

    pub(super) fn unsafe_at(&self, place: &Place, path: &Path) -> EditError {
        EditError::Unsafe {
            path: path.clone(),
            position: self.position(place),
        }
    }
}
