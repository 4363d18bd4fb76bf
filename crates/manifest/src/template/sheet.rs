//! The rendered text of one template, and what each byte of it comes from.
//!
//! An inserted value is not written as text. A *token* is, a word such as `Nrax12z`, that YAML
//! reads as part of whatever scalar, key or comment it stands in; the value takes its place in the
//! parsed tree. Values therefore never pass through text at all.
//!
//! A token cannot be forged. It begins with a nonce that occurs in the finished text exactly as
//! often as tokens were written; when some template's own text contains the nonce, the first one
//! that occurs nowhere in it is taken and the text put together once more. Its first letter occurs
//! in it only once, so no occurrence can straddle the edge between a token and the text around it.
//! Which nonce it is depends on the text alone: the same templates and values give the same bytes.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use memchr::memmem::Finder;

use super::source::Source;
use super::syntax::Offset;
use crate::origin::Origin;
use crate::values::ValueId;

/// The finished text of one template.
#[derive(Debug)]
pub(super) struct Sheet {
    /// The template itself.
    main: Arc<Source>,
    /// Every template and partial of the set, by number.
    sources: Arc<[Arc<Source>]>,
    text: String,
    /// Looks for the nonce. Nearly every scalar of a rendering is searched once, and most are short.
    nonce: Finder<'static>,
    pieces: Vec<Piece>,
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

/// A stretch of the text; it ends where the next begins.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: usize,
    source: usize,
    /// Where in the template it comes from.
    at: Offset,
    kind: PieceKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PieceKind {
    /// Copied, byte for byte.
    Text,
    /// Written before each line of a partial that is indented.
    Indent,
    Token(usize),
}

/// A sheet being written.
#[derive(Debug)]
pub(super) struct Draft {
    text: String,
    nonce: String,
    pieces: Vec<Piece>,
    tokens: usize,
    /// White space that each line gets, and where it was asked for.
    indent: (String, usize, Offset),
    at_line_start: bool,
}

impl Draft {
    pub(super) fn new() -> Self {
        Self {
            text: String::new(),
            nonce: nonce(0),
            pieces: Vec::new(),
            tokens: 0,
            indent: (String::new(), 0, 0),
            at_line_start: true,
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
        // Writing to a `String` cannot fail.
        let _ = write!(self.text, "{}{}{END}", self.nonce, self.tokens);
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

    /// The finished sheet, with a nonce that only tokens have.
    pub(super) fn finish(
        mut self,
        main: Arc<Source>,
        sources: Arc<[Arc<Source>]>,
        tokens: Vec<Token>,
    ) -> Sheet {
        if self.text.matches(self.nonce.as_str()).count() != self.tokens {
            let taken = nonces(&self.text);
            let mut free = nonce(0);
            // Ends after at most as many nonces as are taken.
            for attempt in 1..=taken.len() {
                if !taken.contains(free.as_str()) {
                    break;
                }
                free = nonce(attempt);
            }
            self.rewrite(free);
        }
        let Self {
            text,
            nonce,
            pieces,
            ..
        } = self;
        Sheet {
            main,
            sources,
            text,
            nonce: Finder::new(&nonce).into_owned(),
            pieces,
            tokens,
        }
    }

    fn rewrite(&mut self, nonce: String) {
        let mut text = String::with_capacity(self.text.len());
        let ends: Vec<usize> = self
            .pieces
            .iter()
            .skip(1)
            .map(|piece| piece.start)
            .collect();
        let ends = ends.into_iter().chain(std::iter::once(self.text.len()));
        for (piece, end) in self.pieces.iter_mut().zip(ends) {
            let old = self.text.get(piece.start..end).unwrap_or_default();
            piece.start = text.len();
            match piece.kind {
                PieceKind::Token(number) => text.push_str(&format!("{nonce}{number}{END}")),
                PieceKind::Text | PieceKind::Indent => text.push_str(old),
            }
        }
        self.text = text;
        self.nonce = nonce;
    }
}

/// Ends a token, so that a digit of the template behind it does not become part of its number.
const END: char = 'z';

/// How every nonce begins.
const NONCE_START: &str = "Nr";

/// `Nrax`, `Nrbx`, …: letters and digits only, because YAML gives any other sign a meaning
/// somewhere, and `N` only in front.
fn nonce(attempt: usize) -> String {
    const LETTERS: &[u8; 25] = b"abcdefghijklmnopqrstuvwxy";
    let mut nonce = NONCE_START.to_owned();
    let mut rest = attempt;
    loop {
        nonce.push(
            LETTERS
                .get(rest % LETTERS.len())
                .copied()
                .map_or('a', char::from),
        );
        rest /= LETTERS.len();
        if rest == 0 {
            nonce.push('x');
            return nonce;
        }
    }
}

/// Letters of the longest nonce that is looked for. Texts would need more than 25⁸ nonces before a
/// longer one were taken.
const MAX_NONCE_LETTERS: usize = 8;

/// Every nonce of at most [`MAX_NONCE_LETTERS`] letters that occurs in a text, in one pass: where
/// one begins, each `x` ends one.
///
/// Tokens that are in the text add the nonce that they were written with and no other: no nonce
/// reaches from the text before a token into it, and behind a token's nonce stands a digit.
fn nonces(text: &str) -> HashSet<&str> {
    let mut found = HashSet::new();
    for (start, _) in text.match_indices(NONCE_START) {
        let rest = text.get(start..).unwrap_or_default();
        let letters = rest
            .bytes()
            .skip(NONCE_START.len())
            .take(MAX_NONCE_LETTERS + 1)
            .take_while(u8::is_ascii_lowercase);
        for (index, letter) in letters.enumerate().skip(1) {
            if letter == b'x' {
                found.extend(rest.get(..NONCE_START.len() + index + 1));
            }
        }
    }
    found
}

/// Part of a scalar's text.
pub(super) enum Part<'t> {
    Text(&'t str),
    Token(usize),
}

impl Sheet {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The line that an offset is in.
    pub(super) fn line(&self, offset: usize) -> &str {
        let (before, after) = self.text.split_at_checked(offset).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let end = offset + after.find('\n').unwrap_or(after.len());
        self.text.get(start..end).unwrap_or_default()
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

    /// Where each token stands in the text.
    pub(super) fn token_offsets(&self) -> impl Iterator<Item = (usize, usize)> {
        self.pieces.iter().filter_map(|piece| match piece.kind {
            PieceKind::Token(number) => Some((number, piece.start)),
            _ => None,
        })
    }

    /// Where one token stands in the text.
    pub(super) fn token_offset(&self, number: usize) -> Option<usize> {
        self.token_offsets()
            .find(|(found, _)| *found == number)
            .map(|(_, offset)| offset)
    }

    /// The tokens that a text holds.
    pub(super) fn tokens_in(&self, text: &str) -> impl Iterator<Item = &Token> {
        self.parts(text).into_iter().filter_map(|part| match part {
            Part::Token(number) => self.tokens.get(number),
            Part::Text(_) => None,
        })
    }

    /// A message about the text, with each token replaced by the tag it stands for.
    pub(super) fn in_words(&self, message: &str) -> String {
        let parts = self.parts(message);
        let words = parts.iter().map(|part| match part {
            Part::Text(text) => *text,
            Part::Token(number) => match self.tokens.get(*number) {
                Some(token) => self.source(token.source).tag(token.at),
                None => "{{…}}",
            },
        });
        words.collect()
    }
}
