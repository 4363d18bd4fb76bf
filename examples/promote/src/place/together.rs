//! Several changes in one push: a commit for each, and of several branches all move or none.

use anyhow::{Context as _, Result, bail};
use narae_gitops::promote::{Config, RemoteSource, Snapshot};
use narae_gitops::remote::{self, JointDecision, LandedTogether, Outcome, Remote};
use narae_gitops::repository::{Commit, CommitId, Repository};

use super::{Kind, Place, Wanted, connected, wait};

/// Changes that are made as one or not at all: of each its branch, what is to be committed, and what it was decided from.
pub(crate) type Group<'g, T> =
    dyn Fn(&Config, &Snapshot<'_>) -> Result<Vec<(String, Option<Wanted>, T)>> + 'g;

/// What became of a group, change by change.
type Landed<T> = Result<Vec<(Option<CommitId>, T)>>;

impl Place {
    /// Lands what each of `groups` says about the tips of `branches`, on what the ones before it made; asks again when
    /// another writer was faster. A group that fails does not hold the others back.
    pub(crate) fn land_together<T>(
        &self,
        branches: &[&str],
        groups: &[Box<Group<'_, T>>],
    ) -> Result<(Vec<Landed<T>>, u32)> {
        let here: Remote;
        let (remote, objects) = match &self.kind {
            Kind::Elsewhere(remote, objects) => (remote.as_ref(), objects),
            // A repository on this machine takes several as one by git's own program.
            Kind::Here(repository) => {
                let path = repository
                    .path()
                    .to_str()
                    .context("a path that is no text")?;
                here = connected(path, self.timeout, &self.heard)?;
                (&here, repository)
            }
        };
        let mut found: Vec<Vec<(String, bool, T)>> = groups.iter().map(|_| Vec::new()).collect();
        let mut decisions: Vec<_> = found
            .iter_mut()
            .zip(groups)
            .map(|(found, group)| {
                move |tips: &[remote::Snapshot<'_>]| {
                    found.clear();
                    let mut commits: Vec<Vec<Commit>> = vec![Vec::new(); tips.len()];
                    for (branch, wanted, decision) in self.decided(tips, (remote, objects), group)? {
                        let place = tips.iter().position(|tip| tip.branch() == branch);
                        let Some(commits) = place.and_then(|place| commits.get_mut(place)) else {
                            bail!("narae.yaml has moved an environment to `{branch}` meanwhile\n  try: run it again");
                        };
                        found.push((branch, wanted.is_some(), decision));
                        if let Some(wanted) = wanted {
                            commits.push(self.commit(wanted)?);
                        }
                    }
                    Ok(commits)
                }
            })
            .collect();
        let mut decisions: Vec<&mut JointDecision<'_, anyhow::Error>> = decisions
            .iter_mut()
            .map(|decide| decide as &mut JointDecision<'_, anyhow::Error>)
            .collect();
        let landed =
            remote.land_together(objects, branches, super::ATTEMPTS, &mut decisions, wait)?;
        let LandedTogether {
            outcomes, attempts, ..
        } = landed;
        let ended = outcomes.into_iter().zip(found);
        let ended = ended.map(|(outcomes, found)| self.ended(branches, outcomes?, found));
        Ok((ended.collect(), attempts))
    }

    /// Asks a group on the tips that a landing looks at.
    fn decided<T>(
        &self,
        tips: &[remote::Snapshot<'_>],
        (remote, objects): (&Remote, &Repository),
        group: &Group<'_, T>,
    ) -> Result<Vec<(String, Option<Wanted>, T)>> {
        match &self.kind {
            Kind::Here(repository) => {
                let mut snapshot = Snapshot::new(repository);
                for tip in tips {
                    snapshot = snapshot.with_tip(tip.branch(), tip.tip());
                }
                group(&self.config(&snapshot)?, &snapshot)
            }
            Kind::Elsewhere(..) => {
                let source = RemoteSource::new(remote, objects, self.depth);
                let source = tips.iter().fold(source, RemoteSource::on);
                let snapshot = Snapshot::new(&source);
                group(&self.config(&snapshot)?, &snapshot)
            }
        }
    }

    /// Each change of a group with its commit: on a branch they are in the order in which they were decided.
    fn ended<T>(
        &self,
        branches: &[&str],
        outcomes: Vec<Outcome>,
        found: Vec<(String, bool, T)>,
    ) -> Landed<T> {
        let mut commits = Vec::with_capacity(branches.len());
        for (branch, outcome) in branches.iter().zip(outcomes) {
            commits.push(match outcome {
                Outcome::Committed(made) => made.into_iter(),
                Outcome::NothingToDo => Vec::new().into_iter(),
                _ => return Err(self.kept_moving(branch)),
            });
        }
        let of = |(branch, is_wanted, decision): (String, bool, T)| {
            let place = branches.iter().position(|other| **other == branch);
            let made = place.and_then(|place| commits.get_mut(place));
            let commit = made.filter(|_| is_wanted).and_then(Iterator::next);
            (commit, decision)
        };
        Ok(found.into_iter().map(of).collect())
    }
}
