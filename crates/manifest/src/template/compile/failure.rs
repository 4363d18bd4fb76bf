//! What to say about a template that the parser refuses.
//!
//! May only describe. The parser says where it stopped; what its author was probably used to write
//! is guessed from the tag there.

use handlebars::{TemplateError, TemplateErrorReason};

use crate::error::{Error, ErrorKind};
use crate::template::source::Source;

pub(super) fn of(source: &Source, error: &TemplateError) -> Error {
    let (line, column) = error.pos().unwrap_or((1, 1));
    let offset = source.offset(line, column);
    let message = match error.reason() {
        TemplateErrorReason::MismatchingClosedHelper(open, close) => {
            format!("block `#{open}` is closed by `/{close}`")
        }
        TemplateErrorReason::InvalidParam(parameter) => {
            format!("`{parameter}` is not a literal that can be read")
        }
        _ => "this is not a template: a tag is not closed, or what stands in it cannot be read"
            .to_owned(),
    };
    let error = source.error(ErrorKind::Syntax, message, offset);
    let before = source.text().get(..offset).unwrap_or_default();
    // The parser stops in the tag, or at its first brace.
    let at_tag = source
        .text()
        .get(offset..)
        .is_some_and(|rest| rest.starts_with("{{"));
    let tag = if at_tag {
        Some(offset)
    } else {
        before.rfind("{{")
    };
    match tag.and_then(|tag| habit(source.tag(tag))) {
        Some(note) => error.note(note),
        None => error,
    }
}

/// What is written here instead of something that Helm's language has.
fn habit(tag: &str) -> Option<&'static str> {
    let inside = tag.trim_matches(['{', '}']);
    let words = || inside.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')'));
    if words().any(|word| word == "|") {
        return Some("there are no pipes: helpers take the value first, `{{default value \"x\"}}`");
    }
    let dotted = |word: &str| word.starts_with('.') && !word.starts_with("..");
    words().any(dotted).then_some(
        "a value is written without a dot in front, `{{image.tag}}`, and `{{this}}` is `.`",
    )
}
