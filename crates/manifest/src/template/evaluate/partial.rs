//! Partials: another template's nodes, walked here; and the block that is given to one.
//!
//! May change the source that places refer to and the indent of the draft, both only while the
//! partial is walked. Its scope hides the names bound outside; loop variables stay visible. The
//! block given to a partial is walked with the context of the tag that includes it, and sees the
//! names bound where it was written.

use std::rc::Rc;

use super::Evaluator;
use crate::error::{Error, ErrorKind};
use crate::suggestion::nearest;
use crate::template::helper;
use crate::template::scope::{Found, Scope};
use crate::template::syntax::{Inline, Node, Partial, PartialName};

/// An inline partial, and the template it stands in.
#[derive(Clone, Copy)]
pub(super) struct Inlined<'a> {
    inline: &'a Inline,
    source: usize,
}

/// The block that was given to a partial.
pub(super) struct PartialBlock<'a> {
    nodes: &'a [Node],
    source: usize,
    /// The names bound where it was written.
    parameters: Vec<(&'a str, Found<'a>)>,
    /// What `@partial-block` means in it.
    outer: Option<Rc<Self>>,
}

/// The name under which a partial includes the block it was given.
const BLOCK: &str = "@partial-block";

impl<'a> Evaluator<'a> {
    /// Makes the inline partials of a block known; gives back how many were before.
    pub(super) fn define(&mut self, nodes: &'a [Node]) -> usize {
        let before = self.inlines.len();
        let source = self.source;
        self.inlines
            .extend(nodes.iter().map_while(|node| match node {
                Node::Inline(inline) => Some(Inlined { inline, source }),
                _ => None,
            }));
        before
    }

    pub(super) fn partial(&mut self, partial: &'a Partial) -> Result<(), Error> {
        self.spend(1, 0, partial.at)?;
        let name = match &partial.name {
            PartialName::Fixed(name) => name.clone(),
            PartialName::Computed(expression) => {
                let found = self.evaluate(expression)?;
                self.look_at(&found, expression.at);
                helper::text(found.value()).map_err(|problem| {
                    let message = format!("the name of a partial {problem}");
                    self.wrong_type(message, expression.at, [&found])
                })?
            }
        };
        let scope = self.partial_scope(partial)?;
        let inlined = self.inlines.iter().rev();
        let inlined = inlined.copied().find(|known| known.inline.name == name);
        let outer = self.block.clone();
        if name == BLOCK
            && let Some(block) = outer.clone()
        {
            let scope = Scope {
                parameters: (scope.parameters.into_iter())
                    .chain(block.parameters.iter().cloned())
                    .collect(),
                is_partial: false,
                ..scope
            };
            self.block.clone_from(&block.outer);
            let result = self.enter(partial, block.source, block.nodes, scope);
            self.block = outer;
            return result;
        }
        let (source, nodes) = match (inlined, self.set.partial(&name), &partial.block) {
            (Some(known), _, _) => (known.source, known.inline.body.as_slice()),
            (None, Some((number, template)), _) => (number, template.nodes.as_slice()),
            (None, None, Some(instead)) => return self.nodes(instead),
            (None, None, None) => return Err(self.unknown_partial(&name, partial)),
        };
        let inlines = self.inlines.len();
        self.block = partial.block.as_ref().map(|nodes| {
            Rc::new(PartialBlock {
                nodes,
                source: self.source,
                parameters: self.parameters(),
                outer: outer.clone(),
            })
        });
        // What is defined in the block is for the partial.
        self.define(partial.block.as_deref().unwrap_or_default());
        let result = self.enter(partial, source, nodes, scope);
        self.inlines.truncate(inlines);
        self.block = outer;
        result
    }

    fn partial_scope(&mut self, partial: &'a Partial) -> Result<Scope<'a>, Error> {
        let context = match &partial.context {
            Some(expression) => self.evaluate(expression)?,
            None => self.context(0).clone(),
        };
        let mut scope = Scope::new(context);
        for (name, expression) in &partial.parameters {
            scope.parameters.push((name, self.evaluate(expression)?));
        }
        scope.variables = self.variables();
        scope.is_partial = true;
        Ok(scope)
    }

    fn enter(
        &mut self,
        partial: &'a Partial,
        source: usize,
        nodes: &'a [Node],
        scope: Scope<'a>,
    ) -> Result<(), Error> {
        self.scopes.push(scope);
        let outer = std::mem::replace(&mut self.source, source);
        let indent = self.draft.indent(&partial.indent, outer, partial.at);
        let result = self.nodes(nodes);
        self.draft.restore(indent);
        self.source = outer;
        self.scopes.pop();
        result
    }

    fn unknown_partial(&self, name: &str, partial: &Partial) -> Error {
        if name == BLOCK {
            let message = "no block was given to this partial";
            let error = self.error(ErrorKind::UnknownName, message, partial.at);
            return error.note("include it with `{{#> partial}}…{{/partial}}`, or write `{{#> @partial-block}}…{{/@partial-block}}` here");
        }
        let message = format!("there is no partial `{name}`");
        let error = self.error(ErrorKind::UnknownName, message, partial.at);
        let inlines = self.inlines.iter().map(|known| known.inline.name.as_str());
        match nearest(name, self.set.partial_names().chain(inlines)) {
            Some(known) => error.note(format!("did you mean `{known}`")),
            None => error,
        }
    }
}
