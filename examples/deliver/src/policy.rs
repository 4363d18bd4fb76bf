//! Policies of the application on the rendered objects; a violation with the places a person needs.

use anyhow::Result;
use narae_manifest::object::ObjectId;
use narae_manifest::policy::{Action, PolicySet};
use narae_manifest::template::Rendered;
use narae_yaml::{Path, Value};

use crate::outcome::Refusal;
use crate::secrets;

/// Every violation, traced back to values and templates: what refuses, and what only warns.
pub(crate) fn check(
    policies: &PolicySet,
    objects: &[Rendered],
) -> Result<(Vec<Refusal>, Vec<String>)> {
    let values: Vec<&Value> = objects.iter().map(|rendered| &rendered.value).collect();
    let (mut refusals, mut warnings) = (Vec::new(), Vec::new());
    for violation in policies.check(&values)? {
        let Some(rendered) = objects.get(violation.index) else {
            continue;
        };
        // Of "that list is there" and "that element is wrong", a person wants the element.
        let inner = violation
            .others
            .iter()
            .filter(|other| other.starts_with(&violation.field));
        let field = inner
            .max_by_key(|other| other.segments().len())
            .unwrap_or(&violation.field);
        // A policy may look into a Secret; what it finds there is nobody's to see.
        let found = rendered
            .value
            .at(field)
            .filter(|_| !secrets::is_secret(&rendered.value))
            .map(shown);
        let mut refusal = refusal(
            &violation.policy,
            &violation.message,
            rendered,
            field,
            found,
        )?;
        refusal.rule = violation.validation.to_string();
        if violation.action == Action::Deny {
            refusals.push(refusal);
        } else {
            warnings.push(format!(
                "{}: {} ({}, {})",
                refusal.policy, refusal.message, refusal.object, refusal.field
            ));
        }
    }
    Ok((refusals, warnings))
}

/// A refusal of one field of one object.
pub(crate) fn refusal(
    policy: &str,
    message: &str,
    rendered: &Rendered,
    field: &Path,
    found: Option<String>,
) -> Result<Refusal> {
    let provenance = rendered.provenance(field);
    let values = provenance.iter().flat_map(|provenance| &provenance.values);
    Ok(Refusal {
        policy: policy.to_owned(),
        message: message.to_owned(),
        object: ObjectId::of(&rendered.value)?.to_string(),
        field: field.to_string(),
        found,
        values: values
            .map(|(path, origin)| format!("{path} at {origin}"))
            .collect(),
        template: provenance.map(|provenance| provenance.template.to_string()),
        rule: "built in".to_owned(),
    })
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}
