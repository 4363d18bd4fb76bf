//! Nodes and values, into anything that deserializes.
//!
//! One deserializer serves both: a [`Tree`] is what it walks, and a node's place, if it has one,
//! goes into the errors of whatever does not fit there.

use std::fmt::Display;

use serde::de::{
    self, DeserializeSeed, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::document::{Entry, NodeData};
use crate::error::ErrorKind;
use crate::{Error, Node, Number, Position, Value};

impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(ErrorKind::Data(message.to_string()), None)
    }

    // serde's own messages quote the value, and the value may be a secret.

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!(
            "invalid type: {}, expected {expected}",
            kind_of(&unexpected)
        ))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!(
            "invalid value: {}, expected {expected}",
            kind_of(&unexpected)
        ))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        let names: Vec<String> = expected.iter().map(|name| format!("`{name}`")).collect();
        Self::custom(format_args!(
            "unknown variant, expected one of {}",
            names.join(", ")
        ))
    }
}

fn kind_of(unexpected: &Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "number",
        Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => "string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "sequence",
        Unexpected::Map => "mapping",
        _ => "value",
    }
}

/// What can be deserialized from.
pub(super) trait Tree: Sized {
    type Items: ExactSizeIterator<Item = Self>;
    type Entries: ExactSizeIterator<Item = (Name, Self)>;

    fn open(self) -> Shape<Self>;
    fn position(&self) -> Option<Position>;
    fn is_null(&self) -> bool;
}

pub(super) enum Shape<T: Tree> {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Sequence(T::Items),
    Mapping(T::Entries),
}

/// A key with its place.
pub(super) struct Name(String, Option<Position>);

impl Tree for Node {
    type Items = std::vec::IntoIter<Self>;
    type Entries = std::iter::Map<std::vec::IntoIter<Entry>, Placing>;

    fn open(self) -> Shape<Self> {
        match self.data {
            NodeData::Sequence(items) => Shape::Sequence(items.into_iter()),
            NodeData::Mapping(entries) => {
                Shape::Mapping(entries.into_iter().map(placed as Placing))
            }
            NodeData::Scalar(scalar) => match scalar.into_value() {
                Value::Bool(truth) => Shape::Bool(truth),
                Value::Number(number) => Shape::Number(number),
                Value::String(text) => Shape::String(text),
                Value::Null | Value::Sequence(_) | Value::Mapping(_) => Shape::Null,
            },
        }
    }

    fn position(&self) -> Option<Position> {
        Some(self.span.start)
    }

    fn is_null(&self) -> bool {
        self.kind() == "null"
    }
}

impl Tree for Value {
    type Items = std::vec::IntoIter<Self>;
    type Entries = std::iter::Map<crate::IntoIter, Unplacing>;

    fn open(self) -> Shape<Self> {
        match self {
            Self::Null => Shape::Null,
            Self::Bool(truth) => Shape::Bool(truth),
            Self::Number(number) => Shape::Number(number),
            Self::String(text) => Shape::String(text),
            Self::Sequence(items) => Shape::Sequence(items.into_iter()),
            Self::Mapping(mapping) => {
                Shape::Mapping(mapping.into_iter().map(unplaced as Unplacing))
            }
        }
    }

    fn position(&self) -> Option<Position> {
        None
    }

    fn is_null(&self) -> bool {
        self.is_null()
    }
}

type Placing = fn(Entry) -> (Name, Node);
type Unplacing = fn((String, Value)) -> (Name, Value);

fn placed(entry: Entry) -> (Name, Node) {
    let position = entry.key.span.start;
    (Name(entry.key.into_name(), Some(position)), entry.value)
}

fn unplaced((name, value): (String, Value)) -> (Name, Value) {
    (Name(name, None), value)
}

pub(super) struct Deserializer<T>(pub(super) T);

