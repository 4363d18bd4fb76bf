//! One value against one compiled schema.
//!
//! Walks value and schema together, once; O(fields of the value × log of the schema's), and as often
//! again as `anyOf` and its like ask. Paths and messages are made only for what is wrong.
//!
//! Bounded by [`MAX_STEPS`] and [`MAX_DEPTH`], so that neither a schema that refers to itself
//! without an end nor a value of any size takes more than that; reaching one is a finding.

use std::collections::HashSet;

use narae_yaml::{Mapping, Number, Path, Segment, Value};

use super::node::{Format, List, Node, NodeId, Others, Types};
use crate::finding::{Finding, Rule};
use crate::identity::identity;
use crate::object::Quantity;
use crate::suggestion::nearest;

/// Parts of a schema that are compared with parts of one value.
pub const MAX_STEPS: usize = 2_000_000;

/// Schemas inside schemas, followed for one value.
pub const MAX_DEPTH: usize = 256;

/// Findings about one value; who has so many looks at the first.
pub const MAX_FINDINGS: usize = 200;

#[derive(Clone, Copy)]
enum Step<'v> {
    Key(&'v str),
    Index(usize),
}

pub(super) struct Walk<'v> {
    pub(super) nodes: &'v [Node],
    path: Vec<Step<'v>>,
    found: Vec<Finding>,
    steps: usize,
    depth: usize,
    /// Where a limit was reached first.
    stopped: Option<Path>,
}

impl<'v> Walk<'v> {
    pub(super) fn new(nodes: &'v [Node]) -> Self {
        Self {
            nodes,
            path: Vec::new(),
            found: Vec::new(),
            steps: 0,
            depth: 0,
            stopped: None,
        }
    }

    /// Everything that is wrong with a value.
    pub(super) fn findings(mut self, id: NodeId, value: &'v Value) -> Vec<Finding> {
        self.value(id, value);
        // Said last, whatever an `anyOf` or a `not` made of the part that was not looked at.
        if let Some(place) = self.stopped.take() {
            let message = format!(
                "{} was not checked: more than {MAX_STEPS} steps, or {MAX_DEPTH} schemas inside one another",
                in_words(&place)
            );
            self.found
                .push(Finding::new(Rule::NotChecked, place, message));
        }
        self.found
    }

