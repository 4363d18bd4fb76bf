//! What names mean at a place in a template: contexts, loop variables, named parameters.

use std::rc::Rc;

use narae_yaml::Value;

use super::syntax::Variable;
use crate::values::address;

/// A value that an expression gave, and which values it was made of.
#[derive(Clone, Debug)]
pub(super) struct Found<'a> {
    held: Held<'a>,
    /// Addresses of the values that a computed one was made of.
    from: Vec<usize>,
}

#[derive(Clone, Debug)]
enum Held<'a> {
    /// Part of the values, or a literal of a template.
    Borrowed(&'a Value),
    Computed(Rc<Value>),
}

impl<'a> Found<'a> {
    pub(super) fn borrowed(value: &'a Value) -> Self {
        Self {
            held: Held::Borrowed(value),
            from: Vec::new(),
        }
    }

    pub(super) fn computed(value: Value, from: Vec<usize>) -> Self {
        Self {
            held: Held::Computed(Rc::new(value)),
            from,
        }
    }

    pub(super) fn value(&self) -> &Value {
        match &self.held {
            Held::Borrowed(value) => value,
            Held::Computed(value) => value,
        }
    }

    /// The values this one is, or was made of.
    pub(super) fn sources(&self) -> impl Iterator<Item = usize> {
        let own = match self.held {
            Held::Borrowed(value) => Some(address(value)),
            Held::Computed(_) => None,
        };
        own.into_iter().chain(self.from.iter().copied())
    }

    /// The part of this value that `part` picks out of it.
    pub(super) fn part(&self, part: impl Fn(&Value) -> Option<&Value>) -> Option<Self> {
        match &self.held {
            Held::Borrowed(value) => part(value).map(Self::borrowed),
            Held::Computed(value) => {
                part(value).map(|inner| Self::computed(inner.clone(), self.from.clone()))
            }
        }
    }

    /// What a loop goes over, in its order, with keys for a mapping; `None` for a scalar.
    pub(super) fn elements(&self) -> Option<Vec<(Option<String>, Self)>> {
        let borrowed = match &self.held {
            Held::Borrowed(value) => Some(*value),
            Held::Computed(_) => None,
        };
        match (borrowed, self.value()) {
            (Some(Value::Sequence(list)), _) => Some(
                list.iter()
                    .map(|value| (None, Self::borrowed(value)))
                    .collect(),
            ),
            (Some(Value::Mapping(map)), _) => {
                let entry =
                    |(key, value): (&str, &'a Value)| (Some(key.to_owned()), Self::borrowed(value));
                Some(map.iter().map(entry).collect())
            }
            (None, Value::Sequence(list)) => {
                let part = |value: &Value| Self::computed(value.clone(), self.from.clone());
                Some(list.iter().map(|value| (None, part(value))).collect())
            }
            (None, Value::Mapping(map)) => {
                let part = |value: &Value| Self::computed(value.clone(), self.from.clone());
                Some(
                    map.iter()
                        .map(|(key, value)| (Some(key.to_owned()), part(value)))
                        .collect(),
                )
            }
            _ => None,
        }
    }

    /// How many elements a collection has; `None` for a scalar.
    pub(super) fn elements_len(&self) -> Option<usize> {
        match self.value() {
            Value::Sequence(list) => Some(list.len()),
            Value::Mapping(map) => Some(map.len()),
            _ => None,
        }
    }

    /// The element under a key or an index.
    pub(super) fn element(&self, segment: &str) -> Option<Self> {
        self.part(|value| match value {
            Value::Sequence(list) => list.get(segment.parse::<usize>().ok()?),
            other => other.get(segment),
        })
    }
}

/// One level of context.
#[derive(Clone, Debug)]
pub(super) struct Scope<'a> {
    pub(super) context: Found<'a>,
    pub(super) variables: Variables,
    /// Named by `as |value key|`, or given to a partial.
    pub(super) parameters: Vec<(&'a str, Found<'a>)>,
    /// Names of the levels outside are not seen through a partial.
    pub(super) is_partial: bool,
}

impl<'a> Scope<'a> {
    pub(super) fn new(context: Found<'a>) -> Self {
        Self {
            context,
            variables: Variables::default(),
            parameters: Vec::new(),
            is_partial: false,
        }
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&Found<'a>> {
        self.parameters
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }
}

/// `@index`, `@key`, `@first`, `@last`.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables {
    pub(super) turn: Option<Turn>,
}

/// Where a loop stands.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) index: usize,
    pub(super) last: bool,
    /// Absent in a loop over a list.
    pub(super) key: Option<String>,
}

impl Variables {
    pub(super) fn get(&self, variable: Variable) -> Option<Value> {
        let turn = self.turn.as_ref()?;
        match variable {
            Variable::Index => Some(Value::from(turn.index)),
            Variable::First => Some(Value::Bool(turn.index == 0)),
            Variable::Last => Some(Value::Bool(turn.last)),
            Variable::Key => turn.key.clone().map(Value::String),
        }
    }
}
