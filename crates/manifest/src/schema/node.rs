//! A compiled schema: nodes in one list, referring to each other by number, so that a schema may
//! refer to itself. Made by `compile` and `kubernetes`, read by `walk`; checks nothing.

use narae_yaml::{Number, Value};
use regex::Regex;

#[cfg(feature = "cel")]
use super::rule::ValidationRule;

/// The number of a node.
pub(crate) type NodeId = usize;

/// What a value must be. The default is anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    pub(super) types: Types,
    pub(super) format: Format,
    /// `null` is as good as absent: Kubernetes' own types, which cannot tell them apart.
    pub(super) null_is_absent: bool,
    /// What stands there when nothing does: schemas of custom resources.
    pub(super) default: Option<Box<Value>>,
    /// `null` makes way for the default: custom resources, unless `nullable`.
    pub(super) drops_null: bool,
    /// Read as an API server does: custom resources. Otherwise as JSON Schema says.
    pub(super) is_structural: bool,
    /// What is in it that rules compare in their own way.
    #[cfg(feature = "cel")]
    pub(super) holds: Holds,
    /// What messages call it: `Container`.
    pub(super) name: Option<Box<str>>,
    /// Sorted by name.
    pub(super) fields: Vec<(Box<str>, NodeId)>,
    pub(super) required: Vec<Box<str>>,
    /// Fields that other versions of Kubernetes have, with those versions.
    pub(super) elsewhere: Vec<(Box<str>, Box<str>)>,
    pub(super) others: Others,
    pub(super) items: Option<NodeId>,
    pub(super) list: List,
    pub(super) more: Option<Box<Constraints>>,
}

/// What a value holds, itself or somewhere in it.
#[cfg(feature = "cel")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holds {
    /// Times and durations.
    pub(super) times: bool,
    /// Lists that are sets or maps.
    pub(super) sets: bool,
}

/// What a field may be that is not in `fields`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Others {
    #[default]
    Anything,
    Unknown,
    Each(NodeId),
}

/// What makes an item of a list itself.
#[derive(Clone, Debug, Default)]
pub(super) enum List {
    #[default]
    Atomic,
    Set,
    Map(Vec<Box<str>>),
}

/// Types of JSON, as a set; empty is any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Types(u8);

impl Types {
    pub(super) const NULL: Self = Self(1);
    pub(super) const BOOLEAN: Self = Self(2);
    pub(super) const INTEGER: Self = Self(4);
    pub(super) const NUMBER: Self = Self(8);
    pub(super) const STRING: Self = Self(16);
    pub(super) const ARRAY: Self = Self(32);
    pub(super) const OBJECT: Self = Self(64);

    const NAMES: &[(&str, Self, &str)] = &[
        ("null", Self::NULL, "null"),
        ("boolean", Self::BOOLEAN, "a boolean"),
        ("integer", Self::INTEGER, "an integer"),
        ("number", Self::NUMBER, "a number"),
        ("string", Self::STRING, "a string"),
        ("array", Self::ARRAY, "a sequence"),
        ("object", Self::OBJECT, "a mapping"),
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        let known = Self::NAMES.iter().find(|(known, ..)| *known == name)?;
        Some(known.1)
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().map(|(name, ..)| *name)
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn is_any(self) -> bool {
        self.0 == 0
    }

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn admits(self, value: &Value) -> bool {
        let kind = match value {
            _ if self.is_any() => return true,
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOLEAN,
            Value::Number(number) if is_whole(number) => Self::INTEGER.or(Self::NUMBER),
            Value::Number(_) => Self::NUMBER,
            Value::String(_) => Self::STRING,
            Value::Sequence(_) => Self::ARRAY,
            Value::Mapping(_) => Self::OBJECT,
        };
        self.has(kind)
    }

    /// In words: `an integer or a string`.
    pub(super) fn words(self) -> String {
        let named = Self::NAMES.iter().filter(|(_, kind, _)| self.has(*kind));
        named
            .map(|(.., words)| *words)
            .collect::<Vec<_>>()
            .join(" or ")
    }
}

fn is_whole(number: &Number) -> bool {
    number.as_i64().is_some() || number.as_u64().is_some() || number.as_f64().fract() == 0.0
}

/// What a text or a number must be beyond its type. Others are only notes, as both specifications
/// allow.
#[cfg_attr(
    not(feature = "kubernetes"),
    expect(dead_code, reason = "some are of Kubernetes' own types")
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    #[default]
    Any,
    Int32,
    Int64,
    /// Base64, with padding: the bytes of Kubernetes' own types, which may be none.
    Bytes,
    /// Base64, with padding, and not empty.
    Base64,
    DateTime,
    /// What Go's `time.RFC3339` reads: the times of Kubernetes' own types.
    Time,
    /// The same with exactly six digits behind the point.
    MicroTime,
    Date,
    Ipv4,
    Ipv6,
    Cidr,
    Uuid,
    /// As Go writes it: `1h30m`.
    Duration,
    /// As ISO 8601 and RFC 3339 (appendix A) write it: `PT1H30M`.
    IsoDuration,
    Hostname,
    Email,
    Uri,
    Mac,
    /// A DNS label in small letters.
    ShortName,
    /// DNS labels in small letters, with points between.
    LongName,
    /// A string or a number, as Kubernetes' `resource.Quantity` reads it.
    Quantity,
}

/// What only schemas of custom resources and of values have.
#[derive(Clone, Debug, Default)]
pub(super) struct Constraints {
    /// Nothing is good enough: the schema `false`.
    pub(super) never: bool,
    pub(super) one_of_values: Option<Vec<Value>>,
    pub(super) minimum: Option<Bound>,
    pub(super) maximum: Option<Bound>,
    pub(super) multiple_of: Option<Number>,
    /// Characters.
    pub(super) length: Range,
    pub(super) pattern: Option<Regex>,
    pub(super) item_count: Range,
    pub(super) first_items: Vec<NodeId>,
    pub(super) field_count: Range,
    pub(super) field_names: Option<NodeId>,
    pub(super) field_patterns: Vec<(Regex, NodeId)>,
    pub(super) required_with: Vec<(Box<str>, Vec<Box<str>>)>,
    pub(super) all_of: Vec<NodeId>,
    pub(super) any_of: Vec<NodeId>,
    pub(super) one_of: Vec<NodeId>,
    pub(super) not: Option<NodeId>,
    pub(super) condition: Condition,
    #[cfg(feature = "cel")]
    pub(super) rules: Vec<ValidationRule>,
}

/// One end of a range of numbers.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) number: Number,
    pub(super) exclusive: bool,
}

/// How many there may be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Range {
    pub(super) least: Option<usize>,
    pub(super) most: Option<usize>,
}

/// `if`, `then`, `else`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Condition {
    pub(super) test: Option<NodeId>,
    pub(super) then: Option<NodeId>,
    pub(super) otherwise: Option<NodeId>,
}

impl Node {
    pub(super) fn any() -> Self {
        Self::default()
    }

    pub(super) fn of(types: Types) -> Self {
        Self {
            types,
            ..Self::default()
        }
    }

    pub(super) fn field(&self, name: &str) -> Option<NodeId> {
        let place = self
            .fields
            .binary_search_by(|(known, _)| (**known).cmp(name))
            .ok()?;
        self.fields.get(place).map(|(_, node)| *node)
    }

    pub(super) fn more(&mut self) -> &mut Constraints {
        self.more.get_or_insert_default()
    }
}
