//! Changes on a remote branch, decided again when another writer was faster.

use std::sync::{Arc, Mutex};

use super::Remote;
use super::error::{Error, ErrorKind};
use super::fetch::Fetcher;
use super::push::{Pusher, Verdict};
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

/// What to commit, decided by looking at a tip. Asked anew for every attempt.
pub type Decision<'d, E> = dyn FnMut(&Snapshot<'_>) -> Result<Vec<Commit>, E> + 'd;

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
    /// [`ErrorKind::Interrupted`].
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
        mut back_off: impl FnMut(u32),
    ) -> Result<LandedAll<E>, Error> {
        let watch = self.options.watch();
        let (mut made, mut line, mut sent) = (0, Line::default(), None);
        loop {
            made += 1;
            let is_last = made >= attempts;
            let attempt = match self.settled(repository, branch, sent.take(), &watch)? {
                Some(settled) => Ok(settled),
                None => self.attempt(repository, branch, decisions, &mut line, &watch),
            };
            let outcomes = match attempt.map_err(|error| whole(repository, error))? {
                Attempt::Ended(outcomes) => Some(outcomes),
                Attempt::Moved(outcomes) => is_last.then_some(outcomes),
                Attempt::Failed(error) if is_last => return Err(whole(repository, error)),
                Attempt::Unknown(_, error) if is_last => return Err(error),
                Attempt::Unknown(unsettled, _) => {
                    sent = Some(unsettled);
                    None
                }
                // Perhaps the winner of the race holds the branch's lock and has not moved it yet.
                Attempt::Contended(outcomes, expected, error) if is_last => {
                    let found = self.tip_within(branch, &watch)?;
                    if found == expected {
                        return Err(error);
                    }
                    Some(moved(outcomes, expected, found))
                }
                Attempt::Failed(_) | Attempt::Contended(..) => None,
            };
            if let Some(outcomes) = outcomes {
                return Ok(LandedAll {
                    outcomes,
                    attempts: made,
                });
            }
            watch.tell(&Event::Lost { attempts: made });
            back_off(made);
        }
    }

    fn attempt<'a, E>(
        &'a self,
        repository: &'a Repository,
        branch: &str,
        decisions: &mut [&mut Decision<'_, E>],
        line: &mut Line<'a>,
        watch: &Watch,
    ) -> Result<Attempt<E>, Error> {
        let (snapshot, door) = match self.begin(repository, branch, line.take(), watch) {
            Ok(begun) => begun,
            Err(error) => return Attempt::interrupted(error),
        };
        let attempt = self.decide(&snapshot, door, decisions, watch)?;
        if !snapshot.is_interrupted() {
            *line = Some(snapshot.into_fetcher());
        }
        Ok(attempt)
    }

    /// Both conversations, so that as little time as can be is between hearing of the tip and moving it: that
    /// for the push says where the branch stands, and stays open meanwhile.
    fn begin<'a>(
        &'a self,
        repository: &'a Repository,
        branch: &str,
        line: Line<'a>,
        watch: &Watch,
    ) -> Result<(Snapshot<'a>, Door<'a>), Error> {
        let fetcher = match line {
            Some(fetcher) => fetcher,
            None => Arc::new(Mutex::new(Fetcher::start(self, watch)?)),
        };
        match Pusher::open(self, branch, watch) {
            Ok(pusher) => {
                let snapshot = Snapshot::at(repository, branch, pusher.tip(), fetcher)?;
                Ok((snapshot, Door::Open(pusher)))
            }
            Err(error) => {
                let door = match error.kind() {
                    ErrorKind::Interrupted => Door::Lost,
                    // Who may not push may still hear that there is nothing to.
                    ErrorKind::Refused | ErrorKind::Unauthorized | ErrorKind::NotFound => {
                        Door::Closed(error)
                    }
                    _ => return Err(error),
                };
                Ok((self.snapshot(repository, branch, watch)?, door))
            }
        }
    }

    fn decide<'a, E>(
        &'a self,
        snapshot: &Snapshot<'a>,
        door: Door<'a>,
        decisions: &mut [&mut Decision<'_, E>],
        watch: &Watch,
    ) -> Result<Attempt<E>, Error> {
        let expected = snapshot.tip();
        let (mut outcomes, mut new) = (Vec::with_capacity(decisions.len()), expected);
        for decide in decisions {
            let staged = snapshot.on(new);
            let decided = decide(&staged);
            if staged.is_interrupted() {
                // Not the decision failed but the connection under it.
                let error = Error::new(ErrorKind::Interrupted, "the connection ended early");
                return Ok(Attempt::Failed(error));
            }
            let commits = match decided {
                Ok(commits) => commits,
                Err(error) => {
                    outcomes.push(Err(error));
                    continue;
                }
            };
            match stack(&staged, &commits) {
                Ok(made) => {
                    new = made.last().copied().or(new);
                    outcomes.push(Ok(if made.is_empty() {
                        Outcome::NothingToDo
                    } else {
                        Outcome::Committed(made)
                    }));
                }
                Err(error) => return Attempt::interrupted(error),
            }
        }
        match new {
            Some(new) if Some(new) != expected => {
                self.deliver(snapshot, door, new, outcomes, watch)
            }
            _ => Ok(Attempt::Ended(outcomes)),
        }
    }

    fn deliver<'a, E>(
        &'a self,
        snapshot: &Snapshot<'a>,
        door: Door<'a>,
        new: CommitId,
        outcomes: Vec<Result<Outcome, E>>,
        watch: &Watch,
    ) -> Result<Attempt<E>, Error> {
        let (repository, branch, expected) =
            (snapshot.repository(), snapshot.branch(), snapshot.tip());
        let pusher = match door {
            Door::Open(pusher) => Ok(pusher),
            Door::Lost => Pusher::open(self, branch, watch),
            Door::Closed(error) => return Err(error),
        };
        let pusher = match pusher {
            Ok(pusher) => pusher,
            Err(error) => return Attempt::interrupted(error),
        };
        let pushed = pusher.push(repository, expected, new, watch);
        let found = match pushed {
            Ok(Verdict::Taken) => return Ok(Attempt::Ended(outcomes)),
            Ok(Verdict::Elsewhere(found)) if found == Some(new) => {
                return Ok(Attempt::Ended(outcomes));
            }
            Ok(Verdict::Elsewhere(found)) => found,
            Ok(Verdict::No(words)) => {
                let error = self.refused(branch, &words);
                if is_contention(&words) {
                    return Ok(Attempt::Contended(outcomes, expected, error));
                }
                match self.tip_within(branch, watch) {
                    Ok(found) if found != expected => found,
                    Ok(_) => return Err(error),
                    Err(error) => return Attempt::interrupted(error),
                }
            }
            Err(error) if leaves_open(error.kind()) => {
                let sent = Sent {
                    outcomes,
                    expected,
                    new,
                };
                let is_over = matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Cancelled);
                if is_over {
                    return Err(error.during(not_known(new)));
                }
                let settled = self.settled(repository, branch, Some(sent), watch)?;
                return match settled {
                    Some(attempt) => Ok(attempt),
                    None => Attempt::interrupted(error),
                };
            }
            Err(error) => return Err(error),
        };
        Ok(Attempt::Moved(moved(outcomes, expected, found)))
    }

    /// What became of a push of which nobody said how it ended; `None` when it did not arrive. Nothing is decided
    /// again before that is known: a decision would take our own change for another's.
    fn settled<E>(
        &self,
        repository: &Repository,
        branch: &str,
        sent: Option<Sent<E>>,
        watch: &Watch,
    ) -> Result<Option<Attempt<E>>, Error> {
        use ErrorKind::{Cancelled, Interrupted, TimedOut, Unavailable, Unreachable};

        let Some(sent) = sent else {
            return Ok(None);
        };
        let error = match self.has_arrived(repository, branch, (sent.expected, sent.new), watch) {
            Ok(true) => return Ok(Some(Attempt::Ended(sent.outcomes))),
            Ok(false) => return Ok(None),
            Err(error) => error,
        };
        let kind = error.kind();
        let error = error.during(not_known(sent.new));
        match kind {
            TimedOut | Cancelled => Err(error),
            Interrupted | Unreachable | Unavailable => {
                Ok(Some(Attempt::Unknown(sent, error.with_kind(Interrupted))))
            }
            _ => Err(error.with_kind(Interrupted)),
        }
    }

    /// Whether `new` is on the branch that stood at `expected`.
    fn has_arrived(
        &self,
        repository: &Repository,
        branch: &str,
        (expected, new): (Option<CommitId>, CommitId),
        watch: &Watch,
    ) -> Result<bool, Error> {
        let now = self.snapshot(repository, branch, watch)?;
        if now.tip() == Some(new) || now.tip() == expected {
            return Ok(now.tip() == Some(new));
        }
        now.need_history(MAX_LOOKED_BACK)?;
        let mut next = now.tip();
        for _ in 0..MAX_LOOKED_BACK {
            match next {
                Some(id) if id == new => return Ok(true),
                Some(id) if Some(id) != expected => {
                    let parents = repository.parents(id)?.unwrap_or_default();
                    next = parents.first().copied();
                }
                _ => break,
            }
        }
        Ok(false)
    }
}

