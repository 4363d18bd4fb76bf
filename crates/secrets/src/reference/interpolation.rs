//! References within a text, for whoever asks for that: `postgres://app:${ref+vault://main/kv/db#/password}@db/shop`.
//!
//! `${` and a reference and `}` stands for its value, byte for byte: what a URL wants escaped must stand escaped in the store. `}` in a key is written
//! `%7D`. `${$}` is a dollar sign, so that `${$}{ref+…}` stays as text; any other `$` or `${` is text as it is.
//! A reference outside of braces is an error, not text. A text that is a reference as a whole is that reference.
//!
//! A text is filled whole or not at all, into memory that never moves. Reading takes time linear in the text.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{Reference, ReferenceError, SCHEME};
use crate::SecretBytes;
use crate::resolve::Resolved;

/// Longest text read, in bytes.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Longest filled text, in bytes: what a Secret holds.
pub const MAX_FILLED_BYTES: usize = 1024 * 1024;

/// A text with at least one reference in it.
///
/// ```
/// use narae_secrets::SecretBytes;
/// use narae_secrets::reference::Interpolation;
/// use narae_secrets::resolve::{Request, resolve};
/// use narae_secrets::store::{Cas, Store as _, memory::MemoryStore};
///
/// let store = MemoryStore::new("main");
/// let data = [("password".to_owned(), SecretBytes::from("pa55".to_owned()))].into();
/// store.write(&"kv/db".parse()?, &data, Cas::Any)?;
///
/// let text: Interpolation = "postgres://app:${ref+vault://main/kv/db#/password}@db".parse()?;
/// let requests: Vec<Request> = text.references().map(|r| Request::new(r.clone(), "a.yaml:1:1")).collect();
/// let filled = text.fill(&resolve(&requests, &[&store])?)?;
/// assert_eq!(filled.expose(), b"postgres://app:pa55@db");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interpolation {
    /// INVARIANT: at least one is a reference; no text is empty or follows another.
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Piece {
    Text(String),
    Value(Reference),
}

/// Why some text cannot be filled. Its words are not repeated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("character {column}: {kind}")]
#[non_exhaustive]
pub struct InterpolationError {
    /// Where in the text, in characters from 1.
    pub column: usize,
    /// What is wrong there.
    pub kind: InterpolationErrorKind,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InterpolationErrorKind {
    /// There is no reference in it.
    #[error("no reference; write ${{ref+vault://STORE/mount/path#/key}}")]
    NoReference,
    /// A `${ref+` without its `}`, or whose `}` is that of another.
    #[error("a reference without its `}}`")]
    Unclosed,
    /// A reference outside of `${…}`, which would stay as text.
    #[error("a reference within a text must stand in ${{…}}")]
    Bare,
    /// What stands in `${…}` is no reference of ours.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// It is longer than [`MAX_TEXT_BYTES`].
    #[error("longer than {MAX_TEXT_BYTES} bytes")]
    TooLong,
}

/// Why a text was not filled.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FillError {
    /// A reference has no value among those resolved.
    #[error("{0} was not resolved")]
    NotResolved(Reference),
    /// The whole would be longer than [`MAX_FILLED_BYTES`].
    #[error("longer than {MAX_FILLED_BYTES} bytes when filled")]
    TooLong,
}

