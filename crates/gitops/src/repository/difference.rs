//! Which files differ between two commits.
//!
//! Two directories with the same id hold the same files, so only those whose ids differ are read: the cost
//! grows with what changed, and objects that only other paths need may be missing, as they are where only
//! the needed ones were fetched. Renames are not looked for: the old name was removed, the new one added
//! (`git diff --no-renames --name-status`).

use std::collections::BTreeMap;

use git2::Oid;

use super::object::TreeEntry;
use super::read::{MAX_LISTED, listed, root};
use super::{CommitId, Error, ErrorKind, MAX_PATH_DEPTH, Repository, TreePath, tree};

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
            git: &git,
            count: 0,
            found: ChangedFiles::default(),
        };
        walk.directories(before, Some(after), None, MAX_PATH_DEPTH)?;
        Ok(walk.found.sort())
    }
}

struct Walk<'a> {
    git: &'a git2::Repository,
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
        let mut names: BTreeMap<Vec<u8>, (Option<TreeEntry>, Option<TreeEntry>)> = BTreeMap::new();
        for entry in self.read(before)? {
            let sides = names.entry(entry.name.clone()).or_default();
            sides.0 = Some(entry);
        }
        for entry in self.read(after)? {
            let sides = names.entry(entry.name.clone()).or_default();
            sides.1 = Some(entry);
        }
        for (name, (before, after)) in names {
            if before != after {
                let path = listed(at, &name)?;
                self.entries(before, after, &path, depth)?;
            }
        }
        Ok(())
    }

    /// A directory and a file of one name are two things.
    fn entries(
        &mut self,
        before: Option<TreeEntry>,
        after: Option<TreeEntry>,
        path: &TreePath,
        depth: usize,
    ) -> Result<(), Error> {
        let directory = |entry: &Option<TreeEntry>| match entry {
            Some(entry) if entry.is_directory() => Some(entry.id),
            _ => None,
        };
        let is_file =
            |entry: &Option<TreeEntry>| entry.as_ref().is_some_and(|entry| !entry.is_directory());
        let files = match (is_file(&before), is_file(&after)) {
            (true, true) => Some(&mut self.found.modified),
            (true, false) => Some(&mut self.found.removed),
            (false, true) => Some(&mut self.found.added),
            (false, false) => None,
        };
        if let Some(files) = files {
            if self.count == MAX_LISTED {
                return Err(Error::new(
                    ErrorKind::TooLarge,
                    format!("more than {MAX_LISTED} files differ"),
                ));
            }
            self.count += 1;
            files.push(path.clone());
        }
        let Some(depth) = depth.checked_sub(1) else {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("`{path}` is nested too deeply"),
            ));
        };
        self.directories(directory(&before), directory(&after), Some(path), depth)
    }

    fn read(&self, directory: Option<Oid>) -> Result<Vec<TreeEntry>, Error> {
        directory.map_or(Ok(Vec::new()), |id| tree::read(self.git, id))
    }
}
