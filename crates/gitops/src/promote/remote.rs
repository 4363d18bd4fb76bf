//! A repository elsewhere as a source: each branch is asked for once, its objects when they are looked at.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use super::{Source, SourceError};
use crate::remote::{self, Remote};
use crate::repository::{CommitId, History, Record, Repository, TreePath};

/// Branches of a remote, as they stood when each was first looked at.
///
/// While commits are landed, the branches they land on are those that landing looks at ([`RemoteSource::on`]).
pub struct RemoteSource<'a> {
    remote: &'a Remote,
    objects: &'a Repository,
    depth: u32,
    landing: Vec<&'a dyn Branch>,
    branches: RefCell<BTreeMap<String, remote::Snapshot<'a>>>,
}

impl<'a> RemoteSource<'a> {
    /// The branches of `remote`, their objects kept in `objects`; of each at most the newest `depth`
    /// commits are looked at for what was delivered.
    #[must_use]
    pub fn new(remote: &'a Remote, objects: &'a Repository, depth: u32) -> Self {
        Self {
            remote,
            objects,
            depth,
            landing: Vec::new(),
            branches: RefCell::default(),
        }
    }

    /// The same, with one branch more as a landing sees it.
    #[must_use]
    pub fn on(mut self, landing: &'a remote::Snapshot<'_>) -> Self {
        self.landing.push(landing);
        self
    }

    fn with<T>(
        &self,
        branch: &str,
        look: impl FnOnce(&dyn Branch) -> Result<T, remote::Error>,
    ) -> Result<T, SourceError> {
        let mut landing = self.landing.iter();
        if let Some(landing) = landing.find(|landing| landing.name() == branch) {
            return Ok(look(*landing)?);
        }
        let mut branches = self.branches.borrow_mut();
        let snapshot = match branches.entry(branch.to_owned()) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                new.insert(self.remote.fetch(self.objects, branch)?)
            }
        };
        Ok(look(snapshot)?)
    }
}

/// What is asked of one branch, whatever the lifetimes of its snapshot.
trait Branch {
    fn name(&self) -> &str;
    fn tip(&self) -> Option<CommitId>;
    fn read(&self, file: &TreePath) -> Result<Option<Vec<u8>>, remote::Error>;
    fn history(&self, depth: u32) -> Result<(), remote::Error>;
}

impl Branch for remote::Snapshot<'_> {
    fn name(&self) -> &str {
        self.branch()
    }

    fn tip(&self) -> Option<CommitId> {
        self.tip()
    }

    fn read(&self, file: &TreePath) -> Result<Option<Vec<u8>>, remote::Error> {
        self.read(file)
    }

    fn history(&self, depth: u32) -> Result<(), remote::Error> {
        self.need_history(depth)
    }
}

impl Source for RemoteSource<'_> {
    fn tip(&self, branch: &str) -> Result<Option<CommitId>, SourceError> {
        self.with(branch, |snapshot| Ok(snapshot.tip()))
    }

    fn read(
        &self,
        branch: &str,
        _: CommitId,
        file: &TreePath,
    ) -> Result<Option<Vec<u8>>, SourceError> {
        self.with(branch, |snapshot| snapshot.read(file))
    }

    fn history(&self, branch: &str, commit: CommitId) -> Result<Vec<Record>, SourceError> {
        self.with(branch, |snapshot| snapshot.history(self.depth))?;
        let wanted = History::new().with_limit(usize::try_from(self.depth).unwrap_or(usize::MAX));
        let found = self.objects.history_from(commit, &wanted);
        Ok(found.map_err(|error| remote::lost(self.objects, error.into()))?)
    }
}

impl fmt::Debug for RemoteSource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteSource")
            .field("remote", &self.remote.address())
            .finish_non_exhaustive()
    }
}
