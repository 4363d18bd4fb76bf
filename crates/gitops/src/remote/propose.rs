//! A commit for others to agree to: not on the branch it was decided for, but where a merge request is made of it.

use super::Remote;
use super::error::Error;
use super::push::{PushOutcome, Pusher, Verdict};
use crate::repository::{self, CommitId, Repository};

/// Where a commit is put for others to agree to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proposal<'a> {
    /// On this branch, which is made, or replaced if it is there: whatever it holds was proposed before.
    Branch(&'a str),
    /// For this branch (`refs/for/…`): Gitea and Forgejo make a merge request of what is pushed there, and no branch.
    For(&'a str),
}

impl Remote {
    /// Puts `new` there: a commit of `repository` that descends from `base`, the tip of the branch it was decided for
    /// (`None`: there is no such branch yet).
    ///
    /// # Errors
    ///
    /// As [`Remote::push`].
    pub fn propose(
        &self,
        repository: &Repository,
        to: Proposal<'_>,
        base: Option<CommitId>,
        new: CommitId,
    ) -> Result<PushOutcome, Error> {
        let watch = self.options.watch();
        let name = match to {
            Proposal::Branch(branch) => repository::reference_name(branch)?,
            Proposal::For(branch) => {
                repository::reference_name(branch)?;
                format!("refs/for/{branch}")
            }
        };
        let pusher = Pusher::open_at(self, vec![name.clone()], &watch)?;
        let found = pusher.tips().into_iter().next().flatten();
        if found == Some(new) {
            return Ok(PushOutcome::AlreadyThere);
        }
        match pusher.replace(repository, &[(name, base, new)], &watch)? {
            Verdict::Taken => Ok(PushOutcome::Pushed),
            Verdict::Elsewhere(_) => Ok(PushOutcome::Moved {
                expected: found,
                found,
            }),
            Verdict::No(no) => Err(self.refused(no)),
        }
    }
}
