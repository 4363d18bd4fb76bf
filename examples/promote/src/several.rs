//! Several changes at once: one fetch, one push, a commit for each. What concerns one application is made as a whole or
//! not at all; applications do not hold one another back.

use anyhow::Result;
use narae_gitops::plan::Plan;
use narae_gitops::promote::{Config, Snapshot};
use narae_gitops::repository::CommitId;
use serde_json::json;

use crate::Said;
use crate::cli::{Common, UsageError};
use crate::decided::Decided;
use crate::place::{Group, Place, Wanted};
use crate::report::{self, Written};

/// A change of one application in one environment.
pub(crate) struct Member<'a> {
    pub(crate) application: String,
    pub(crate) branch: String,
    pub(crate) decide: Box<Decide<'a>>,
}

type Decide<'a> = dyn Fn(&Config, &Snapshot<'_>) -> Result<Plan> + 'a;

/// What was decided of each change of an application, and its commit.
type Ended = Result<Vec<(Option<CommitId>, Decided)>>;

/// Decides and lands changes, or shows them.
pub(crate) fn run(place: &Place, common: &Common, members: Vec<Member<'_>>) -> Result<Said> {
    check(common)?;
    let mut branches: Vec<&str> = Vec::new();
    let mut groups: Vec<(&str, Vec<&Member<'_>>)> = Vec::new();
    for member in &members {
        if !branches.contains(&member.branch.as_str()) {
            branches.push(&member.branch);
        }
        let name = member.application.as_str();
        match groups
            .iter_mut()
            .find(|(application, _)| *application == name)
        {
            Some((_, group)) => group.push(member),
            None => groups.push((name, vec![member])),
        }
    }
    let (ended, attempts) = match common.dry_run {
        true => (look(place, &groups)?, 0),
        false => {
            let decisions: Vec<Box<Group<'_, Decided>>> = groups
                .iter()
                .map(|(_, members)| -> Box<Group<'_, Decided>> {
                    Box::new(|config, snapshot| decide(config, snapshot, members))
                })
                .collect();
            place.land_together(&branches, &decisions)?
        }
    };
    let names = groups.iter().map(|(application, _)| *application);
    told(place, common, names.zip(ended).collect(), attempts)
}

/// Refuses what is asked for of one commit.
fn check(common: &Common) -> Result<(), UsageError> {
    let flags = [
        ("--wait-argocd", common.handover.wait_argocd.is_some()),
        ("--argocd-webhook", common.handover.argocd_webhook.is_some()),
        (
            "--merge-request",
            common.merge_request.merge_request.is_some(),
        ),
    ];
    match flags.iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((flag, _)) => Err(UsageError(format!(
            "{flag}: of several changes at once there is no one commit\n  try: one application and one environment at a time"
        ))),
    }
}

/// Decides the changes of one application, each on what the ones before it made: all are made, or none.
fn decide(
    config: &Config,
    snapshot: &Snapshot<'_>,
    members: &[&Member<'_>],
) -> Result<Vec<(String, Option<Wanted>, Decided)>> {
    let mut parts = Vec::with_capacity(members.len());
    for member in members {
        let decided = Decided::new((member.decide)(config, snapshot)?, config, snapshot)?;
        let (branch, wanted) = (decided.plan.branch.clone(), decided.wanted()?);
        if let Some(wanted) = &wanted {
            let changed = snapshot.change(&branch, &wanted.changes);
            changed.map_err(anyhow::Error::from_boxed)?;
        }
        parts.push((branch, wanted, decided));
    }
    if parts.iter().any(|(.., decided)| decided.is_refused()) {
        parts.iter_mut().for_each(|(_, wanted, _)| *wanted = None);
    }
    Ok(parts)
}

/// What would be made.
fn look(place: &Place, groups: &[(&str, Vec<&Member<'_>>)]) -> Result<Vec<Ended>> {
    place.look(|config, snapshot| {
        let mut ended = Vec::with_capacity(groups.len());
        for (_, members) in groups {
            // What a group that fails had decided is not there for the next.
            let decided = decide(config, &snapshot.clone(), members).and_then(|parts| {
                let mut wanted = parts.iter().filter_map(|(_, wanted, _)| wanted.as_ref());
                wanted.try_for_each(|wanted| place.examine(wanted))?;
                Ok(parts)
            });
            for (branch, wanted, _) in decided.iter().flatten() {
                if let Some(wanted) = wanted {
                    let changed = snapshot.change(branch, &wanted.changes);
                    changed.map_err(anyhow::Error::from_boxed)?;
                }
            }
            let shown = |(_, _, decided)| (None, decided);
            ended.push(decided.map(|parts| parts.into_iter().map(shown).collect()));
        }
        Ok(ended)
    })
}

/// All of it in words and as one object.
fn told(place: &Place, common: &Common, ended: Vec<(&str, Ended)>, attempts: u32) -> Result<Said> {
    let mut said = Said::default();
    let (mut changes, mut warnings) = (Vec::new(), Vec::new());
    for (application, ended) in ended {
        let parts = match ended {
            Ok(parts) => parts,
            Err(error) if place.has_lost_objects(&error) => return Err(error),
            Err(error) => {
                let error = error.context(format!("{application} is left out"));
                let words = format!("{error:#}");
                changes.push(json!({"application": application, "error": words}));
                said.failed.push(error);
                continue;
            }
        };
        let is_refused = parts.iter().any(|(_, decided)| decided.is_refused());
        said.is_refused |= is_refused;
        for (commit, decided) in parts {
            let written = match (is_refused, common.dry_run) {
                (true, _) if !decided.is_refused() => Written::Held,
                (_, true) => Written::Nothing,
                (_, false) => Written::Committed(commit),
            };
            said.text
                .push_str(&report::change(place.shown(), &decided, written));
            said.landed.extend(commit);
            warnings.extend(decided.warnings());
            let mut json = decided.to_json(place);
            if let Some(fields) = json.as_object_mut() {
                fields.insert("commit".to_owned(), json!(commit));
                // Said of all of them.
                fields.retain(|name, _| {
                    !["repository", "attempts", "server"].contains(&name.as_str())
                });
            }
            changes.push(json);
        }
    }
    let server = place.heard().said();
    said.text.push_str(&report::server(&server));
    said.json = json!({
        "repository": place.shown(),
        "changes": changes,
        "attempts": attempts,
        "server": server,
    });
    warnings.dedup();
    Ok(said.warning(warnings))
}
