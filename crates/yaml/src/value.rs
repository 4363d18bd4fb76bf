//! What a document says, without how it was written.

use std::ops::Index;

use crate::path::{Path, Segment};
use crate::{Mapping, Number};

/// A YAML value as Kubernetes knows it: what JSON can say, with mappings in order.
///
/// ```
/// use narae_yaml::{Path, Value};
///
/// let value = narae_yaml::read_one("spec: {containers: [{image: 'nginx:1.29'}]}")?;
/// let path: Path = "spec.containers[0].image".parse()?;
/// assert_eq!(value.at(&path).and_then(Value::as_str), Some("nginx:1.29"));
/// // What is not there is null.
/// assert_eq!(value["spec"]["containers"][0]["image"].as_str(), Some("nginx:1.29"));
/// assert!(value["spec"]["volumes"][0]["name"].is_null());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[expect(
    clippy::exhaustive_enums,
    reason = "these are JSON's six kinds; a seventh could not reach Kubernetes"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Value {
    /// `null`, `~`, or nothing at all.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer or floating-point number.
    Number(Number),
    /// Text.
    String(String),
    /// A list.
    Sequence(Vec<Value>),
    /// Keys and their values.
    Mapping(Mapping),
}

impl Value {
    /// The value of `key`, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_mapping()?.get(key)
    }

    /// The value of `key` to change, if this is a mapping that has it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.as_mapping_mut()?.get_mut(key)
    }

    /// The element at `index`, if this is a sequence that long.
    pub fn get_index(&self, index: usize) -> Option<&Value> {
        self.as_sequence()?.get(index)
    }

    /// The element at `index` to change, if this is a sequence that long.
    pub fn get_index_mut(&mut self, index: usize) -> Option<&mut Value> {
        self.as_sequence_mut()?.get_mut(index)
    }

    /// What stands at `path`.
    pub fn at(&self, path: &Path) -> Option<&Value> {
        path.segments()
            .iter()
            .try_fold(self, |value, segment| match segment {
                Segment::Key(key) => value.get(key),
                Segment::Index(index) => value.get_index(*index),
            })
    }

    /// What stands at `path`, to change.
    pub fn at_mut(&mut self, path: &Path) -> Option<&mut Value> {
        path.segments()
            .iter()
            .try_fold(self, |value, segment| match segment {
                Segment::Key(key) => value.get_mut(key),
                Segment::Index(index) => value.get_index_mut(*index),
            })
    }

    /// What stands at `pointer`, an RFC 6901 JSON pointer: `/spec/containers/0`, and all of it for
    /// the empty one.
    ///
    /// ```
    /// let value = narae_yaml::read_one("metadata: {labels: {app/name: [shop]}}")?;
    /// let name = value.pointer("/metadata/labels/app~1name/0");
    /// assert_eq!(name.and_then(|name| name.as_str()), Some("shop"));
    /// # Ok::<(), narae_yaml::Error>(())
    /// ```
    pub fn pointer(&self, pointer: &str) -> Option<&Value> {
        if pointer.is_empty() {
            return Some(self);
        }
        let mut steps = pointer.strip_prefix('/')?.split('/');
        steps.try_fold(self, |value, step| match value {
            Self::Mapping(mapping) => mapping.get(&step.replace("~1", "/").replace("~0", "~")),
            Self::Sequence(items) => {
                let plain = step == "0" || !step.starts_with(['0', '+']);
                items.get(step.parse::<usize>().ok().filter(|_| plain)?)
            }
            _ => None,
        })
    }

    /// Takes the value out and leaves null.
    #[must_use]
    pub fn take(&mut self) -> Value {
        std::mem::take(self)
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The number, if this is one.
    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The number, if this is an integer that fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// The number, if this is an integer that fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.as_u64()
    }

    /// The nearest `f64`, if this is a number.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number().map(Number::as_f64)
    }

    /// The elements, if this is a sequence.
    pub fn as_sequence(&self) -> Option<&[Value]> {
        match self {
            Self::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The elements to change, if this is a sequence.
    pub fn as_sequence_mut(&mut self) -> Option<&mut Vec<Value>> {
        match self {
            Self::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if this is a mapping.
    pub fn as_mapping(&self) -> Option<&Mapping> {
        match self {
            Self::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The entries to change, if this is a mapping.
    pub fn as_mapping_mut(&mut self) -> Option<&mut Mapping> {
        match self {
            Self::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The kind, as messages name it: `a string`, `a mapping`, …
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Sequence(_) => "a sequence",
            Self::Mapping(_) => "a mapping",
        }
    }
}

impl Index<&str> for Value {
    type Output = Value;

    /// The value of `key`; null if this has none, or is no mapping.
    fn index(&self, key: &str) -> &Value {
        self.get(key).unwrap_or(&NULL)
    }
}

impl Index<usize> for Value {
    type Output = Value;

    /// The element at `index`; null if this is shorter, or no sequence.
    fn index(&self, index: usize) -> &Value {
        self.get_index(index).unwrap_or(&NULL)
    }
}

static NULL: Value = Value::Null;

macro_rules! from {
    ($($type:ty => $value:ident => $made:expr),* $(,)?) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $made
            }
        }
    )*};
}

from! {
    () => _unit => Self::Null,
    bool => truth => Self::Bool(truth),
    Number => number => Self::Number(number),
    u8 => n => Self::Number(n.into()),
    u16 => n => Self::Number(n.into()),
    u32 => n => Self::Number(n.into()),
    u64 => n => Self::Number(n.into()),
    usize => n => Self::Number(n.into()),
    i8 => n => Self::Number(n.into()),
    i16 => n => Self::Number(n.into()),
    i32 => n => Self::Number(n.into()),
    i64 => n => Self::Number(n.into()),
    f32 => x => Self::Number(x.into()),
    f64 => x => Self::Number(x.into()),
    &str => text => Self::String(text.to_owned()),
    &String => text => Self::String(text.clone()),
    String => text => Self::String(text),
    char => c => Self::String(c.into()),
    std::borrow::Cow<'_, str> => text => Self::String(text.into_owned()),
    Mapping => mapping => Self::Mapping(mapping),
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        items.into_iter().collect()
    }
}

impl<T: Into<Value>, const N: usize> From<[T; N]> for Value {
    fn from(items: [T; N]) -> Self {
        items.into_iter().collect()
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Value>> FromIterator<T> for Value {
    /// A sequence.
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::Sequence(items.into_iter().map(Into::into).collect())
    }
}
