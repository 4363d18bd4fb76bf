//! Tags, calls and their arguments: an expression for each, with the place of its name.
//!
//! May refuse a helper that does not exist, or that is given too few or too many arguments. What an
//! argument's value is, and whether there is one, is for the evaluation.

use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use narae_yaml::Value;

use super::Compiler;
use super::names::Names;
use crate::error::{Error, ErrorKind};
use crate::template::helper::{self, Helper};
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
        let helper = self.helper(name, &arguments, at)?;
        let form = Form::Call { helper, arguments };
        Ok(Expression { form, at })
    }

    /// In parentheses a name alone is a helper, when it is one that takes nothing.
    fn subexpression(
        &self,
        tag: &HelperTemplate,
        names: &mut Names<'_>,
    ) -> Result<Expression, Error> {
        let alone = tag.params.is_empty() && tag.hash.is_empty();
        let name = tag.name.as_name().filter(|_| alone);
        let helper = name.and_then(|name| self.helpers.find(name));
        match helper.filter(|helper| helper.accepts(0)) {
            Some(helper) => Ok(Expression {
                at: names.find(helper.name()),
                form: Form::Call {
                    helper,
                    arguments: Vec::new(),
                },
            }),
            None => self.expression_of(tag, names),
        }
    }

    fn helper(&self, name: &str, arguments: &[Expression], at: Offset) -> Result<Helper, Error> {
        let Some(helper) = self.helpers.find(name) else {
            let error = self
                .source
                .error(ErrorKind::UnknownName, unknown_helper(name), at);
            if let Some(block) = self.helpers.block(name) {
                return Err(error.note(format!("it is a block: {}", block.usage())));
            }
            return Err(match (helper::advice(name), self.helpers.nearest(name)) {
                (Some(advice), _) => error.note(advice),
                (None, Some(known)) => error.note(format!("did you mean `{known}`")),
                (None, None) => error.note("the helpers are listed at `template::library`"),
            });
        };
        let given = arguments.len();
        if !helper.accepts(given) {
            let message = format!(
                "helper `{name}` is used as {}, here with {given}",
                helper.usage()
            );
            return Err(self.source.error(ErrorKind::Syntax, message, at));
        }
        let swapped =
            helper::meant(&helper, arguments).map(|meant| format!("did you mean `{meant}`"));
        let is_literal = |argument: &Expression| matches!(argument.form, Form::Literal(_));
        let literal =
            matches!(name, "default" | "required") && arguments.first().is_some_and(is_literal);
        let note = swapped.or_else(|| literal.then(|| format!("it is used as {}", helper.usage())));
        if let Some(note) = note {
            let message = format!("`{name}` takes what it works on first");
            return Err(self.source.error(ErrorKind::Syntax, message, at).note(note));
        }
        Ok(helper)
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
                TemplateElement::Expression(tag) => self.subexpression(tag, names),
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
