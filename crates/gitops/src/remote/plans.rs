//! Plans as data, landed together: each is applied or refused on the tip there is, and has a commit of its own.

use std::sync::{Arc, Mutex, PoisonError};

use super::error::{Error, ErrorKind};
use super::land::{JointDecision, Outcome};
use super::queue::Queue;
use super::snapshot::Snapshot;
use super::{LandedTogether, Remote};
use crate::plan::{Applied, Plan, PlanError};
use crate::repository::{Commit, Repository};

/// How a plan ended that was looked at.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[must_use]
pub struct LandedPlan {
    /// What it came to on the tip of the last attempt: applied, already applied, superseded or conflict, edit by edit.
    pub applied: Applied,
    /// Its commit. [`Outcome::NothingToDo`] of one that was applied already, or refused.
    pub outcome: Outcome,
}

/// How plans in one push ended.
#[derive(Debug)]
#[non_exhaustive]
#[must_use]
pub struct LandedPlans<E> {
    /// Of each plan, in their order.
    pub plans: Vec<Result<LandedPlan, E>>,
    /// How many attempts were made, at least one.
    pub attempts: u32,
}

impl Remote {
    /// Applies `plans` to the tips of their branches, each to what the ones before it made, with one fetch and one push:
    /// as [`Remote::land_together`]. One that is refused or fails is left out, and the others land.
    ///
    /// `commit` says what is committed of a plan that applies ([`Plan::commit`] with a signature), or why not: the place
    /// to ask its gates again ([`promote::verify`](crate::promote::verify)). It is asked anew for every attempt.
    ///
    /// # Errors
    ///
    /// As [`Remote::land_together`]; what concerns one plan is that plan's.
    pub fn land_plans<E: From<Error> + From<PlanError<Error>>>(
        &self,
        repository: &Repository,
        attempts: u32,
        plans: &[Plan],
        commit: impl Fn(&Plan, &Applied, &Snapshot<'_>) -> Result<Commit, E>,
        back_off: impl FnMut(u32),
    ) -> Result<LandedPlans<E>, Error> {
        let mut branches: Vec<&str> = Vec::new();
        for plan in plans {
            if !branches.contains(&plan.branch.as_str()) {
                branches.push(&plan.branch);
            }
        }
        let (branches, commit) = (branches.as_slice(), &commit);
        let place = |plan: &Plan| branches.iter().position(|branch| *branch == plan.branch);
        let mut applied: Vec<Option<Applied>> = vec![None; plans.len()];
        let mut decisions: Vec<_> = applied
            .iter_mut()
            .zip(plans)
            .enumerate()
            .map(|(number, (applied, plan))| {
                move |tips: &[Snapshot<'_>]| {
                    *applied = None;
                    if number == 0 {
                        need_all(plans, tips)?;
                    }
                    let mut commits = vec![Vec::new(); tips.len()];
                    let place = place(plan).unwrap_or_default();
                    if let (Some(tip), Some(commits)) = (tips.get(place), commits.get_mut(place)) {
                        let (found, made) = decide(plan, tip, commit)?;
                        *applied = Some(found);
                        commits.extend(made);
                    }
                    Ok(commits)
                }
            })
            .collect();
        let mut decisions: Vec<&mut JointDecision<'_, E>> = decisions
            .iter_mut()
            .map(|decide| decide as &mut JointDecision<'_, E>)
            .collect();
        let landed =
            self.land_together(repository, branches, attempts, &mut decisions, back_off)?;
        let LandedTogether { outcomes, attempts } = landed;
        let ended = outcomes.into_iter().zip(applied).zip(plans);
        let plans = ended.map(|((outcomes, applied), plan)| {
            let place = place(plan).unwrap_or_default();
            let outcome = outcomes?.into_iter().nth(place);
            landed_plan(applied, outcome.unwrap_or(Outcome::NothingToDo)).map_err(E::from)
        });
        Ok(LandedPlans {
            plans: plans.collect(),
            attempts,
        })
    }
}

impl<'a, E: From<Error> + From<PlanError<Error>> + 'a> Queue<'a, E> {
    /// Lands `plan` in one push with whoever else waits; `commit` is as for [`Remote::land_plans`].
    ///
    /// # Errors
    ///
    /// As [`Queue::land`]; [`ErrorKind::InvalidBranch`] when the plan is for another branch than the queue.
    pub fn land_plan(
        &self,
        plan: Plan,
        commit: impl Fn(&Plan, &Applied, &Snapshot<'_>) -> Result<Commit, E> + Send + 'a,
    ) -> Result<LandedPlan, E> {
        let applied = Arc::new(Mutex::new(None));
        let found = Arc::clone(&applied);
        let landed = self.land(move |tip| {
            if tip.branch() != plan.branch {
                let (here, there) = (tip.branch(), &plan.branch);
                let message = format!("a plan for `{there}` in the queue of `{here}`");
                return Err(Error::new(ErrorKind::InvalidBranch, message).into());
            }
            tip.need(plan.edits.iter().map(|edit| &edit.file))?;
            let (applied, commit) = decide(&plan, tip, &commit)?;
            *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(applied);
            Ok(commit.into_iter().collect())
        })?;
        let applied = applied
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        Ok(landed_plan(applied, landed.outcome)?)
    }
}

/// What the plan comes to on `tip`, and its commit if it is applied.
fn decide<E: From<Error> + From<PlanError<Error>>>(
    plan: &Plan,
    tip: &Snapshot<'_>,
    commit: impl Fn(&Plan, &Applied, &Snapshot<'_>) -> Result<Commit, E>,
) -> Result<(Applied, Option<Commit>), E> {
    let applied = plan.apply(|file| tip.read(file))?;
    let commit = match applied.files.is_empty() {
        true => None,
        false => Some(commit(plan, &applied, tip)?),
    };
    Ok((applied, commit))
}

/// The files of all plans, a trip for each level of directories: not one after another as each plan reads them.
fn need_all(plans: &[Plan], tips: &[Snapshot<'_>]) -> Result<(), Error> {
    for tip in tips {
        let here = plans.iter().filter(|plan| plan.branch == tip.branch());
        tip.need(here.flat_map(|plan| plan.edits.iter().map(|edit| &edit.file)))?;
    }
    Ok(())
}

fn landed_plan(applied: Option<Applied>, outcome: Outcome) -> Result<LandedPlan, Error> {
    match applied {
        Some(applied) => Ok(LandedPlan { applied, outcome }),
        // Every outcome is of a decision, which leaves what it found.
        None => Err(Error::new(
            ErrorKind::Interrupted,
            "the plan was not looked at",
        )),
    }
}
