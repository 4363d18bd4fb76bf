//! From text to documents.
//!
//! `granit-parser` turns the text into YAML's events; `build` makes nodes or values of them (`tree`),
//! counting against the limits before each is made, and all that aliases stand for before any of it is
//! copied (`aliases`); `entries` finds duplicates and merges; `scalar`
//! decides what scalars mean; `syntax` says what is wrong. Nothing here recurses over the input.

mod aliases;
mod build;
mod entries;
mod outline;
pub(crate) mod scalar;
mod syntax;
mod tree;

use std::sync::Arc;

use granit_parser::{Event, Marker, Parser, StrInput};

use crate::error::ErrorKind;
use crate::{Document, Error, Limits, Position, Schema, Value};
use build::{Builder, Root};
use outline::Outline;
use tree::{Leaf, Tree};

/// Reads YAML with chosen limits, schema and name.
///
/// ```
/// use narae_yaml::Reader;
///
/// let reader = Reader::new().named("values/prod.yaml");
/// let error = reader.read("image: a\ntag: b\nimage: c\n").unwrap_err();
/// assert_eq!(error.to_string(), "values/prod.yaml:3:1: duplicate key `image` (first at 1:1)");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Reader {
    name: Option<Arc<str>>,
    limits: Limits,
    schema: Schema,
}

impl Reader {
    /// A reader for Kubernetes with the default limits, for a source without a name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the source in errors, by its path as its author would type it.
    #[must_use]
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets what a source may cost.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets what plain scalars mean.
    #[must_use]
    pub fn with_schema(mut self, schema: Schema) -> Self {
        self.schema = schema;
        self
    }

    /// Reads every document of `source`. A source of blanks and comments has none; `---` alone is
    /// one, and empty.
    ///
    /// # Errors
    ///
    /// At the first thing in the source that is not YAML, not readable by Kubernetes, ambiguous,
    /// or beyond a limit.
    pub fn read(&self, source: &str) -> Result<Vec<Document>, Error> {
        let roots = self.roots(source)?;
        Ok(roots
            .into_iter()
            .map(|Root { tree: root, .. }| Document { root })
            .collect())
    }

    /// Reads `source` as one document. Documents in which nothing is written are not counted, so a
    /// leading or trailing `---` does no harm; an empty source is null.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`], and where a second document begins.
    pub fn read_one(&self, source: &str) -> Result<Document, Error> {
        self.root(source).map(|root| Document { root })
    }

    /// Reads every document of `source` without keeping places, which is faster.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`].
    pub fn read_values(&self, source: &str) -> Result<Vec<Value>, Error> {
        let roots = self.roots(source)?;
        Ok(roots.into_iter().map(|root| root.tree).collect())
    }

    /// Reads `source` as one document without keeping places, which is faster.
    ///
    /// # Errors
    ///
    /// As [`Reader::read_one`].
    pub fn read_value(&self, source: &str) -> Result<Value, Error> {
        self.root(source)
    }

    /// Reads bytes that should be UTF-8.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`], and at the first byte that is not UTF-8.
    pub fn read_bytes(&self, source: &[u8]) -> Result<Vec<Document>, Error> {
        self.read(self.text(source)?)
    }

    /// Reads bytes that should be UTF-8 as one document.
    ///
    /// # Errors
    ///
    /// As [`Reader::read_one`], and at the first byte that is not UTF-8.
    pub fn read_one_bytes(&self, source: &[u8]) -> Result<Document, Error> {
        self.read_one(self.text(source)?)
    }

