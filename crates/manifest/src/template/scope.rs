//! What names mean at a place in a template: contexts, loop variables, named parameters.

use std::collections::HashSet;
use std::rc::Rc;

use narae_yaml::{Path, Segment, Value};

use super::syntax::Variable;
use crate::values::address;

/// A value that an expression gave, and which values it was made of.
#[derive(Clone, Debug)]
pub(super) struct Found<'a> {
    held: Held<'a>,
    from: Sources,
}

#[derive(Clone, Debug)]
enum Held<'a> {
    /// Part of the values, or a literal of a template.
    Borrowed(&'a Value),
    /// A part of something computed, which is kept whole: taking a part copies none of it.
    Computed { whole: Rc<Value>, way: Path },
}

/// Addresses of the values that a computed one was made of, each once, in the order they were met.
/// Shared by everything that is made of the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources(Option<Rc<[usize]>>);

impl Sources {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.addresses().len()
    }

    pub(super) fn addresses(&self) -> &[usize] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl FromIterator<usize> for Sources {
    fn from_iter<I: IntoIterator<Item = usize>>(addresses: I) -> Self {
        // Of a few, looking through them is faster than a set.
        const FEW: usize = 8;
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        for address in addresses {
            if found.len() == FEW && seen.is_empty() {
                seen.extend(found.iter().copied());
            }
            let is_fresh = match seen.is_empty() {
                true => !found.contains(&address),
                false => seen.insert(address),
            };
            if is_fresh {
                found.push(address);
            }
        }
        Self((!found.is_empty()).then(|| found.into()))
    }
}

impl<'a> Found<'a> {
    pub(super) fn borrowed(value: &'a Value) -> Self {
        Self {
            held: Held::Borrowed(value),
            from: Sources::default(),
        }
    }

    pub(super) fn computed(value: Value, from: Sources) -> Self {
        Self {
            held: Held::Computed {
                whole: Rc::new(value),
                way: Path::root(),
            },
            from,
        }
    }

    pub(super) fn value(&self) -> &Value {
        match &self.held {
            Held::Borrowed(value) => value,
            // The way was taken when the part was found.
            Held::Computed { whole, way } => whole.at(way).unwrap_or(whole),
        }
    }

    /// The values this one is, or was made of.
    pub(super) fn sources(&self) -> impl Iterator<Item = usize> {
        let own = match self.held {
            Held::Borrowed(value) => Some(address(value)),
            Held::Computed { .. } => None,
        };
        own.into_iter().chain(self.from.addresses().iter().copied())
    }

    /// How many values a computed one was made of; none for what is a value itself.
    pub(super) fn made_of(&self) -> usize {
        self.from.len()
    }

    /// What a loop goes over, in its order, with keys for a mapping; `None` for a scalar.
    pub(super) fn elements(&self) -> Option<Vec<(Option<String>, Self)>> {
        match (&self.held, self.value()) {
            (Held::Borrowed(Value::Sequence(list)), _) => {
                let element = |value| (None, Self::borrowed(value));
                Some(list.iter().map(element).collect())
            }
            (Held::Borrowed(Value::Mapping(map)), _) => {
                let entry =
                    |(key, value): (&str, &'a Value)| (Some(key.to_owned()), Self::borrowed(value));
                Some(map.iter().map(entry).collect())
            }
            (Held::Computed { whole, way }, Value::Sequence(list)) => {
                let element = |index| (None, self.part(whole, way.child(index)));
                Some((0..list.len()).map(element).collect())
            }
            (Held::Computed { whole, way }, Value::Mapping(map)) => {
                let entry = |key: &str| (Some(key.to_owned()), self.part(whole, way.child(key)));
                Some(map.keys().map(entry).collect())
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
        fn inside<'v>(value: &'v Value, segment: &str) -> Option<(&'v Value, Segment)> {
            match value {
                Value::Sequence(list) => {
                    let index = segment.parse::<usize>().ok()?;
                    Some((list.get(index)?, Segment::Index(index)))
                }
                other => Some((other.get(segment)?, Segment::Key(segment.to_owned()))),
            }
        }
        match &self.held {
            Held::Borrowed(value) => inside(value, segment).map(|(value, _)| Self::borrowed(value)),
            Held::Computed { whole, way } => {
                let (_, step) = inside(self.value(), segment)?;
                Some(self.part(whole, way.child(step)))
            }
        }
    }

    /// What is at the end of a way into the value that this one is a part of.
    fn part(&self, whole: &Rc<Value>, way: Path) -> Self {
        Self {
            held: Held::Computed {
                whole: Rc::clone(whole),
                way,
            },
            from: self.from.clone(),
        }
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
