//! The rendered text of one template, and what each byte of it comes from.
//!
//! An inserted value is not written as text. A *token* is, a word such as `Nrax12z`, that YAML
//! reads as part of whatever scalar, key or comment it stands in; the value takes its place in the
//! parsed tree. Values therefore never pass through text at all.
//!
//! A token cannot be forged. It begins with a nonce that occurs in the finished text exactly as
//! often as tokens were written; when some template's own text contains the nonce, the first one
//! that occurs nowhere in it is taken ([`super::nonce`]) and the text put together once more.
//!
//! May be asked where a byte comes from and what stands in a text. It is written by
//! [`super::draft`] and read by [`super::reading`].

use std::ops::Range;
use std::sync::Arc;

use memchr::memmem::Finder;

use super::draft::{END, MARKER, Piece, PieceKind, Section, whole};
use super::source::Source;
use super::syntax::Offset;
use crate::origin::Origin;
use crate::values::ValueId;

/// The finished text of one template.
#[derive(Debug)]
pub(super) struct Sheet {
    /// The template itself.
    pub(super) main: Arc<Source>,
    /// Every template and partial of the set, by number.
    pub(super) sources: Arc<[Arc<Source>]>,
    pub(super) text: String,
    /// Looks for the nonce. Nearly every scalar is searched once, and most are short.
    pub(super) nonce: Finder<'static>,
    pub(super) pieces: Vec<Piece>,
    pub(super) sections: Vec<Section>,
    pub(super) tokens: Vec<Token>,
}

/// What stands for an inserted value, once it is in the tree.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) source: usize,
    pub(super) at: Offset,
    /// The values it was, or was made of.
    pub(super) values: Vec<ValueId>,
}

/// One section of a sheet.
#[derive(Clone, Debug)]
pub(super) struct Stretch<'s> {
    /// Its text, and the marker of the section behind it: not everything that ends at a marker is
    /// told to end at the same place when the text ends there.
    pub(super) text: &'s str,
    /// Whether there is such a marker.
    pub(super) is_followed: bool,
    /// Where it stands in the sheet.
    pub(super) start: usize,
    /// The tokens in it; its text counts them from 0.
    pub(super) tokens: Range<usize>,
}

/// Part of a scalar's text.
pub(super) enum Part<'t> {
    Text(&'t str),
    /// By its number in the section.
    Token(usize),
}

impl Sheet {
    /// The same as one section.
    pub(super) fn into_whole(mut self) -> Self {
        let nonce = String::from_utf8_lossy(self.nonce.needle()).into_owned();
        self.text = whole(&self.text, &mut self.pieces, &nonce);
        self.sections = vec![Section::default()];
        self
    }

    /// What is left to know once the text is read: where each part of it came from.
    pub(super) fn without_text(mut self) -> Self {
        self.text = String::new();
        self
    }

    pub(super) fn is_whole(&self) -> bool {
        self.sections.len() == 1
    }

    pub(super) fn stretches(&self) -> impl Iterator<Item = Stretch<'_>> {
        let behind = self.sections.iter().skip(1).map(Some).chain([None]);
        self.sections.iter().zip(behind).map(|(section, behind)| {
            let (end, token) = match behind {
                Some(behind) => (behind.start + MARKER.len() + 1, behind.token),
                None => (self.text.len(), self.tokens.len()),
            };
            Stretch {
                text: self.text.get(section.start..end).unwrap_or_default(),
                is_followed: behind.is_some(),
                start: section.start,
                tokens: section.token..token,
            }
        })
    }

    /// Whether a text contains any token; quick, because most do not.
    pub(super) fn has_token(&self, text: &str) -> bool {
        !self.tokens.is_empty() && self.nonce.find(text.as_bytes()).is_some()
    }

    /// The token that is all of `text`, if one is.
    pub(super) fn whole_token(&self, text: &str) -> Option<usize> {
        let behind = text.as_bytes().strip_prefix(self.nonce.needle())?;
        let number = text.get(text.len() - behind.len()..)?.strip_suffix(END)?;
        number
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| number.parse().ok())
            .flatten()
    }

    /// Splits a text at its tokens.
    pub(super) fn parts<'t>(&self, text: &'t str) -> Vec<Part<'t>> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = self.nonce.find(rest.as_bytes()) {
            let (before, behind) = rest.split_at_checked(at).unwrap_or_default();
            let behind = behind.get(self.nonce.needle().len()..).unwrap_or_default();
            if !before.is_empty() {
                parts.push(Part::Text(before));
            }
            let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
            let (number, behind) = behind.split_at_checked(digits).unwrap_or_default();
            if let Ok(number) = number.parse() {
                parts.push(Part::Token(number));
            }
            rest = behind.strip_prefix(END).unwrap_or(behind);
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest));
        }
        parts
    }

    /// The template, and the place in it, that the text at `offset` comes from.
    pub(super) fn place(&self, offset: usize) -> (&Arc<Source>, Offset) {
        let index = self.pieces.partition_point(|piece| piece.start <= offset);
        let piece = index
            .checked_sub(1)
            .and_then(|index| self.pieces.get(index));
        let (source, at) = match piece {
            Some(Piece {
                start,
                source,
                at,
                kind: PieceKind::Text,
            }) => (*source, at + (offset - start)),
            Some(piece) => (piece.source, piece.at),
            None => return (&self.main, 0),
        };
        (self.source(source), at)
    }

    pub(super) fn origin(&self, offset: usize) -> Origin {
        let (source, at) = self.place(offset);
        source.origin(at)
    }

    /// The source of a number; the template itself when there is none of it.
    pub(super) fn source(&self, number: usize) -> &Arc<Source> {
        self.sources.get(number).unwrap_or(&self.main)
    }

    /// Where the tokens of a section stand in the sheet, in their order.
    pub(super) fn token_offsets(&self, stretch: &Stretch<'_>) -> impl Iterator<Item = usize> {
        let first = (self.pieces).partition_point(|piece| piece.start < stretch.start);
        let pieces = self.pieces.get(first..).unwrap_or_default().iter();
        pieces
            .filter(|piece| matches!(piece.kind, PieceKind::Token(_)))
            .map(|piece| piece.start)
            .take(stretch.tokens.len())
    }

    /// The tokens that a text of a whole sheet holds.
    pub(super) fn tokens_in(&self, text: &str) -> impl Iterator<Item = &Token> {
        self.parts(text).into_iter().filter_map(|part| match part {
            Part::Token(number) => self.tokens.get(number),
            Part::Text(_) => None,
        })
    }

    /// A message about a whole sheet, with each token replaced by the tag it stands for.
    pub(super) fn in_words(&self, message: &str) -> String {
        let parts = self.parts(message);
        let words = parts.iter().map(|part| match part {
            Part::Text(text) => *text,
            Part::Token(number) => self.tag(*number),
        });
        words.collect()
    }

    /// The tag that a token stands for.
    pub(super) fn tag(&self, token: usize) -> &str {
        match self.tokens.get(token) {
            Some(token) => self.source(token.source).tag(token.at),
            None => "{{…}}",
        }
    }

    /// The line that an offset is in.
    pub(super) fn line(&self, offset: usize) -> &str {
        let (before, after) = self.text.split_at_checked(offset).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let end = offset + after.find('\n').unwrap_or(after.len());
        self.text.get(start..end).unwrap_or_default()
    }
}
