//! What schemas of custom resources and of values ask beyond types and fields: ranges, patterns,
//! enumerations, alternatives. The words are those of JSON Schema (2020-12, "validation").

use std::cmp::Ordering;

use narae_yaml::{Mapping, Number, Value};

use super::node::{Bound, Constraints, Node, NodeId, Range};
use super::walk::Walk;
use crate::finding::Rule;
use crate::suggestion::nearest;

impl<'v> Walk<'v> {
    pub(super) fn constraints(
        &mut self,
        node: &Node,
        constraints: &'v Constraints,
        value: &'v Value,
    ) {
        if constraints.never {
            self.bad("must not be there", None);
        }
        if let Some(allowed) = &constraints.one_of_values {
            self.one_of_values(allowed, value);
        }
        // `Validate` of kube-openapi goes no further with null, nor do rules (`cel/validation.go`).
        if value.is_null() && node.is_structural {
            return;
        }
        match value {
            Value::Number(number) => self.range(node, constraints, number),
            Value::String(text) => self.characters(constraints, text),
            Value::Sequence(items) => {
                self.count(constraints.item_count, items.len(), "item");
            }
            Value::Mapping(mapping) => self.fields(constraints, mapping),
            Value::Null | Value::Bool(_) => {}
        }
        self.combinations(constraints, value);
        #[cfg(feature = "cel")]
        self.rules(node, &constraints.rules, value);
    }

    /// Reports what is wrong with the value here.
    fn bad(&mut self, what: impl AsRef<str>, suggestion: Option<String>) {
        let message = format!("{} {}", self.shown(), what.as_ref());
        self.report(Rule::BadValue, message, suggestion);
    }

    fn one_of_values(&mut self, allowed: &[Value], value: &Value) {
        if allowed.contains(value) {
            return;
        }
        // More than fit a line help nobody.
        const SHOWN: usize = 12;
        let mut words: Vec<String> = allowed
            .iter()
            .filter(|one| one.as_str() != Some(""))
            .take(SHOWN)
            .map(|one| format!("`{}`", narae_yaml::write(one).trim_end()))
            .collect();
        if allowed.len() > SHOWN {
            words.push("…".to_owned());
        }
        let names = allowed.iter().filter_map(Value::as_str);
        let meant = value.as_str().and_then(|text| nearest(text, names));
        let what = match words.as_slice() {
            [] => "can be nothing: its schema allows no value".to_owned(),
            [only] => format!("must be {only}"),
            words => format!("must be one of {}", words.join(", ")),
        };
        self.bad(what, meant.map(|meant| format!("did you mean `{meant}`")));
    }

    fn range(&mut self, node: &Node, constraints: &Constraints, number: &Number) {
        if let Some(least) = &constraints.minimum {
            let order = compare(number, &least.number);
            if order == Ordering::Less || (least.exclusive && order == Ordering::Equal) {
                let than = if least.exclusive {
                    "more than"
                } else {
                    "at least"
                };
                self.bad(format!("must be {than} {}", least.number), None);
            }
        }
        if let Some(most) = &constraints.maximum {
            let order = compare(number, &most.number);
            if order == Ordering::Greater || (most.exclusive && order == Ordering::Equal) {
                let than = if most.exclusive {
                    "less than"
                } else {
                    "at most"
                };
                self.bad(format!("must be {than} {}", most.number), None);
            }
        }
        if let Some(factor) = &constraints.multiple_of
            && !is_multiple(number, factor, node.is_structural)
        {
            self.bad(format!("must be a multiple of {factor}"), None);
        }
    }

    fn characters(&mut self, constraints: &Constraints, text: &str) {
        if constraints.length.least.is_some() || constraints.length.most.is_some() {
            self.count(constraints.length, text.chars().count(), "character");
        }
        if let Some(pattern) = &constraints.pattern
            && !pattern.is_match(text)
        {
            self.bad(format!("must match the pattern `{pattern}`"), None);
        }
    }

    fn count(&mut self, range: Range, count: usize, what: &str) {
        let plural = |number: usize| if number == 1 { "" } else { "s" };
        if let Some(least) = range.least.filter(|least| count < *least) {
            self.bad(
                format!("must have at least {least} {what}{}", plural(least)),
                None,
            );
        }
        if let Some(most) = range.most.filter(|most| count > *most) {
            self.bad(
                format!("must have at most {most} {what}{}", plural(most)),
                None,
            );
        }
    }

    fn fields(&mut self, constraints: &'v Constraints, mapping: &'v Mapping) {
        self.count(constraints.field_count, mapping.len(), "field");
        for (name, others) in &constraints.required_with {
            let missing = others.iter().filter(|other| !mapping.contains_key(other));
            for other in missing.filter(|_| mapping.contains_key(name)) {
                let field = self.place().child(&**other);
                let message = format!("`{field}` is missing, and required beside `{name}`");
                self.report_at(Rule::MissingField, field, message, None);
            }
        }
        if let Some(schema) = constraints.field_names {
            for name in mapping.keys() {
                self.field_name(name, |walk| {
                    // A walk keeps what it is given; a name is only looked at.
                    let text = Value::from(name);
                    if !Walk::new(walk.nodes).findings(schema, &text).is_empty() {
                        walk.bad("has a name that is not allowed here", None);
                    }
                });
            }
        }
    }