    pub(crate) fn source_name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }

    fn text<'a>(&self, source: &'a [u8]) -> Result<&'a str, Error> {
        self.check_size(source.len())
            .map_err(|error| error.in_source(self.name.as_ref()))?;
        std::str::from_utf8(source).map_err(|error| {
            let valid = source.get(..error.valid_up_to()).unwrap_or_default();
            let offset = valid.len();
            let valid = valid.strip_prefix("\u{feff}".as_bytes()).unwrap_or(valid);
            let line = valid.iter().filter(|&&byte| byte == b'\n').count() + 1;
            let last = valid
                .rsplit(|&byte| byte == b'\n')
                .next()
                .unwrap_or_default();
            // Continuation bytes do not begin a character.
            let column = last.iter().filter(|&&byte| byte & 0xc0 != 0x80).count() + 1;
            Error::at(ErrorKind::Encoding, Position::new(offset, line, column))
                .in_source(self.name.as_ref())
        })
    }

    fn check_size(&self, bytes: usize) -> Result<(), Error> {
        if bytes <= self.limits.max_bytes {
            return Ok(());
        }
        let kind = ErrorKind::Limit {
            what: "longer than",
            limit: "max_bytes",
            most: self.limits.max_bytes,
        };
        Err(Error::new(kind, None))
    }

    fn root<T: Tree>(&self, source: &str) -> Result<T, Error> {
        let mut written = self
            .roots(source)?
            .into_iter()
            .filter(|root| !root.is_empty);
        let first = written.next();
        if let Some(second) = written.next() {
            let error = Error::at(ErrorKind::SecondDocument, second.start);
            return Err(error.in_source(self.name.as_ref()));
        }
        Ok(first.map_or_else(|| T::scalar(Leaf::nothing()), |root| root.tree))
    }

    /// Finds out whether `source` can be read, and shows `watch` each event on the way, with its span
    /// and with what makes a position of a marker. Returns the number of documents.
    pub(crate) fn watch<'a>(
        &self,
        source: &'a str,
        watch: impl FnMut(&Event<'a>, &granit_parser::Span, &dyn Fn(&Marker) -> Position),
    ) -> Result<usize, Error> {
        self.check_size(source.len())?;
        Ok(self.build::<Outline>(source, watch)?.len())
    }

    fn roots<T: Tree>(&self, source: &str) -> Result<Vec<Root<T>>, Error> {
        self.check_size(source.len())
            .and_then(|()| self.build(source, |_, _, _| {}))
            .map_err(|error| error.in_source(self.name.as_ref()))
    }

    fn build<'a, T: Tree>(
        &self,
        source: &'a str,
        mut watch: impl FnMut(&Event<'a>, &granit_parser::Span, &dyn Fn(&Marker) -> Position),
    ) -> Result<Vec<Root<T>>, Error> {
        let mut builder = Builder::new(source, self.schema, self.limits);
        for event in events(source, self.limits) {
            let (event, span) = event.map_err(|error| builder.syntax(&error))?;
            if matches!(event, Event::StreamEnd) {
                break;
            }
            watch(&event, &span, &|marker| builder.position(marker));
            builder.take(event, &span)?;
        }
        Ok(builder.finish())
    }
}

/// The parser's events, without a byte order mark.
fn events(source: &str, limits: Limits) -> Parser<'_, StrInput<'_>> {
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(false);
    options.emit_anchor_events = true;
    // One more than ours, so that ours is the one that is named.
    options.flow_nesting_limit = limits.max_depth + 1;
    options.block_nesting_limit = limits.max_depth + 1;
    let text = source.get(bytes_skipped(source)..).unwrap_or_default();
    Parser::new_from_str_with_options(text, options)
}

/// The length of the byte order mark, if there is one: the parser would take it for a character of
/// the first line, but editors do not show it.
fn bytes_skipped(source: &str) -> usize {
    let text = source.strip_prefix('\u{feff}').unwrap_or(source);
    source.len() - text.len()
}

/// The place of a marker of [`events`].
fn position(source: &str, marker: &Marker) -> Position {
    // Input from a `str` always has byte offsets.
    let offset = marker.byte_offset().unwrap_or_else(|| marker.index());
    Position::new(
        offset + bytes_skipped(source),
        marker.line(),
        marker.col() + 1,
    )
}

/// Reads every document of `source` as Kubernetes does, as plain values.
///
/// # Errors
///
/// As [`Reader::read`].
pub fn read(source: &str) -> Result<Vec<Value>, Error> {
    Reader::new().read_values(source)
}

/// Reads `source` as Kubernetes does, as one plain value.
///
/// # Errors
///
/// As [`Reader::read_one`].
pub fn read_one(source: &str) -> Result<Value, Error> {
    Reader::new().read_value(source)
}
