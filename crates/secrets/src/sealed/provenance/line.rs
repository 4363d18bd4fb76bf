//! The record of one item: its fields, as they are written and read.

use std::fmt;

use aws_lc_rs::digest;

use super::{Source, hex};
use crate::sealed::digest::KeyedDigest;
use crate::sealed::{Fingerprint, Label};

/// Digits of a ciphertext's digest that are written. Whoever could find another ciphertext for these could write it with
/// its record just as well.
const DIGITS: usize = 32;

/// The fields of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sealed) struct Line {
    pub(in crate::sealed) item: String,
    /// `sha256:` and digits; 64 of them in records of before.
    ciphertext: String,
    pub(in crate::sealed) key: String,
    pub(in crate::sealed) label: String,
    pub(in crate::sealed) origin: Origin,
}

/// By what a value is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sealed) enum Origin {
    /// As [`Source`] prints.
    Source(String),
    Digest(KeyedDigest),
}

impl Line {
    pub(in crate::sealed) fn new(
        item: &str,
        text: &str,
        key: &Fingerprint,
        label: &Label,
        origin: Origin,
    ) -> Self {
        Self {
            item: item.to_owned(),
            ciphertext: digest_of(text),
            key: key.to_string(),
            label: label.to_string(),
            origin,
        }
    }

    /// Reads what [`Display`](fmt::Display) writes.
    pub(in crate::sealed) fn parse(text: &str) -> Option<Self> {
        let sound = |field: &str| {
            let bad = |c: char| c.is_whitespace() || c.is_control();
            !field.is_empty() && !field.contains(bad)
        };
        if !text.split(' ').all(sound) {
            return None;
        }
        let mut fields = text.splitn(5, ' ').map(str::to_owned);
        let mut next = || fields.next();
        Some(Self {
            item: next()?,
            ciphertext: next()?,
            key: next()?,
            label: next()?,
            origin: Origin::parse(&next()?)?,
        })
    }

    /// Whether it speaks of this ciphertext.
    pub(in crate::sealed) fn is_of(&self, text: &str) -> bool {
        let digits = self.ciphertext.strip_prefix(ALGORITHM);
        digits.is_some_and(|digits| {
            matches!(digits.len(), DIGITS | 64) && hexadecimal(text).starts_with(digits)
        })
    }

    /// By what a line is found that may speak of a ciphertext: equal for both.
    pub(in crate::sealed) fn clue(&self) -> Option<&str> {
        self.ciphertext.get(..ALGORITHM.len() + DIGITS)
    }

    /// Whether it was written for this ciphertext of this item under this label: nobody copied, renamed or changed the item since.
    pub(in crate::sealed) fn binds(&self, item: &str, text: &str, label: &Label) -> bool {
        self.item == item && self.is_of(text) && self.label == label.to_string()
    }

    /// The same origin and label, sealed anew for another key.
    pub(in crate::sealed) fn resealed(&self, text: &str, key: &Fingerprint) -> Self {
        Self {
            ciphertext: digest_of(text),
            key: key.to_string(),
            ..self.clone()
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            item,
            ciphertext,
            key,
            label,
            origin,
        } = self;
        write!(f, "{item} {ciphertext} {key} {label} {origin}")
    }
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        match text.split(' ').count() {
            1 => KeyedDigest::parse(text).map(Self::Digest),
            2 => Some(Self::Source(text.to_owned())),
            _ => None,
        }
    }
}

impl From<&Source> for Origin {
    fn from(source: &Source) -> Self {
        Self::Source(source.to_string())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(source) => f.write_str(source),
            Self::Digest(digest) => write!(f, "{digest}"),
        }
    }
}

const ALGORITHM: &str = "sha256:";

/// What a record says of a ciphertext.
pub(in crate::sealed) fn digest_of(ciphertext: &str) -> String {
    let digits = hexadecimal(ciphertext);
    format!("{ALGORITHM}{}", digits.get(..DIGITS).unwrap_or_default())
}

fn hexadecimal(ciphertext: &str) -> String {
    hex(digest::digest(&digest::SHA256, ciphertext.as_bytes()).as_ref())
}