    fn combinations(&mut self, constraints: &'v Constraints, value: &'v Value) {
        for schema in &constraints.all_of {
            self.value(*schema, value);
        }
        if !constraints.any_of.is_empty() {
            let count = self.matching(&constraints.any_of, value);
            self.alternatives("any", count > 0, &constraints.any_of, value);
        }
        if !constraints.one_of.is_empty() {
            let count = self.matching(&constraints.one_of, value);
            if count > 1 {
                let what = format!(
                    "must be exactly one of the {} alternatives of its schema, and is {count}",
                    constraints.one_of.len()
                );
                self.bad(what, None);
            } else {
                self.alternatives("one", count == 1, &constraints.one_of, value);
            }
        }
        if let Some(schema) = constraints.not
            && self.holds(schema, value)
        {
            self.bad("is what its schema's `not` excludes", None);
        }
        let condition = constraints.condition;
        if let Some(test) = condition.test {
            let holds = self.holds(test, value);
            let branch = if holds {
                condition.then
            } else {
                condition.otherwise
            };
            if let Some(schema) = branch {
                self.value(schema, value);
            }
        }
    }

    fn matching(&mut self, schemas: &[NodeId], value: &'v Value) -> usize {
        schemas
            .iter()
            .filter(|schema| self.holds(**schema, value))
            .count()
    }

    /// Of alternatives that all fail, a single one of the value's type says more than the list.
    fn alternatives(&mut self, word: &str, holds: bool, schemas: &[NodeId], value: &'v Value) {
        if holds {
            return;
        }
        let of_type = |id: &&NodeId| {
            let node = self.nodes.get(**id);
            node.is_some_and(|node| node.types.admits(value))
        };
        let candidates: Vec<NodeId> = schemas.iter().filter(of_type).copied().collect();
        match candidates.as_slice() {
            [only] => self.value(*only, value),
            _ => self.bad(
                format!(
                    "must be {word} of the {} alternatives of its schema, and is none",
                    schemas.len()
                ),
                None,
            ),
        }
    }
}

impl Constraints {
    /// Asks for this much at least; of two such bounds the stricter counts.
    pub(super) fn at_least(&mut self, bound: Bound) {
        put(&mut self.minimum, bound, Ordering::Greater);
    }

    /// Asks for this much at most; of two such bounds the stricter counts.
    pub(super) fn at_most(&mut self, bound: Bound) {
        put(&mut self.maximum, bound, Ordering::Less);
    }

    /// Asks for one of these; of two such lists what they have in common.
    pub(super) fn one_of_these(&mut self, mut values: Vec<Value>) {
        if let Some(others) = &self.one_of_values {
            values.retain(|value| others.contains(value));
        }
        self.one_of_values = Some(values);
    }
}

/// Puts a bound beside one that may be there; `stricter` is how the one that counts compares.
fn put(there: &mut Option<Bound>, bound: Bound, stricter: Ordering) {
    let stays = there
        .as_ref()
        .is_some_and(|there| match compare(&there.number, &bound.number) {
            Ordering::Equal => there.exclusive,
            order => order == stricter,
        });
    if !stays {
        *there = Some(bound);
    }
}

/// By value: exactly where both are whole numbers of 64 bits, else as floating point.
fn compare(a: &Number, b: &Number) -> Ordering {
    match (a.as_i64(), b.as_i64(), a.as_u64(), b.as_u64()) {
        (Some(a), Some(b), ..) => a.cmp(&b),
        (.., Some(a), Some(b)) => a.cmp(&b),
        _ => a
            .as_f64()
            .partial_cmp(&b.as_f64())
            .unwrap_or(Ordering::Equal),
    }
}

fn is_multiple(number: &Number, factor: &Number, as_server: bool) -> bool {
    let (number_f64, factor_f64) = (number.as_f64(), factor.as_f64());
    match (number.as_i64(), factor.as_i64()) {
        (Some(number), Some(factor)) if factor != 0 => number.checked_rem(factor) == Some(0),
        _ if as_server => is_multiple_to_server(number_f64, factor_f64),
        _ => {
            // 0.3 is three times 0.1 to people, and in binary but for the last digits.
            let times = number_f64 / factor_f64;
            let error = (times - times.round()).abs();
            times.is_finite() && error <= times.abs() * 4.0 * f64::EPSILON
        }
    }
}

/// `MultipleOf` of kube-openapi and `IsFloat64AJSONInteger` of swag, to which 19.99 is no multiple of
/// 0.01: a quotient is cut, not rounded, and nearly any is whole that is large enough.
fn is_multiple_to_server(number: f64, factor: f64) -> bool {
    const MOST: f64 = 9_007_199_254_740_991.0;
    let times = if factor < 1.0 {
        1.0 / factor * number
    } else {
        number / factor
    };
    let whole = times.trunc();
    let is_near = times >= 1.0 && (times - whole) / (times + whole) < 1e-9;
    times.abs() <= MOST && (times == whole || is_near)
}
