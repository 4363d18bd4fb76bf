//! Blocks that a program added: its helper says how often the block is walked, and with what.
//!
//! May hand it the values of its arguments, find out which of the values it gives back are parts of
//! those, and walk. All its turns are charged before the first.

use std::borrow::Cow;

use narae_yaml::Value;

use super::Evaluator;
use super::budget::weight;
use crate::error::{Error, ErrorKind};
use crate::template::helper::{BlockCall, Turn, TurnValue};
use crate::template::scope::{Found, Scope, Sources};
use crate::template::syntax::{CustomBlock, Expression};
use crate::values::address;

/// A turn whose values are found.
struct OwnTurn<'a> {
    context: Option<Found<'a>>,
    names: Vec<Found<'a>>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn custom_block(&mut self, block: &'a CustomBlock) -> Result<(), Error> {
        self.spend(1, 0, block.at)?;
        let arguments = self.given(block.arguments.iter())?;
        let options = self.given(block.options.iter().map(|(_, value)| value))?;
        let turns = self.turns(block, &arguments, &options)?;
        if turns.is_empty() {
            return self.nodes(&block.otherwise);
        }
        self.spend(turns.len(), 0, block.at)?;
        for turn in turns {
            self.turn(block, turn)?;
        }
        Ok(())
    }

    fn given(
        &mut self,
        expressions: impl Iterator<Item = &'a Expression>,
    ) -> Result<Vec<Found<'a>>, Error> {
        let mut given = Vec::new();
        for expression in expressions {
            let found = self.evaluate(expression)?;
            self.look_at(&found, expression.at);
            self.uses.taken.extend(found.sources());
            self.spend(1, weight(found.value()), expression.at)?;
            given.push(found);
        }
        Ok(given)
    }

    fn turns(
        &mut self,
        block: &'a CustomBlock,
        arguments: &[Found<'a>],
        options: &[Found<'a>],
    ) -> Result<Vec<OwnTurn<'a>>, Error> {
        let named = block.options.iter().zip(options);
        let named = named.map(|((name, _), found)| (name.as_str(), found.value()));
        let call = BlockCall::new(
            arguments.iter().map(Found::value).collect(),
            named.collect(),
        );
        let all = || arguments.iter().chain(options);
        let turns = block.helper.call(&call).map_err(|problem| {
            let message = format!("`#{}` {problem}", block.helper.name());
            let error = self.wrong_type(message, block.at, all());
            error.note(format!("it is used as {}", block.helper.usage()))
        })?;
        let from: Sources = all().flat_map(Found::sources).collect();
        let mut own = Vec::with_capacity(turns.len());
        for Turn { context, names } in turns {
            if names.len() < block.names.len() {
                let (given, wanted) = (names.len(), block.names.len());
                let name = block.helper.name();
                let message = format!("`#{name}` has {given} values to name, not {wanted}");
                return Err(self.error(ErrorKind::UnknownName, message, block.at));
            }
            let mut found = |value| self.found(value, &from, block);
            own.push(OwnTurn {
                context: context.map(&mut found).transpose()?,
                names: names
                    .into_iter()
                    .map(&mut found)
                    .collect::<Result<_, _>>()?,
            });
        }
        Ok(own)
    }

    /// A part of the values is that part; what the helper made is made of all it was given.
    fn found(
        &mut self,
        value: TurnValue<'_>,
        from: &Sources,
        block: &CustomBlock,
    ) -> Result<Found<'a>, Error> {
        let id = match &value.0 {
            Cow::Borrowed(part) => self.by_address.get(&address(part)).copied(),
            Cow::Owned(_) => None,
        };
        let path = id.map(|id| self.values.index().path(id));
        let values: &'a Value = self.values.as_value();
        if let Some(part) = path.and_then(|path| values.at(&path)) {
            return Ok(Found::borrowed(part));
        }
        self.spend(0, weight(&value.0), block.at)?;
        Ok(Found::computed(value.0.into_owned(), from.clone()))
    }

    fn turn(&mut self, block: &'a CustomBlock, turn: OwnTurn<'a>) -> Result<(), Error> {
        let names = block.names.iter().map(String::as_str).zip(turn.names);
        if let Some(context) = turn.context {
            let mut scope = Scope::new(context);
            scope.variables = self.variables();
            scope.parameters = names.collect();
            self.scopes.push(scope);
            let result = self.nodes(&block.body);
            self.scopes.pop();
            return result;
        }
        // `../` goes no further out than without the block: its names join those that are there.
        let Some(scope) = self.scopes.last_mut() else {
            return self.nodes(&block.body);
        };
        let count = block.names.len();
        scope.parameters.splice(0..0, names);
        let result = self.nodes(&block.body);
        if let Some(scope) = self.scopes.last_mut() {
            scope.parameters.drain(..count);
        }
        result
    }
}
