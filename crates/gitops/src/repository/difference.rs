//! Which files differ between two commits.
//!
//! Two directories with the same id hold the same files, so only those whose ids differ are read: the cost
//! grows with what changed, and objects that only other paths need may be missing, as they are where only
//! the needed ones were fetched. Renames are not looked for: the old name was removed, the new one added
//! (`git diff --no-renames --name-status`).

use git2::Oid;

use super::entry::{self, Target};
use super::objects::Objects;
use super::read::{MAX_LISTED, listed, root};
use super::{CommitId, Error, ErrorKind, MAX_PATH_DEPTH, Repository, TreePath};

/// The files that differ, each list in the order of `git diff`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangedFiles {
    /// There were no such files before.
    pub added: Vec<TreePath>,
    /// Their content, mode or kind is another.
    pub modified: Vec<TreePath>,
    /// They are gone.
    pub removed: Vec<TreePath>,
}

impl ChangedFiles {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names().next().is_none()
    }

    /// All of them: what was added, then what was modified, then what was removed.
    pub fn names(&self) -> impl Iterator<Item = &TreePath> {
        [&self.added, &self.modified, &self.removed]
            .into_iter()
            .flatten()
    }

    fn sort(mut self) -> Self {
        for files in [&mut self.added, &mut self.modified, &mut self.removed] {
            files.sort();
        }
        self
    }
}

impl Repository {
    /// The files that differ from `before` to `after`; all of `after`'s are added when there is no `before`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is no such commit; [`ErrorKind::TooLarge`] past [`MAX_LISTED`] files;
    /// [`ErrorKind::Unsupported`] when a changed name is not one a [`TreePath`] can have.
    pub fn changed_files(
        &self,
        before: Option<CommitId>,
        after: CommitId,
    ) -> Result<ChangedFiles, Error> {
        let git = self.git();
        let before = before.map(|commit| root(&git, commit)).transpose()?;
        let after = root(&git, after)?;
        let mut walk = Walk {
            objects: &git,
            count: 0,
            found: ChangedFiles::default(),
        };
        walk.directories(before, Some(after), None, MAX_PATH_DEPTH)?;
        Ok(walk.found.sort())
    }
}

struct Walk<'a> {
    objects: &'a Objects,
    count: usize,
    found: ChangedFiles,
}

impl Walk<'_> {
    fn directories(
        &mut self,
        before: Option<Oid>,
        after: Option<Oid>,
        at: Option<&TreePath>,
        depth: usize,
    ) -> Result<(), Error> {
        if before == after {
            return Ok(());
        }
        let before = self.objects.tree_or_empty(before)?;
        let after = self.objects.tree_or_empty(after)?;
        // A directory and a file of one name are two things.
        for (before, after) in entry::differing(&before, &after)? {
            let Some(either) = before.or(after) else {
                continue;
            };
            let path = listed(at, either.name)?;
            let [before, after] = [before, after].map(|entry| entry.map(|entry| entry.target));
            self.entries(before, after, &path, depth)?;
        }
        Ok(())
    }

    fn entries(
        &mut self,
        before: Option<Target>,
        after: Option<Target>,
        path: &TreePath,
        depth: usize,
    ) -> Result<(), Error> {
        if before.or(after).is_some_and(Target::is_directory) {
            let Some(depth) = depth.checked_sub(1) else {
                return Err(Error::new(
                    ErrorKind::TooLarge,
                    format!("`{path}` is nested too deeply"),
                ));
            };
            let [before, after] = [before, after].map(|target| target.map(|target| target.id));
            return self.directories(before, after, Some(path), depth);
        }
        if self.count == MAX_LISTED {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("more than {MAX_LISTED} files differ"),
            ));
        }
        self.count += 1;
        let files = match (before, after) {
            (Some(_), Some(_)) => &mut self.found.modified,
            (Some(_), None) => &mut self.found.removed,
            (None, _) => &mut self.found.added,
        };
        files.push(path.clone());
        Ok(())
    }
}
