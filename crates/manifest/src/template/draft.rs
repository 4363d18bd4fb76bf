//! A sheet while it is written: text as text, values as tokens, and where each byte comes from.
//!
//! A *section* of the text begins where a document certainly does, so that YAML can read it alone.
//! The tokens of a section are numbered from 0: sections that come from the same tags of a template
//! are the same text, whatever is inserted.

use std::sync::Arc;

use memchr::memmem::{self, Finder};

use super::nonce::{free, nonce};
use super::sheet::{Sheet, Token};
use super::source::Source;
use super::syntax::Offset;

/// A stretch of the text; it ends where the next begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) start: usize,
    pub(super) source: usize,
    /// Where in the template it comes from.
    pub(super) at: Offset,
    pub(super) kind: PieceKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PieceKind {
    /// Copied, byte for byte.
    Text,
    /// Written before each line of a partial that is indented.
    Indent,
    Token(usize),
}

/// Documents that YAML reads as it reads them in the whole text; it ends where the next begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) start: usize,
    /// The token that is number 0 in it.
    pub(super) token: usize,
}

/// A sheet being written.
#[derive(Debug)]
pub(super) struct Draft {
    text: String,
    nonce: String,
    pieces: Vec<Piece>,
    sections: Vec<Section>,
    tokens: usize,
    /// White space that each line gets, and where it was asked for.
    indent: (String, usize, Offset),
    at_line_start: bool,
    marker: Finder<'static>,
}

impl Draft {
    pub(super) fn new() -> Self {
        Self {
            text: String::new(),
            nonce: nonce(0),
            pieces: Vec::new(),
            sections: vec![Section::default()],
            tokens: 0,
            indent: (String::new(), 0, 0),
            at_line_start: true,
            marker: Finder::new(MARKER),
        }
    }

    /// Adds to the white space before each line; gives back what to [`restore`](Self::restore).
    pub(super) fn indent(
        &mut self,
        more: &str,
        source: usize,
        at: Offset,
    ) -> (String, usize, Offset) {
        let indent = format!("{}{more}", self.indent.0);
        std::mem::replace(&mut self.indent, (indent, source, at))
    }

    pub(super) fn restore(&mut self, indent: (String, usize, Offset)) {
        self.indent = indent;
    }

    pub(super) fn text(&mut self, text: &str, source: usize, at: Offset) {
        if self.indent.0.is_empty() {
            self.cut(text);
            self.push(text, source, at, PieceKind::Text);
            return;
        }
        let mut at = at;
        for line in text.split_inclusive('\n') {
            // An empty line stays empty.
            if !line.trim_end_matches(['\r', '\n']).is_empty() {
                self.indent_line();
            }
            self.push(line, source, at, PieceKind::Text);
            at += line.len();
        }
    }

    pub(super) fn token(&mut self, source: usize, at: Offset) {
        self.indent_line();
        self.pieces.push(Piece {
            start: self.text.len(),
            source,
            at,
            kind: PieceKind::Token(self.tokens),
        });
        let first = self.sections.last().map_or(0, |section| section.token);
        push_token(&mut self.text, &self.nonce, self.tokens - first);
        self.at_line_start = false;
        self.tokens += 1;
    }

    fn indent_line(&mut self) {
        if self.at_line_start && !self.indent.0.is_empty() {
            let (indent, source, at) = self.indent.clone();
            self.push(&indent, source, at, PieceKind::Indent);
        }
        self.at_line_start = false;
    }

    fn push(&mut self, text: &str, source: usize, at: Offset, kind: PieceKind) {
        if !text.is_empty() {
            self.pieces.push(Piece {
                start: self.text.len(),
                source,
                at,
                kind,
            });
            self.text.push_str(text);
            self.at_line_start = text.ends_with('\n');
        }
    }

    /// Begins a section at each document marker of a text that is to be pushed.
    ///
    /// No scalar, no flow collection and no comment goes on behind a line that begins with `---`
    /// and a blank (YAML 1.2.2, `c-forbidden`). Markers that are made of several pieces are left
    /// out: a section may hold many documents.
    fn cut(&mut self, text: &str) {
        for found in self.marker.find_iter(text.as_bytes()) {
            let byte = |at: usize| text.as_bytes().get(at).copied();
            let begins_line = match found.checked_sub(1) {
                Some(before) => byte(before) == Some(b'\n'),
                None => self.at_line_start,
            };
            let ends = matches!(
                byte(found + MARKER.len()),
                Some(b' ' | b'\t' | b'\r' | b'\n')
            );
            let start = self.text.len() + found;
            if begins_line && ends && start > 0 {
                let token = self.tokens;
                self.sections.push(Section { start, token });
            }
        }
    }

    /// The finished sheet, with a nonce that only tokens have.
    pub(super) fn finish(
        mut self,
        main: Arc<Source>,
        sources: Arc<[Arc<Source>]>,
        tokens: Vec<Token>,
    ) -> Sheet {
        let finder = Finder::new(&self.nonce);
        let is_taken = finder.find_iter(self.text.as_bytes()).count() != self.tokens;
        if is_taken {
            self.nonce = free(&self.text);
        }
        if is_taken || !may_cut(&self.text) {
            self.text = whole(&self.text, &mut self.pieces, &self.nonce);
            self.sections = vec![Section::default()];
        }
        Sheet {
            main,
            sources,
            text: self.text,
            nonce: Finder::new(&self.nonce).into_owned(),
            pieces: self.pieces,
            sections: self.sections,
            tokens,
        }
    }
}

/// What begins a document, at the beginning of a line and before a blank of one byte.
pub(super) const MARKER: &str = "---";

/// Ends a token, so that a digit of the template behind it does not become part of its number.
pub(super) const END: char = 'z';

fn push_token(text: &mut String, nonce: &str, number: usize) {
    text.push_str(nonce);
    push_number(text, number);
    text.push(END);
}

/// As its `Display`, which takes longer than all else about a token.
fn push_number(text: &mut String, number: usize) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    let digit = u8::try_from(number % 10).unwrap_or_default();
    text.push(char::from(b'0' + digit));
}

/// Whether documents begin at their markers: a directive stands before one, and a byte order mark
/// can stand before a directive.
fn may_cut(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_directive = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        matches!(before, None | Some(b'\n' | b'\r'))
    };
    !memchr::memchr_iter(b'%', bytes).any(is_directive)
        && memmem::find(bytes, "\u{feff}".as_bytes()).is_none()
}

/// The same text as one section, with another nonce or the one it had.
pub(super) fn whole(text: &str, pieces: &mut [Piece], nonce: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut rest = pieces.iter_mut().peekable();
    while let Some(piece) = rest.next() {
        let end = rest.peek().map_or(text.len(), |next| next.start);
        let old = text.get(piece.start..end).unwrap_or_default();
        piece.start = written.len();
        match piece.kind {
            PieceKind::Token(number) => push_token(&mut written, nonce, number),
            PieceKind::Text | PieceKind::Indent => written.push_str(old),
        }
    }
    written
}
