//! The value of an expression, and what it was made of.
//!
//! May evaluate arguments, each at most once and only those that decide (`and`, `or`, `default`,
//! `required`), and note what was looked at, taken or found absent. Writes nothing to the draft.
//! A missing value is an outcome of its own until [`Evaluator::evaluate`] makes an error of it.

use narae_yaml::Value;

use super::Evaluator;
use super::absence::Missing;
use super::budget::weight;
use crate::error::{Error, ErrorKind};
use crate::template::helper;
use crate::template::scope::Found;
use crate::template::syntax::{Expression, Form, Offset};

impl<'a> Evaluator<'a> {
    /// The value of an expression; one that is missing is an error.
    pub(super) fn evaluate(&mut self, expression: &'a Expression) -> Result<Found<'a>, Error> {
        match self.look_up(expression)? {
            Ok(found) => Ok(found),
            Err(missing) => Err(self.missing(expression, &missing)),
        }
    }

    /// The value of an expression, or what is missing of it.
    fn look_up(&mut self, expression: &'a Expression) -> Result<Result<Found<'a>, Missing>, Error> {
        match &expression.form {
            Form::Literal(value) => Ok(Ok(Found::borrowed(value))),
            Form::Reference(reference) => self.reference(reference, expression.at),
            Form::Call { name, arguments } => self.call(name, arguments, expression.at),
        }
    }

    fn call(
        &mut self,
        name: &str,
        arguments: &'a [Expression],
        at: Offset,
    ) -> Result<Result<Found<'a>, Missing>, Error> {
        self.spend(1, 0, at)?;
        let found = match (name, arguments) {
            ("defined", [value]) => match self.look_up(value)? {
                Ok(found) => {
                    self.look_at(&found, value.at);
                    Found::computed(Value::Bool(true), Vec::new())
                }
                Err(missing) => {
                    self.note_absent(missing, value.at);
                    Found::computed(Value::Bool(false), Vec::new())
                }
            },
            ("default", [value, fallback]) => match self.look_up(value)? {
                Ok(found) if !found.value().is_null() => found,
                Ok(_) => self.evaluate(fallback)?,
                Err(missing) => {
                    self.note_absent(missing, value.at);
                    self.evaluate(fallback)?
                }
            },
            ("required", [value, message]) => match self.look_up(value)? {
                Ok(found) if !found.value().is_null() => found,
                _ => {
                    let message = self.evaluate(message)?;
                    let message = helper::text(message.value()).unwrap_or_default();
                    return Err(self.error(ErrorKind::MissingValue, message, value.at));
                }
            },
            ("and" | "or", _) => self.decide(name == "and", arguments)?,
            ("lookup", [container, key]) => return self.element(container, key),
            _ => self.computed(name, arguments, at)?,
        };
        Ok(Ok(found))
    }

    /// `and` and `or`: the first argument that decides ends it.
    fn decide(&mut self, all: bool, arguments: &'a [Expression]) -> Result<Found<'a>, Error> {
        let mut from = Vec::new();
        let mut answer = all;
        for argument in arguments {
            let found = self.evaluate(argument)?;
            self.look_at(&found, argument.at);
            from.extend(found.sources());
            answer = helper::is_truthy(found.value(), false);
            if answer != all {
                break;
            }
        }
        Ok(Found::computed(Value::Bool(answer), from))
    }

    fn element(
        &mut self,
        container: &'a Expression,
        key: &'a Expression,
    ) -> Result<Result<Found<'a>, Missing>, Error> {
        let container = match self.look_up(container)? {
            Ok(container) => container,
            Err(missing) => return Ok(Err(missing)),
        };
        let found = self.evaluate(key)?;
        self.look_at(&found, key.at);
        let segment = helper::text(found.value()).map_err(|problem| {
            let message = format!("the key of `lookup` {problem}");
            self.error(ErrorKind::WrongType, message, key.at)
        })?;
        Ok(container
            .element(&segment)
            .ok_or_else(|| self.absence(&container, &segment, &segment)))
    }

    fn computed(
        &mut self,
        name: &str,
        arguments: &'a [Expression],
        at: Offset,
    ) -> Result<Found<'a>, Error> {
        let mut found = Vec::with_capacity(arguments.len());
        for argument in arguments {
            found.push(self.evaluate(argument)?);
        }
        let from: Vec<usize> = found.iter().flat_map(Found::sources).collect();
        self.uses.taken.extend(&from);
        let size = found
            .iter()
            .map(|found| weight(found.value()))
            .fold(0, usize::saturating_add);
        self.spend(1, size, at)?;
        let values: Vec<&Value> = found.iter().map(Found::value).collect();
        let value = helper::call(name, &values).map_err(|problem| {
            self.error(ErrorKind::WrongType, format!("`{name}` {problem}"), at)
        })?;
        Ok(Found::computed(value, from))
    }
}
