//! One object before the policies.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use cel::Context;
use cel::objects::Key;
use narae_yaml::Value;

use super::Violation;
use super::blame::Blame;
use super::document::{Policy, Validation};
use crate::error::{Error, ErrorKind};
use crate::expression::{Estimate, Expression, MAX_COST, Size, Sizes, context, map, to_cel, truth};
use crate::object::ObjectId;

pub(super) struct Subject<'o> {
    object: &'o Value,
    id: &'o ObjectId,
    index: usize,
    value: cel::Value,
    request: cel::Value,
    sizes: Sizes,
    admitted: Cow<'o, Value>,
}

impl<'o> Subject<'o> {
    pub(super) fn new(object: &'o Value, id: &'o ObjectId, index: usize) -> Self {
        let admitted = as_admitted(object, id);
        Self {
            object,
            id,
            index,
            value: to_cel(&admitted),
            request: request(id),
            sizes: Sizes::of(&admitted),
            admitted,
        }
    }

    /// Whether the policy's rules are evaluated for the object: no condition of it is false.
    pub(super) fn concerns(&self, policy: &Policy) -> Result<bool, Error> {
        if policy.conditions.is_empty() {
            return Ok(true);
        }
        self.check_cost(policy)?;
        Ok(match conditions(policy, &self.context(policy)) {
            Conditions::Hold => true,
            Conditions::Fail => false,
            Conditions::Broken(_) => !policy.ignores_failures,
        })
    }

    /// Adds what a policy says about the object.
    pub(super) fn check(
        &self,
        policy: &Policy,
        violations: &mut Vec<Violation>,
    ) -> Result<(), Error> {
        self.check_cost(policy)?;
        let context = self.context(policy);
        match conditions(policy, &context) {
            Conditions::Hold => {}
            Conditions::Fail => return Ok(()),
            Conditions::Broken(condition) => {
                if !policy.ignores_failures {
                    let message = "a condition of the policy cannot be evaluated".to_owned();
                    violations.push(self.violation(policy, None, condition, message, &context));
                }
                return Ok(());
            }
        }
        for validation in &policy.validations {
            let verdict = truth(&validation.expression.tree, &context);
            if verdict == Some(true) || (verdict.is_none() && policy.ignores_failures) {
                continue;
            }
            let message = message(validation, &context, verdict.is_none());
            let expression = &validation.expression;
            violations.push(self.violation(
                policy,
                Some(validation),
                expression,
                message,
                &context,
            ));
        }
        Ok(())
    }

    /// What the policy's expressions see.
    fn context(&self, policy: &Policy) -> Context<'static, 'static> {
        let mut context = context();
        context.add_variable_from_value("object", self.value.clone());
        context.add_variable_from_value("oldObject", cel::Value::Null);
        context.add_variable_from_value("request", self.request.clone());
        add_variables(policy, &mut context);
        context
    }

    fn violation(
        &self,
        policy: &Policy,
        validation: Option<&Validation>,
        expression: &Expression,
        message: String,
        context: &Context<'_, '_>,
    ) -> Violation {
        let mut fields = Blame::new(policy).of(&expression.tree, context).into_iter();
        let field = fields.next().unwrap_or_default();
        Violation {
            policy: policy.name.clone(),
            message,
            reason: validation.and_then(|validation| validation.reason.clone()),
            action: policy.action,
            object: self.id.clone(),
            index: self.index,
            found: self.object.at(&field).cloned().filter(|_| !field.is_root()),
            field,
            others: fields.collect(),
            validation: expression.origin.clone(),
        }
    }

    fn check_cost(&self, policy: &Policy) -> Result<(), Error> {
        let mut sizes: Vec<(&str, Size)> = Vec::new();
        let mut total = 0_u64;
        let mut count = |expression: &Expression, cost: u64| {
            total = total.saturating_add(cost);
            if total <= MAX_COST {
                return Ok(());
            }
            let message = format!(
                "policy `{}` could take more than {MAX_COST} steps for {}",
                policy.name, self.id
            );
            Err(Error::new(ErrorKind::Limit, message).at(expression.origin.clone()))
        };
        for (name, expression) in &policy.variables {
            let mut estimate = Estimate::new(&self.admitted, &self.sizes, &sizes);
            let size = estimate.walk(&expression.tree);
            count(expression, estimate.cost)?;
            sizes.push((name, size));
        }
        let messages = policy
            .validations
            .iter()
            .filter_map(|rule| rule.message_expression.as_ref());
        let rules = policy.validations.iter().map(|rule| &rule.expression);
        for expression in policy.conditions.iter().chain(rules).chain(messages) {
            let mut estimate = Estimate::new(&self.admitted, &self.sizes, &sizes);
            estimate.walk(&expression.tree);
            count(expression, estimate.cost)?;
        }
        Ok(())
    }
}

