//! `{{> name context key=value}}` and `{{#> name}}…{{/name}}`: what a partial is given;
//! `{{#*inline "name"}}`: one that is defined where it is used.
//!
//! May not ask whether there is such a partial: it may be added later, or its name be computed.

use std::collections::HashMap;

use handlebars::template::{DecoratorTemplate, Parameter};

use super::Compiler;
use super::names::Names;
use crate::error::{Error, ErrorKind};
use crate::template::syntax::{Expression, Inline, Node, Offset, Partial, PartialName};

impl Compiler<'_> {
    pub(super) fn partial(&self, tag: &DecoratorTemplate, at: Offset) -> Result<Node, Error> {
        let mut names = Names::of(self.source.text(), at);
        let name = match &tag.name {
            Parameter::Subexpression(_) => {
                PartialName::Computed(self.parameter(&tag.name, &mut names)?)
            }
            name => {
                let name = unquoted(name.as_name().unwrap_or_default());
                names.find(name);
                PartialName::Fixed(name.to_owned())
            }
        };
        let context = match tag.params.as_slice() {
            [] => None,
            [context] => Some(self.parameter(context, &mut names)?),
            more => {
                let message = format!("a partial takes one context, found {}", more.len());
                return Err(self.source.error(ErrorKind::Syntax, message, at));
            }
        };
        let parameters = self.options(&tag.hash, at)?;
        let block = match &tag.template {
            Some(template) => Some(self.nodes(template, at)?),
            None => None,
        };
        let indent = match &tag.indent {
            Some(indent) if self.source.stands_alone(at..at + self.source.tag(at).len()) => {
                indent.clone()
            }
            _ => String::new(),
        };
        Ok(Node::Partial(Box::new(Partial {
            name,
            context,
            parameters,
            indent,
            block,
            at,
        })))
    }

    /// `key=value …` of a tag, in the order of the keys.
    pub(super) fn options(
        &self,
        hash: &HashMap<String, Parameter>,
        at: Offset,
    ) -> Result<Vec<(String, Expression)>, Error> {
        let mut hash: Vec<_> = hash.iter().collect();
        hash.sort_by_key(|(key, _)| *key);
        let option = |(key, value): (&String, &Parameter)| {
            let mut names = Names::of(self.source.text(), at);
            names.find(&format!("{key}="));
            Ok((key.clone(), self.parameter(value, &mut names)?))
        };
        hash.into_iter().map(option).collect()
    }

    pub(super) fn inline(&self, tag: &DecoratorTemplate, at: Offset) -> Result<Node, Error> {
        if tag.name.as_name() != Some("inline") {
            return Err(self.refused("a decorator other than `#*inline`", at));
        }
        let ([Parameter::Literal(serde_json::Value::String(name))], Some(template)) =
            (tag.params.as_slice(), &tag.template)
        else {
            let message = "an inline partial is used as `{{#*inline \"name\"}}…{{/inline}}`";
            return Err(self.source.error(ErrorKind::Syntax, message, at));
        };
        Ok(Node::Inline(Box::new(Inline {
            name: name.clone(),
            body: self.nodes(template, at)?,
        })))
    }
}

/// A partial's name may be written `'like this'` or `[like this]`.
fn unquoted(name: &str) -> &str {
    let inner = |open, close| {
        name.strip_prefix(open)
            .and_then(|name| name.strip_suffix(close))
    };
    inner('\'', '\'')
        .or_else(|| inner('[', ']'))
        .or_else(|| inner('"', '"'))
        .unwrap_or(name)
}