    /// Where the walk is, in the value.
    pub(super) fn place(&self) -> Path {
        let segment = |step: &Step<'_>| match step {
            Step::Key(key) => Segment::Key((*key).to_owned()),
            Step::Index(index) => Segment::Index(*index),
        };
        self.path.iter().map(segment).collect()
    }

    /// The place in words.
    pub(super) fn shown(&self) -> String {
        in_words(&self.place())
    }

    pub(super) fn report(&mut self, rule: Rule, message: String, suggestion: Option<String>) {
        self.report_at(rule, self.place(), message, suggestion);
    }

    pub(super) fn report_at(
        &mut self,
        rule: Rule,
        field: Path,
        message: String,
        suggestion: Option<String>,
    ) {
        if self.found.len() < MAX_FINDINGS {
            let finding = Finding::new(rule, field, message);
            self.found.push(finding.suggesting(suggestion));
        }
    }

    /// Whether a value is what a schema asks for, without a word about why not.
    pub(super) fn holds(&mut self, id: NodeId, value: &'v Value) -> bool {
        let before = std::mem::take(&mut self.found);
        self.value(id, value);
        std::mem::replace(&mut self.found, before).is_empty()
    }

    pub(super) fn value(&mut self, id: NodeId, value: &'v Value) {
        let Some(node) = self.nodes.get(id) else {
            return;
        };
        if self.steps >= MAX_STEPS || self.depth >= MAX_DEPTH {
            if self.stopped.is_none() {
                self.stopped = Some(self.place());
            }
            return;
        }
        self.steps += 1;
        if value.is_null() && node.null_is_absent {
            return;
        }
        self.depth += 1;
        if node.types.admits(value) {
            match value {
                Value::Mapping(mapping) => self.mapping(node, mapping),
                Value::Sequence(items) => self.sequence(node, items),
                Value::String(text) => self.text(node.format, text),
                Value::Number(number) => self.number(node.format, number),
                Value::Null | Value::Bool(_) => {}
            }
            if let Some(constraints) = &node.more {
                self.constraints(node, constraints, value);
            }
        } else {
            self.wrong_type(node.types, value);
        }
        self.depth -= 1;
    }

    fn mapping(&mut self, node: &'v Node, mapping: &'v Mapping) {
        for (key, value) in mapping {
            self.path.push(Step::Key(key));
            let field = node.field(key);
            if let Some(field) = field {
                self.value(field, value);
            }
            if !self.by_pattern(node, key, value) && field.is_none() {
                match node.others {
                    Others::Anything => {}
                    Others::Each(schema) => self.value(schema, value),
                    Others::Unknown => self.unknown(node, key),
                }
            }
            self.path.pop();
        }
        for name in &node.required {
            let is_there = |value: &Value| !(value.is_null() && node.null_is_absent);
            if !mapping.get(name).is_some_and(is_there) {
                let field = self.place().child(&**name);
                let message = format!("`{field}` is missing, and required{}", in_type(node));
                // Misspelt, it is reported as unknown, with its name.
                self.report_at(Rule::MissingField, field, message, None);
            }
        }
    }

    fn by_pattern(&mut self, node: &'v Node, key: &str, value: &'v Value) -> bool {
        let Some(constraints) = &node.more else {
            return false;
        };
        let mut any = false;
        for (pattern, schema) in &constraints.field_patterns {
            if pattern.is_match(key) {
                any = true;
                self.value(*schema, value);
            }
        }
        any
    }

    fn unknown(&mut self, node: &Node, key: &str) {
        let shown = self.shown();
        let message = match &node.name {
            Some(name) => format!("{shown} is not a field of {name}"),
            None => format!("{shown} is not a known field"),
        };
        let elsewhere = node.elsewhere.iter().find(|(name, _)| **name == *key);
        let suggestion = match elsewhere {
            Some((_, versions)) => Some(format!("it is one in Kubernetes {versions}")),
            None => nearest(key, node.fields.iter().map(|(name, _)| &**name))
                .map(|known| format!("did you mean `{known}`")),
        };
        self.report(Rule::UnknownField, message, suggestion);
    }

    fn sequence(&mut self, node: &'v Node, items: &'v [Value]) {
        let first = node.more.as_ref().map_or(&[][..], |more| &more.first_items);
        for (index, item) in items.iter().enumerate() {
            self.path.push(Step::Index(index));
            if let Some(schema) = first.get(index).copied().or(node.items) {
                self.value(schema, item);
            }
            self.path.pop();
        }
        if items.len() > 1 {
            self.duplicates(&node.list, items);
        }
    }

    fn duplicates(&mut self, list: &List, items: &'v [Value]) {
        let (keys, what): (&[Box<str>], _) = match list {
            List::Atomic => return,
            List::Set => (&[], "the whole item".to_owned()),
            List::Map(keys) => (keys, format!("`{}`", keys.join("`, `"))),
        };
        let mut seen = HashSet::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let own: Vec<&Value> = keys.iter().filter_map(|key| item.get(key)).collect();
            // Without its key, an item is wrong in another way.
            let is_keyed = keys.is_empty() || !own.is_empty();
            let key = if keys.is_empty() {
                identity(item)
            } else {
                let own: Vec<_> = keys.iter().map(|key| item.get(key)).collect();
                serde_json::to_string(&own).unwrap_or_default()
            };
            if is_keyed && !seen.insert(key) {
                self.path.push(Step::Index(index));
                let message = format!("{} stands in its list twice, by {what}", self.shown());
                self.report(Rule::DuplicateItem, message, None);
                self.path.pop();
            }
        }
    }

    fn text(&mut self, format: Format, text: &str) {
        if format == Format::Quantity {
            if let Err(error) = text.parse::<Quantity>() {
                let message = format!("{} is not a quantity: {error}", self.shown());
                let meant = error
                    .suggestion()
                    .map(|meant| format!("did you mean {meant}"));
                self.report(Rule::BadQuantity, message, meant);
            }
        } else if let Some(expected) = format.refusal(text) {
            let message = format!("{} must be {expected}", self.shown());
            self.report(Rule::BadFormat, message, None);
        }
    }

    fn number(&mut self, format: Format, number: &Number) {
        let (least, most) = match format {
            Format::Int32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
            Format::Int64 => (i64::MIN, i64::MAX),
            _ => return,
        };
        if !number
            .as_i64()
            .is_some_and(|whole| (least..=most).contains(&whole))
        {
            let message = format!(
                "{} must be a whole number from {least} to {most}",
                self.shown()
            );
            self.report(Rule::BadFormat, message, None);
        }
    }

    fn wrong_type(&mut self, types: Types, value: &Value) {
        let place = self.shown();
        let message = format!("{place} must be {}, found {}", types.words(), value.kind());
        let suggestion = match value {
            Value::String(text) if reads_as(types, text) => {
                Some("write it without quotes, or insert the value as it is")
            }
            Value::Bool(_) | Value::Number(_) if types.has(Types::STRING) => {
                Some("write it in quotes, in the file that sets it")
            }
            _ => None,
        };
        self.report(Rule::WrongType, message, suggestion.map(str::to_owned));
    }

    /// Looks at the keys of a mapping as if they were texts.
    pub(super) fn field_name(&mut self, name: &'v str, check: impl FnOnce(&mut Self)) {
        self.path.push(Step::Key(name));
        check(self);
        self.path.pop();
    }
}

/// Whether a text would be of one of the types, were it not in quotes.
fn reads_as(types: Types, text: &str) -> bool {
    narae_yaml::read_one(text).is_ok_and(|value| {
        matches!(value, Value::Bool(_) | Value::Number(_)) && types.admits(&value)
    })
}

fn in_words(place: &Path) -> String {
    if place.is_root() {
        "the whole of it".to_owned()
    } else {
        format!("`{place}`")
    }
}

fn in_type(node: &Node) -> String {
    node.name
        .as_ref()
        .map_or_else(String::new, |name| format!(" in {name}"))
}
