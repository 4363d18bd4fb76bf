//! What environments have other than those before them.

use anyhow::Result;
use narae_gitops::promote;
use serde_json::json;

use crate::Said;
use crate::cli::{Drift, UsageError};
use crate::place::Place;
use crate::report;

pub(crate) fn run(place: &Place, wanted: &Drift) -> Result<Said> {
    let found = place.look(|config, snapshot| {
        let mut pairs: Vec<(String, String)> = Vec::new();
        match (&wanted.from, &wanted.to) {
            (Some(from), Some(to)) => pairs.push((from.clone(), to.clone())),
            (None, Some(to)) => match &config.environment(to)?.from {
                Some(from) => pairs.push((from.clone(), to.clone())),
                None => {
                    let message =
                        format!("`{to}` has no `from` in narae.yaml\n  try: --from as well");
                    return Err(UsageError(message).into());
                }
            },
            (from, None) => {
                pairs.extend(config.environments().filter_map(|(name, environment)| {
                    let before = environment.from.clone()?;
                    from.as_ref()
                        .is_none_or(|from| *from == before)
                        .then(|| (before, name.to_owned()))
                }))
            }
        }
        let applications: Vec<&str> = match &wanted.app {
            Some(app) => vec![app],
            None => config.applications().collect(),
        };
        let mut found = Vec::new();
        for (from, to) in pairs {
            let mut drifts = Vec::new();
            for application in &applications {
                let pair = (from.as_str(), to.as_str());
                drifts.extend(promote::drift(
                    config,
                    application,
                    pair,
                    &wanted.sites,
                    snapshot,
                )?);
            }
            found.push((from, to, drifts));
        }
        Ok(found)
    })?;
    let as_json: Vec<_> = found
        .iter()
        .map(|(from, to, drifts)| json!({ "from": from, "to": to, "differences": drifts }))
        .collect();
    Ok(Said {
        text: report::drift(&found),
        json: json!({ "drift": as_json }),
        ..Said::default()
    })
}
