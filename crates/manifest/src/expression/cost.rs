//! How many steps an expression may take for an object, before it takes them.
//!
//! Walks the expression once with two bounds for every part: the largest collection it can hold and
//! the longest text. A comprehension costs its body once for each element its range can have; a
//! call that makes text or a list costs the length of what it makes. This is a bound, not a
//! measure, in the manner of Kubernetes' own estimate for CRD rules.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr, LiteralValue, operators};
use narae_yaml::Value;

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
    /// The bounds of an object.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::String(text) => Self {
                count: 0,
                length: text.len() as u64,
            },
            Value::Sequence(list) => {
                let own = Self {
                    count: list.len() as u64,
                    length: 0,
                };
                list.iter().map(Self::of).fold(own, Self::or)
            }
            Value::Mapping(map) => {
                let own = Self {
                    count: map.len() as u64,
                    length: 0,
                };
                let longest = map.keys().map(str::len).max().unwrap_or(0) as u64;
                map.values().map(Self::of).fold(own, Self::or).or(Self {
                    count: 0,
                    length: longest,
                })
            }
            _ => Self {
                count: 0,
                length: 32,
            },
        }
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

/// Estimates expressions for one object.
pub(crate) struct Estimate<'e> {
    object: Size,
    /// Names bound by comprehensions, innermost last.
    bound: Vec<(&'e str, Size)>,
    /// The policy's variables before the expression.
    variables: &'e [(&'e str, Size)],
    pub(crate) cost: u64,
    /// How often the part being walked is evaluated.
    times: u64,
}

impl<'e> Estimate<'e> {
    pub(crate) fn new(object: Size, variables: &'e [(&'e str, Size)]) -> Self {
        Self {
            object,
            bound: Vec::new(),
            variables,
            cost: 0,
            times: 1,
        }
    }

    pub(crate) fn walk(&mut self, node: &'e IdedExpr) -> Size {
        self.spend(1);
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
                bound.map_or(self.object, |(_, size)| *size)
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
            Expr::Struct(_) => self.object,
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
