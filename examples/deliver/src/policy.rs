//! What the rendered objects may not be: policies of the application, schemas of Kubernetes; a
//! violation with the places a person needs.

use anyhow::{Result, bail};
use narae_cli::application::Application;
use narae_manifest::object::ObjectId;
use narae_manifest::policy::{Action, PolicySet};
use narae_manifest::template::Rendered;
use narae_manifest::{Finding, Origin, Rule, Schemas, Severity, Values, lint};
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

/// Policies that are for none of the objects: of another stage, perhaps, or misspelt.
pub(crate) fn idle(policies: &PolicySet, objects: &[Rendered]) -> Result<Vec<String>> {
    let values: Vec<&Value> = objects.iter().map(|rendered| &rendered.value).collect();
    let idle = policies.idle(&values)?.into_iter();
    let note =
        |(policy, origin)| format!("policy {policy} is for none of these objects ({origin})");
    Ok(idle.map(note).collect())
}

/// The values against the application's schema for them.
pub(crate) fn check_values(application: &Application, values: &Values) -> Result<()> {
    let Some(schema) = application.values_schema()? else {
        return Ok(());
    };
    let findings = schema.check(values);
    if findings.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    bail!(
        "the values do not satisfy their schema\n{}",
        lines.join("\n")
    );
}

/// The objects of Kubernetes' own kinds against their schemas: what refuses, and what only warns.
pub(crate) fn check_schemas(
    application: &Application,
    objects: &[Rendered],
) -> Result<(Vec<Refusal>, Vec<String>)> {
    let newest = Schemas::kubernetes_versions().next_back();
    let version = application.kubernetes().or(newest).unwrap_or_default();
    let schemas = Schemas::kubernetes(version)?;
    let values: Vec<&Value> = objects.iter().map(|rendered| &rendered.value).collect();
    let mut findings = schemas.check(&values);
    findings.extend(lint::check(&values, &schemas));
    Finding::trace(&mut findings, objects);
    let (mut refusals, mut warnings) = (Vec::new(), Vec::new());
    for finding in findings {
        let Some(rendered) = finding.index.and_then(|index| objects.get(index)) else {
            continue;
        };
        // A Secret holds references here, which are sealed and never what they look like; of a
        // custom resource nobody gave the definition, and two objects of one name are the plan's.
        let is_ours = matches!(finding.rule, Rule::MissingSchema | Rule::DuplicateObject)
            || (finding.rule == Rule::BadFormat && secrets::is_secret(&rendered.value));
        if is_ours {
            continue;
        }
        let message = match &finding.suggestion {
            Some(suggestion) => format!("{} ({suggestion})", finding.message),
            None => finding.message.clone(),
        };
        if finding.severity() == Severity::Error {
            let schema = format!("Kubernetes {} schema", schemas.version());
            refusals.push(Refusal {
                rule: finding.rule.id().to_owned(),
                values: places(&finding.values),
                template: finding.template.map(|template| template.to_string()),
                ..refusal(&schema, &message, rendered, &finding.field, None)?
            });
        } else {
            let object = ObjectId::of(&rendered.value)?;
            warnings.push(format!("{}: {message} ({object})", finding.rule.id()));
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
    let values = provenance.as_ref().map_or(&[][..], |known| &known.values);
    Ok(Refusal {
        policy: policy.to_owned(),
        message: message.to_owned(),
        object: ObjectId::of(&rendered.value)?.to_string(),
        field: field.to_string(),
        found,
        values: places(values),
        template: provenance.map(|provenance| provenance.template.to_string()),
        rule: "built in".to_owned(),
    })
}

fn places(values: &[(Path, Origin)]) -> Vec<String> {
    let place = |(path, origin): &(Path, Origin)| format!("{path} at {origin}");
    values.iter().map(place).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}
