//! A push of which nobody said how it ended: looked for, before anything is decided again. A decision would take our own
//! change for another's.

use super::super::Remote;
use super::super::error::{Error, ErrorKind};
use super::super::fetch::Fetcher;
use super::super::push::Move;
use super::super::snapshot::{self, Snapshot};
use super::super::watch::Watch;
use super::attempt::{Attempt, Outcomes};
use crate::repository::Repository;

use std::sync::{Arc, Mutex};

/// How far back a commit is looked for of which it is not known whether it arrived.
const MAX_LOOKED_BACK: u32 = 100;

/// What was pushed, and what is to be said if it arrived.
pub(super) struct Sent<E> {
    pub(super) outcomes: Outcomes<E>,
    pub(super) moves: Vec<Move>,
}

impl Remote {
    /// What became of a push of which nobody said how it ended; `None` when it did not arrive.
    pub(super) fn settled<E>(
        &self,
        repository: &Repository,
        sent: Option<Sent<E>>,
        watch: &Watch,
    ) -> Result<Option<Attempt<E>>, Error> {
        use ErrorKind::{Cancelled, Interrupted, TimedOut, Unavailable, Unreachable};

        let Some(sent) = sent else {
            return Ok(None);
        };
        let error = match self.have_arrived(repository, &sent.moves, watch) {
            Ok(true) => return Ok(Some(Attempt::Ended(sent.outcomes))),
            Ok(false) => return Ok(None),
            Err(error) => error,
        };
        let kind = error.kind();
        let error = error.during(not_known(&sent.moves));
        match kind {
            TimedOut | Cancelled => Err(error),
            Interrupted | Unreachable | Unavailable => {
                Ok(Some(Attempt::Unknown(sent, error.with_kind(Interrupted))))
            }
            _ => Err(error.with_kind(Interrupted)),
        }
    }

    /// Whether what was pushed is on its branches.
    fn have_arrived(
        &self,
        repository: &Repository,
        moves: &[Move],
        watch: &Watch,
    ) -> Result<bool, Error> {
        let branches: Vec<&str> = moves.iter().map(|step| step.branch.as_str()).collect();
        let mut fetcher = Fetcher::start(self, watch)?;
        let tips = snapshot::tips(&mut fetcher, &branches)?;
        let fetcher = Arc::new(Mutex::new(fetcher));
        let now = Snapshot::all(repository, &branches, &tips, &fetcher)?;
        let mut arrived = Vec::with_capacity(moves.len());
        for (now, step) in now.iter().zip(moves) {
            arrived.push(has_arrived(repository, now, step)?);
        }
        if arrived.iter().any(|arrived| *arrived) && !arrived.iter().all(|arrived| *arrived) {
            // A transaction of git's is not proof against a machine that stops in the middle of it.
            let message = "some of the branches have moved and others have not";
            return Err(Error::new(ErrorKind::Protocol, message));
        }
        Ok(arrived.iter().all(|arrived| *arrived))
    }
}

fn has_arrived(repository: &Repository, now: &Snapshot<'_>, step: &Move) -> Result<bool, Error> {
    if now.tip() == Some(step.new) || now.tip() == step.expected {
        return Ok(now.tip() == Some(step.new));
    }
    // What is here may tell: of a repository with its whole history nothing more is to be fetched.
    if let Some(told) = looked_back(repository, now, step)? {
        return Ok(told);
    }
    now.need_history(MAX_LOOKED_BACK)?;
    Ok(looked_back(repository, now, step)?.unwrap_or(false))
}

/// Whether what was pushed leads to the tip; `None` when the history that is here ends before that shows.
fn looked_back(
    repository: &Repository,
    now: &Snapshot<'_>,
    step: &Move,
) -> Result<Option<bool>, Error> {
    let mut next = now.tip();
    for _ in 0..MAX_LOOKED_BACK {
        match next {
            Some(id) if id == step.new => return Ok(Some(true)),
            Some(id) if Some(id) == step.expected => return Ok(Some(false)),
            Some(id) => {
                let parents = repository.parents(id)?.unwrap_or_default();
                next = parents.first().copied();
            }
            None => return Ok(None),
        }
    }
    Ok(Some(false))
}

/// Whether a push that failed so may have arrived all the same: a proxy in front of the server gives up before it does,
/// and a connection may end in many ways.
pub(super) fn leaves_open(kind: ErrorKind) -> bool {
    use ErrorKind::{Cancelled, Interrupted, Protocol, TimedOut, Unavailable, Unreachable};

    matches!(
        kind,
        Interrupted | Unavailable | Unreachable | Protocol | TimedOut | Cancelled
    )
}

/// Of the commits that were pushed.
pub(super) fn not_known(moves: &[Move]) -> String {
    let commits: Vec<String> = moves.iter().map(|step| step.new.to_string()).collect();
    format!("whether {} has arrived is not known", commits.join(", "))
}
