//! Changes on remote branches, decided again when another writer was faster.
//!
//! What is decided, fetched and pushed is always a set of branches, mostly of one: they move as one, or none does.

mod attempt;
mod settle;

use attempt::{Attempt, Line};

use super::Remote;
use super::cache::lost;
use super::error::Error;
use super::snapshot::Snapshot;
use super::watch::Event;
use crate::repository::{self, Commit, CommitId, Repository};

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Outcome {
    /// These commits are on the branch, oldest first.
    Committed(Vec<CommitId>),
    /// The tip already is as the changes say; there is no new commit.
    NothingToDo,
    /// The attempts ran out: other writers were faster each time.
    Moved {
        /// The tip the last attempt was decided on.
        expected: Option<CommitId>,
        /// The tip there was. Of several branches one that stood still is held back with the others.
        found: Option<CommitId>,
    },
}

/// How a repeated attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Landed {
    /// The last attempt's outcome.
    pub outcome: Outcome,
    /// How many attempts were made, at least one.
    pub attempts: u32,
}

/// How several changes in one push ended.
#[derive(Debug)]
#[non_exhaustive]
#[must_use]
pub struct LandedAll<E> {
    /// Of each decision, in their order: the last attempt's outcome, or why it was not made.
    pub outcomes: Vec<Result<Outcome, E>>,
    /// How many attempts were made, at least one.
    pub attempts: u32,
}

/// How several changes of several branches in one push ended.
#[derive(Debug)]
#[non_exhaustive]
#[must_use]
pub struct LandedTogether<E> {
    /// Of each decision, in their order: the last attempt's outcome on each branch, or why it was not made.
    pub outcomes: Vec<Result<Vec<Outcome>, E>>,
    /// How many attempts were made, at least one.
    pub attempts: u32,
}

/// What to commit, decided by looking at a tip. Asked anew for every attempt.
pub type Decision<'d, E> = dyn FnMut(&Snapshot<'_>) -> Result<Vec<Commit>, E> + 'd;

/// What to commit on each of several branches, in their order, decided by looking at their tips. Asked anew for every
/// attempt.
pub type JointDecision<'d, E> = dyn FnMut(&[Snapshot<'_>]) -> Result<Vec<Vec<Commit>>, E> + 'd;

