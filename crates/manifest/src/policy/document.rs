//! A policy document, read field by field with the place of each.

use std::sync::Arc;

use narae_yaml::{Entry, Node, NodeData, Value};

use super::Action;
use super::expression::Expression;
use super::matching::{Applies, Operator, Requirement, Rule};
use crate::error::{Error, ErrorKind};
use crate::origin::Origin;
use crate::suggestion::nearest;

#[derive(Debug)]
pub(super) struct Policy {
    pub(super) name: String,
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
        Self::read_spec(name, &spec, kyverno)
    }

    fn read_spec(name: String, spec: &Fields<'_>, kyverno: bool) -> Result<Self, Error> {
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

fn read_variables(spec: &Fields<'_>) -> Result<Vec<(String, Expression)>, Error> {
    let mut variables: Vec<(String, Expression)> = Vec::new();
    for variable in spec.list("variables")? {
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

fn read_constraints(constraints: &Fields<'_>) -> Result<Applies, Error> {
    constraints.only(&[
        "matchPolicy",
        "namespaceSelector",
        "objectSelector",
        "resourceRules",
    ])?;
    if let Some(node) = constraints.node("namespaceSelector")
        && !node.to_value().is_null()
        && !is_empty_mapping(node)
    {
        let message = "`namespaceSelector` selects by labels that only a cluster knows";
        return Err(constraints.error(ErrorKind::Unsupported, message, node));
    }
    match constraints.text("matchPolicy")?.as_deref() {
        None | Some("Equivalent" | "Exact") => {}
        Some(_) => return Err(constraints.bad("matchPolicy", "`Exact` or `Equivalent`")),
    }
    let mut rules = Vec::new();
    for rule in constraints.list("resourceRules")? {
        rule.only(&[
            "apiGroups",
            "apiVersions",
            "operations",
            "resourceNames",
            "resources",
            "scope",
        ])?;
        if !matches!(rule.text("scope")?.as_deref(), None | Some("*")) {
            return Err(rule.bad("scope", "`*`"));
        }
        rules.push(Rule {
            groups: rule.texts("apiGroups")?,
            versions: rule.texts("apiVersions")?,
            operations: rule.texts("operations")?,
            resources: rule.texts("resources")?,
            names: rule.texts("resourceNames")?,
        });
    }
    if rules.is_empty() {
        return Err(
            constraints.refusal("`matchConstraints` without `resourceRules` matches nothing")
        );
    }
    let requirements = match constraints.fields("objectSelector")? {
        Some(selector) => read_selector(&selector)?,
        None => Vec::new(),
    };
    Ok(Applies {
        rules,
        requirements,
    })
}

fn read_selector(selector: &Fields<'_>) -> Result<Vec<Requirement>, Error> {
    selector.only(&["matchExpressions", "matchLabels"])?;
    let mut requirements = Vec::new();
    if let Some(labels) = selector.fields("matchLabels")? {
        for entry in labels.entries {
            let key = entry.name().to_owned();
            let value = labels.text(&key)?.unwrap_or_default();
            requirements.push(Requirement {
                key,
                operator: Operator::In,
                values: vec![value],
            });
        }
    }
    for expression in selector.list("matchExpressions")? {
        expression.only(&["key", "operator", "values"])?;
        let key = expression.text("key")?;
        let key = key.ok_or_else(|| expression.refusal("a label expression needs `key`"))?;
        let operator = match expression.text("operator")?.as_deref() {
            Some("In") => Operator::In,
            Some("NotIn") => Operator::NotIn,
            Some("Exists") => Operator::Exists,
            Some("DoesNotExist") => Operator::DoesNotExist,
            _ => {
                return Err(expression.bad("operator", "`In`, `NotIn`, `Exists` or `DoesNotExist`"));
            }
        };
        requirements.push(Requirement {
            key,
            operator,
            values: expression.texts("values")?,
        });
    }
    Ok(requirements)
}

fn is_empty_mapping(node: &Node) -> bool {
    matches!(&node.data, NodeData::Mapping(entries) if entries.is_empty())
}

/// A mapping of a policy file.
struct Fields<'n> {
    file: Arc<str>,
    node: &'n Node,
    entries: &'n [Entry],
}

impl<'n> Fields<'n> {
    fn of(file: &Arc<str>, node: &'n Node, what: &str) -> Result<Self, Error> {
        match &node.data {
            NodeData::Mapping(entries) => Ok(Self {
                file: Arc::clone(file),
                node,
                entries,
            }),
            _ => {
                let message = format!("{what} is a mapping, found {}", node.kind());
                Err(Error::new(ErrorKind::WrongType, message).at(origin(file, node)))
            }
        }
    }

    /// Refuses fields that are not understood.
    fn only(&self, known: &[&str]) -> Result<(), Error> {
        let unknown = self
            .entries
            .iter()
            .find(|entry| !known.contains(&entry.name()));
        let Some(entry) = unknown else { return Ok(()) };
        let message = format!("`{}` is not understood here", entry.name());
        let error = self.error(ErrorKind::Unsupported, message, &entry.key);
        Err(match nearest(entry.name(), known.iter().copied()) {
            Some(name) => error.note(format!("did you mean `{name}`")),
            None => error.note("a policy is either enforced as it is written, or refused"),
        })
    }

    fn node(&self, name: &str) -> Option<&'n Node> {
        self.entries
            .iter()
            .find(|entry| entry.name() == name)
            .map(|entry| &entry.value)
    }

    fn fields(&self, name: &str) -> Result<Option<Fields<'n>>, Error> {
        let present = self.node(name).filter(|node| !node.to_value().is_null());
        present
            .map(|node| Self::of(&self.file, node, &format!("`{name}`")))
            .transpose()
    }

    fn list(&self, name: &str) -> Result<Vec<Fields<'n>>, Error> {
        self.items(name)?
            .iter()
            .map(|item| Self::of(&self.file, item, &format!("an element of `{name}`")))
            .collect()
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, Error> {
        self.items(name)?
            .iter()
            .map(|item| self.text_of(item, name))
            .collect()
    }

    fn items(&self, name: &str) -> Result<&'n [Node], Error> {
        match self.node(name).map(|node| (node, &node.data)) {
            None => Ok(&[]),
            Some((_, NodeData::Sequence(items))) => Ok(items),
            Some((node, _)) if node.to_value().is_null() => Ok(&[]),
            Some((node, _)) => {
                let message = format!("`{name}` is a sequence, found {}", node.kind());
                Err(self.error(ErrorKind::WrongType, message, node))
            }
        }
    }

    fn text(&self, name: &str) -> Result<Option<String>, Error> {
        self.node(name)
            .map(|node| self.text_of(node, name))
            .transpose()
    }

    fn text_of(&self, node: &Node, name: &str) -> Result<String, Error> {
        match node.to_value() {
            Value::String(text) => Ok(text),
            other => {
                let message = format!("`{name}` is text, found {}", other.kind());
                let error = self.error(ErrorKind::WrongType, message, node);
                Err(error.note("put it in quotes if it is meant as text"))
            }
        }
    }

    fn expression(&self, name: &str, variables: &[&str]) -> Result<Expression, Error> {
        let Some(node) = self.node(name) else {
            return Err(self.refusal(format!("`{name}` is missing")));
        };
        let text = self.text_of(node, name)?;
        Expression::parse(&text, variables, origin(&self.file, node))
    }

    fn bad(&self, name: &str, expected: &str) -> Error {
        let message = format!("`{name}` takes {expected}");
        self.error(
            ErrorKind::Unsupported,
            message,
            self.node(name).unwrap_or(self.node),
        )
    }

    fn refusal(&self, message: impl Into<String>) -> Error {
        self.error(ErrorKind::Unsupported, message, self.node)
    }

    fn error(&self, kind: ErrorKind, message: impl Into<String>, node: &Node) -> Error {
        Error::new(kind, message).at(origin(&self.file, node))
    }
}

fn origin(file: &Arc<str>, node: &Node) -> Origin {
    Origin::at(Arc::clone(file), node.span.start)
}
