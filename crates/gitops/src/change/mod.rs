//! What to change in a tree: files written, files removed.
//!
//! A [`ChangeSet`] is a statement about the result, not a patch: it can be applied to any tip.
//! Whatever already holds there falls away, so that applying the same set twice commits once.

mod scalar;

use std::collections::BTreeMap;
use std::collections::btree_map;

use crate::repository::TreePath;

pub use scalar::ScalarError;
pub(crate) use scalar::placed;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// The file has these bytes afterwards. A file that exists keeps its mode; a new one is `100644`.
    Write {
        /// Where.
        path: TreePath,
        /// The whole content.
        bytes: Vec<u8>,
    },
    /// There is no file at this path afterwards. Directories left empty go with it.
    Remove {
        /// Where.
        path: TreePath,
    },
}

impl Change {
    /// `path` holds `bytes`.
    #[must_use]
    pub fn write(path: TreePath, bytes: impl Into<Vec<u8>>) -> Self {
        Self::Write {
            path,
            bytes: bytes.into(),
        }
    }

    /// `path` is gone.
    #[must_use]
    pub fn remove(path: TreePath) -> Self {
        Self::Remove { path }
    }

    /// The file it is about.
    #[must_use]
    pub fn path(&self) -> &TreePath {
        match self {
            Self::Write { path, .. } | Self::Remove { path } => path,
        }
    }
}

/// Changes by path: at most one for each file, the last one said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// `None` removes.
    files: BTreeMap<TreePath, Option<Vec<u8>>>,
}

impl ChangeSet {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a change; an earlier one of the same path is replaced.
    pub fn push(&mut self, change: Change) {
        match change {
            Change::Write { path, bytes } => self.files.insert(path, Some(bytes)),
            Change::Remove { path } => self.files.insert(path, None),
        };
    }

    /// The paths and what they hold afterwards (`None`: nothing), in order of path.
    pub fn iter(&self) -> impl Iterator<Item = (&TreePath, Option<&[u8]>)> {
        self.into_iter()
    }

    /// How many files it is about.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether it asks for nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

impl Extend<Change> for ChangeSet {
    fn extend<I: IntoIterator<Item = Change>>(&mut self, changes: I) {
        changes.into_iter().for_each(|change| self.push(change));
    }
}

impl FromIterator<Change> for ChangeSet {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        let mut set = Self::new();
        set.extend(changes);
        set
    }
}

impl<'a> IntoIterator for &'a ChangeSet {
    type Item = (&'a TreePath, Option<&'a [u8]>);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        Iter(self.files.iter())
    }
}

/// The changes of a [`ChangeSet`] in order of path.
#[derive(Clone, Debug)]
pub struct Iter<'a>(btree_map::Iter<'a, TreePath, Option<Vec<u8>>>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a TreePath, Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(path, bytes)| (path, bytes.as_deref()))
    }
}
