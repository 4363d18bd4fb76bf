//! What is wrong with the values and the objects.

use anyhow::{Result, bail};
use narae_cli::file;
use narae_manifest::template::Rendered;
use narae_manifest::{Finding, Rendering, Schemas, Values, lint};

use crate::cli::Arguments;
use crate::input::Input;

/// The values against their schema. Without `--check` a value that breaks it is an error: nothing
/// that comes of it would be right.
pub(crate) fn values(input: &Input, is_check: bool) -> Result<Vec<Finding>> {
    let Some(schema) = &input.schema else {
        return Ok(Vec::new());
    };
    let findings = schema.check(&input.values);
    if !is_check && !findings.is_empty() {
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        bail!(
            "the values do not satisfy their schema\n{}",
            lines.join("\n")
        );
    }
    Ok(findings)
}

/// Values that no template used. The site and the stage need not be.
pub(crate) fn unused(rendering: &Rendering, values: &Values) -> Vec<Finding> {
    let mut findings = Finding::unused_values(rendering, values);
    findings.retain(|finding| {
        let origin = finding.values.first().map(|(_, origin)| origin.source());
        !matches!(origin, Some("--site" | "--stage"))
    });
    findings
}

/// The objects against the schemas of their kinds, and as a linter sees them.
pub(crate) fn objects(
    arguments: &Arguments,
    input: &Input,
    objects: &[Rendered],
) -> Result<Vec<Finding>> {
    let newest = Schemas::kubernetes_versions().next_back();
    let said = arguments.kubernetes.as_deref();
    let version = said.or(input.kubernetes.as_deref()).or(newest);
    let mut schemas = Schemas::kubernetes(version.unwrap_or_default())?;
    for file in &arguments.crd {
        schemas.add_definitions(&file.display().to_string(), &file::read_text(file)?)?;
    }
    let values: Vec<_> = objects.iter().map(|rendered| &rendered.value).collect();
    let mut findings = schemas.check(&values);
    findings.extend(lint::check(&values, &schemas));
    findings.extend(schemas.unchecked_rules(&values));
    // As a person reads them: object by object, and last what is about none.
    findings.sort_by_key(|finding| (finding.index.is_none(), finding.index));
    Finding::trace(&mut findings, objects);
    Ok(findings)
}
