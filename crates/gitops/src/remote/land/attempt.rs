//! One attempt: tips heard of, changes decided and committed on them, and everything pushed at once.

use std::sync::{Arc, Mutex};

use super::super::Remote;
use super::super::error::{Error, ErrorKind};
use super::super::fetch::Fetcher;
use super::super::push::{Move, Pusher, Verdict};
use super::super::snapshot::{self, Snapshot};
use super::super::watch::Watch;
use super::settle::{self, Sent};
use super::{JointDecision, Outcome};
use crate::repository::{Commit, CommitId, Repository};

/// The conversation about objects, for the next attempt.
pub(super) type Line<'a> = Option<Arc<Mutex<Fetcher<'a>>>>;

/// Of each decision, on each branch.
pub(super) type Outcomes<E> = Vec<Result<Vec<Outcome>, E>>;

/// Of each branch.
type Tips = Vec<Option<CommitId>>;

/// The conversation that a push will need.
enum Door<'a> {
    Open(Pusher<'a>),
    /// It ended early.
    Lost,
    /// The server does not let these credentials push.
    Closed(Error),
}

pub(super) enum Attempt<E> {
    Ended(Outcomes<E>),
    /// Another writer was faster: this is to be said if there is no further attempt.
    Moved(Outcomes<E>),
    /// The server's words are those of a lost race, on these tips; else it is a refusal.
    Contended(Outcomes<E>, Tips, Error),
    /// Worth another attempt; else this.
    Failed(Error),
    /// Sent, and nobody said how it ended, nor can it be looked for now.
    Unknown(Sent<E>, Error),
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

impl Remote {
    pub(super) fn attempt<'a, E>(
        &'a self,
        repository: &'a Repository,
        branches: &[&str],
        decisions: &mut [&mut JointDecision<'_, E>],
        line: &mut Line<'a>,
        watch: &Watch,
    ) -> Result<Attempt<E>, Error> {
        let (fetcher, tips, door) = match self.begin(branches, line.take(), watch) {
            Ok(begun) => begun,
            Err(error) => return Attempt::interrupted(error),
        };
        let snapshots = match Snapshot::all(repository, branches, &tips, &fetcher) {
            Ok(snapshots) => snapshots,
            Err(error) => return Attempt::interrupted(error),
        };
        let attempt = self.decide(repository, &snapshots, door, decisions, watch)?;
        if !is_interrupted(&snapshots) {
            *line = Some(fetcher);
        }
        Ok(attempt)
    }

    /// Both conversations, so that as little time as can be is between hearing of the tips and moving them: that
    /// for the push says where the branches stand, and stays open meanwhile.
    fn begin<'a>(
        &'a self,
        branches: &[&str],
        line: Line<'a>,
        watch: &Watch,
    ) -> Result<(Arc<Mutex<Fetcher<'a>>>, Tips, Door<'a>), Error> {
        let fetcher = match line {
            Some(fetcher) => fetcher,
            None => Arc::new(Mutex::new(Fetcher::start(self, watch)?)),
        };
        match Pusher::open(self, branches, watch) {
            Ok(pusher) => Ok((fetcher, pusher.tips(), Door::Open(pusher))),
            Err(error) => {
                let door = match error.kind() {
                    ErrorKind::Interrupted => Door::Lost,
                    // Who may not push may still hear that there is nothing to.
                    ErrorKind::Refused | ErrorKind::Unauthorized | ErrorKind::NotFound => {
                        Door::Closed(error)
                    }
                    _ => return Err(error),
                };
                let mut fetcher = Fetcher::start(self, watch)?;
                let tips = snapshot::tips(&mut fetcher, branches)?;
                Ok((Arc::new(Mutex::new(fetcher)), tips, door))
            }
        }
    }

