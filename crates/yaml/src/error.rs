//! What can be wrong with a source, and where.

use std::fmt;
use std::sync::Arc;

use crate::Position;

/// Why a source could not be read, or a value could not be turned into a caller's type.
///
/// Its text is one line: `values/prod.yaml:12:7: duplicate key …`, without the name when the
/// source has none. Scalars of the source are never part of it, since any of them may be a secret;
/// mapping keys, tags and anchor names may be, and what a caller's own `Deserialize` has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    source: Option<Arc<str>>,
    position: Option<Position>,
    kind: ErrorKind,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Not YAML.
    #[error("{0}")]
    Syntax(String),
    /// A mapping has the same key twice; readers disagree about which one counts.
    #[error("duplicate key `{key}` (first at {first})")]
    DuplicateKey {
        /// The key, as Kubernetes names it.
        key: String,
        /// Where it stood first.
        first: Position,
    },
    /// A key Kubernetes cannot use: null, a collection, or a number it has no name for.
    #[error("{0} cannot be a mapping key")]
    Key(&'static str),
    /// A limit of [`Limits`](crate::Limits) was crossed.
    #[error("{what} {limit} = {most} allows")]
    Limit {
        /// What grew too large: `nested deeper than`.
        what: &'static str,
        /// The limit, as it is spelt in [`Limits`](crate::Limits).
        limit: &'static str,
        /// Its value.
        most: usize,
    },
    /// A tag that is not known, or cannot hold what it stands on.
    #[error("tag `{tag}` {problem}")]
    Tag {
        /// The tag, short form.
        tag: String,
        /// What is wrong with it here.
        problem: &'static str,
    },
    /// An alias without an anchor before it, or inside its own anchor.
    #[error("alias `*{name}` {problem}")]
    Alias {
        /// The alias' name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// `<<` holds something other than a mapping or a sequence of mappings.
    #[error("`<<` merges a mapping or a sequence of mappings, not {0}")]
    Merge(&'static str),
    /// An infinity or not-a-number, which Kubernetes' JSON has no form for.
    #[error(
        "a number that is not finite cannot be read by Kubernetes; quote it if a string is meant"
    )]
    NotFinite,
    /// Not UTF-8.
    #[error("not UTF-8; save the file as UTF-8 without other encodings mixed in")]
    Encoding,
    /// One document was asked for and another one begins here.
    #[error("a second document begins here where one was expected")]
    SecondDocument,
    /// The value does not fit the caller's type.
    #[error("{0}")]
    Data(String),
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, position: Option<Position>) -> Self {
        Self(Box::new(Inner {
            source: None,
            position,
            kind,
        }))
    }

    pub(crate) fn at(kind: ErrorKind, position: Position) -> Self {
        Self::new(kind, Some(position))
    }

    /// Names the source, unless an inner reader already did.
    pub(crate) fn in_source(mut self, name: Option<&Arc<str>>) -> Self {
        if self.0.source.is_none() {
            self.0.source = name.cloned();
        }
        self
    }

    /// Places the error, unless something closer to it already did.
    pub(crate) fn or_at(mut self, position: Option<Position>) -> Self {
        if self.0.position.is_none() {
            self.0.position = position;
        }
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Where, if it has a place.
    pub fn position(&self) -> Option<Position> {
        self.0.position
    }

    /// The same without what the source calls something: keys, tags, anchors. For a source that may hold plaintext, where a
    /// mistake makes a name of a secret: `password: *pa55`.
    #[must_use]
    pub fn without_names(mut self) -> Self {
        let nameless = || "…".to_owned();
        match &mut self.0.kind {
            ErrorKind::DuplicateKey { key, .. } => *key = nameless(),
            ErrorKind::Tag { tag, .. } => *tag = nameless(),
            ErrorKind::Alias { name, .. } => *name = nameless(),
            // The caller's own type said it, of whatever it was given.
            ErrorKind::Data(what) => "what stands here does not fit".clone_into(what),
            _ => {}
        }
        self
    }

    /// The name given to the source by [`Reader::named`](crate::Reader::named).
    pub fn source_name(&self) -> Option<&str> {
        self.0.source.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.source, self.0.position) {
            (Some(source), Some(position)) => write!(f, "{source}:{position}: ")?,
            (Some(source), None) => write!(f, "{source}: ")?,
            (None, Some(position)) => write!(f, "{position}: ")?,
            (None, None) => {}
        }
        self.0.kind.fmt(f)
    }
}

impl std::error::Error for Error {}
