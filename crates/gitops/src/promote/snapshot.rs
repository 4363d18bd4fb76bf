//! A repository at fixed tips: everything one decision looks at, so that it looks at one moment.
//!
//! Where commits and files come from is a [`Source`]: a repository on this machine, or (feature
//! `remote`) one elsewhere whose objects come when they are asked for.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::PromoteError;
use crate::change::ChangeSet;
use crate::edit::{self, Selector, Setting};
use crate::history::Delivery;
use crate::repository::{CommitId, History, Record, Repository, TreePath};

/// Most commits of a branch that are looked at for what was delivered.
pub const MAX_DELIVERIES_LOOKED_AT: usize = 100_000;

/// What a source may fail with.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// Where commits and files come from.
pub trait Source {
    /// Where a branch stands.
    ///
    /// # Errors
    ///
    /// When that cannot be told.
    fn tip(&self, branch: &str) -> Result<Option<CommitId>, SourceError>;

    /// A file of the commit at which `branch` stood.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    fn read(
        &self,
        branch: &str,
        commit: CommitId,
        file: &TreePath,
    ) -> Result<Option<Vec<u8>>, SourceError>;

    /// The commits that lead to the one at which `branch` stood, newest first: all of them, or only the newest.
    /// Whether there are more, the last one's parent tells.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    fn history(&self, branch: &str, commit: CommitId) -> Result<Vec<Record>, SourceError>;
}

impl Source for Repository {
    fn tip(&self, branch: &str) -> Result<Option<CommitId>, SourceError> {
        Ok(Self::tip(self, branch)?)
    }

    fn read(
        &self,
        _: &str,
        commit: CommitId,
        file: &TreePath,
    ) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(Self::read(self, commit, file)?)
    }

    fn history(&self, _: &str, commit: CommitId) -> Result<Vec<Record>, SourceError> {
        let wanted = History::new().with_limit(MAX_DELIVERIES_LOOKED_AT);
        Ok(self.history_from(commit, &wanted)?)
    }
}

/// What a branch records, as far back as was looked.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Deliveries {
    /// Newest first.
    pub found: Vec<Delivery>,
    /// Where looking ended, unless that is the branch's first commit: before it there may be more.
    pub horizon: Option<Horizon>,
}

/// How much of a branch was looked at, where that is not all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Horizon {
    /// The branch.
    pub branch: String,
    /// How many of its newest commits.
    pub commits: usize,
    /// When the oldest of them was made, in seconds since 1970-01-01 00:00 UTC; none: there is none.
    pub since: Option<i64>,
}

impl Horizon {
    fn of(branch: &str, records: &[Record]) -> Option<Self> {
        let oldest = records.last();
        let is_whole = oldest.is_some_and(|oldest| oldest.parent.is_none());
        (!is_whole).then(|| Self {
            branch: branch.to_owned(),
            commits: records.len(),
            since: oldest.map(|oldest| oldest.seconds),
        })
    }
}

impl fmt::Display for Horizon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the newest {} commits of `{}`",
            self.commits, self.branch
        )
    }
}

/// What files of branches hold; `None`: there is no such file. Not by commit: two branches that stand at one may get
/// different changes.
type Files = BTreeMap<(String, TreePath), Option<Vec<u8>>>;

/// The tips of branches as they were first asked for. A copy has what was asked for so far, and is by itself from then on.
#[derive(Clone)]
pub struct Snapshot<'a> {
    source: &'a dyn Source,
    tips: RefCell<BTreeMap<String, Option<CommitId>>>,
    /// Files that were read: a decision asks for each several times, and finding one costs as much
    /// as the directories on its way are wide.
    files: RefCell<Files>,
    relied_on: RefCell<BTreeSet<Horizon>>,
}

impl<'a> Snapshot<'a> {
    /// The source as it is from now on.
    #[must_use]
    pub fn new(source: &'a dyn Source) -> Self {
        Self {
            source,
            tips: RefCell::default(),
            files: RefCell::default(),
            relied_on: RefCell::default(),
        }
    }

    /// The same with the tip of one branch given: the one a commit is decided on.
    #[must_use]
    pub fn with_tip(self, branch: &str, tip: Option<CommitId>) -> Self {
        self.tips.borrow_mut().insert(branch.to_owned(), tip);
        self
    }

    /// The same as if a branch had these changes already: those of a commit that is about to be made.
    ///
    /// # Errors
    ///
    /// Those of the source.
    pub fn change(&self, branch: &str, changes: &ChangeSet) -> Result<(), SourceError> {
        if self.tip(branch)?.is_some() {
            let changed = changes.iter().map(|(path, content)| {
                let key = (branch.to_owned(), path.clone());
                (key, content.map(<[u8]>::to_vec))
            });
            self.files.borrow_mut().extend(changed);
        }
        Ok(())
    }

    /// Where a branch stands.
    ///
    /// # Errors
    ///
    /// Those of the source.
    pub fn tip(&self, branch: &str) -> Result<Option<CommitId>, SourceError> {
        if let Some(tip) = self.tips.borrow().get(branch) {
            return Ok(*tip);
        }
        let tip = self.source.tip(branch)?;
        self.tips.borrow_mut().insert(branch.to_owned(), tip);
        Ok(tip)
    }

    /// A file of a branch; `None` when it or the branch is not there.
    ///
    /// # Errors
    ///
    /// Those of the source.
    pub fn read(&self, branch: &str, file: &TreePath) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(tip) = self.tip(branch)? else {
            return Ok(None);
        };
        let key = (branch.to_owned(), file.clone());
        if let Some(known) = self.files.borrow().get(&key) {
            return Ok(known.clone());
        }
        let found = self.source.read(branch, tip, file)?;
        self.files.borrow_mut().insert(key, found.clone());
        Ok(found)
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

    /// The deliveries a branch records.
    ///
    /// # Errors
    ///
    /// Those of the source.
    pub fn deliveries(&self, branch: &str) -> Result<Deliveries, SourceError> {
        let Some(tip) = self.tip(branch)? else {
            return Ok(Deliveries::default());
        };
        let records = self.source.history(branch, tip)?;
        Ok(Deliveries {
            found: records.iter().filter_map(Delivery::of).collect(),
            horizon: Horizon::of(branch, &records),
        })
    }

    /// Histories that were cut short, and in which a decision so far rests on something not being there: it
    /// may be, further back.
    #[must_use]
    pub fn relied_on(&self) -> Vec<Horizon> {
        self.relied_on.borrow().iter().cloned().collect()
    }

    /// It was not found in what was looked at, and that decides.
    pub(super) fn rely(&self, on: Option<&Horizon>) {
        self.relied_on.borrow_mut().extend(on.cloned());
    }
}

impl fmt::Debug for Snapshot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("tips", &self.tips)
            .finish_non_exhaustive()
    }
}
