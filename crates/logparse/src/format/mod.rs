//! The formats, each with its grammar, and [`Format`], which reads any of them by name.
//!
//! A reader either explains the whole line or returns a [`ParseError`]; it never puts bytes in a field whose
//! grammar they do not fit. The typed entries of [`cri`] and [`access`] cost no allocation;
//! [`Format::parse`] gives the same as a uniform [`Record`].

pub mod access;
pub mod cri;
pub mod json;

use std::fmt;
use std::str::FromStr;

use crate::error::ParseError;
use crate::record::{Escaping, Field, Record, Value};

/// A line format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Container logs as the kubelet reads them: see [`cri`].
    Cri,
    /// Access logs of Apache and nginx in the combined format: see [`access`].
    Combined,
    /// One JSON object per line: see [`json`].
    Json,
    /// Any line, as one text field `message`.
    Plain,
}

impl Format {
    /// Every format, the most telling first.
    pub const ALL: &'static [Self] = &[Self::Cri, Self::Combined, Self::Json, Self::Plain];

    /// The name to ask for it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cri => "cri",
            Self::Combined => "combined",
            Self::Json => "json",
            Self::Plain => "plain",
        }
    }

    /// Reads one line, without its ending.
    ///
    /// # Errors
    ///
    /// The line is not of this format; nothing is read out of it.
    pub fn parse(self, line: &[u8]) -> Result<Record<'_>, ParseError> {
        match self {
            Self::Cri => cri::parse(line).map(|entry| entry.into_record()),
            Self::Combined => access::parse_combined(line).map(access::Combined::into_record),
            Self::Json => json::parse(line),
            Self::Plain => Ok(plain(line)),
        }
    }
}

fn plain(line: &[u8]) -> Record<'_> {
    Record::new(
        Format::Plain,
        None,
        vec![Field::new("message", Value::text(line, Escaping::None))],
    )
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no format's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown log format {0:?}: expected cri, combined, json or plain")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|format| format.name() == name);
        found.copied().ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}
