//! What is wrong with a text that is not YAML, in words that help.

use granit_parser::ScanError;

use crate::error::ErrorKind;
use crate::{Error, Position};

/// What granit says about a scanning error; in our words where people most often need more.
pub(super) fn describe(error: &ScanError) -> String {
    use granit_parser::ErrorKind as Kind;
    let said = match error.kind() {
        Kind::TabInBlockIndentation
        | Kind::TabNotAllowed
        | Kind::TabInIndentation
        | Kind::TabAtBlockScalarStart => "a tab cannot indent; use spaces",
        Kind::MappingValueNotAllowed => {
            "a `:` cannot stand here; if it belongs to a text, quote the text"
        }
        Kind::InvalidColonPlacement => {
            "a `:` cannot stand here; is a bracket or quote left open above?"
        }
        Kind::ExpectedBlockMappingKey => "expected a key here; is the indentation right?",
        Kind::InvalidQuotedScalarIndent => {
            "a quoted text goes on here with too little indentation; is its closing quote missing?"
        }
        Kind::UnclosedQuotedScalar => "a quoted text has no closing quote",
        _ => return error.info(),
    };
    said.to_owned()
}

/// The refusal of the alias that stands at `at` and has no anchor.
pub(super) fn unknown_alias(source: &str, at: Position) -> ErrorKind {
    let from_star = source.get(at.offset..).unwrap_or_default();
    let name = from_star.strip_prefix('*').unwrap_or_default();
    let ends = |c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']' | '{' | '}');
    let name = name.split(ends).next().unwrap_or_default().to_owned();
    ErrorKind::Alias {
        name,
        problem: "has no anchor before it in its document",
    }
}

/// A template that was not rendered yet is, to YAML, a mapping whose key is a mapping.
pub(super) fn explain_template(source: &str, error: Error) -> Error {
    let before = error.position().and_then(|at| source.get(..at.offset));
    match (error.kind(), before, error.position()) {
        (ErrorKind::Key("a mapping"), Some(before), Some(at)) if before.ends_with('{') => {
            let message = "`{{` begins a template, which must be rendered before it can be read";
            Error::at(ErrorKind::Syntax(message.to_owned()), at)
        }
        _ => error,
    }
}