impl Remote {
    /// Puts what `decide` says about the tip of `branch` on it, as one push; when another writer was
    /// faster, asks again about the new tip, at most `attempts` times (at least once).
    ///
    /// `decide` is given the tip and looks at its files there. Each commit it returns stands on the
    /// one before it, but was decided on the same tip: two that change one file belong in two
    /// decisions ([`Remote::land_all`]). `back_off` is called with the number of attempts lost so far
    /// before each further one: the place to wait ([`back_off`](super::back_off) says how long).
    ///
    /// `repository` keeps the objects. All attempts together have the remote's deadline.
    ///
    /// # Errors
    ///
    /// Those of `decide`; those of [`Remote::fetch`] and [`Remote::push`]. A connection that ends early
    /// is a lost attempt; a push whose end is not known is looked for on the branch before anything is decided
    /// again, also when the server cannot be reached for a while. If it cannot until the last attempt, that is
    /// [`ErrorKind::Interrupted`](super::ErrorKind::Interrupted).
    pub fn land<E: From<Error>>(
        &self,
        repository: &Repository,
        branch: &str,
        attempts: u32,
        mut decide: impl FnMut(&Snapshot<'_>) -> Result<Vec<Commit>, E>,
        back_off: impl FnMut(u32),
    ) -> Result<Landed, E> {
        let decisions: &mut [&mut Decision<'_, E>] = &mut [&mut decide];
        let LandedAll { outcomes, attempts } =
            self.land_all(repository, branch, attempts, decisions, back_off)?;
        let outcome = outcomes
            .into_iter()
            .next()
            .unwrap_or(Ok(Outcome::NothingToDo))?;
        Ok(Landed { outcome, attempts })
    }

    /// As [`Remote::land`] for several decisions with one fetch and one push: each is decided on what the ones
    /// before it made, and each can be undone by itself, as its commits are its own. A decision that
    /// fails is left out, and the others land.
    ///
    /// # Errors
    ///
    /// Those of [`Remote::fetch`] and [`Remote::push`], which concern all decisions.
    pub fn land_all<E>(
        &self,
        repository: &Repository,
        branch: &str,
        attempts: u32,
        decisions: &mut [&mut Decision<'_, E>],
        back_off: impl FnMut(u32),
    ) -> Result<LandedAll<E>, Error> {
        let mut joint: Vec<_> = decisions
            .iter_mut()
            .map(|decide| {
                move |tips: &[Snapshot<'_>]| {
                    let commits = tips.iter().map(&mut *decide);
                    commits.collect::<Result<Vec<_>, E>>()
                }
            })
            .collect();
        let mut joint: Vec<&mut JointDecision<'_, E>> = joint
            .iter_mut()
            .map(|decide| decide as &mut JointDecision<'_, E>)
            .collect();
        let landed = self.land_together(repository, &[branch], attempts, &mut joint, back_off)?;
        let only = |outcomes: Vec<Outcome>| outcomes.into_iter().next();
        Ok(LandedAll {
            outcomes: landed
                .outcomes
                .into_iter()
                .map(|decided| Ok(only(decided?).unwrap_or(Outcome::NothingToDo)))
                .collect(),
            attempts: landed.attempts,
        })
    }

    /// As [`Remote::land_all`] for several branches: those that get commits move as one, each from the tip it was
    /// decided on, or none does. When another writer was faster on one of them, everything is decided again.
    ///
    /// What a decision says lands on all of its branches; one that fails is left out on all of them. Branches for which
    /// it has nothing may be left out at the end of what it returns.
    ///
    /// # Errors
    ///
    /// As [`Remote::land_all`]. [`ErrorKind::NotAtomic`](super::ErrorKind::NotAtomic) when several branches get commits and the server cannot move
    /// several as one; [`ErrorKind::InvalidBranch`](super::ErrorKind::InvalidBranch) when one is named twice, or a decision has commits for more than
    /// there are.
    pub fn land_together<E>(
        &self,
        repository: &Repository,
        branches: &[&str],
        attempts: u32,
        decisions: &mut [&mut JointDecision<'_, E>],
        mut back_off: impl FnMut(u32),
    ) -> Result<LandedTogether<E>, Error> {
        repository::reference_names(branches)?;
        let watch = self.options.watch();
        let (mut made, mut line, mut sent) = (0, Line::default(), None);
        loop {
            made += 1;
            let is_last = made >= attempts;
            let attempt = match self.settled(repository, sent.take(), &watch)? {
                Some(settled) => Ok(settled),
                None => self.attempt(repository, branches, decisions, &mut line, &watch),
            };
            let outcomes = match attempt.map_err(|error| lost(repository, error))? {
                Attempt::Ended(outcomes) => Some(outcomes),
                Attempt::Moved(outcomes) => is_last.then_some(outcomes),
                Attempt::Failed(error) if is_last => return Err(lost(repository, error)),
                Attempt::Unknown(_, error) if is_last => return Err(error),
                Attempt::Unknown(unsettled, _) => {
                    sent = Some(unsettled);
                    None
                }
                // Perhaps the winner of the race holds a branch's lock and has not moved it yet.
                Attempt::Contended(outcomes, expected, error) if is_last => {
                    let found = self.tips_within(branches, &watch)?;
                    if found == expected {
                        return Err(error);
                    }
                    Some(attempt::moved(outcomes, &expected, &found))
                }
                Attempt::Failed(_) | Attempt::Contended(..) => None,
            };
            if let Some(outcomes) = outcomes {
                return Ok(LandedTogether {
                    outcomes,
                    attempts: made,
                });
            }
            watch.tell(&Event::Lost { attempts: made });
            back_off(made);
        }
    }
}
