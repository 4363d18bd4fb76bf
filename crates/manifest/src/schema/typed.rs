//! What rules of custom resources see of a value, by its schema, and which rules that is not enough for.
//!
//! An API server gives times and durations, sets and maps types of their own: durations compare by
//! their length, sets without an order. Here they are texts and lists, and a rule that compares them
//! would mean something else: [`misread`] says so. What it cannot know (a part reached by a computed
//! key or made by `map`) it takes for plain.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cel::IdedExpr;
use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, operators};
use narae_yaml::Value;

use super::node::{Format, Holds, List, Node, NodeId, Others, Types};
use crate::expression::{map, to_cel};

const TIMES: &str = "it compares or converts times or durations";
const SETS: &str = "it compares or adds lists that are sets or maps";

/// A value as a rule sees it, by its schema: bytes are bytes, a number is a `double`, and fields have
/// names that an expression can spell. O(value).
pub(super) fn typed(nodes: &[Node], node: &Node, value: &Value) -> cel::Value {
    let below = |id: Option<NodeId>, value: &Value| match id.and_then(|id| nodes.get(id)) {
        Some(node) => typed(nodes, node, value),
        None => to_cel(value),
    };
    match value {
        Value::Mapping(mapping) => {
            let entry = |(key, value): (&str, &Value)| match (node.field(key), node.others) {
                (Some(field), _) => (spelled(key).into(), below(Some(field), value)),
                (None, Others::Each(each)) => (key.into(), below(Some(each), value)),
                (None, _) => (key.into(), to_cel(value)),
            };
            map(mapping.iter().map(entry).collect())
        }
        Value::Sequence(items) => {
            let items = items.iter().map(|item| below(node.items, item)).collect();
            cel::Value::List(Arc::new(items))
        }
        Value::String(text) if node.format == Format::Base64 => STANDARD.decode(text).map_or_else(
            |_| to_cel(value),
            |bytes| cel::Value::Bytes(Arc::new(bytes)),
        ),
        Value::Number(number) if node.types == Types::NUMBER => cel::Value::Float(number.as_f64()),
        _ => to_cel(value),
    }
}

/// What a value of this schema holds; its parts are known.
pub(super) fn holds(nodes: &[Node], node: &Node) -> Holds {
    let others = match node.others {
        Others::Each(each) => Some(each),
        _ => None,
    };
    let fields = node.fields.iter().map(|(_, field)| *field);
    let parts = fields.chain(node.items).chain(others);
    let own = Holds {
        times: is_time(node),
        sets: !matches!(node.list, List::Atomic),
    };
    parts
        .filter_map(|id| nodes.get(id))
        .fold(own, |all, part| Holds {
            times: all.times || part.holds.times,
            sets: all.sets || part.holds.sets,
        })
}

fn is_time(node: &Node) -> bool {
    matches!(
        node.format,
        Format::Duration | Format::DateTime | Format::Date
    )
}

/// Why a rule about a part would mean something else here than in an API server, if it would.
pub(super) fn misread(nodes: &[Node], part: NodeId, rule: &IdedExpr) -> Option<&'static str> {
    let own = nodes.get(part)?;
    if own.holds == Holds::default() {
        return None;
    }
    let mut reading = Reading {
        nodes,
        own,
        bound: Vec::new(),
    };
    reading.misread(rule)
}

struct Reading<'r> {
    nodes: &'r [Node],
    /// What `self` is.
    own: &'r Node,
    /// Names bound by comprehensions, innermost last, with the schema of what each stands for.
    bound: Vec<(&'r str, Option<&'r Node>)>,
}

