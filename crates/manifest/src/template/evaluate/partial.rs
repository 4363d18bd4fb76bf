//! Partials: another template's nodes, walked here.
//!
//! May change the source that places refer to and the indent of the draft, both only while the
//! partial is walked. Its scope hides the names bound outside; loop variables stay visible.

use super::Evaluator;
use crate::error::{Error, ErrorKind};
use crate::suggestion::nearest;
use crate::template::helper;
use crate::template::scope::Scope;
use crate::template::syntax::{Partial, PartialName};

impl<'a> Evaluator<'a> {
    pub(super) fn partial(&mut self, partial: &'a Partial) -> Result<(), Error> {
        self.spend(1, 0, partial.at)?;
        let name = match &partial.name {
            PartialName::Fixed(name) => name.clone(),
            PartialName::Computed(expression) => {
                let found = self.evaluate(expression)?;
                self.look_at(&found, expression.at);
                helper::text(found.value()).map_err(|problem| {
                    let message = format!("the name of a partial {problem}");
                    self.error(ErrorKind::WrongType, message, expression.at)
                })?
            }
        };
        let Some((number, template)) = self.set.partial(&name) else {
            let message = format!("there is no partial `{name}`");
            let error = self.error(ErrorKind::UnknownName, message, partial.at);
            return Err(match nearest(&name, self.set.partial_names()) {
                Some(known) => error.note(format!("did you mean `{known}`")),
                None => error,
            });
        };
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
        self.scopes.push(scope);
        let outer = std::mem::replace(&mut self.source, number);
        let indent = self.draft.indent(&partial.indent, outer, partial.at);
        let result = self.nodes(&template.nodes);
        self.draft.restore(indent);
        self.source = outer;
        self.scopes.pop();
        result
    }
}
