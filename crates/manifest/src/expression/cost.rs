//! How many steps an expression may take for an object, before it takes them.
//!
//! Walks the expression once with two bounds for every part: the largest collection it can hold and
//! the longest text. Those of `object.metadata.labels` are those of the labels, however large the rest is; of a
//! part that is computed they are those of all it can come from. A comprehension costs its body once for each element its range can have; a
//! call that makes text or a list costs the length of what it makes. This is a bound, not a
//! measure, in the manner of Kubernetes' own estimate for CRD rules.

use std::collections::HashMap;

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr, LiteralValue, operators};
use narae_yaml::Value;

use crate::values::address;

/// The most steps an expression may take for one object. A step is around a tenth of a microsecond.
pub const MAX_COST: u64 = 20_000_000;

/// What a regular expression costs to compile, and each byte it is matched against.
const MATCH_COST: u64 = 1_000;

/// Bounds of what an expression gives.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Size {
    /// Elements of the largest collection in it.
    count: u64,
    /// Bytes of the longest text in it.
    length: u64,
}

impl Size {
    /// The bounds of a value; those of the collections in it are put beside their addresses.
    fn of(value: &Value, collections: &mut HashMap<usize, Self>) -> Self {
        let size = match value {
            Value::String(text) => Self {
                count: 0,
                length: text.len() as u64,
            },
            Value::Sequence(list) => {
                let own = Self {
                    count: list.len() as u64,
                    length: 0,
                };
                let parts = list.iter().map(|part| Self::of(part, collections));
                parts.fold(own, Self::or)
            }
            Value::Mapping(map) => {
                let own = Self {
                    count: map.len() as u64,
                    length: 0,
                };
                let longest = map.keys().map(str::len).max().unwrap_or(0) as u64;
                let parts = map.values().map(|part| Self::of(part, collections));
                parts.fold(own, Self::or).or(Self {
                    count: 0,
                    length: longest,
                })
            }
            _ => Self {
                count: 0,
                length: 32,
            },
        };
        if matches!(value, Value::Sequence(_) | Value::Mapping(_)) {
            collections.insert(address(value), size);
        }
        size
    }

    fn or(self, other: Self) -> Self {
        Self {
            count: self.count.max(other.count),
            length: self.length.max(other.length),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            length: self.length.saturating_add(other.length),
        }
    }
}

/// The bounds of a value and of every collection in it, looked at once.
pub(crate) struct Sizes {
    whole: Size,
    /// By the address of each.
    collections: HashMap<usize, Size>,
}

impl Sizes {
    /// O(value).
    pub(crate) fn of(value: &Value) -> Self {
        let mut collections = HashMap::new();
        let whole = Size::of(value, &mut collections);
        Self { whole, collections }
    }
}

/// Estimates expressions for one object.
pub(crate) struct Estimate<'e> {
    object: &'e Value,
    sizes: &'e Sizes,
    /// Names bound by comprehensions, innermost last.
    bound: Vec<(&'e str, Size)>,
    /// The policy's variables before the expression.
    variables: &'e [(&'e str, Size)],
    pub(crate) cost: u64,
    /// How often the part being walked is evaluated.
    times: u64,
}