/// The conversation about objects, for the next attempt.
type Line<'a> = Option<Arc<Mutex<Fetcher<'a>>>>;

/// The conversation that a push will need.
enum Door<'a> {
    Open(Pusher<'a>),
    /// It ended early.
    Lost,
    /// The server does not let these credentials push.
    Closed(Error),
}

enum Attempt<E> {
    Ended(Vec<Result<Outcome, E>>),
    /// Another writer was faster: this is to be said if there is no further attempt.
    Moved(Vec<Result<Outcome, E>>),
    /// The server's words are those of a lost race, on this tip; else it is a refusal.
    Contended(Vec<Result<Outcome, E>>, Option<CommitId>, Error),
    /// Worth another attempt; else this.
    Failed(Error),
    /// Sent, and nobody said how it ended, nor can it be looked for now.
    Unknown(Sent<E>, Error),
}

/// A push of which nobody said how it ended: what is to be said if it arrived.
struct Sent<E> {
    outcomes: Vec<Result<Outcome, E>>,
    expected: Option<CommitId>,
    new: CommitId,
}

impl<E> Attempt<E> {
    fn interrupted(error: Error) -> Result<Self, Error> {
        if error.kind() == ErrorKind::Interrupted {
            Ok(Self::Failed(error))
        } else {
            Err(error)
        }
    }
}

