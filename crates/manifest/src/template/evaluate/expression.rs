//! The value of an expression, and what it was made of.
//!
//! May evaluate arguments, each at most once and only those that decide ([`Lazy`]), and note what was looked at, taken or found absent. Writes nothing to the draft.
//! A missing value is an outcome of its own until [`Evaluator::evaluate`] makes an error of it.

use narae_yaml::Value;

use super::Evaluator;
use super::absence::Missing;
use super::budget::{named, weight};
use crate::error::{Error, ErrorKind};
use crate::template::helper::{self, Call, Helper, Lazy};
use crate::template::scope::{Found, Sources};
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
            Form::Reference(reference) => {
                let found = self.reference(reference, expression.at)?;
                // Whoever asked for it notes all that it was made of.
                self.spend(0, found.as_ref().map_or(0, named), expression.at)?;
                Ok(found)
            }
            Form::Call { helper, arguments } => self.call(helper, arguments, expression.at),
        }
    }

    fn call(
        &mut self,
        helper: &'a Helper,
        arguments: &'a [Expression],
        at: Offset,
    ) -> Result<Result<Found<'a>, Missing>, Error> {
        self.spend(1, 0, at)?;
        let lazy = match helper.call() {
            Call::Lazy(lazy) => lazy,
            Call::Eager(function) => {
                return Ok(Ok(self.computed(helper, arguments, at, function)?));
            }
            Call::Custom(custom) => {
                let work = |values: &[&Value]| custom.call(values);
                return Ok(Ok(self.computed(helper, arguments, at, work)?));
            }
        };
        let found = match (lazy, arguments) {
            (Lazy::Defined, [value]) => match self.look_up(value)? {
                Ok(found) => {
                    self.look_at(&found, value.at);
                    Found::computed(Value::Bool(true), Sources::default())
                }
                Err(missing) => {
                    self.note_absent(missing, value.at);
                    Found::computed(Value::Bool(false), Sources::default())
                }
            },
            (Lazy::Default, [value, fallback]) => match self.present(value)? {
                Some(found) => found,
                None => self.evaluate(fallback)?,
            },
            (Lazy::Coalesce, _) => self.coalesce(arguments, at)?,
            (Lazy::Required, [value, message]) => match self.look_up(value)? {
                Ok(found) if !found.value().is_null() => found,
                _ => {
                    let message = self.evaluate(message)?;
                    let message = helper::text(message.value()).unwrap_or_default();
                    return Err(self.error(ErrorKind::MissingValue, message, value.at));
                }
            },
            (Lazy::Ternary, [condition, yes, no]) => {
                let found = self.evaluate(condition)?;
                self.look_at(&found, condition.at);
                let holds = helper::is_truthy(found.value(), false);
                self.evaluate(if holds { yes } else { no })?
            }
            (Lazy::And | Lazy::Or, _) => self.decide(lazy == Lazy::And, arguments, at)?,
            (Lazy::Lookup, [container, key]) => return self.element(container, key),
            _ => {
                let message = format!("`{}` cannot be called so", helper.name());
                return Err(self.error(ErrorKind::Syntax, message, at));
            }
        };
        Ok(Ok(found))
    }

    /// A value that is set and not null.
    fn present(&mut self, value: &'a Expression) -> Result<Option<Found<'a>>, Error> {
        Ok(match self.look_up(value)? {
            Ok(found) => Some(found).filter(|found| !found.value().is_null()),
            Err(missing) => {
                self.note_absent(missing, value.at);
                None
            }
        })
    }

    fn coalesce(&mut self, arguments: &'a [Expression], at: Offset) -> Result<Found<'a>, Error> {
        for argument in arguments {
            if let Some(found) = self.present(argument)? {
                return Ok(found);
            }
        }
        let message = "none of the values given to `coalesce` is set";
        Err(self.error(ErrorKind::MissingValue, message, at))
    }

    /// `and` and `or`: the first argument that decides ends it.
    fn decide(
        &mut self,
        all: bool,
        arguments: &'a [Expression],
        at: Offset,
    ) -> Result<Found<'a>, Error> {
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
        self.made(Value::Bool(answer), from.into_iter().collect(), at)
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
            self.wrong_type(message, key.at, [&found])
        })?;
        Ok(container
            .element(&segment)
            .ok_or_else(|| self.absence(&container, &segment, &segment)))
    }

    fn computed(
        &mut self,
        helper: &Helper,
        arguments: &'a [Expression],
        at: Offset,
        work: impl Fn(&[&Value]) -> Result<Value, String>,
    ) -> Result<Found<'a>, Error> {
        let mut found = Vec::with_capacity(arguments.len());
        for argument in arguments {
            found.push(self.evaluate(argument)?);
        }
        let from: Sources = found.iter().flat_map(Found::sources).collect();
        self.uses.taken.extend(from.addresses());
        let size = found
            .iter()
            .map(|found| weight(found.value()))
            .fold(0, usize::saturating_add);
        self.spend(1, size, at)?;
        let values: Vec<&Value> = found.iter().map(Found::value).collect();
        let value = work(&values).map_err(|problem| {
            let message = format!("`{}` {problem}", helper.name());
            let error = self.wrong_type(message, at, &found);
            let works = |turned: &[&Value]| work(turned).is_ok();
            match helper::works_turned(helper, arguments, &values, works) {
                Some(meant) => error.note(format!("did you mean `{meant}`")),
                None => error.note(format!("it is used as {}", helper.usage())),
            }
        })?;
        self.spend(0, weight(&value), at)?;
        self.made(value, from, at)
    }

    /// A value, with what it was made of, which is charged as well: it lives as long.
    fn made(&mut self, value: Value, from: Sources, at: Offset) -> Result<Found<'a>, Error> {
        let found = Found::computed(value, from);
        self.spend(0, named(&found), at)?;
        Ok(found)
    }
}
