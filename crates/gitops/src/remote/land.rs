//! A change on a remote branch, decided again when another writer was faster.

use super::Remote;
use super::error::{Error, ErrorKind};
use super::push::Verdict;
use super::snapshot::Snapshot;
use super::watch::{Event, Watch};
use crate::repository::{Commit, CommitId, Repository};

/// How far back a commit is looked for of which it is not known whether it arrived.
const MAX_LOOKED_BACK: u32 = 100;

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
        /// The tip there was.
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

impl Remote {
    /// Puts what `decide` says about the tip of `branch` on it, as one push; when another writer was
    /// faster, asks again about the new tip, at most `attempts` times (at least once).
    ///
    /// `decide` is given the tip and looks at its files there; each commit it returns stands on the
    /// one before it, so that each can be undone by itself: one for each application, say. It is asked
    /// anew for every attempt. `back_off` is called with the number of attempts lost so far before
    /// each further one: the place to wait ([`back_off`](super::back_off) says how long).
    ///
    /// `repository` keeps the objects. All attempts together have the remote's deadline.
    ///
    /// # Errors
    ///
    /// Those of `decide`; those of [`Remote::fetch`] and [`Remote::push`]. A connection that ends early
    /// is a lost attempt; a push whose end is not known is looked for on the branch before it is
    /// tried again.
    pub fn land<E: From<Error>>(
        &self,
        repository: &Repository,
        branch: &str,
        attempts: u32,
        mut decide: impl FnMut(&Snapshot<'_>) -> Result<Vec<Commit>, E>,
        mut back_off: impl FnMut(u32),
    ) -> Result<Landed, E> {
        let watch = self.options.watch();
        let mut made = 0;
        loop {
            made += 1;
            let lost = match self.attempt(repository, branch, &mut decide, &watch)? {
                Attempt::Ended(outcome) => {
                    return Ok(Landed {
                        outcome,
                        attempts: made,
                    });
                }
                Attempt::Lost(lost) => lost,
            };
            if made >= attempts {
                let outcome = match lost {
                    Lost::Moved { expected, found } => Outcome::Moved { expected, found },
                    Lost::Failed(error) => return Err(error),
                };
                return Ok(Landed {
                    outcome,
                    attempts: made,
                });
            }
            watch.tell(&Event::Lost { attempts: made });
            back_off(made);
        }
    }

    fn attempt<E: From<Error>>(
        &self,
        repository: &Repository,
        branch: &str,
        decide: &mut impl FnMut(&Snapshot<'_>) -> Result<Vec<Commit>, E>,
        watch: &Watch,
    ) -> Result<Attempt<E>, E> {
        let snapshot = match self.snapshot(repository, branch, watch) {
            Ok(snapshot) => snapshot,
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                return Ok(Attempt::Lost(Lost::Failed(error.into())));
            }
            Err(error) => return Err(error.into()),
        };
        let commits = match decide(&snapshot) {
            Ok(commits) => commits,
            // Not the decision failed but the connection under it.
            Err(error) if snapshot.is_interrupted() => {
                return Ok(Attempt::Lost(Lost::Failed(error)));
            }
            Err(error) => return Err(error),
        };
        Ok(self.deliver(&snapshot, &commits, watch)?)
    }

    fn deliver<E: From<Error>>(
        &self,
        snapshot: &Snapshot<'_>,
        commits: &[Commit],
        watch: &Watch,
    ) -> Result<Attempt<E>, Error> {
        let (repository, branch, expected) =
            (snapshot.repository(), snapshot.branch(), snapshot.tip());
        snapshot.need_directories(
            commits
                .iter()
                .flat_map(|commit| commit.changes().iter().map(|(path, _)| path)),
        )?;
        let mut made = Vec::new();
        for commit in commits {
            made.extend(repository.write(made.last().copied().or(expected), commit)?);
        }
        let Some(new) = made.last().copied() else {
            return Ok(Attempt::Ended(Outcome::NothingToDo));
        };
        match self.try_push(repository, branch, expected, new, watch) {
            Ok(Verdict::Taken) => Ok(Attempt::Ended(Outcome::Committed(made))),
            Ok(Verdict::Elsewhere(found)) if found == Some(new) => {
                Ok(Attempt::Ended(Outcome::Committed(made)))
            }
            Ok(Verdict::Elsewhere(found)) => Ok(Attempt::Lost(Lost::Moved { expected, found })),
            Ok(Verdict::No(words)) => match self.tip_within(branch, watch)? {
                found if found != expected => Ok(Attempt::Lost(Lost::Moved { expected, found })),
                // The winner of the race holds the branch's lock and has not moved it yet.
                _ if is_contention(&words) => {
                    let error = self.refused(branch, &words);
                    Ok(Attempt::Lost(Lost::Failed(error.into())))
                }
                _ => Err(self.refused(branch, &words)),
            },
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                if self.has_arrived(snapshot, new, watch)? {
                    Ok(Attempt::Ended(Outcome::Committed(made)))
                } else {
                    Ok(Attempt::Lost(Lost::Failed(error.into())))
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Whether `new` is on the branch, after a push of which nobody said how it ended.
    fn has_arrived(
        &self,
        snapshot: &Snapshot<'_>,
        new: CommitId,
        watch: &Watch,
    ) -> Result<bool, Error> {
        let repository = snapshot.repository();
        let now = self.snapshot(repository, snapshot.branch(), watch)?;
        if now.tip() == Some(new) || now.tip() == snapshot.tip() {
            return Ok(now.tip() == Some(new));
        }
        now.need_history(MAX_LOOKED_BACK)?;
        let mut next = now.tip();
        for _ in 0..MAX_LOOKED_BACK {
            match next {
                Some(id) if id == new => return Ok(true),
                Some(id) if Some(id) != snapshot.tip() => {
                    let parents = repository.parents(id)?.unwrap_or_default();
                    next = parents.first().copied();
                }
                _ => break,
            }
        }
        Ok(false)
    }
}

enum Attempt<E> {
    Ended(Outcome),
    Lost(Lost<E>),
}

enum Lost<E> {
    /// Another writer moved the branch.
    Moved {
        expected: Option<CommitId>,
        found: Option<CommitId>,
    },
    /// What to say if there is no further attempt.
    Failed(E),
}

/// What git and the forges say to a push that came while another was being taken.
fn is_contention(words: &str) -> bool {
    [
        "cannot lock ref",
        "failed to update ref",
        "incorrect old value",
        "fetch first",
        "non-fast-forward",
        "stale info",
        "reference already exists",
    ]
    .iter()
    .any(|phrase| words.contains(phrase))
}
