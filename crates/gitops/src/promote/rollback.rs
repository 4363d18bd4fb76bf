//! Going back: the edits a commit recorded, undone.
//!
//! Nothing of git is reverted, so nothing else that happened since is lost, and it works where the
//! older trees are not at hand. No gate asks: a rollback must not wait.
//!
//! Sites go back together or one by one. What a rollback of one site has undone is left out of a later one of
//! all, and a rollback that was itself rolled back has undone nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::moves::{images, version};
use super::{Config, Deliveries, Horizon, PromoteError, Request, Snapshot};
use crate::history::Delivery;
use crate::plan::{Action, Edit, Intent, Plan, RecordedEdit};
use crate::repository::{CommitId, TreePath};

/// The plan that undoes a delivery of one application to one environment: the newest one that still stands
/// somewhere, or `commit`; where it still stands. With sites named, only their files.
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
    let past = Past::of(config, request, snapshot)?;
    let standing = past.standing();
    let (delivery, edits) = match commit.or_else(|| past.undone_by_this_run()) {
        Some(commit) => {
            let delivery = past.named(commit)?;
            // Undone already, all of it is found to be so.
            let edits = standing
                .into_iter()
                .find(|(other, _)| other.commit == commit);
            edits.unwrap_or_else(|| (delivery, past.wanted(delivery).collect()))
        }
        None => standing.into_iter().next().ok_or_else(|| past.nothing())?,
    };
    past.plan(delivery, &edits, snapshot)
}

/// The plan that undoes all that a delivery recorded, whether it still stands or not.
pub(super) fn undo(
    config: &Config,
    request: &Request,
    commit: CommitId,
    snapshot: &Snapshot<'_>,
) -> Result<Plan, PromoteError> {
    let past = Past::of(config, request, snapshot)?;
    let delivery = past.named(commit)?;
    past.plan(
        delivery,
        &past.wanted(delivery).collect::<Vec<_>>(),
        snapshot,
    )
}

/// What was delivered of one application to one environment, and what of it is asked about.
struct Past<'a> {
    config: &'a Config,
    request: &'a Request,
    branch: &'a str,
    /// Newest first.
    deliveries: Vec<Delivery>,
    horizon: Option<Horizon>,
    /// By file, the site it belongs to.
    sites: BTreeMap<TreePath, String>,
}

impl<'a> Past<'a> {
    fn of(
        config: &'a Config,
        request: &'a Request,
        snapshot: &Snapshot<'_>,
    ) -> Result<Self, PromoteError> {
        let Request {
            application,
            environment,
            ..
        } = request;
        let branch = &config.environment(environment)?.branch;
        config.application(application)?;
        // A site that is not known is no site to go back at.
        config.sites(&request.sites)?;
        let mut sites = BTreeMap::new();
        for site in config.sites(&[])?.into_iter().flatten() {
            let declared = config.declared(application, environment, Some(&site))?;
            sites.extend(declared.into_iter().map(|place| (place.file, site.clone())));
        }
        let Deliveries {
            found: mut deliveries,
            horizon,
        } = snapshot.deliveries(branch)?;
        deliveries.retain(|delivery| delivery.is_of(application, environment));
        Ok(Self {
            config,
            request,
            branch,
            deliveries,
            horizon,
            sites,
        })
    }

    fn named(&self, commit: CommitId) -> Result<&Delivery, PromoteError> {
        let mut all = self.deliveries.iter();
        let found = all.find(|delivery| delivery.commit == commit);
        found.ok_or_else(|| PromoteError::NotADelivery {
            commit,
            application: self.request.application.clone(),
            environment: self.request.environment.clone(),
            horizon: self.horizon.clone().map(Box::new),
        })
    }

    /// What a rollback of the same pipeline run undid, as far as it stands: a run that is repeated asks for the same.
    fn undone_by_this_run(&self) -> Option<CommitId> {
        let asking = self.request.pipeline.as_ref()?;
        let mut undone = BTreeSet::new();
        for delivery in &self.deliveries {
            let Action::RollBack { reverts } = delivery.action else {
                continue;
            };
            let is_ours = delivery.pipeline.as_ref() == Some(asking);
            if is_ours && !undone.contains(&delivery.commit) {
                return Some(reverts);
            }
            undone.insert(reverts);
        }
        None
    }