    fn decide<'a, E>(
        &'a self,
        repository: &'a Repository,
        snapshots: &[Snapshot<'a>],
        door: Door<'a>,
        decisions: &mut [&mut JointDecision<'_, E>],
        watch: &Watch,
    ) -> Result<Attempt<E>, Error> {
        let mut new: Tips = snapshots.iter().map(Snapshot::tip).collect();
        let mut outcomes = Vec::with_capacity(decisions.len());
        for decide in decisions {
            let staged: Vec<_> = snapshots
                .iter()
                .zip(&new)
                .map(|(at, new)| at.on(*new))
                .collect();
            let decided = decide(&staged);
            if is_interrupted(&staged) {
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
            match stack_all(&staged, &commits) {
                Ok(made) => {
                    for (new, made) in new.iter_mut().zip(&made) {
                        *new = made.last().copied().or(*new);
                    }
                    outcomes.push(Ok(made.into_iter().map(Outcome::of).collect()));
                }
                Err(error) => return Attempt::interrupted(error),
            }
        }
        let changed = |(at, new): (&Snapshot<'_>, &Option<CommitId>)| {
            let new = new.filter(|new| Some(*new) != at.tip())?;
            Some(Move::new(at.branch(), at.tip(), new))
        };
        let moves: Vec<Move> = snapshots.iter().zip(&new).filter_map(changed).collect();
        match moves.is_empty() {
            true => Ok(Attempt::Ended(outcomes)),
            false => self.deliver(repository, snapshots, door, (moves, outcomes), watch),
        }
    }

    fn deliver<'a, E>(
        &'a self,
        repository: &'a Repository,
        snapshots: &[Snapshot<'a>],
        door: Door<'a>,
        (moves, outcomes): (Vec<Move>, Outcomes<E>),
        watch: &Watch,
    ) -> Result<Attempt<E>, Error> {
        let branches: Vec<&str> = snapshots.iter().map(Snapshot::branch).collect();
        let expected: Tips = snapshots.iter().map(Snapshot::tip).collect();
        let pusher = match door {
            Door::Open(pusher) => Ok(pusher),
            Door::Lost => Pusher::open(self, &branches, watch),
            Door::Closed(error) => return Err(error),
        };
        let pusher = match pusher {
            Ok(pusher) => pusher,
            Err(error) => return Attempt::interrupted(error),
        };
        let found = match pusher.push(repository, &moves, watch) {
            Ok(Verdict::Taken) => return Ok(Attempt::Ended(outcomes)),
            Ok(Verdict::Elsewhere(found)) => {
                if found
                    .iter()
                    .copied()
                    .eq(moves.iter().map(|step| Some(step.new)))
                {
                    return Ok(Attempt::Ended(outcomes));
                }
                let of = |branch: &&str| moves.iter().position(|step| step.branch == **branch);
                let found = |(branch, expected): (&&str, &_)| match of(branch) {
                    Some(place) => found.get(place).copied().flatten(),
                    None => *expected,
                };
                branches.iter().zip(&expected).map(found).collect()
            }
            Ok(Verdict::No(no)) => {
                let is_contention = is_contention(&no.words());
                let error = self.refused(no);
                if is_contention {
                    return Ok(Attempt::Contended(outcomes, expected, error));
                }
                match self.tips_within(&branches, watch) {
                    Ok(found) if found != expected => found,
                    Ok(_) => return Err(error),
                    Err(error) => return Attempt::interrupted(error),
                }
            }
            Err(error) if settle::leaves_open(error.kind()) => {
                let is_over = matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Cancelled);
                if is_over {
                    return Err(error.during(settle::not_known(&moves)));
                }
                let sent = Sent { outcomes, moves };
                return match self.settled(repository, Some(sent), watch)? {
                    Some(attempt) => Ok(attempt),
                    None => Attempt::interrupted(error),
                };
            }
            Err(error) => return Err(error),
        };
        Ok(Attempt::Moved(moved(outcomes, &expected, &found)))
    }
}

impl Outcome {
    fn of(made: Vec<CommitId>) -> Self {
        match made.is_empty() {
            true => Self::NothingToDo,
            false => Self::Committed(made),
        }
    }
}

/// What there is to say when the branches stood elsewhere.
pub(super) fn moved<E>(
    mut outcomes: Outcomes<E>,
    expected: &[Option<CommitId>],
    found: &[Option<CommitId>],
) -> Outcomes<E> {
    for outcomes in outcomes.iter_mut().flatten() {
        for (outcome, (expected, found)) in outcomes.iter_mut().zip(expected.iter().zip(found)) {
            if matches!(outcome, Outcome::Committed(_)) {
                let (expected, found) = (*expected, *found);
                *outcome = Outcome::Moved { expected, found };
            }
        }
    }
    outcomes
}

/// Whether the connection that they share ended early.
fn is_interrupted(snapshots: &[Snapshot<'_>]) -> bool {
    snapshots.first().is_some_and(Snapshot::is_interrupted)
}

/// Makes the commits of one decision on each branch.
fn stack_all(
    snapshots: &[Snapshot<'_>],
    commits: &[Vec<Commit>],
) -> Result<Vec<Vec<CommitId>>, Error> {
    if commits.len() > snapshots.len() {
        let (many, few) = (commits.len(), snapshots.len());
        let message = format!("a decision has commits for {many} branches, and there are {few}");
        return Err(Error::new(ErrorKind::InvalidBranch, message));
    }
    let commits = commits.iter().map(Vec::as_slice);
    let all = snapshots
        .iter()
        .zip(commits.chain(std::iter::repeat(&[][..])));
    all.map(|(snapshot, commits)| stack(snapshot, commits))
        .collect()
}

/// Makes commits, one on another; those that change nothing are left out.
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
        "atomic transaction failed",
    ]
    .iter()
    .any(|phrase| words.contains(phrase))
}
