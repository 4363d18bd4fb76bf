//! `#if`, `#unless`, `#each` and `#with`: which blocks there are and what they take.
//!
//! May refuse a block, an argument or an option; what stands in its body is left to the walk.

use handlebars::template::{HelperTemplate, Parameter};

use super::Compiler;
use super::names::Names;
use crate::error::{Error, ErrorKind};
use crate::template::syntax::{Block, BlockKind, Node, Offset};

impl Compiler<'_> {
    pub(super) fn block(&self, tag: &HelperTemplate, at: Offset) -> Result<Node, Error> {
        let mut names = Names::of(self.source.text(), at);
        let name = tag.name.as_name().unwrap_or_default();
        let kind = match name {
            "if" => BlockKind::If,
            "unless" => BlockKind::Unless,
            "each" => BlockKind::Each,
            "with" => BlockKind::With,
            _ => {
                let error = self
                    .source
                    .error(ErrorKind::UnknownName, unknown_block(name), at);
                return Err(error.note("known are `#if`, `#unless`, `#each`, `#with`"));
            }
        };
        names.find(name);
        let [subject] = tag.params.as_slice() else {
            let message = format!("`#{name}` takes one argument, found {}", tag.params.len());
            return Err(self.source.error(ErrorKind::Syntax, message, at));
        };
        let subject = self.parameter(subject, &mut names)?;
        let include_zero = self.include_zero(tag, kind, name, at)?;
        let body = match &tag.template {
            Some(template) => self.nodes(template, at)?,
            None => Vec::new(),
        };
        let otherwise = match &tag.inverse {
            Some(template) => self.nodes(template, at)?,
            None => Vec::new(),
        };
        let names = block_names(tag);
        let block = Block {
            kind,
            subject,
            names,
            include_zero,
            body,
            otherwise,
            at,
        };
        Ok(Node::Block(Box::new(block)))
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

fn unknown_block(name: &str) -> String {
    format!("there is no block `#{name}`")
}
