//! Committing to a branch: once from a known tip, or again and again until the race is won.

use git2::Oid;

use super::branch::{self, Moved};
use super::history::MAX_COMMIT_BYTES;
use super::object::{self, Object};
use super::objects::Objects;
use super::{CommitId, Error, ErrorKind, Repository, Signature, read, store, tree};
use crate::change::ChangeSet;
use crate::message::Message;

/// What to commit. With the tip it is put on, it decides every byte of the commit and so its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    changes: ChangeSet,
    message: Message,
    signature: Signature,
}

impl Commit {
    /// `changes`, said by `message`, made by `signature` as author and committer.
    #[must_use]
    pub fn new(changes: ChangeSet, message: Message, signature: Signature) -> Self {
        Self {
            changes,
            message,
            signature,
        }
    }

    /// The changes.
    #[must_use]
    pub fn changes(&self) -> &ChangeSet {
        &self.changes
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// Who and when.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }
}

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Outcome {
    /// The branch stands at this new commit.
    Committed(CommitId),
    /// The tip already is as the changes say; there is no new commit.
    NothingToDo,
    /// The branch is not where the changes were decided; nothing was changed. Decide again.
    Moved {
        /// The tip the changes were decided on.
        expected: Option<CommitId>,
        /// The tip there is.
        found: Option<CommitId>,
    },
}

/// How a repeated commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Landed {
    /// The last attempt's outcome; [`Outcome::Moved`] when the attempts ran out.
    pub outcome: Outcome,
    /// How many attempts were made, at least one.
    pub attempts: u32,
}

impl Repository {
    /// Puts `commit` on `branch` if the branch still stands at `expected`, the tip it was decided
    /// on; `None` means that the branch did not exist, and makes it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::CheckedOut`], [`ErrorKind::InvalidBranch`], [`ErrorKind::PathConflict`],
    /// [`ErrorKind::Locked`] (a git process is moving the branch at this moment: try again),
    /// [`ErrorKind::Damaged`], [`ErrorKind::Failed`]. After an error the branch is where it was.
    pub fn commit(
        &self,
        branch: &str,
        expected: Option<CommitId>,
        commit: &Commit,
    ) -> Result<Outcome, Error> {
        let git = self.git();
        branch::refuse_checked_out(&git, branch)?;
        // Cheap, and spares the writing of objects that a lost race would leave behind.
        let found = branch::tip(&git, branch)?;
        if found != expected {
            return Ok(Outcome::Moved { expected, found });
        }
        let Some((id, objects)) = self.encode(&git, expected, commit)? else {
            return Ok(Outcome::NothingToDo);
        };
        let writer = store::open_for_writing(&git)?;
        store::write(&writer, &objects)?;
        objects.iter().for_each(|object| git.remember(object));
        let why = format!("narae: {}", commit.message.subject());
        Ok(
            match branch::compare_and_swap(&writer, branch, expected, id, &why)? {
                Moved::Done => Outcome::Committed(id),
                Moved::Elsewhere(found) => Outcome::Moved { expected, found },
            },
        )
    }

    /// Refuses what [`commit`](Self::commit) on `expected` would refuse of `commit` itself, and writes nothing: what a dry
    /// run has to know. Nothing is signed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`], [`ErrorKind::PathConflict`], [`ErrorKind::TooLarge`], [`ErrorKind::Damaged`],
    /// [`ErrorKind::Failed`].
    pub fn examine(&self, expected: Option<CommitId>, commit: &Commit) -> Result<(), Error> {
        self.edited(&self.git(), expected, commit).map(drop)
    }

    /// Commits what `decide` says about the current tip; when another writer was faster, asks again
    /// about the new tip, at most `attempts` times (at least once).
    ///
    /// `decide` is given the tip and looks at the repository as it is there; it is asked anew for
    /// every attempt, so nothing of a lost attempt is merged or replayed. `back_off` is called with
    /// the number of attempts lost so far before each further one: the place to wait, with jitter
    /// when there are many writers.
    ///
    /// # Errors
    ///
    /// Those of `decide`, and those of [`Repository::commit`] except that
    /// [`ErrorKind::Locked`] is a lost attempt until the attempts run out.
    pub fn land<E: From<Error>>(
        &self,
        branch: &str,
        attempts: u32,
        mut decide: impl FnMut(Option<CommitId>) -> Result<Commit, E>,
        mut back_off: impl FnMut(u32),
    ) -> Result<Landed, E> {
        let mut made = 0;
        loop {
            let tip = self.tip(branch)?;
            let commit = decide(tip)?;
            made += 1;
            match self.commit(branch, tip, &commit) {
                Ok(Outcome::Moved { .. }) if made < attempts => {}
                Err(error) if error.kind() == ErrorKind::Locked && made < attempts => {}
                Ok(outcome) => {
                    return Ok(Landed {
                        outcome,
                        attempts: made,
                    });
                }
                Err(error) => return Err(error.into()),
            }
            back_off(made);
        }
    }
}

impl Repository {
    /// The commit's id and the objects to write; `None` when the tip already is as it says.
    pub(super) fn encode(
        &self,
        git: &Objects,
        parent: Option<CommitId>,
        commit: &Commit,
    ) -> Result<Option<(CommitId, Vec<Object>)>, Error> {
        let Some((mut edited, message)) = self.edited(git, parent, commit)? else {
            return Ok(None);
        };
        let parent = parent.map(CommitId::object);
        let object = object::commit(
            edited.root,
            parent,
            &commit.signature,
            &message,
            self.signer.as_deref(),
        )?;
        let id = CommitId::new(object.id);
        edited.objects.push(object);
        Ok(Some((id, edited.objects)))
    }

    /// The tree and message of the commit, which may be written; `None` when the tip already is as it says.
    fn edited(
        &self,
        git: &Objects,
        parent: Option<CommitId>,
        commit: &Commit,
    ) -> Result<Option<(tree::Edited, String)>, Error> {
        if commit.changes.is_empty() {
            return Ok(None);
        }
        if let Some(check) = &self.check {
            commit.check(check)?;
        }
        let base = parent.map(|parent| read::root(git, parent)).transpose()?;
        let edited = tree::apply(git, base, &commit.changes)?;
        if base == Some(edited.root) || (base.is_none() && is_empty_tree(edited.root)) {
            return Ok(None);
        }
        let message = commit.message.to_string();
        // With room for what else a commit says, a signature among it: what is written has to be readable again.
        if message.len() > MAX_COMMIT_BYTES / 2 {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "this commit's message has {} bytes: at most {} are written",
                    message.len(),
                    MAX_COMMIT_BYTES / 2
                ),
            )
            .hint("fewer changes at once"));
        }
        Ok(Some((edited, message)))
    }
}

fn is_empty_tree(id: Oid) -> bool {
    Oid::hash_object(git2::ObjectType::Tree, &[]).is_ok_and(|empty| empty == id)
}
