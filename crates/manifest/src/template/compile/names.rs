//! The places of the names in a tag, which the parser does not give.
//!
//! May only search, forwards and from the tag on. A name that is not found has the place of what
//! was found before it: a place somewhat to the left, never an error.

use crate::template::syntax::Offset;

/// Finds the names of one tag again, from left to right.
pub(super) struct Names<'t> {
    text: &'t str,
    from: Offset,
}

impl<'t> Names<'t> {
    pub(super) fn of(text: &'t str, tag: Offset) -> Self {
        Self { text, from: tag }
    }

    pub(super) fn here(&self) -> Offset {
        self.from
    }

    /// The offset of `name` as a whole word; what follows is searched behind it.
    pub(super) fn find(&mut self, name: &str) -> Offset {
        let rest = self.text.get(self.from..).unwrap_or_default();
        let is_word =
            |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@' | '$');
        let found = rest.match_indices(name).find(|(start, found)| {
            let before = rest.get(..*start).and_then(|text| text.chars().next_back());
            let after = rest
                .get(start + found.len()..)
                .and_then(|text| text.chars().next());
            !before.is_some_and(is_word) && (name.ends_with('=') || !after.is_some_and(is_word))
        });
        if let Some((start, _)) = found {
            let at = self.from + start;
            self.from = at + name.len();
            return at;
        }
        self.from
    }
}