/// An object as an API server hands it to admission: of its own kinds, and in the metadata of any, a
/// field that is null is absent. In a custom resource it is there, where the definition lets it be null.
fn as_admitted<'o>(object: &'o Value, id: &ObjectId) -> Cow<'o, Value> {
    let mut admitted = Cow::Borrowed(object);
    if is_builtin(id.group()) {
        if has_null(object) {
            drop_nulls(admitted.to_mut());
        }
    } else if object.get("metadata").is_some_and(has_null)
        && let Value::Mapping(fields) = admitted.to_mut()
        && let Some(metadata) = fields.get_mut("metadata")
    {
        drop_nulls(metadata);
    }
    admitted
}

/// Whether a group is Kubernetes' own: only those of custom resources must have a dot, and some of
/// Kubernetes' have one.
fn is_builtin(group: &str) -> bool {
    const DOTTED: &[&str] = &[
        "admissionregistration",
        "apiextensions",
        "apiregistration",
        "authentication",
        "authorization",
        "certificates",
        "coordination",
        "discovery",
        "events",
        "flowcontrol.apiserver",
        "internal.apiserver",
        "networking",
        "node",
        "rbac.authorization",
        "resource",
        "scheduling",
        "storage",
        "storagemigration",
    ];
    let named = group.strip_suffix(".k8s.io");
    !group.contains('.') || named.is_some_and(|name| DOTTED.contains(&name))
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Mapping(fields) => fields
            .values()
            .any(|value| value.is_null() || has_null(value)),
        Value::Sequence(items) => items.iter().any(has_null),
        _ => false,
    }
}

/// Takes the entries of mappings away that are null. An element of a list has its place, and stays.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Mapping(fields) => fields.retain(|_, value| {
            drop_nulls(value);
            !value.is_null()
        }),
        Value::Sequence(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// What the conditions of a policy say together.
enum Conditions<'p> {
    Hold,
    /// One that is false is enough, whatever the others are.
    Fail,
    /// None is false, and this one cannot be evaluated.
    Broken(&'p Expression),
}

fn conditions<'p>(policy: &'p Policy, context: &Context<'_, '_>) -> Conditions<'p> {
    let mut found = Conditions::Hold;
    for condition in &policy.conditions {
        match (truth(&condition.tree, context), &found) {
            (Some(true), _) | (None, Conditions::Broken(_)) => {}
            (Some(false), _) => return Conditions::Fail,
            (None, _) => found = Conditions::Broken(condition),
        }
    }
    found
}

/// Evaluates the variables in order. One that cannot be evaluated is left out: an expression that
/// uses it cannot be evaluated either, and one that does not is not concerned.
fn add_variables(policy: &Policy, context: &mut Context<'_, '_>) {
    let mut known: HashMap<Key, cel::Value> = HashMap::new();
    context.add_variable_from_value("variables", map(known.clone()));
    for (name, expression) in &policy.variables {
        if let Ok(value) = cel::Value::resolve(&expression.tree, context) {
            known.insert(Key::String(Arc::new(name.clone())), value);
            context.add_variable_from_value("variables", map(known.clone()));
        }
    }
}

fn message(validation: &Validation, context: &Context<'_, '_>, broken: bool) -> String {
    let computed = validation.message_expression.as_ref();
    let computed = computed.and_then(|made| cel::Value::resolve(&made.tree, context).ok());
    let said = match (computed, &validation.message) {
        (Some(cel::Value::String(text)), _) if !text.trim().is_empty() => text.to_string(),
        (_, Some(message)) => message.clone(),
        _ => format!("failed expression: {}", validation.expression.text.trim()),
    };
    if broken {
        format!("{said} (the expression cannot be evaluated for this object)")
    } else {
        said
    }
}

fn request(id: &ObjectId) -> cel::Value {
    let text = |text: &str| cel::Value::String(Arc::new(text.to_owned()));
    let entries = |entries: Vec<(&str, cel::Value)>| {
        map(entries
            .into_iter()
            .map(|(key, value)| (key.into(), value))
            .collect())
    };
    let kind = entries(vec![
        ("group", text(id.group())),
        ("version", text(id.version())),
        ("kind", text(&id.kind)),
    ]);
    entries(vec![
        ("operation", text("CREATE")),
        ("name", text(&id.name)),
        (
            "namespace",
            text(id.namespace.as_deref().unwrap_or_default()),
        ),
        ("kind", kind),
    ])
}
