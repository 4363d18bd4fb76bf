//! `x-kubernetes-validations`: rules in Kubernetes' expression language about a part of a custom
//! resource, with `self` for the part.
//!
//! A rule about the object as it was (`oldSelf`) says nothing about an object alone and is skipped,
//! as is one with a function or a name that is not known here; [`Schemas::skipped`] names both. One
//! that cannot be evaluated fails, as in an API server.
//!
//! [`Schemas::skipped`]: super::Schemas::skipped

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use narae_yaml::{Entry, Path, Value};

use super::compile::{Compiler, Draft, SkippedRule};
use super::node::{Format, Node, NodeId, Others, Types};
use super::walk::Walk;
use crate::error::Error;
use crate::expression::{
    Estimate, Expression, MAX_COST, Size, Subject, context, map, to_cel, truth,
};
use crate::finding::Rule;

/// One rule, compiled.
#[derive(Clone, Debug)]
pub(super) struct ValidationRule {
    expression: Arc<Expression>,
    computed: Option<Arc<Expression>>,
    message: Option<String>,
    /// Below the part the rule is about.
    field: Path,
}

impl Compiler<'_> {
    pub(super) fn rules(&mut self, draft: &mut Draft, entry: &Entry) -> Result<(), Error> {
        for rule in self.source.sequence(&entry.value)? {
            let text = |name: &str| {
                rule.get(name)
                    .map(|node| self.source.text(node))
                    .transpose()
            };
            let Some(written) = rule.get("rule") else {
                return Err(self.source.expected(rule, "a mapping with a `rule`"));
            };
            let origin = self.source.origin(written);
            let parse = |text: &str| {
                Expression::parse(text, Subject::Part, &[], origin.clone()).map(Into::into)
            };
            let (expression, computed) = (self.source.text(written)?, text("messageExpression")?);
            if mentions_old(expression) {
                let reason = "it is about the object as it was (`oldSelf`)".to_owned();
                self.skipped.push(SkippedRule { origin, reason });
                continue;
            }
            match parse(expression) {
                Ok(expression) => draft.node.more().rules.push(ValidationRule {
                    expression,
                    // What a message cannot say, the rule's own text does.
                    computed: computed.and_then(|text| parse(text).ok()),
                    message: text("message")?.map(str::to_owned),
                    field: field_path(text("fieldPath")?.unwrap_or_default()),
                }),
                Err(error) => {
                    let reason = error.message().to_owned();
                    self.skipped.push(SkippedRule { origin, reason });
                }
            }
        }
        Ok(())
    }
}

impl Walk<'_> {
    pub(super) fn rules(&mut self, node: &Node, rules: &[ValidationRule], value: &Value) {
        if rules.is_empty() {
            return;
        }
        let size = Size::of(value);
        let mut context = context();
        context.add_variable_from_value("self", typed(self.nodes, node, value));
        for rule in rules {
            let mut estimate = Estimate::new(size, &[]);
            estimate.walk(&rule.expression.tree);
            if estimate.cost > MAX_COST {
                let message = format!(
                    "{} was not checked: its rule at {} could take more than {MAX_COST} steps",
                    self.shown(),
                    rule.expression.origin
                );
                self.report(Rule::NotChecked, message, None);
                continue;
            }
            let verdict = truth(&rule.expression.tree, &context);
            if verdict == Some(true) {
                continue;
            }
            let mut field = self.place();
            field.extend(rule.field.segments().iter().cloned());
            let shown = if field.is_root() {
                String::new()
            } else {
                format!("`{field}`: ")
            };
            let broken = if verdict.is_none() {
                " (the rule cannot be evaluated for it)"
            } else {
                ""
            };
            let message = format!("{shown}{}{broken}", rule.words(&context));
            let note = format!("rule at {}", rule.expression.origin);
            self.report_at(Rule::FailedRule, field, message, Some(note));
        }
    }
}

impl ValidationRule {
    fn words(&self, context: &cel::Context<'_, '_>) -> String {
        let computed = self.computed.as_ref();
        let computed = computed.and_then(|made| cel::Value::resolve(&made.tree, context).ok());
        match (computed, &self.message) {
            (Some(cel::Value::String(text)), _) if !text.trim().is_empty() => text.to_string(),
            (_, Some(message)) => message.trim().to_owned(),
            _ => format!("must satisfy {}", self.expression.text.trim()),
        }
    }
}

/// A value as a rule sees it, by its schema: bytes are bytes, a number is a `double`, and fields have
/// names that an expression can spell. O(value).
fn typed(nodes: &[Node], node: &Node, value: &Value) -> cel::Value {
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

/// `.spec.replicas`, `.labels['a.b/c']`.
fn field_path(text: &str) -> Path {
    text.trim_start_matches('.').parse().unwrap_or_default()
}

/// Whether the word stands in the expression. In a string it means nothing, and a rule that is
/// skipped for it is named as such.
fn mentions_old(expression: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    expression
        .split(|c| !is_word(c))
        .any(|word| word == "oldSelf")
}
