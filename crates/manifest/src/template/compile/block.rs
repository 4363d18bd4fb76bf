//! `#if`, `#unless`, `#each`, `#with` and a program's own: which blocks there are and what they take.
//!
//! May refuse a block, an argument or an option; what stands in its body is left to the walk.

use handlebars::template::{HelperTemplate, Parameter, Template as Parsed};

use super::Compiler;
use super::names::Names;
use crate::error::{Error, ErrorKind};
use crate::suggestion::nearest;
use crate::template::syntax::{Block, BlockKind, CustomBlock, Node, Offset};

impl Compiler<'_> {
    pub(super) fn block(&self, tag: &HelperTemplate, at: Offset) -> Result<Node, Error> {
        let mut names = Names::of(self.source.text(), at);
        let name = tag.name.as_name().unwrap_or_default();
        let kind = match name {
            "if" => BlockKind::If,
            "unless" => BlockKind::Unless,
            "each" => BlockKind::Each,
            "with" => BlockKind::With,
            _ => return self.custom_block(tag, name, at),
        };
        names.find(name);
        let [subject] = tag.params.as_slice() else {
            let message = format!("`#{name}` takes one argument, found {}", tag.params.len());
            return Err(self.source.error(ErrorKind::Syntax, message, at));
        };
        let subject = self.parameter(subject, &mut names)?;
        let include_zero = self.include_zero(tag, kind, name, at)?;
        Ok(Node::Block(Box::new(Block {
            kind,
            subject,
            names: block_names(tag),
            include_zero,
            body: self.part(tag.template.as_ref(), at)?,
            otherwise: self.part(tag.inverse.as_ref(), at)?,
            at,
        })))
    }

    /// A block that a program added.
    fn custom_block(&self, tag: &HelperTemplate, name: &str, at: Offset) -> Result<Node, Error> {
        let Some(helper) = self.helpers.block(name) else {
            return Err(self.unknown_block(tag, name, at));
        };
        let given = tag.params.len();
        if !helper.accepts(given) {
            let message = format!("`#{name}` is used as {}, here with {given}", helper.usage());
            return Err(self.source.error(ErrorKind::Syntax, message, at));
        }
        let options = self.options(&tag.hash, at)?;
        let unknown = options
            .iter()
            .find(|(option, _)| !helper.options().any(|known| known == option));
        if let Some((option, _)) = unknown {
            let message = format!("`#{name}` has no option `{option}`");
            let error = self.source.error(ErrorKind::UnknownName, message, at);
            return Err(match nearest(option, helper.options()) {
                Some(known) => error.note(format!("did you mean `{known}`")),
                None => error.note(format!("it is used as {}", helper.usage())),
            });
        }
        let mut names = Names::of(self.source.text(), at);
        names.find(name);
        let mut arguments = Vec::with_capacity(given);
        for argument in &tag.params {
            arguments.push(self.parameter(argument, &mut names)?);
        }
        Ok(Node::Custom(Box::new(CustomBlock {
            helper: helper.clone(),
            arguments,
            options,
            names: block_names(tag),
            body: self.part(tag.template.as_ref(), at)?,
            otherwise: self.part(tag.inverse.as_ref(), at)?,
            at,
        })))
    }

    fn part(&self, template: Option<&Parsed>, at: Offset) -> Result<Vec<Node>, Error> {
        template.map_or(Ok(Vec::new()), |template| self.nodes(template, at))
    }

    fn unknown_block(&self, tag: &HelperTemplate, name: &str, at: Offset) -> Error {
        let message = format!("there is no block `#{name}`");
        let error = self.source.error(ErrorKind::UnknownName, message, at);
        if self.helpers.find(name).is_some() {
            let note = format!(
                "`{name}` is a helper: `{{{{#with ({name} …)}}}}`, `{{{{#if ({name} …)}}}}`"
            );
            return error.note(note);
        }
        if let Some(known) = nearest(name, self.helpers.blocks()) {
            return error.note(format!("did you mean `#{known}`"));
        }
        // What mustache calls a section.
        if tag.params.is_empty() {
            let note = format!(
                "for a value write `{{{{#each {name}}}}}`, `{{{{#with {name}}}}}` or `{{{{#if {name}}}}}`"
            );
            return error.note(note);
        }
        let known: Vec<String> = self
            .helpers
            .blocks()
            .map(|name| format!("`#{name}`"))
            .collect();
        error.note(format!("known are {}", known.join(", ")))
    }

    fn include_zero(
        &self,
        tag: &HelperTemplate,
        kind: BlockKind,
        name: &str,
        at: Offset,
    ) -> Result<bool, Error> {
        let mut include_zero = false;
        let mut options: Vec<_> = tag.hash.iter().collect();
        options.sort_by_key(|(option, _)| *option);
        for (option, value) in options {
            match (kind, option.as_str(), value) {
                (
                    BlockKind::If | BlockKind::Unless,
                    "includeZero",
                    Parameter::Literal(serde_json::Value::Bool(flag)),
                ) => include_zero = *flag,
                _ => {
                    let message = format!("`#{name}` has no option `{option}` of this kind");
                    return Err(self.source.error(ErrorKind::UnknownName, message, at));
                }
            }
        }
        Ok(include_zero)
    }
}

fn block_names(tag: &HelperTemplate) -> Vec<String> {
    use handlebars::template::BlockParam::{Pair, Single};
    let owned = |parameter: &Parameter| parameter.as_name().unwrap_or_default().to_owned();
    match &tag.block_param {
        Some(Single(value)) => vec![owned(value)],
        Some(Pair((value, key))) => vec![owned(value), owned(key)],
        _ => Vec::new(),
    }
}
