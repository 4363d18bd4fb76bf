//! A repository at fixed tips: everything one decision looks at, so that it looks at one moment.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::PromoteError;
use crate::edit::{self, Selector, Setting};
use crate::history::Delivery;
use crate::repository::{CommitId, Error, History, Repository, TreePath};

/// The tips of branches as they were first asked for.
#[derive(Debug)]
pub struct Snapshot<'a> {
    repository: &'a Repository,
    tips: RefCell<BTreeMap<String, Option<CommitId>>>,
}

impl<'a> Snapshot<'a> {
    /// The repository as it is from now on.
    #[must_use]
    pub fn new(repository: &'a Repository) -> Self {
        Self {
            repository,
            tips: RefCell::default(),
        }
    }

    /// The same with the tip of one branch given: the one a commit is decided on.
    #[must_use]
    pub fn with_tip(self, branch: &str, tip: Option<CommitId>) -> Self {
        self.tips.borrow_mut().insert(branch.to_owned(), tip);
        self
    }

    /// Where a branch stands.
    ///
    /// # Errors
    ///
    /// Those of [`Repository::tip`].
    pub fn tip(&self, branch: &str) -> Result<Option<CommitId>, Error> {
        if let Some(tip) = self.tips.borrow().get(branch) {
            return Ok(*tip);
        }
        let tip = self.repository.tip(branch)?;
        self.tips.borrow_mut().insert(branch.to_owned(), tip);
        Ok(tip)
    }

    /// A file of a branch; `None` when it or the branch is not there.
    ///
    /// # Errors
    ///
    /// Those of [`Repository::read`].
    pub fn read(&self, branch: &str, file: &TreePath) -> Result<Option<Vec<u8>>, Error> {
        match self.tip(branch)? {
            Some(tip) => self.repository.read(tip, file),
            None => Ok(None),
        }
    }

    /// A file's text.
    pub(super) fn text(&self, branch: &str, file: &TreePath) -> Result<String, PromoteError> {
        let bytes = self
            .read(branch, file)?
            .ok_or_else(|| PromoteError::NoFile {
                file: file.clone(),
                branch: branch.to_owned(),
            })?;
        String::from_utf8(bytes).map_err(|error| PromoteError::Edit {
            file: file.clone(),
            source: Box::new(edit::EditError::NotUtf8 {
                offset: error.utf8_error().valid_up_to(),
            }),
        })
    }

    /// What stands at a selector.
    pub(super) fn get(
        &self,
        branch: &str,
        file: &TreePath,
        select: &Selector,
    ) -> Result<Setting, PromoteError> {
        let text = self.text(branch, file)?;
        edit::get(&text, select).map_err(|source| PromoteError::Edit {
            file: file.clone(),
            source: Box::new(source),
        })
    }

    /// The deliveries a branch records, newest first.
    ///
    /// # Errors
    ///
    /// Those of [`Repository::history`].
    pub fn deliveries(&self, branch: &str) -> Result<Vec<Delivery>, Error> {
        let tip = self.tip(branch)?;
        let records = self.repository.history(branch, &History::new())?;
        // The branch may have moved on since.
        let from = records.iter().skip_while(|record| Some(record.id) != tip);
        Ok(from.filter_map(Delivery::of).collect())
    }
}
