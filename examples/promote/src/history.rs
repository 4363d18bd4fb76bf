//! What was delivered, as a table or as measures.

use std::collections::BTreeSet;

use anyhow::Result;
use narae_gitops::history::{Delivery, measure};
use narae_gitops::promote::Horizon;
use serde_json::json;

use crate::Said;
use crate::cli::History;
use crate::place::{Place, now};
use crate::report;

pub(crate) fn run(place: &Place, wanted: &History) -> Result<Said> {
    let (deliveries, mut horizons, environments) = place.look(|config, snapshot| {
        if let Some(app) = &wanted.app {
            config.application(app)?;
        }
        if let Some(environment) = &wanted.env {
            config.environment(environment)?;
        }
        let branches: BTreeSet<&str> = config
            .environments()
            .map(|(_, environment)| environment.branch.as_str())
            .collect();
        let (mut all, mut horizons) = (Vec::new(), Vec::new());
        for branch in branches {
            let deliveries = snapshot.deliveries(branch);
            let deliveries = deliveries.map_err(anyhow::Error::from_boxed)?;
            all.extend(deliveries.found);
            horizons.extend(deliveries.horizon);
        }
        let names: Vec<String> = config
            .environments()
            .map(|(name, _)| name.to_owned())
            .collect();
        Ok((all, horizons, names))
    })?;
    let of_app = |delivery: &Delivery| {
        wanted
            .app
            .as_ref()
            .is_none_or(|app| delivery.application == *app)
    };
    let mut deliveries: Vec<Delivery> = deliveries.into_iter().filter(of_app).collect();
    // Newest first; branches that share commits have told them twice.
    let mut seen = BTreeSet::new();
    deliveries.retain(|delivery| seen.insert(delivery.commit));
    deliveries.sort_by_key(|delivery| std::cmp::Reverse(delivery.seconds));
    let in_env = |environment: &str| {
        wanted
            .env
            .as_deref()
            .is_none_or(|wanted| wanted == environment)
    };
    if wanted.measures {
        let (now, days) = (now()?, i64::from(wanted.days));
        let since = now - days * 86_400;
        let measured: Vec<_> = environments
            .iter()
            .filter(|name| in_env(name))
            .map(|name| (name.as_str(), measure(&deliveries, name, since, now)))
            .collect();
        let as_json: serde_json::Map<_, _> = measured
            .iter()
            .map(|(name, measures)| ((*name).to_owned(), json!(measures)))
            .collect();
        return Ok(Said {
            text: report::measures(&measured, wanted.days),
            json: json!({ "days": wanted.days, "environments": as_json }),
            ..Said::default()
        }
        .warning(beyond(&horizons)));
    }
    deliveries.retain(|delivery| in_env(&delivery.environment));
    // What was not looked at is older than all that is shown.
    let last = wanted.limit.checked_sub(1);
    let oldest = last.and_then(|last| Some(deliveries.get(last)?.seconds));
    horizons.retain(|horizon| {
        oldest
            .zip(horizon.since)
            .is_none_or(|(shown, since)| shown < since)
    });
    deliveries.truncate(wanted.limit);
    Ok(Said {
        text: report::history(&deliveries),
        json: json!({ "deliveries": deliveries }),
        ..Said::default()
    }
    .warning(beyond(&horizons)))
}

/// What was not looked at may hold more.
fn beyond(horizons: &[Horizon]) -> Vec<String> {
    let warning = |horizon: &Horizon| {
        let since = horizon.since.map_or_else(String::new, |since| {
            format!(", since {} UTC", report::date(since))
        });
        format!(
            "only {horizon} were looked at{since}: what was delivered before is not counted\n  try: --depth with more commits"
        )
    };
    horizons.iter().map(warning).collect()
}
