//! From and to `serde_yaml::Value`, the type many programs already have.
//!
//! `serde_yaml` here is its maintained continuation, published as `yaml_serde`. What it reads it has
//! resolved by its own rules (`yes` is a string, `0644` too), and what it writes Kubernetes may read as
//! something else (`off` without quotes): so read and write with this crate, and convert between.

use serde_yaml::Value as Theirs;

use crate::error::ErrorKind;
use crate::read::scalar;
use crate::{Error, Mapping, Number, Value};

impl From<Value> for Theirs {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(truth),
            Value::Number(number) => Self::Number(number.into()),
            Value::String(text) => Self::String(text),
            Value::Sequence(items) => Self::Sequence(items.into_iter().map(Self::from).collect()),
            Value::Mapping(mapping) => Self::Mapping(mapping.into()),
        }
    }
}

impl From<Mapping> for serde_yaml::Mapping {
    fn from(mapping: Mapping) -> Self {
        let entry = |(key, value): (String, Value)| (Theirs::String(key), value.into());
        mapping.into_iter().map(entry).collect()
    }
}

impl From<Number> for serde_yaml::Number {
    fn from(number: Number) -> Self {
        match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => number.into(),
            (_, Some(number)) => number.into(),
            _ => number.as_f64().into(),
        }
    }
}

impl TryFrom<Theirs> for Value {
    type Error = Error;

    /// Keys get the names Kubernetes gives them (`1` is `"1"`); tags of one's own are left out, as when
    /// reading.
    ///
    /// # Errors
    ///
    /// When a key is null or a collection, or two keys have the same name.
    fn try_from(value: Theirs) -> Result<Self, Error> {
        Ok(match value {
            Theirs::Null => Self::Null,
            Theirs::Bool(truth) => Self::Bool(truth),
            Theirs::Number(number) => Self::Number(number.into()),
            Theirs::String(text) => Self::String(text),
            Theirs::Sequence(items) => {
                let items: Result<_, Error> = items.into_iter().map(Self::try_from).collect();
                Self::Sequence(items?)
            }
            Theirs::Mapping(mapping) => Self::Mapping(mapping.try_into()?),
            Theirs::Tagged(tagged) => tagged.value.try_into()?,
        })
    }
}

impl TryFrom<serde_yaml::Mapping> for Mapping {
    type Error = Error;

    /// As for a [`Value`].
    fn try_from(theirs: serde_yaml::Mapping) -> Result<Self, Error> {
        let mut mapping = Self::with_capacity(theirs.len());
        for (key, value) in theirs {
            let key = name(key)?;
            if mapping.contains_key(&key) {
                let kind = ErrorKind::Data(format!("duplicate key `{key}`"));
                return Err(Error::new(kind, None));
            }
            mapping.insert(key, Value::try_from(value)?);
        }
        Ok(mapping)
    }
}

impl From<serde_yaml::Number> for Number {
    fn from(number: serde_yaml::Number) -> Self {
        match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), ..) => number.into(),
            (_, Some(number), _) => number.into(),
            (.., number) => number.unwrap_or(f64::NAN).into(),
        }
    }
}

/// The name Kubernetes gives a key.
fn name(key: Theirs) -> Result<String, Error> {
    let refused = match key {
        Theirs::String(name) => return Ok(name),
        Theirs::Bool(truth) => return Ok(truth.to_string()),
        Theirs::Number(number) if number.is_f64() => {
            return Ok(scalar::go_float_name(&number.into()));
        }
        Theirs::Number(number) => match number.as_i64() {
            Some(number) => return Ok(number.to_string()),
            None => "an integer beyond 64 signed bits",
        },
        Theirs::Tagged(tagged) => return name(tagged.value),
        Theirs::Null => "null",
        Theirs::Sequence(_) => "a sequence",
        Theirs::Mapping(_) => "a mapping",
    };
    Err(Error::new(ErrorKind::Key(refused), None))
}
