//! `{{{{raw}}}}…{{{{/raw}}}}`: text that is copied as it is, tags and backslashes included.
//!
//! The parser says that there is such a block, and drops the white space its text begins with. The
//! text is therefore taken from the template itself. A tag that has its line to itself vanishes
//! with the line, and `~` eats white space, as for any block.

use handlebars::template::HelperTemplate;

use super::Compiler;
use crate::error::{Error, ErrorKind};
use crate::template::syntax::{Node, Offset};

const OPEN: &str = "{{{{";
const CLOSE: &str = "}}}}";

impl Compiler<'_> {
    pub(super) fn is_raw(&self, at: Offset) -> bool {
        self.from(at).starts_with(OPEN)
    }

    pub(super) fn raw(&self, tag: &HelperTemplate, at: Offset) -> Result<Option<Node>, Error> {
        let name = tag.name.as_name().unwrap_or_default();
        if name != "raw" || !tag.params.is_empty() || !tag.hash.is_empty() {
            let message = format!("there is no raw block `{name}` of this kind");
            let error = self.source.error(ErrorKind::UnknownName, message, at);
            return Err(error.note("known is `{{{{raw}}}}…{{{{/raw}}}}`"));
        }
        let end_of_tag = |from: Offset| self.from(from).find(CLOSE).map(|end| from + end + 4);
        let places = end_of_tag(at).and_then(|start| {
            let end = start + closing(self.from(start))?;
            Some((start, end, end_of_tag(end)?))
        });
        // The parser has found all of them.
        let Some((mut start, end, behind)) = places else {
            return Ok(None);
        };
        let mut text = self.source.text().get(start..end).unwrap_or_default();
        if self.from(end + OPEN.len()).trim_start().starts_with('~') {
            text = text.trim_end();
        } else if self.source.stands_alone(end..behind) {
            text = text.trim_end_matches([' ', '\t']);
        }
        let tag = self.source.text().get(at..start - CLOSE.len());
        let kept = if tag.is_some_and(|tag| tag.trim_end().ends_with('~')) {
            text.trim_start()
        } else if self.source.stands_alone(at..start) {
            text.split_once('\n').map_or("", |(_, text)| text)
        } else {
            text
        };
        start += text.len() - kept.len();
        Ok(Some(Node::Text {
            text: kept.to_owned(),
            at: start,
        }))
    }

    fn from(&self, at: Offset) -> &str {
        self.source.text().get(at..).unwrap_or_default()
    }
}

/// Where the text of a raw block ends: before the first four braces behind no single backslash.
pub(in crate::template) fn closing(text: &str) -> Option<Offset> {
    text.match_indices(OPEN).map(|(at, _)| at).find(|at| {
        let before = text.get(..*at).unwrap_or_default();
        before.len() - before.trim_end_matches('\\').len() != 1
    })
}
