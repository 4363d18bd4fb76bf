//! Tags, calls and their arguments: an expression for each, with the place of its name.
//!
//! May refuse a helper that does not exist, or that is given too few or too many arguments. What an
//! argument's value is, and whether there is one, is for the evaluation.

use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use narae_yaml::Value;

use super::Compiler;
use super::names::Names;
use crate::error::{Error, ErrorKind};
use crate::suggestion::nearest;
use crate::template::helper::{self, Arity};
use crate::template::syntax::{Expression, Form, Offset};

impl Compiler<'_> {
    pub(super) fn tag(&self, tag: &HelperTemplate, at: Offset) -> Result<Expression, Error> {
        let mut names = Names::of(self.source.text(), at);
        self.expression_of(tag, &mut names)
    }

    fn expression_of(
        &self,
        tag: &HelperTemplate,
        names: &mut Names<'_>,
    ) -> Result<Expression, Error> {
        if tag.params.is_empty() && tag.hash.is_empty() {
            return self.parameter(&tag.name, names);
        }
        let name = tag.name.as_name().unwrap_or_default();
        let at = names.find(name);
        if let Some(option) = tag.hash.keys().min() {
            let message = format!("helper `{name}` has no option `{option}`");
            return Err(self.source.error(ErrorKind::UnknownName, message, at));
        }
        let mut arguments = Vec::with_capacity(tag.params.len());
        for parameter in &tag.params {
            arguments.push(self.parameter(parameter, names)?);
        }
        self.check_call(name, arguments.len(), at)?;
        Ok(Expression {
            form: Form::Call {
                name: name.to_owned(),
                arguments,
            },
            at,
        })
    }

    fn check_call(&self, name: &str, given: usize, at: Offset) -> Result<(), Error> {
        let Some(arity) = helper::arity(name) else {
            let known = nearest(name, helper::names());
            let error = self
                .source
                .error(ErrorKind::UnknownName, unknown_helper(name), at);
            return Err(match known {
                Some(known) => error.note(format!("did you mean `{known}`")),
                None => error.note(format!("known are {}", helper::list())),
            });
        };
        if arity.accepts(given) {
            return Ok(());
        }
        let Arity { usage, .. } = arity;
        let message = format!("helper `{name}` is used as `{{{{{usage}}}}}`, here with {given}");
        Err(self.source.error(ErrorKind::Syntax, message, at))
    }

    pub(super) fn parameter(
        &self,
        parameter: &Parameter,
        names: &mut Names<'_>,
    ) -> Result<Expression, Error> {
        match parameter {
            Parameter::Literal(literal) => Ok(Expression {
                form: Form::Literal(value_of(literal)),
                at: names.here(),
            }),
            Parameter::Path(path) => self.reference(path, names),
            Parameter::Name(name) => {
                let at = names.find(name);
                // What the grammar calls a name is a reference of one segment.
                match handlebars::Path::parse(name) {
                    Ok(path) => self.reference_at(&path, at),
                    Err(_) => Err(self.source.error(
                        ErrorKind::Syntax,
                        format!("`{name}` is not a reference to a value"),
                        at,
                    )),
                }
            }
            Parameter::Subexpression(inner) => match inner.as_element() {
                TemplateElement::Expression(tag) => self.expression_of(tag, names),
                _ => Err(self.refused("this expression", names.here())),
            },
            _ => Err(self.refused("this expression", names.here())),
        }
    }
}

fn unknown_helper(name: &str) -> String {
    format!("there is no helper `{name}`")
}

fn value_of(literal: &serde_json::Value) -> Value {
    narae_yaml::to_value(literal).unwrap_or_default()
}
