//! `x-kubernetes-validations`: rules in Kubernetes' expression language about a part of a custom
//! resource, with `self` for the part.
//!
//! A rule about the object as it was (`oldSelf`) says nothing about an object alone and is skipped,
//! as is one with a function or a name that is not known here, and one that would mean something else
//! (see `typed`); [`Schemas::skipped`] names them. One that cannot be evaluated fails, as in an API
//! server.
//!
//! [`Schemas::skipped`]: super::Schemas::skipped

use std::sync::Arc;

use narae_yaml::{Entry, Path, Value};

use super::compile::{Compiler, Draft};
use super::node::{Node, NodeId};
use super::typed::{misread, typed};
use super::walk::Walk;
use crate::error::Error;
use crate::expression::{Estimate, Expression, MAX_COST, Sizes, Subject, context, truth};
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
                // One that takes the older object for optional is asked of a new one, too.
                let optional = rule
                    .get("optionalOldSelf")
                    .map(|node| self.source.flag(node));
                let is_about_change = !optional.transpose()?.unwrap_or(false);
                let reason = "it is about the object as it was (`oldSelf`)";
                self.skip(origin, reason, is_about_change);
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
                Err(error) => self.skip(origin, error.message(), false),
            }
        }
        Ok(())
    }

    /// Takes away the rules of a node that would mean something else here; its parts are known.
    pub(super) fn skip_misread(&mut self, id: NodeId) {
        let more = self.nodes.get_mut(id).and_then(|node| node.more.as_mut());
        let rules = more.map(|more| std::mem::take(&mut more.rules));
        for rule in rules.unwrap_or_default() {
            let expression = &rule.expression;
            if let Some(reason) = misread(self.nodes, id, &expression.tree) {
                self.skip(expression.origin.clone(), reason, false);
            } else if let Some(node) = self.nodes.get_mut(id) {
                node.more().rules.push(rule);
            }
        }
    }
}

impl Walk<'_> {
    pub(super) fn rules(&mut self, node: &Node, rules: &[ValidationRule], value: &Value) {
        if rules.is_empty() {
            return;
        }
        let sizes = Sizes::of(value);
        let mut context = context();
        context.add_variable_from_value("self", typed(self.nodes, node, value));
        for rule in rules {
            let mut estimate = Estimate::new(value, &sizes, &[]);
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

/// `.spec.replicas`, `.labels['a.b/c']`; in the quotes, `\\` takes what is behind it as it is
/// (`ValidFieldPath` of apiextensions-apiserver). What is none is no path.
fn field_path(text: &str) -> Path {
    let mut path = Path::root();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, behind) = match rest.strip_prefix("['") {
            Some(quoted) => match in_quotes(quoted) {
                Some(found) => found,
                None => return Path::root(),
            },
            None => {
                let plain = rest.strip_prefix('.').unwrap_or(rest);
                let (name, behind) = plain.split_at(plain.find(['.', '[']).unwrap_or(plain.len()));
                (name.to_owned(), behind)
            }
        };
        if name.is_empty() {
            return Path::root();
        }
        path = path.child(name);
        rest = behind;
    }
    path
}

/// A name up to `']`, and what stands behind that.
fn in_quotes(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => name.push(chars.next()?.1),
            '\'' => return Some((name, text.get(at..)?.strip_prefix("']")?)),
            c => name.push(c),
        }
    }
    None
}

/// Whether the word stands in the expression. In a string it means nothing, and a rule that is
/// skipped for it is named as such.
fn mentions_old(expression: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    expression
        .split(|c| !is_word(c))
        .any(|word| word == "oldSelf")
}