    fn nothing(&self) -> PromoteError {
        PromoteError::NothingToRollBack {
            application: self.request.application.clone(),
            environment: self.request.environment.clone(),
            horizon: self.horizon.clone().map(Box::new),
        }
    }

    /// The edits of a delivery at the sites asked for.
    fn wanted<'d>(&self, delivery: &'d Delivery) -> impl Iterator<Item = &'d RecordedEdit> {
        let wanted = &self.request.sites;
        let is_wanted = |edit: &&RecordedEdit| {
            let site = self.sites.get(&edit.file);
            wanted.is_empty() || site.is_some_and(|site| wanted.contains(site))
        };
        delivery.edits.iter().filter(is_wanted)
    }

    /// Deliveries that are no rollbacks and stand at some site asked for, newest first, with their edits there.
    fn standing(&self) -> Vec<(&Delivery, Vec<&RecordedEdit>)> {
        let mut standing = Vec::new();
        // At which sites a commit is undone.
        let mut undone: BTreeMap<CommitId, BTreeSet<&str>> = BTreeMap::new();
        for delivery in &self.deliveries {
            let gone = undone.get(&delivery.commit).cloned().unwrap_or_default();
            let left: Vec<&str> = delivery
                .sites()
                .filter(|site| !gone.contains(site))
                .collect();
            if left.is_empty() {
                continue;
            }
            if let Action::RollBack { reverts } = delivery.action {
                undone.entry(reverts).or_default().extend(left);
                continue;
            }
            let stands = |edit: &&RecordedEdit| {
                let site = self.sites.get(&edit.file);
                site.is_none_or(|site| !gone.contains(site.as_str()))
            };
            let edits: Vec<_> = self.wanted(delivery).filter(stands).collect();
            // One that recorded no edits cannot be undone, and what was before it is not what is asked for.
            if !edits.is_empty() || (delivery.edits.is_empty() && self.request.sites.is_empty()) {
                standing.push((delivery, edits));
            }
        }
        standing
    }

    fn plan(
        &self,
        delivery: &Delivery,
        edits: &[&RecordedEdit],
        snapshot: &Snapshot<'_>,
    ) -> Result<Plan, PromoteError> {
        let reverts = delivery.commit;
        if edits.is_empty() {
            return Err(PromoteError::NoEdits { commit: reverts });
        }
        let Request {
            application,
            environment,
            ..
        } = self.request;
        let old = delivery.old_images().next().unwrap_or_default();
        let back_to = version(old.tag.as_deref(), old.digest.as_deref());
        let action = Action::RollBack { reverts };
        let mut intent = Intent::new(application, environment, action, &back_to);
        // All of it goes back at all its sites, also at those where nothing had to change.
        intent.sites = match edits.len() == delivery.edits.len() && self.request.sites.is_empty() {
            true => delivery.sites.clone(),
            false => self.sites_of(edits),
        };
        intent.pipeline = self.request.pipeline.clone();
        intent.approved_by = self.request.approved_by.clone();
        // A site that is gone from the configuration has no images to name.
        let images = images(self.config, application, environment, &intent.sites);
        let read = |file: &_| snapshot.read(self.branch, file);
        let undone = edits.iter().rev();
        let edits = undone.map(|edit| Edit::undo(edit.file.clone(), &edit.change()));
        let tip = snapshot.tip(self.branch)?;
        let plan = Plan::make(self.branch, tip, intent, edits.collect(), read)?;
        Ok(plan.naming(images.unwrap_or_default()))
    }

    fn sites_of(&self, edits: &[&RecordedEdit]) -> Vec<String> {
        let files: BTreeSet<&TreePath> = edits.iter().map(|edit| &edit.file).collect();
        let here = self.sites.iter().filter(|(file, _)| files.contains(file));
        let sites: BTreeSet<&String> = here.map(|(_, site)| site).collect();
        let all = self.config.sites(&[]).unwrap_or_default().into_iter();
        all.flatten().filter(|site| sites.contains(site)).collect()
    }
}
