//! A branch's tip, of which objects come when they are looked at.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Remote;
use super::cache::lost;
use super::error::{Error, ErrorKind};
use super::fetch::Fetcher;
use super::watch::Watch;
use super::wire::{FetchRequest, ObjectId};
use crate::repository::{self, CommitId, Entry, Repository, TreePath};

/// A branch of a remote as it stood at one moment.
///
/// Its objects are in a [`Repository`] on this machine; those that are not yet are fetched when a path is
/// asked for. The deadline of the operation that made it covers them.
pub struct Snapshot<'a> {
    repository: &'a Repository,
    branch: String,
    tip: Option<CommitId>,
    /// Where the branch stands there: the tip is that, or a commit made here on it.
    there: Option<CommitId>,
    fetcher: Arc<Mutex<Fetcher<'a>>>,
}

impl Remote {
    /// Where `branch` stands; `None` while it does not exist.
    ///
    /// # Errors
    ///
    /// Everything of [`ErrorKind`] that is not about pushing.
    pub fn tip(&self, branch: &str) -> Result<Option<CommitId>, Error> {
        let tips = self.tips_within(&[branch], &self.options.watch())?;
        Ok(tips.into_iter().next().flatten())
    }

    /// The branch that `HEAD` stands for there; `None` when the server does not say.
    ///
    /// # Errors
    ///
    /// As [`Remote::tip`].
    pub fn default_branch(&self) -> Result<Option<String>, Error> {
        let mut fetcher = Fetcher::start(self, &self.options.watch())?;
        let head = fetcher.references(&["HEAD"])?;
        let target = head.into_iter().find(|reference| reference.name == "HEAD");
        let target = target.and_then(|reference| reference.target);
        Ok(target.and_then(|name| name.strip_prefix("refs/heads/").map(str::to_owned)))
    }

    /// The tip of `branch` and its commit, fetched into `repository`; further objects come when they are asked for.
    ///
    /// `repository` may be one that earlier calls filled: what it has is not fetched again. It is
    /// written to as a store of objects; its branches stay as they are.
    ///
    /// # Errors
    ///
    /// As [`Remote::tip`].
    pub fn fetch<'a>(
        &'a self,
        repository: &'a Repository,
        branch: &str,
    ) -> Result<Snapshot<'a>, Error> {
        self.snapshot(repository, branch, &self.options.watch())
    }

    pub(super) fn snapshot<'a>(
        &'a self,
        repository: &'a Repository,
        branch: &str,
        watch: &Watch,
    ) -> Result<Snapshot<'a>, Error> {
        let mut fetcher = Fetcher::start(self, watch)?;
        let tip = tips(&mut fetcher, &[branch])?.into_iter().next().flatten();
        let fetcher = Arc::new(Mutex::new(fetcher));
        let snapshot = Snapshot::new(repository, branch, tip, fetcher);
        snapshot.sound(snapshot.fetch_commits(tip))?;
        Ok(snapshot)
    }
}

impl<'a> Snapshot<'a> {
    fn new(
        repository: &'a Repository,
        branch: &str,
        tip: Option<CommitId>,
        fetcher: Arc<Mutex<Fetcher<'a>>>,
    ) -> Self {
        Self {
            repository,
            branch: branch.to_owned(),
            tip,
            there: tip,
            fetcher,
        }
    }

    /// Each of `branches` at its tip, whose commits are fetched at once.
    pub(super) fn all(
        repository: &'a Repository,
        branches: &[&str],
        tips: &[Option<CommitId>],
        fetcher: &Arc<Mutex<Fetcher<'a>>>,
    ) -> Result<Vec<Self>, Error> {
        let snapshot =
            |(branch, tip): (&&str, &_)| Self::new(repository, branch, *tip, Arc::clone(fetcher));
        let all: Vec<Self> = branches.iter().zip(tips).map(snapshot).collect();
        if let Some(first) = all.first() {
            first.sound(first.fetch_commits(tips.iter().copied().flatten()))?;
        }
        Ok(all)
    }

