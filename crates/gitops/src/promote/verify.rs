//! A plan that was made earlier: whether everything that was asked then would be allowed now.
//!
//! A plan is a file, which may be old and which anybody may have changed. So its edits are not believed: they
//! must be of places that `narae.yaml` declares for that application, environment and sites, of every image there, and each image is
//! asked what it would be asked if it were delivered now. Other values have no history to be asked: they must be what the
//! environment they come from has now. A rollback's edits must be those that its commit recorded.
//! Who agreed, and that an image comes again, is what the plan says, as it is what the caller says when one is made.

use std::collections::BTreeMap;

use super::moves::Target;
use super::rollback::undo;
use super::{Config, PromoteError, Request, Snapshot};
use crate::edit::{Selector, Setting};
use crate::plan::{self, Action, Plan};
use crate::repository::{CommitId, TreePath};

/// Whether `plan` may be applied to the environment as `config` and `snapshot` have it now. What stands at its
/// places is asked by [`Plan::apply`].
///
/// # Errors
///
/// As [`set_image`](super::set_image) and [`promote`](super::promote); [`PromoteError::Outdated`] when the plan's
/// branch or places are not what the configuration says.
pub fn verify(config: &Config, plan: &Plan, snapshot: &Snapshot<'_>) -> Result<(), PromoteError> {
    let intent = &plan.intent;
    let branch = &config.environment(&intent.environment)?.branch;
    if *branch != plan.branch {
        return Err(outdated(format!(
            "`{}` is on branch `{branch}`, and it was made for `{}`",
            intent.environment, plan.branch
        )));
    }
    match intent.action {
        Action::RollBack { reverts } => undoes(config, plan, reverts, snapshot),
        Action::Deliver | Action::Promote { .. } => delivers(config, plan, snapshot),
    }
}

/// Every edit undoes one that the commit recorded. No gate asks, as when a rollback is planned.
fn undoes(
    config: &Config,
    plan: &Plan,
    reverts: CommitId,
    snapshot: &Snapshot<'_>,
) -> Result<(), PromoteError> {
    let request = Request::new(&plan.intent.application, &plan.intent.environment);
    let whole = undo(config, &request, reverts, snapshot)?;
    // Of some sites only, it has fewer, in the same order.
    let mut recorded = whole.edits.iter();
    let stray = plan
        .edits
        .iter()
        .find(|edit| !recorded.any(|known| known.file == edit.file && known.target == edit.target));
    if let Some(edit) = stray {
        return Err(outdated(format!(
            "commit {reverts:.12} did not record what it undoes in {}",
            edit.file
        )));
    }
    let (sites, known) = (&plan.intent.sites, &whole.intent.sites);
    if let Some(site) = sites.iter().find(|site| !known.contains(site)) {
        return Err(outdated(format!(
            "commit {reverts:.12} did not deliver to `{site}`"
        )));
    }
    match plan
        .images
        .iter()
        .find(|image| !whole.images.contains(image))
    {
        None => Ok(()),
        Some(image) => Err(outdated(format!(
            "narae.yaml has no image `{}` in {} where {reverts:.12} was delivered",
            image.select, image.file
        ))),
    }
}

/// Every edit is of a declared place, and every image may come there.
fn delivers(config: &Config, plan: &Plan, snapshot: &Snapshot<'_>) -> Result<(), PromoteError> {
    let request = request(plan);
    if let Action::Promote { from } = &plan.intent.action {
        config.environment(from)?;
    }
    let to = Target::of(config, &request, snapshot)?;
    let mut places: BTreeMap<(TreePath, Selector), Option<String>> = BTreeMap::new();
    for site in config.sites(&request.sites)? {
        let declared =
            config.declared(&request.application, &request.environment, site.as_deref())?;
        places.extend(
            declared
                .into_iter()
                .map(|place| ((place.file, place.select), site.clone())),
        );
    }
    let site_of = |file: &TreePath, select: &Selector| {
        let site = places.get(&(file.clone(), select.clone()));
        site.ok_or_else(|| {
            outdated(format!(
                "narae.yaml has no `{select}` in {file} for `{}` in `{}`",
                request.application, request.environment
            ))
        })
    };
    for edit in &plan.edits {
        let plan::Target::Set {
            select,
            to: setting,
        } = &edit.target
        else {
            return Err(outdated(format!(
                "only a rollback undoes, as it does in {}",
                edit.file
            )));
        };
        let site = site_of(&edit.file, select)?;
        match setting {
            Setting::Image(image) => to.check(image, site.as_deref(), &edit.file, select)?,
            Setting::Value(value) => {
                let there = source(
                    config,
                    plan,
                    site.as_deref(),
                    (&edit.file, select),
                    snapshot,
                )?;
                if there.as_ref() != Some(setting) {
                    return Err(outdated(match there {
                        Some(there) => format!(
                            "`{select}` is {there} where it comes from, and {} in the plan",
                            Setting::Value(value.clone())
                        ),
                        None => format!(
                            "only images are delivered, and it sets `{select}` in {}",
                            edit.file
                        ),
                    }));
                }
            }
        }
    }
    for image in &plan.images {
        site_of(&image.file, &image.select)?;
    }
    // What is said to be delivered to a site is looked for at its places later on.
    let is_set = |file: &TreePath, select: &Selector| {
        plan.edits.iter().any(|edit| {
            edit.file == *file
                && matches!(&edit.target, plan::Target::Set { select: set, .. } if set == select)
        })
    };
    let images = places.keys().filter(|(_, select)| select.is_image());
    for (file, select) in images {
        if !is_set(file, select) {
            return Err(outdated(format!(
                "it does not set `{select}` in {file}, which narae.yaml has for `{}` in `{}`",
                request.application, request.environment
            )));
        }
    }
    Ok(())
}

/// What the environment that is promoted from has at the place of `select`; `None` when nothing is promoted.
fn source(
    config: &Config,
    plan: &Plan,
    site: Option<&str>,
    (file, select): (&TreePath, &Selector),
    snapshot: &Snapshot<'_>,
) -> Result<Option<Setting>, PromoteError> {
    let intent = &plan.intent;
    let Action::Promote { from } = &intent.action else {
        return Ok(None);
    };
    let branch = &config.environment(from)?.branch;
    let ours = config.declared(&intent.application, &intent.environment, site)?;
    let theirs = config.declared(&intent.application, from, site)?;
    let mut pairs = ours.iter().zip(&theirs);
    let pair = pairs.find(|(ours, _)| ours.file == *file && ours.select == *select);
    pair.map(|(_, theirs)| snapshot.get(branch, &theirs.file, &theirs.select))
        .transpose()
}

/// What was asked for when the plan was made.
fn request(plan: &Plan) -> Request {
    let intent = &plan.intent;
    let mut request = Request::new(&intent.application, &intent.environment);
    request.sites.clone_from(&intent.sites);
    request.approved_by.clone_from(&intent.approved_by);
    request.is_again = intent.is_again;
    request
}

fn outdated(reason: String) -> PromoteError {
    PromoteError::Outdated { reason }
}