impl<'de, T: Tree> de::Deserializer<'de> for Deserializer<T> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let position = self.0.position();
        let result = match self.0.open() {
            Shape::Null => visitor.visit_unit(),
            Shape::Bool(truth) => visitor.visit_bool(truth),
            Shape::Number(number) => visit_number(number, visitor),
            Shape::String(text) => visitor.visit_string(text),
            Shape::Sequence(items) => {
                let mut items = Items(items);
                visitor
                    .visit_seq(&mut items)
                    .and_then(|value| items.end().map(|()| value))
            }
            Shape::Mapping(entries) => visitor.visit_map(Entries::<T> {
                entries,
                value: None,
            }),
        };
        result.map_err(|error| error.or_at(position))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0.is_null() {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let position = self.0.position();
        let variant = match self.0.open() {
            Shape::String(name) => Ok(Variant {
                name: Name(name, position),
                content: None,
            }),
            Shape::Mapping(mut entries) if entries.len() == 1 => match entries.next() {
                Some((name, content)) => Ok(Variant {
                    name,
                    content: Some(content),
                }),
                None => Err(de::Error::custom("a variant without a name")),
            },
            _ => Err(de::Error::custom(
                "expected the name of a variant, or a mapping from it to its content",
            )),
        };
        variant
            .and_then(|variant| visitor.visit_enum(variant))
            .map_err(|error: Error| error.or_at(position))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}

/// What a type's own `Deserialize` refuses after it has read a part is wrong with that part.
fn part<'de, T: Tree, S: DeserializeSeed<'de>>(seed: S, item: T) -> Result<S::Value, Error> {
    let position = item.position();
    seed.deserialize(Deserializer(item))
        .map_err(|error| error.or_at(position))
}

fn visit_number<'de, V: Visitor<'de>>(number: Number, visitor: V) -> Result<V::Value, Error> {
    match (number.as_u64(), number.as_i64()) {
        (Some(number), _) => visitor.visit_u64(number),
        (_, Some(number)) => visitor.visit_i64(number),
        _ => visitor.visit_f64(number.as_f64()),
    }
}

struct Items<I>(I);

impl<T: Tree, I: ExactSizeIterator<Item = T>> Items<I> {
    /// Refuses elements that nobody asked for, instead of dropping them.
    fn end(&mut self) -> Result<(), Error> {
        match self.0.next() {
            None => Ok(()),
            Some(extra) => {
                let error: Error = de::Error::custom("more elements than expected");
                Err(error.or_at(extra.position()))
            }
        }
    }
}

impl<'de, T: Tree, I: ExactSizeIterator<Item = T>> SeqAccess<'de> for &mut Items<I> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        self.0.next().map(|item| part(seed, item)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Entries<T: Tree> {
    entries: T::Entries,
    value: Option<T>,
}

impl<'de, T: Tree> MapAccess<'de> for Entries<T> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let Some((name, value)) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        deserialize_name(seed, name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        match self.value.take() {
            Some(value) => part(seed, value),
            None => Err(de::Error::custom("a value was asked for before its key")),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

struct Variant<T> {
    name: Name,
    content: Option<T>,
}

impl<'de, T: Tree> EnumAccess<'de> for Variant<T> {
    type Error = Error;
    type Variant = Content<T>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Content<T>), Error> {
        Ok((deserialize_name(seed, self.name)?, Content(self.content)))
    }
}

struct Content<T>(Option<T>);

impl<T> Content<T> {
    fn require(self) -> Result<Deserializer<T>, Error> {
        self.0.map(Deserializer).ok_or_else(|| {
            de::Error::custom("expected a mapping from the variant's name to its content")
        })
    }
}

impl<'de, T: Tree> VariantAccess<'de> for Content<T> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.0 {
            None => Ok(()),
            Some(content) => de::Deserialize::deserialize(Deserializer(content)),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.require()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_any(self.require()?, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_any(self.require()?, visitor)
    }
}

fn deserialize_name<'de, S: DeserializeSeed<'de>>(
    seed: S,
    Name(name, position): Name,
) -> Result<S::Value, Error> {
    seed.deserialize(NameDeserializer(name))
        .map_err(|error| error.or_at(position))
}

/// A key for a type that may want a number or a truth value instead of its name.
struct NameDeserializer(String);

macro_rules! parsed_names {
    ($($method:ident => $visit:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0.parse() {
                Ok(key) => visitor.$visit(key),
                Err(_) => visitor.visit_string(self.0),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for NameDeserializer {
    type Error = Error;

    parsed_names!(
        deserialize_bool => visit_bool, deserialize_i8 => visit_i8, deserialize_i16 => visit_i16,
        deserialize_i32 => visit_i32, deserialize_i64 => visit_i64, deserialize_u8 => visit_u8,
        deserialize_u16 => visit_u16, deserialize_u32 => visit_u32, deserialize_u64 => visit_u64
    );

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
