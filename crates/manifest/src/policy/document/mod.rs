//! A policy document, read field by field with the place of each.
//!
//! May refuse what it does not understand, and skips nothing: a rule that is half read looks like
//! one that is enforced. Evaluates nothing.

mod constraints;
mod fields;
mod rule;

use std::sync::Arc;

use narae_yaml::Node;

use super::Action;
use super::matching::Applies;
use crate::error::{Error, ErrorKind};
use crate::expression::Expression;
use crate::origin::Origin;
use constraints::read_constraints;
use fields::Fields;

#[derive(Debug)]
pub(super) struct Policy {
    pub(super) name: String,
    /// Where its document begins.
    pub(super) origin: Origin,
    pub(super) applies: Applies,
    pub(super) conditions: Vec<Expression>,
    pub(super) variables: Vec<(String, Expression)>,
    pub(super) validations: Vec<Validation>,
    pub(super) action: Action,
    /// `failurePolicy: Ignore`: what cannot be evaluated passes.
    pub(super) ignores_failures: bool,
}

#[derive(Debug)]
pub(super) struct Validation {
    pub(super) expression: Expression,
    pub(super) message: Option<String>,
    pub(super) message_expression: Option<Expression>,
    pub(super) reason: Option<String>,
}

/// Groups, versions and kinds that are read.
const KYVERNO: &[&str] = &[
    "policies.kyverno.io/v1",
    "policies.kyverno.io/v1beta1",
    "policies.kyverno.io/v1alpha1",
];

const KUBERNETES: &[&str] = &[
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1beta1",
    "admissionregistration.k8s.io/v1alpha1",
];

impl Policy {
    pub(super) fn read(file: &str, root: &Node) -> Result<Self, Error> {
        let file: Arc<str> = file.into();
        let document = Fields::of(&file, root, "a policy")?;
        let (api_version, kind) = (document.text("apiVersion")?, document.text("kind")?);
        let kyverno = match (kind.as_deref(), api_version.as_deref()) {
            (Some("ValidatingPolicy"), Some(version)) if KYVERNO.contains(&version) => true,
            (Some("ValidatingAdmissionPolicy"), Some(version)) if KUBERNETES.contains(&version) => {
                false
            }
            (kind, version) => {
                let found = format!(
                    "{} of {}",
                    kind.unwrap_or("nothing"),
                    version.unwrap_or("nothing")
                );
                let message = format!("this is not a policy that is understood: {found}");
                let error = document.refusal(message);
                return Err(error.note(
                    "understood are ValidatingPolicy of policies.kyverno.io and ValidatingAdmissionPolicy",
                ));
            }
        };
        document.only(&["apiVersion", "kind", "metadata", "spec", "status"])?;
        let metadata = document.fields("metadata")?;
        let name = metadata
            .and_then(|metadata| metadata.text("name").transpose())
            .transpose()?;
        let name = name.ok_or_else(|| document.refusal("a policy needs `metadata.name`"))?;
        let spec = document.fields("spec")?;
        let spec = spec.ok_or_else(|| document.refusal("a policy needs `spec`"))?;
        let origin = Origin::at(Arc::clone(&file), root.span.start);
        Self::read_spec(name, origin, &spec, kyverno)
    }

    fn read_spec(
        name: String,
        origin: Origin,
        spec: &Fields<'_>,
        kyverno: bool,
    ) -> Result<Self, Error> {
        let mut known = vec![
            "failurePolicy",
            "matchConditions",
            "matchConstraints",
            "validations",
            "variables",
        ];
        if kyverno {
            known.extend(["evaluation", "validationActions", "webhookConfiguration"]);
        }
        spec.only(&known)?;
        if let Some(evaluation) = spec.fields("evaluation")? {
            read_evaluation(&evaluation)?;
        }
        let variables = read_variables(spec)?;
        let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
        let conditions = spec
            .list("matchConditions")?
            .iter()
            .map(|condition| {
                condition.only(&["name", "expression"])?;
                condition.expression("expression", &names)
            })
            .collect::<Result<_, _>>()?;
        let validations = spec
            .list("validations")?
            .iter()
            .map(|validation| Validation::read(validation, &names))
            .collect::<Result<Vec<_>, _>>()?;
        if validations.is_empty() {
            return Err(spec.refusal("a policy without `validations` checks nothing"));
        }
        let applies = match spec.fields("matchConstraints")? {
            Some(constraints) => read_constraints(&constraints)?,
            None => return Err(spec.refusal("a policy needs `matchConstraints`")),
        };
        let ignores_failures = match spec.text("failurePolicy")?.as_deref() {
            None | Some("Fail") => false,
            Some("Ignore") => true,
            Some(_) => return Err(spec.bad("failurePolicy", "`Fail` or `Ignore`")),
        };
        let action = read_action(spec)?;
        Ok(Self {
            name,
            origin,
            applies,
            conditions,
            variables,
            validations,
            action,
            ignores_failures,
        })
    }
}

impl Validation {
    fn read(fields: &Fields<'_>, variables: &[&str]) -> Result<Self, Error> {
        fields.only(&["expression", "message", "messageExpression", "reason"])?;
        let message_expression = match fields.node("messageExpression") {
            Some(_) => Some(fields.expression("messageExpression", variables)?),
            None => None,
        };
        Ok(Self {
            expression: fields.expression("expression", variables)?,
            message: fields.text("message")?,
            message_expression,
            reason: fields.text("reason")?,
        })
    }
}

/// Where a policy engine evaluates is no matter here; what it evaluates is.
fn read_evaluation(evaluation: &Fields<'_>) -> Result<(), Error> {
    evaluation.only(&["admission", "background", "mode"])?;
    match evaluation.text("mode")?.as_deref() {
        None | Some("Kubernetes") => Ok(()),
        Some(_) => Err(evaluation.bad("mode", "`Kubernetes`")),
    }
}

/// Variables of one policy. Each sees those before it, so that reading and evaluating them is quadratic.
const MAX_VARIABLES: usize = 256;

fn read_variables(spec: &Fields<'_>) -> Result<Vec<(String, Expression)>, Error> {
    let mut variables: Vec<(String, Expression)> = Vec::new();
    for variable in spec.list("variables")? {
        if variables.len() == MAX_VARIABLES {
            let message = format!("a policy has at most {MAX_VARIABLES} variables");
            return Err(variable.refusal_of(ErrorKind::Limit, message));
        }
        variable.only(&["name", "expression"])?;
        let name = variable.text("name")?;
        let name = name.ok_or_else(|| variable.refusal("a variable needs `name`"))?;
        // A variable sees the ones before it.
        let earlier: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
        if earlier.contains(&name.as_str()) {
            return Err(variable.refusal(format!("there are two variables `{name}`")));
        }
        let expression = variable.expression("expression", &earlier)?;
        variables.push((name, expression));
    }
    Ok(variables)
}

fn read_action(spec: &Fields<'_>) -> Result<Action, Error> {
    let actions = spec.texts("validationActions")?;
    let mut action = if actions.is_empty() {
        Action::Deny
    } else {
        Action::Warn
    };
    for name in &actions {
        match name.as_str() {
            "Deny" => action = Action::Deny,
            "Warn" | "Audit" => {}
            _ => return Err(spec.bad("validationActions", "`Deny`, `Warn` and `Audit`")),
        }
    }
    Ok(action)
}