/// Whether a push that failed so may have arrived all the same: a proxy in front of the server gives up before it does,
/// and a connection may end in many ways.
fn leaves_open(kind: ErrorKind) -> bool {
    use ErrorKind::{Cancelled, Interrupted, Protocol, TimedOut, Unavailable, Unreachable};

    matches!(
        kind,
        Interrupted | Unavailable | Unreachable | Protocol | TimedOut | Cancelled
    )
}

fn not_known(new: CommitId) -> String {
    format!("whether {new} has arrived is not known")
}

fn moved<E>(
    outcomes: Vec<Result<Outcome, E>>,
    expected: Option<CommitId>,
    found: Option<CommitId>,
) -> Vec<Result<Outcome, E>> {
    let moved = |outcome| match outcome {
        Ok(Outcome::Committed(_)) => Ok(Outcome::Moved { expected, found }),
        other => other,
    };
    outcomes.into_iter().map(moved).collect()
}

/// Makes commits of one decision, one on another; those that change nothing are left out.
fn stack(snapshot: &Snapshot<'_>, commits: &[Commit]) -> Result<Vec<CommitId>, Error> {
    snapshot.need_directories(
        commits
            .iter()
            .flat_map(|commit| commit.changes().iter().map(|(path, _)| path)),
    )?;
    let mut made = Vec::new();
    for commit in commits {
        let parent = made.last().copied().or(snapshot.tip());
        made.extend(snapshot.repository().write(parent, commit)?);
    }
    Ok(made)
}

/// What failed because somebody deleted the repository's folder, told so.
fn whole(repository: &Repository, error: Error) -> Error {
    let is_whole = repository.path().join("HEAD").exists();
    if is_whole || !matches!(error.kind(), ErrorKind::Repository(_)) {
        return error;
    }
    error
        .with_kind(ErrorKind::CacheLost)
        .hint("again: the folder of objects was deleted meanwhile")
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
