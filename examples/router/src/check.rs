//! `router check`: what of a configuration will be regretted.

use std::io::{self, Write as _};

use narae_routing::gateway::ObjectName;
use narae_routing::matching::Table;
use narae_routing::pool::check;

use crate::arguments::Check;
use crate::explain::ExplainError;
use crate::objects::Files;

/// Prints a line for each; true if there is none.
pub(crate) fn run(arguments: &Check) -> Result<bool, ExplainError> {
    let files = Files::of(&arguments.files)?;
    let (table, findings) = Table::compile(&files.objects);
    let mut lines: Vec<String> = files.notes();
    lines.extend(findings.iter().map(ToString::to_string));
    lines.extend(table.check().iter().map(ToString::to_string));
    for policy in &files.objects.traffic_policies {
        let namespace = policy.metadata.namespace();
        let load = policy.spec.expected_load.unwrap_or(0.0);
        for target in &policy.spec.target_refs {
            let service = ObjectName::new(namespace, &target.name);
            let pool = files.objects.pool(&service, target.port.unwrap_or(80));
            let weaknesses = check(&pool, load);
            lines.extend(weaknesses.iter().map(|w| format!("service {service}: {w}")));
        }
    }
    lines.extend(files.objects.loops());
    let mut out = io::stdout().lock();
    for line in &lines {
        writeln!(out, "{line}").map_err(ExplainError::Io)?;
    }
    Ok(lines.is_empty())
}