impl Interpolation {
    /// Whether `text` is a reference, or means to have some in it, even broken ones.
    ///
    /// What this accepts and [`FromStr`] refuses must not be taken as a literal secret.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        let mut opened = text.split("${").skip(1);
        Reference::is_reference(text)
            || text.contains(SCHEME)
            || opened.any(|rest| rest.trim_start().starts_with("ref+"))
    }

    /// Its references, in order.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Value(reference) => Some(reference),
            Piece::Text(_) => None,
        })
    }

    /// The reference that this is as a whole.
    #[must_use]
    pub fn as_reference(&self) -> Option<&Reference> {
        match self.pieces.as_slice() {
            [Piece::Value(reference)] => Some(reference),
            _ => None,
        }
    }

    /// The text with a value in the place of each reference.
    ///
    /// # Errors
    ///
    /// [`FillError`]; nothing is filled then.
    pub fn fill(&self, resolved: &Resolved) -> Result<SecretBytes, FillError> {
        let mut parts: Vec<&[u8]> = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            parts.push(match piece {
                Piece::Text(text) => text.as_bytes(),
                Piece::Value(reference) => {
                    let missing = || FillError::NotResolved(reference.clone());
                    resolved.get(reference).ok_or_else(missing)?.value.expose()
                }
            });
        }
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        // A whole reference is as long as its value is.
        if bytes > MAX_FILLED_BYTES && parts.len() > 1 {
            return Err(FillError::TooLong);
        }
        let mut filled = Vec::with_capacity(bytes);
        parts
            .into_iter()
            .for_each(|part| filled.extend_from_slice(part));
        Ok(SecretBytes::new(filled))
    }

    /// Its text with a mark, NUL, in the place of each reference: what tells it from every other text of the same references.
    /// A NUL of the text itself stands behind a mark of its own, U+0001, and so does one of those.
    pub(crate) fn shape(&self) -> String {
        let mut shape = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => {
                    for character in text.chars() {
                        if matches!(character, '\0' | '\u{1}') {
                            shape.push('\u{1}');
                        }
                        shape.push(character);
                    }
                }
                Piece::Value(_) => shape.push('\0'),
            }
        }
        shape
    }

    fn push_text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }
}

impl From<Reference> for Interpolation {
    fn from(reference: Reference) -> Self {
        Self {
            pieces: vec![Piece::Value(reference)],
        }
    }
}

impl FromStr for Interpolation {
    type Err = InterpolationError;

    fn from_str(text: &str) -> Result<Self, InterpolationError> {
        use InterpolationErrorKind as K;
        let wrong = |rest: &str, kind| InterpolationError {
            column: text.chars().count() - rest.chars().count() + 1,
            kind,
        };
        if text.len() > MAX_TEXT_BYTES {
            return Err(wrong(text, K::TooLong));
        }
        if Reference::is_reference(text) {
            let reference: Result<Reference, _> = text.parse();
            return match reference {
                Ok(reference) => Ok(reference.into()),
                Err(error) => Err(wrong(text, error.into())),
            };
        }
        let mut read = Self { pieces: Vec::new() };
        let mut rest = text;
        loop {
            let (before, opened) = match rest.find("${") {
                None => (rest, None),
                Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at + 2..)),
            };
            if let Some(at) = before.find(SCHEME) {
                return Err(wrong(rest.get(at..).unwrap_or_default(), K::Bare));
            }
            read.push_text(before);
            let Some(inner) = opened else {
                break;
            };
            if let Some(after) = inner.strip_prefix("$}") {
                read.push_text("$");
                rest = after;
                // What is escaped is text, and no reference outside of braces.
                if let Some(after) = rest.strip_prefix("{ref+") {
                    read.push_text("{ref+");
                    rest = after;
                }
            } else if inner.trim_start().starts_with("ref+") {
                let at = rest.get(before.len()..).unwrap_or_default();
                let closed = inner
                    .split_once('}')
                    .filter(|(reference, _)| !reference.contains("${"));
                let (reference, after) = closed.ok_or_else(|| wrong(at, K::Unclosed))?;
                let reference: Reference = reference
                    .trim()
                    .parse()
                    .map_err(|error: ReferenceError| wrong(at, error.into()))?;
                read.pieces.push(Piece::Value(reference));
                rest = after;
            } else {
                read.push_text("${");
                rest = inner;
            }
        }
        let has_any = read.references().next().is_some();
        match has_any {
            true => Ok(read),
            false => Err(wrong(text, K::NoReference)),
        }
    }
}

/// The one canonical form, which reads back as the same.
impl fmt::Display for Interpolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(reference) = self.as_reference() {
            return reference.fmt(f);
        }
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => f.write_str(&text.replace("${", "${$}{"))?,
                Piece::Value(reference) => write!(f, "${{{reference}}}")?,
            }
        }
        Ok(())
    }
}
