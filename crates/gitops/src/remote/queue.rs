//! Many writers of one process, one branch: who comes while a push is under way goes with the next.
//!
//! Group commit: the first writer leads, takes everybody who waits along in one fetch and one push, and hands
//! each its own outcome. Twenty racing writers need over a hundred pushes between them; twenty in
//! a queue need two or three.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Remote;
use super::error::{Error, ErrorKind};
use super::land::{Decision, Landed, LandedAll};
use super::snapshot::Snapshot;
use crate::repository::{Commit, Repository};

/// Most changes that go in one push.
pub const MAX_BATCH: usize = 100;

/// The writers of one branch.
pub struct Queue<'a, E> {
    remote: &'a Remote,
    repository: &'a Repository,
    branch: String,
    attempts: u32,
    back_off: Box<dyn Fn(u32) + Send + Sync + 'a>,
    state: Mutex<State<'a, E>>,
    changed: Condvar,
}

type Waiting<'a, E> = Box<dyn FnMut(&Snapshot<'_>) -> Result<Vec<Commit>, E> + Send + 'a>;

struct State<'a, E> {
    next: u64,
    is_led: bool,
    waiting: Vec<(u64, Waiting<'a, E>)>,
    done: HashMap<u64, Result<Landed, E>>,
}

impl<'a, E: From<Error>> Queue<'a, E> {
    /// A queue for `branch` of `remote`; the rest is as for [`Remote::land`].
    pub fn new(
        remote: &'a Remote,
        repository: &'a Repository,
        branch: &str,
        attempts: u32,
        back_off: impl Fn(u32) + Send + Sync + 'a,
    ) -> Self {
        Self {
            remote,
            repository,
            branch: branch.to_owned(),
            attempts,
            back_off: Box::new(back_off),
            state: Mutex::new(State {
                next: 0,
                is_led: false,
                waiting: Vec::new(),
                done: HashMap::new(),
            }),
            changed: Condvar::new(),
        }
    }

    /// Lands what `decide` says, in one push with whoever else waits. Returns when that push has ended.
    ///
    /// `decide` may run on the thread of another writer.
    ///
    /// # Errors
    ///
    /// As [`Remote::land`]. What fails for all of a push is told to each of its writers.
    pub fn land(
        &self,
        decide: impl FnMut(&Snapshot<'_>) -> Result<Vec<Commit>, E> + Send + 'a,
    ) -> Result<Landed, E> {
        let mut state = self.state();
        let ticket = state.next;
        state.next += 1;
        state.waiting.push((ticket, Box::new(decide)));
        loop {
            if let Some(result) = state.done.remove(&ticket) {
                return result;
            }
            state = if state.is_led {
                self.changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner)
            } else {
                state.is_led = true;
                let count = state.waiting.len().min(MAX_BATCH);
                let batch = state.waiting.drain(..count).collect();
                drop(state);
                self.lead(batch);
                self.state()
            };
        }
    }

    fn lead(&self, mut batch: Vec<(u64, Waiting<'a, E>)>) {
        let tickets = batch.iter().map(|(ticket, _)| *ticket).collect();
        let mut lead = Lead {
            queue: self,
            tickets,
            landed: None,
        };
        let mut decisions: Vec<&mut Decision<'_, E>> = batch
            .iter_mut()
            .map(|(_, decide)| decide.as_mut() as &mut Decision<'_, E>)
            .collect();
        lead.landed = Some(self.remote.land_all(
            self.repository,
            &self.branch,
            self.attempts,
            &mut decisions,
            &self.back_off,
        ));
    }
}

impl<'a, E> Queue<'a, E> {
    fn state(&self) -> MutexGuard<'_, State<'a, E>> {
        // Nothing that can panic is done while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E> fmt::Debug for Queue<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("remote", &self.remote)
            .field("branch", &self.branch)
            .finish_non_exhaustive()
    }
}

/// Hands out the outcomes when it is dropped: also when a decision panicked, so that nobody waits for ever.
struct Lead<'q, 'a, E: From<Error>> {
    queue: &'q Queue<'a, E>,
    tickets: Vec<u64>,
    landed: Option<Result<LandedAll<E>, Error>>,
}

impl<E: From<Error>> Drop for Lead<'_, '_, E> {
    fn drop(&mut self) {
        let tickets = std::mem::take(&mut self.tickets);
        let results: Vec<Result<Landed, E>> = match self.landed.take() {
            Some(Ok(LandedAll { outcomes, attempts })) => outcomes
                .into_iter()
                .map(|outcome| outcome.map(|outcome| Landed { outcome, attempts }))
                .collect(),
            Some(Err(error)) => tickets.iter().map(|_| Err(error.again().into())).collect(),
            None => {
                let error =
                    Error::new(ErrorKind::Interrupted, "another writer's decision panicked");
                tickets.iter().map(|_| Err(error.again().into())).collect()
            }
        };
        let mut state = self.queue.state();
        state.done.extend(tickets.into_iter().zip(results));
        state.is_led = false;
        self.queue.changed.notify_all();
    }
}