impl<'r> Reading<'r> {
    /// INVARIANT: expressions are parsed with a bound on their depth.
    fn misread(&mut self, part: &'r IdedExpr) -> Option<&'static str> {
        match &part.expr {
            Expr::Select(select) => self.misread(&select.operand),
            Expr::Call(call) => {
                let mut parts = call.target.as_deref().into_iter().chain(&call.args);
                self.call(call)
                    .or_else(|| parts.find_map(|part| self.misread(part)))
            }
            Expr::List(list) => list.elements.iter().find_map(|item| self.kept(item)),
            Expr::Map(made) => made.entries.iter().find_map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => {
                    self.kept(&entry.key).or_else(|| self.kept(&entry.value))
                }
                EntryExpr::StructField(field) => self.kept(&field.value),
            }),
            Expr::Comprehension(each) => {
                let range = self.schema(&each.iter_range);
                let item = range.and_then(|range| self.node(range.items?));
                let value = range.and_then(|range| match range.others {
                    Others::Each(each) => self.node(each),
                    _ => None,
                });
                let found = self.misread(&each.iter_range);
                let outer = self.bound.len();
                // One name is an item or a key; of two, the first is an index or a key.
                let first = item.filter(|_| each.iter_var2.is_none());
                self.bound.push((&each.iter_var, first));
                let second = each.iter_var2.as_deref();
                self.bound.extend(second.map(|name| (name, item.or(value))));
                self.bound.push((&each.accu_var, None));
                let parts = [
                    &each.accu_init,
                    &each.loop_cond,
                    &each.loop_step,
                    &each.result,
                ];
                let found = found.or_else(|| parts.into_iter().find_map(|part| self.misread(part)));
                self.bound.truncate(outer);
                found
            }
            Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) | Expr::Struct(_) => None,
        }
    }

    /// What becomes part of something that is made: compared there, it would not be seen any more.
    fn kept(&mut self, part: &'r IdedExpr) -> Option<&'static str> {
        let is_time = self.schema(part).is_some_and(is_time);
        is_time.then_some(TIMES).or_else(|| self.misread(part))
    }

    fn call(&self, call: &'r CallExpr) -> Option<&'static str> {
        let parts = call.target.as_deref().into_iter().chain(&call.args);
        let mut known = parts.filter_map(|part| self.schema(part));
        known.find_map(|node| match call.func_name.as_str() {
            operators::EQUALS | operators::NOT_EQUALS => match node.holds {
                Holds { times: true, .. } => Some(TIMES),
                Holds { sets: true, .. } => Some(SETS),
                _ => None,
            },
            operators::IN if node.holds.times => Some(TIMES),
            operators::ADD if !matches!(node.list, List::Atomic) => Some(SETS),
            // These hand on what they are given.
            operators::CONDITIONAL
            | operators::INDEX
            | operators::OPT_INDEX
            | operators::OPT_SELECT
            | "hasValue"
            | "of"
            | "optional.of"
            | "or"
            | "orValue"
            | "value" => None,
            _ => is_time(node).then_some(TIMES),
        })
    }

    /// The schema of what an expression gives, when it is a part of the value.
    fn schema(&self, part: &'r IdedExpr) -> Option<&'r Node> {
        match &part.expr {
            Expr::Ident(name) => {
                let bound = self.bound.iter().rev().find(|(bound, _)| bound == name);
                bound.map_or_else(|| (name == "self").then_some(self.own), |(_, node)| *node)
            }
            Expr::Select(select) if select.test => None,
            Expr::Select(select) => self.field(self.schema(&select.operand)?, &select.field),
            Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
                (operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT, [whole, key]) => {
                    let whole = self.schema(whole)?;
                    match &key.expr {
                        Expr::Literal(LiteralValue::String(name)) => {
                            self.field(whole, name.inner())
                        }
                        _ => self.element(whole),
                    }
                }
                (operators::CONDITIONAL, [_, yes, no]) => {
                    self.schema(yes).or_else(|| self.schema(no))
                }
                ("orValue" | "or", [other]) => {
                    let target = call.target.as_deref()?;
                    self.schema(target).or_else(|| self.schema(other))
                }
                ("value", []) => self.schema(call.target.as_deref()?),
                ("of" | "optional.of", [value]) => self.schema(value),
                _ => None,
            },
            _ => None,
        }
    }

    fn field(&self, whole: &'r Node, name: &str) -> Option<&'r Node> {
        let mut fields = whole.fields.iter();
        match fields.find(|(known, _)| spelled(known) == name) {
            Some((_, field)) => self.node(*field),
            None => self.element(whole),
        }
    }

    fn element(&self, whole: &'r Node) -> Option<&'r Node> {
        match (whole.items, whole.others) {
            (Some(item), _) | (None, Others::Each(item)) => self.node(item),
            _ => None,
        }
    }

    fn node(&self, id: NodeId) -> Option<&'r Node> {
        self.nodes.get(id)
    }
}

/// Words of the language, which are no names.
const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// A field's name as rules spell it (`apiserver/pkg/cel/escaping.go`): `a-b` is `a__dash__b`.
fn spelled(name: &str) -> String {
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    name.replace("__", "__underscores__")
        .replace('.', "__dot__")
        .replace('-', "__dash__")
        .replace('/', "__slash__")
}
