//! Lines of a text: what stands before and behind a place in its own.

use super::text::Text;

impl<'a> Text<'a> {
    /// Columns in front of `offset` in its line.
    pub(super) fn column(&self, offset: usize) -> usize {
        self.line_before(offset).chars().count()
    }

    /// Whether nothing but blanks stands in front of `offset` in its line.
    pub(super) fn begins_line(&self, offset: usize) -> bool {
        self.line_before(offset)
            .chars()
            .all(|c| matches!(c, ' ' | '\t'))
    }

    /// Whether nothing but blanks and a comment stand behind `offset` in its line.
    pub(super) fn ends_line(&self, offset: usize) -> bool {
        let line = self.after(offset).lines().next().unwrap_or_default();
        let rest = line.trim_start_matches([' ', '\t', '\r']);
        rest.is_empty() || rest.starts_with('#')
    }

    /// The offset behind the line of `offset`, which is `offset` itself if a line begins there.
    pub(super) fn line_end(&self, offset: usize) -> usize {
        let (before, after) = self.source.split_at_checked(offset).unwrap_or_default();
        if before.ends_with('\n') {
            return offset;
        }
        after
            .find('\n')
            .map_or(self.source.len(), |at| offset + at + 1)
    }

    /// What stands on the line of `offset` before it.
    pub(super) fn line_before(&self, offset: usize) -> &'a str {
        let before = self.source.get(..offset).unwrap_or_default();
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.get(line..).unwrap_or_default();
        line.strip_prefix('\u{feff}').unwrap_or(line)
    }

    pub(super) fn after(&self, offset: usize) -> &'a str {
        self.source.get(offset..).unwrap_or_default()
    }

    /// The offset of the first character from `offset` on that is neither blank nor comment.
    pub(super) fn past_blanks(&self, mut offset: usize) -> usize {
        loop {
            let rest = self.after(offset);
            let text = rest.trim_start_matches([' ', '\t', '\r', '\n', '\u{feff}']);
            offset += rest.len() - text.len();
            if !text.starts_with('#') {
                return offset;
            }
            offset = self.line_end(offset + 1);
        }
    }
}
