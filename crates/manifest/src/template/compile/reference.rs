//! `image.tag`, `../name`, `@root.site`, `@index`: where a reference starts and what it follows.
//!
//! May refuse a variable that does not exist. Whether there is a value is for the evaluation.

use handlebars::{Path as ParsedPath, PathSeg};

use super::Compiler;
use super::names::Names;
use crate::error::{Error, ErrorKind};
use crate::template::syntax::{Base, Expression, Form, Offset, Reference, Variable};

impl Compiler<'_> {
    pub(super) fn reference(
        &self,
        path: &ParsedPath,
        names: &mut Names<'_>,
    ) -> Result<Expression, Error> {
        let text = match path {
            ParsedPath::Relative((_, text)) | ParsedPath::Local((_, _, text)) => text,
        };
        let at = names.find(text);
        self.reference_at(path, at)
    }

    pub(super) fn reference_at(&self, path: &ParsedPath, at: Offset) -> Result<Expression, Error> {
        let reference = match path {
            // A bare `@root` is a variable to the parser.
            ParsedPath::Local((_, _, text)) if text == "@root" => Reference {
                text: text.clone(),
                base: Base::Root,
                segments: Vec::new(),
            },
            ParsedPath::Local((level, name, text)) => {
                let variable = match name.as_str() {
                    "index" => Variable::Index,
                    "key" => Variable::Key,
                    "first" => Variable::First,
                    "last" => Variable::Last,
                    _ => {
                        let message = format!("there is no variable `{text}`");
                        let error = self.source.error(ErrorKind::UnknownName, message, at);
                        return Err(error.note(
                            "known are `@root`, and in `#each` `@index`, `@key`, `@first`, `@last`",
                        ));
                    }
                };
                if !text.ends_with(name.as_str()) {
                    let message = format!("`@{name}` has no fields, found `{text}`");
                    return Err(self.source.error(ErrorKind::Syntax, message, at));
                }
                let base = Base::Local(variable, *level);
                Reference {
                    text: text.clone(),
                    base,
                    segments: Vec::new(),
                }
            }
            ParsedPath::Relative((parsed, text)) => {
                let mut segments = Vec::with_capacity(parsed.len());
                let mut special = 0;
                for segment in parsed {
                    match segment {
                        PathSeg::Named(name) => segments.push(name.clone()),
                        _ => special += 1,
                    }
                }
                let base = if text.trim_start_matches("this.").starts_with("@root") {
                    Base::Root
                } else {
                    Base::Context(special)
                };
                Reference {
                    text: text.clone(),
                    base,
                    segments,
                }
            }
        };
        Ok(Expression {
            form: Form::Reference(reference),
            at,
        })
    }
}
