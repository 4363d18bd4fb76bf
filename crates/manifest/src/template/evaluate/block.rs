//! `#if`, `#unless`, `#with` and `#each`: which nodes are walked, in which scope, how often.
//!
//! May decide what a block's subject means and push and pop the scope of its body; what the subject
//! is belongs to [`expression`](super::expression). Every turn of a loop is charged before the first.

use narae_yaml::Value;

use super::Evaluator;
use super::budget::named;
use crate::error::Error;
use crate::template::helper;
use crate::template::scope::{Found, Scope, Sources, Turn, Variables};
use crate::template::syntax::{Block, BlockKind, Expression, Form};

impl<'a> Evaluator<'a> {
    pub(super) fn block(&mut self, block: &'a Block) -> Result<(), Error> {
        self.spend(1, 0, block.at)?;
        let subject = self.evaluate(&block.subject)?;
        self.look_at(&subject, block.subject.at);
        let truthy = helper::is_truthy(subject.value(), block.include_zero);
        match block.kind {
            BlockKind::If if truthy => self.nodes(&block.body),
            BlockKind::Unless if !truthy => self.nodes(&block.body),
            BlockKind::If | BlockKind::Unless => self.nodes(&block.otherwise),
            BlockKind::With if truthy => {
                let mut scope = Scope::new(subject.clone());
                scope.variables = self.variables();
                name_parameters(&mut scope, &block.names, subject, None);
                self.scopes.push(scope);
                let result = self.nodes(&block.body);
                self.scopes.pop();
                result
            }
            BlockKind::With => self.nodes(&block.otherwise),
            BlockKind::Each => self.each(block, &subject),
        }
    }

    fn each(&mut self, block: &'a Block, subject: &Found<'a>) -> Result<(), Error> {
        let Some(elements) = subject.elements() else {
            let found = subject.value().kind();
            let message = format!(
                "`#each` takes a sequence or a mapping, found {found}{}",
                described(&block.subject)
            );
            let error = self.wrong_type(message, block.subject.at, [subject]);
            return Err(error.note("to go over one value, make a list of it: `(list …)`"));
        };
        if elements.is_empty() {
            return self.nodes(&block.otherwise);
        }
        let count = elements.len();
        self.spend(count, 0, block.at)?;
        self.spend(0, count.saturating_mul(named(subject)), block.at)?;
        for (index, (key, element)) in elements.into_iter().enumerate() {
            // A scalar that a loop went over had its turn, whether or not that turn names it.
            if element.elements_len().is_none() {
                self.look_at(&element, block.subject.at);
            }
            let mut scope = Scope::new(element.clone());
            let second = match &key {
                Some(key) => Value::String(key.clone()),
                None => Value::from(index),
            };
            name_parameters(&mut scope, &block.names, element, Some(second));
            let last = index + 1 == count;
            scope.variables = Variables {
                turn: Some(Turn { index, last, key }),
            };
            self.scopes.push(scope);
            let result = self.nodes(&block.body);
            self.scopes.pop();
            result?;
        }
        Ok(())
    }
}

fn name_parameters<'a>(
    scope: &mut Scope<'a>,
    names: &'a [String],
    first: Found<'a>,
    second: Option<Value>,
) {
    if let Some(name) = names.first() {
        scope.parameters.push((name, first));
    }
    if let (Some(name), Some(value)) = (names.get(1), second) {
        scope
            .parameters
            .push((name, Found::computed(value, Sources::default())));
    }
}

fn described(expression: &Expression) -> String {
    match &expression.form {
        Form::Reference(reference) => format!(" in `{}`", reference.text),
        _ => String::new(),
    }
}