    /// The commit the branch stood at; `None` when there was no such branch.
    #[must_use]
    pub fn tip(&self) -> Option<CommitId> {
        self.tip
    }

    /// The branch.
    #[must_use]
    pub fn branch(&self) -> &str {
        &self.branch
    }

    /// Where the objects are. What was not asked for here is not there: ask for all paths that are
    /// to be read or changed ([`Snapshot::need`]) before reading from it.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        self.repository
    }

    /// The bytes of the file at `path`; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As [`Remote::tip`], and as [`Repository::read`].
    pub fn read(&self, path: &TreePath) -> Result<Option<Vec<u8>>, Error> {
        let Some(tip) = self.tip else {
            return Ok(None);
        };
        self.need([path])?;
        self.sound(self.repository.read(tip, path).map_err(Error::from))
    }

    /// The files anywhere below `directory`, in the order of the tree.
    ///
    /// # Errors
    ///
    /// As [`Remote::tip`], and as [`Repository::list`].
    pub fn list(&self, directory: &TreePath) -> Result<Vec<Entry>, Error> {
        let Some(tip) = self.tip else {
            return Ok(Vec::new());
        };
        self.need_trees_below([directory])?;
        self.sound(self.repository.list(tip, directory).map_err(Error::from))
    }

    /// Fetches the files at `paths` and the directories on the way, a trip for each level.
    ///
    /// Of a directory its names come, not what is in it. A path that is not there is not an error.
    ///
    /// # Errors
    ///
    /// As [`Remote::tip`].
    pub fn need<'p>(&self, paths: impl IntoIterator<Item = &'p TreePath>) -> Result<(), Error> {
        self.sound(self.descend(paths, true).map(drop))
    }

    /// Fetches the directories on the way to `paths`.
    pub(super) fn need_directories<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p TreePath>,
    ) -> Result<(), Error> {
        self.sound(self.descend(paths, false).map(drop))
    }

    /// Fetches all directories anywhere below `directories`, without the files, a trip for each level.
    ///
    /// # Errors
    ///
    /// As [`Remote::tip`].
    pub fn need_trees_below<'p>(
        &self,
        directories: impl IntoIterator<Item = &'p TreePath>,
    ) -> Result<(), Error> {
        self.sound(self.trees_below(directories))
    }

    fn trees_below<'p>(
        &self,
        directories: impl IntoIterator<Item = &'p TreePath>,
    ) -> Result<(), Error> {
        let mut level = self.descend(directories, false)?;
        for _ in 0..=repository::MAX_PATH_DEPTH {
            if level.is_empty() {
                return Ok(());
            }
            let mut next = BTreeSet::new();
            for directory in level {
                let children = self.repository.children(directory)?;
                next.extend(
                    children
                        .into_iter()
                        .filter(|child| child.is_directory)
                        .map(|child| child.id),
                );
            }
            self.fetch_objects(&next)?;
            level = next;
        }
        Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "directories are nested deeper than {}",
                repository::MAX_PATH_DEPTH
            ),
        ))
    }

    /// Fetches the newest `commits` commits of the branch, without their files: what
    /// [`Repository::history`](crate::repository::Repository::history) reads messages from.
    ///
    /// # Errors
    ///
    /// As [`Remote::tip`].
    pub fn need_history(&self, commits: u32) -> Result<(), Error> {
        let Some(tip) = self.there else { return Ok(()) };
        let request = FetchRequest::new(vec![tip.into()]).with_depth(commits.max(1));
        // A conversation of its own: git remembers the depth of an earlier question of the same one,
        // and would count from there.
        let mut fetcher = self.fetcher().again()?;
        let request = if fetcher.can_filter()? {
            request.with_filter("tree:0")
        } else {
            request
        };
        self.sound(fetcher.objects(self.repository, &request))
    }

    /// Follows `paths` down from the root, a level at a time for all together. Returns the directories
    /// they end at.
    fn descend<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p TreePath>,
        with_files: bool,
    ) -> Result<BTreeSet<ObjectId>, Error> {
        let mut ends = BTreeSet::new();
        let Some(tip) = self.tip else {
            return Ok(ends);
        };
        let root = self.repository.root(tip)?;
        let mut level: Vec<_> = paths
            .into_iter()
            .map(|path| (root, path.components().peekable()))
            .collect();
        while !level.is_empty() {
            let mut next = Vec::new();
            let mut wanted = BTreeSet::new();
            for (directory, mut rest) in level {
                let Some(name) = rest.next() else {
                    ends.insert(directory);
                    continue;
                };
                let Some(child) = self.repository.child(directory, name)? else {
                    continue;
                };
                let is_end = rest.peek().is_none();
                if child.is_directory || (is_end && with_files) {
                    wanted.insert(child.id);
                }
                if child.is_directory {
                    next.push((child.id, rest));
                }
            }
            self.fetch_objects(&wanted)?;
            level = next;
        }
        Ok(ends)
    }

    /// Fetches those of `tips` that are not here, and their root directories.
    fn fetch_commits(&self, tips: impl IntoIterator<Item = CommitId>) -> Result<(), Error> {
        let mut wanted = Vec::new();
        for tip in tips {
            let is_whole = self.repository.has(tip.into(), true)?
                && self.repository.has(self.repository.root(tip)?, true)?;
            if !is_whole && !wanted.contains(&tip) {
                wanted.push(tip);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let ids: Vec<ObjectId> = wanted.iter().copied().map(ObjectId::from).collect();
        let mut fetcher = self.fetcher();
        let request = FetchRequest::new(ids.clone()).with_depth(1);
        if fetcher.can_filter()? {
            // Commits and their root directories in one trip.
            fetcher.objects(self.repository, &request.with_filter("tree:1"))?;
        } else {
            // All of it, but for what the last such snapshot has.
            let last = self.repository.whole().into_iter().collect();
            let request = request.with_shallow_haves(last);
            fetcher.objects(self.repository, &request)?;
            for id in ids {
                self.repository.mark_whole(id)?;
            }
        }
        drop(fetcher);
        for tip in wanted {
            self.repository.root(tip)?;
        }
        Ok(())
    }

    /// Fetches those of `objects` that are not here: they alone, not what they refer to.
    fn fetch_objects(&self, objects: &BTreeSet<ObjectId>) -> Result<(), Error> {
        let mut wanted = Vec::new();
        for id in objects {
            if !self.repository.has(*id, wanted.is_empty())? {
                wanted.push(*id);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let (mut fetcher, request) = (self.fetcher(), FetchRequest::new(wanted));
        // Without filters all is here, unless somebody removed it: what is below it comes again as well.
        let request = match fetcher.can_filter()? {
            true => request.with_filter("tree:0"),
            false => request,
        };
        fetcher.objects(self.repository, &request)
    }

    /// Tells objects that are here no more, or are damaged, from what else may go wrong.
    fn sound<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|error| lost(self.repository, error))
    }

    /// The same with another commit as the tip: one made here, on this one.
    pub(super) fn on(&self, tip: Option<CommitId>) -> Self {
        Self {
            repository: self.repository,
            branch: self.branch.clone(),
            tip,
            there: self.there,
            fetcher: Arc::clone(&self.fetcher),
        }
    }

    /// Whether the connection ended early.
    pub(super) fn is_interrupted(&self) -> bool {
        self.fetcher().is_interrupted()
    }

    fn fetcher(&self) -> MutexGuard<'_, Fetcher<'a>> {
        // A panic while it was held left at worst a conversation that the server does not follow.
        self.fetcher.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Snapshot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("branch", &self.branch)
            .field("tip", &self.tip)
            .finish_non_exhaustive()
    }
}

/// Where each of `branches` stands.
pub(super) fn tips(
    fetcher: &mut Fetcher<'_>,
    branches: &[&str],
) -> Result<Vec<Option<CommitId>>, Error> {
    let names = repository::reference_names(branches)?;
    let prefixes: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = fetcher.references(&prefixes)?;
    let tip = |name: &String| {
        let found = found.iter().find(|reference| reference.name == *name);
        found.and_then(|reference| reference.id).map(CommitId::from)
    };
    Ok(names.iter().map(tip).collect())
}
