//! The text of a template file, for positions and for lines in errors. Does not parse.

use std::ops::Range;
use std::sync::Arc;

use super::syntax::Offset;
use crate::error::{Error, ErrorKind};
use crate::origin::Origin;
use narae_yaml::Position;

/// The text of a template file, and the way from offsets to lines.
#[derive(Clone, Debug)]
pub(super) struct Source {
    name: Arc<str>,
    text: String,
    /// Offset of the first byte of each line.
    lines: Vec<Offset>,
}

impl Source {
    pub(super) fn new(name: &str, text: &str) -> Self {
        let ends = text.match_indices('\n').map(|(offset, _)| offset + 1);
        Self {
            name: name.into(),
            text: text.to_owned(),
            lines: std::iter::once(0).chain(ends).collect(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The offset of a line and column, both counted from one, the column in characters.
    pub(super) fn offset(&self, line: usize, column: usize) -> Offset {
        let Some(start) = line.checked_sub(1).and_then(|line| self.lines.get(line)) else {
            return self.text.len();
        };
        let rest = self.text.get(*start..).unwrap_or_default();
        let ahead = rest.char_indices().nth(column.saturating_sub(1));
        start + ahead.map_or(rest.len(), |(ahead, _)| ahead)
    }

    pub(super) fn position(&self, offset: Offset) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = line
            .checked_sub(1)
            .and_then(|line| self.lines.get(line))
            .copied();
        let before = self
            .text
            .get(start.unwrap_or(0)..offset)
            .unwrap_or_default();
        Position::new(offset, line, before.chars().count() + 1)
    }

    pub(super) fn origin(&self, offset: Offset) -> Origin {
        Origin::at(Arc::clone(&self.name), self.position(offset))
    }

    /// An error at a place of this template, with its line shown.
    pub(super) fn error(
        &self,
        kind: ErrorKind,
        message: impl Into<String>,
        offset: Offset,
    ) -> Error {
        Error::new(kind, message)
            .at(self.origin(offset))
            .showing(&self.text)
    }

    /// Whether a tag has its line to itself.
    pub(super) fn stands_alone(&self, tag: Range<Offset>) -> bool {
        let blank = |text: &str| {
            text.bytes()
                .all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
        };
        let before = self.text.get(..tag.start).unwrap_or_default();
        let before = before.rsplit('\n').next().unwrap_or_default();
        let behind = self.text.get(tag.end..).unwrap_or_default();
        blank(before) && blank(behind.split('\n').next().unwrap_or_default())
    }

    /// The text of the tag at `offset`, braces included.
    pub(super) fn tag(&self, offset: Offset) -> &str {
        let rest = self.text.get(offset..).unwrap_or_default();
        let mut quote = None;
        let mut end = rest.len();
        for (index, c) in rest.char_indices() {
            match quote {
                Some(open) if c == open => quote = None,
                Some(_) => {}
                None if matches!(c, '"' | '\'') => quote = Some(c),
                None if rest.get(index..).is_some_and(|rest| rest.starts_with("}}")) => {
                    end = index + 2;
                    break;
                }
                None => {}
            }
        }
        rest.get(..end).unwrap_or(rest)
    }
}
