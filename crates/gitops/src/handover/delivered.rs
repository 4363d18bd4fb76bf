//! A change that is in the repository, and what became of telling others. No notice can undo it.

use super::error::Error;
use crate::repository::CommitId;

/// A commit that was pushed. Notices are told after that, and what fails is only written down.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Delivered {
    /// Where the branch stands.
    pub commit: CommitId,
    /// One for each notice, in the order they were told.
    pub notices: Vec<NoticeOutcome>,
}

/// What became of one notice.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NoticeOutcome {
    /// Who was told: `Argo CD`, `#deployments`.
    pub name: String,
    /// That it was taken, or why not.
    pub result: Result<(), Error>,
}

impl Delivered {
    /// Nobody has been told.
    #[must_use]
    pub fn new(commit: CommitId) -> Self {
        Self {
            commit,
            notices: Vec::new(),
        }
    }

    /// Tells somebody.
    #[must_use]
    pub fn notify<T>(
        mut self,
        name: impl Into<String>,
        tell: impl FnOnce(CommitId) -> Result<T, Error>,
    ) -> Self {
        let result = tell(self.commit).map(drop);
        self.notices.push(NoticeOutcome {
            name: name.into(),
            result,
        });
        self
    }

    /// The notices that failed.
    pub fn failed(&self) -> impl Iterator<Item = (&str, &Error)> {
        self.notices.iter().filter_map(|notice| {
            let error = notice.result.as_ref().err()?;
            Some((notice.name.as_str(), error))
        })
    }
}