impl<'e> Estimate<'e> {
    pub(crate) fn new(
        object: &'e Value,
        sizes: &'e Sizes,
        variables: &'e [(&'e str, Size)],
    ) -> Self {
        Self {
            object,
            sizes,
            bound: Vec::new(),
            variables,
            cost: 0,
            times: 1,
        }
    }

    pub(crate) fn walk(&mut self, node: &'e IdedExpr) -> Size {
        self.spend(1);
        if let Some(part) = self.part(node) {
            return self.size(part);
        }
        match &node.expr {
            Expr::Unspecified => Size::default(),
            Expr::Literal(LiteralValue::String(text)) => Size {
                count: 0,
                length: text.inner().len() as u64,
            },
            Expr::Literal(_) => Size {
                count: 0,
                length: 32,
            },
            Expr::Ident(name) => {
                let bound = self.bound.iter().rev().find(|(bound, _)| bound == name);
                bound.map_or(self.sizes.whole, |(_, size)| *size)
            }
            Expr::Select(select) => {
                let inner = self.walk(&select.operand);
                let is_variable = super::is_variables(&select.operand);
                let known = self
                    .variables
                    .iter()
                    .find(|(name, _)| *name == select.field);
                known
                    .filter(|_| is_variable)
                    .map_or(inner, |(_, size)| *size)
            }
            Expr::List(list) => {
                let own = Size {
                    count: list.elements.len() as u64,
                    length: 0,
                };
                list.elements
                    .iter()
                    .fold(own, |size, item| size.or(self.walk(item)))
            }
            Expr::Map(map) => {
                let own = Size {
                    count: map.entries.len() as u64,
                    length: 0,
                };
                map.entries
                    .iter()
                    .fold(own, |size, entry| match &entry.expr {
                        EntryExpr::MapEntry(entry) => {
                            size.or(self.walk(&entry.key)).or(self.walk(&entry.value))
                        }
                        EntryExpr::StructField(field) => size.or(self.walk(&field.value)),
                    })
            }
            Expr::Struct(_) => self.sizes.whole,
            Expr::Call(call) => {
                let target = call.target.as_ref().map(|target| self.walk(target));
                let sizes: Vec<Size> = call
                    .args
                    .iter()
                    .map(|argument| self.walk(argument))
                    .collect();
                self.call(&call.func_name, target, &sizes)
            }
            Expr::Comprehension(each) => {
                let range = self.walk(&each.iter_range);
                let start = self.walk(&each.accu_init);
                let turns = range.count.saturating_add(1);
                let times = self.times;
                self.times = times.saturating_mul(turns);
                let outer = self.bound.len();
                let accumulated = Size {
                    count: turns,
                    length: 0,
                }
                .or(start);
                self.bound.push((&each.iter_var, range));
                self.bound
                    .extend(each.iter_var2.as_deref().map(|name| (name, range)));
                self.bound.push((&each.accu_var, accumulated));
                self.walk(&each.loop_cond);
                let step = self.walk(&each.loop_step);
                self.bound.truncate(outer);
                self.times = times;
                self.bound.push((&each.accu_var, step.or(accumulated)));
                let result = self.walk(&each.result);
                self.bound.truncate(outer);
                result
            }
        }
    }

    fn size(&self, part: &Value) -> Size {
        // The object itself may have moved since it was looked at; what is in it has not.
        if std::ptr::eq(part, self.object) {
            return self.sizes.whole;
        }
        let known = self.sizes.collections.get(&address(part)).copied();
        known.unwrap_or_else(|| Size::of(part, &mut HashMap::new()))
    }

    /// The part of the object that a chain of names and literals leads to, when it is one from the
    /// object on. What is absent is null.
    fn part(&self, node: &IdedExpr) -> Option<&'e Value> {
        const ABSENT: &Value = &Value::Null;
        match &node.expr {
            Expr::Ident(name) => {
                let is_bound = self.bound.iter().any(|(bound, _)| bound == name);
                let is_object = matches!(name.as_str(), "object" | "self");
                (is_object && !is_bound).then_some(self.object)
            }
            // A name that a rule spells in its own way is not one of the value's.
            Expr::Select(select) if select.field.contains("__") => None,
            Expr::Select(select) => {
                let whole = self.part(&select.operand)?;
                Some(whole.get(&select.field).unwrap_or(ABSENT))
            }
            Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
                (operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT, [whole, key]) => {
                    let Expr::Literal(LiteralValue::String(name)) = &key.expr else {
                        return None;
                    };
                    let is_spelled = call.func_name == operators::OPT_SELECT;
                    if is_spelled && name.inner().contains("__") {
                        return None;
                    }
                    let whole = self.part(whole)?;
                    Some(whole.get(name.inner()).unwrap_or(ABSENT))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn call(&mut self, name: &str, target: Option<Size>, arguments: &[Size]) -> Size {
        let all = arguments.iter().copied().chain(target);
        let largest = all.clone().fold(Size::default(), Size::or);
        let sum = all.fold(Size::default(), Size::and);
        let subject = target.or(arguments.first().copied()).unwrap_or_default();
        let made = match name {
            operators::ADD => sum,
            "replace" => Size {
                length: subject
                    .length
                    .saturating_add(1)
                    .saturating_mul(largest.length.saturating_add(1)),
                ..largest
            },
            "join" | "format" => Size {
                length: sum
                    .count
                    .saturating_add(1)
                    .saturating_mul(sum.length.saturating_add(1)),
                ..largest
            },
            "split" => Size {
                count: subject.length.saturating_add(1),
                length: subject.length,
            },
            "quote" | "strings.quote" => Size {
                length: subject.length.saturating_mul(2),
                ..largest
            },
            _ => largest,
        };
        self.spend(match name {
            operators::ADD | "replace" | "join" | "format" | "split" | "quote" => {
                made.length.saturating_add(made.count)
            }
            operators::EQUALS | operators::NOT_EQUALS | operators::IN => {
                largest.length.saturating_add(largest.count)
            }
            "matches" => largest.length.saturating_mul(8).saturating_add(MATCH_COST),
            _ => largest.length / 8,
        });
        made
    }

    fn spend(&mut self, steps: u64) {
        self.cost = self.cost.saturating_add(steps.saturating_mul(self.times));
    }
}
