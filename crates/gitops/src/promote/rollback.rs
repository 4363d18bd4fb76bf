//! Going back: the edits a commit recorded, undone.
//!
//! Nothing of git is reverted, so nothing else that happened since is lost, and it works where the
//! older trees are not at hand. No gate asks: a rollback must not wait.

use std::collections::BTreeSet;

use super::moves::{images, version};
use super::{Config, Deliveries, PromoteError, Request, Snapshot};
use crate::history::Delivery;
use crate::plan::{Action, Edit, Intent, Plan};
use crate::repository::{CommitId, TreePath};

/// The plan that undoes a delivery of one application to one environment: the newest one that is
/// not undone yet, or `commit`. With sites named, only their files.
///
/// When it is decided again because another writer was faster, name the commit that the first plan reverts (its
/// [`Action::RollBack`]): that writer may have undone it, and then the newest is another one.
///
/// # Errors
///
/// When there is none, or it recorded no edits.
pub fn roll_back(
    config: &Config,
    request: &Request,
    commit: Option<CommitId>,
    snapshot: &Snapshot<'_>,
) -> Result<Plan, PromoteError> {
    let Request {
        application,
        environment,
        ..
    } = request;
    let branch = &config.environment(environment)?.branch;
    config.application(application)?;
    let files = files(config, request)?;
    let Deliveries {
        found: mut deliveries,
        horizon,
    } = snapshot.deliveries(branch)?;
    deliveries.retain(|delivery| delivery.is_of(application, environment));
    let delivery = match commit {
        Some(commit) => deliveries
            .iter()
            .find(|delivery| delivery.commit == commit)
            .ok_or_else(|| PromoteError::NotADelivery {
                commit,
                application: application.clone(),
                environment: environment.clone(),
                horizon,
            })?,
        None => newest(&deliveries, &files).ok_or_else(|| PromoteError::NothingToRollBack {
            application: application.clone(),
            environment: environment.clone(),
            horizon,
        })?,
    };
    let undone = delivery.edits.iter().rev();
    let edits: Vec<Edit> = undone
        .filter(|edit| files.is_empty() || files.contains(&edit.file))
        .map(|edit| Edit::undo(edit.file.clone(), &edit.change()))
        .collect();
    if edits.is_empty() {
        return Err(PromoteError::NoEdits {
            commit: delivery.commit,
        });
    }
    let old = delivery.old_images().next().unwrap_or_default();
    let back_to = version(old.tag.as_deref(), old.digest.as_deref());
    let reverts = delivery.commit;
    let mut intent = Intent::new(
        application,
        environment,
        Action::RollBack { reverts },
        &back_to,
    );
    intent.sites = match request.sites.is_empty() {
        true => delivery.sites.clone(),
        false => request.sites.clone(),
    };
    intent.pipeline = request.pipeline.clone();
    intent.approved_by = request.approved_by.clone();
    // A site that is gone from the configuration has no images to name.
    let images = images(config, application, environment, &intent.sites).unwrap_or_default();
    let read = |file: &_| snapshot.read(branch, file);
    let plan = Plan::make(branch, snapshot.tip(branch)?, intent, edits, read)?;
    Ok(plan.naming(images))
}

/// The newest delivery with edits (in these files) that is no rollback and not undone at these sites.
fn newest<'a>(deliveries: &'a [Delivery], files: &BTreeSet<TreePath>) -> Option<&'a Delivery> {
    let concerns = |delivery: &&Delivery| {
        files.is_empty() || delivery.edits.iter().any(|edit| files.contains(&edit.file))
    };
    let mut undone = BTreeSet::new();
    for delivery in deliveries.iter().filter(concerns) {
        match delivery.action {
            Action::RollBack { reverts } => {
                undone.insert(reverts);
            }
            _ if undone.contains(&delivery.commit) => {}
            _ => return Some(delivery),
        }
    }
    None
}

/// The files of the sites asked for; none when all are meant.
fn files(config: &Config, request: &Request) -> Result<BTreeSet<TreePath>, PromoteError> {
    let mut files = BTreeSet::new();
    if request.sites.is_empty() {
        return Ok(files);
    }
    for site in config.sites(&request.sites)? {
        let declared =
            config.declared(&request.application, &request.environment, site.as_deref())?;
        files.extend(declared.into_iter().map(|place| place.file));
    }
    Ok(files)
}
