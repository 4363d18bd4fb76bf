//! Reading files of a commit.

use git2::{ObjectType, Oid};

use super::entry::{LINK, SUBMODULE, Target};
use super::object::expect_kind;
use super::objects::Objects;
use super::{CommitId, Error, ErrorKind, MAX_PATH_DEPTH, Repository, TreePath};

/// Largest file that is read into memory.
pub const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;
/// Most entries one listing may have.
pub const MAX_LISTED: usize = 1_000_000;

/// How much of a link's target a message shows.
const MAX_SHOWN_CHARS: usize = 200;

/// A file of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    path: TreePath,
    kind: EntryKind,
    id: Oid,
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntryKind {
    /// A file.
    File,
    /// A file with its executable bit.
    Executable,
    /// A symbolic link; its content is its target.
    Link,
    /// Another repository's commit; it has no content here.
    Submodule,
}

impl Entry {
    /// Where, from the repository's root.
    #[must_use]
    pub fn path(&self) -> &TreePath {
        &self.path
    }

    /// What.
    #[must_use]
    pub fn kind(&self) -> EntryKind {
        self.kind
    }

    /// The content's object id in hexadecimal: equal ids, equal bytes.
    #[must_use]
    pub fn id(&self) -> String {
        self.id.to_string()
    }
}

impl Repository {
    /// The bytes of the file at `path` in `commit`; `None` when there is none (a directory is none).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is no such commit; [`ErrorKind::PathConflict`] when a symbolic link stands there,
    /// whose content is no file's; [`ErrorKind::TooLarge`] past
    /// [`MAX_FILE_BYTES`]; [`ErrorKind::Damaged`].
    pub fn read(&self, commit: CommitId, path: &TreePath) -> Result<Option<Vec<u8>>, Error> {
        let git = self.git();
        match find(&git, root(&git, commit)?, path)? {
            Some(entry) if entry.kind() == LINK => {
                let target = blob(&git, entry.id, path)?;
                let target = String::from_utf8_lossy(&target);
                let message = format!(
                    "`{path}` is a symbolic link to `{}`, not a file",
                    target
                        .escape_debug()
                        .take(MAX_SHOWN_CHARS)
                        .collect::<String>()
                );
                Err(Error::new(ErrorKind::PathConflict, message))
            }
            Some(entry) if !entry.is_directory() && entry.kind() != SUBMODULE => {
                blob(&git, entry.id, path).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The files anywhere below `directory` in `commit`, in the order of the tree; none when there
    /// is no such directory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is no such commit; [`ErrorKind::TooLarge`] past
    /// [`MAX_LISTED`]; [`ErrorKind::Unsupported`] when a name is not one a [`TreePath`] can have.
    pub fn list(&self, commit: CommitId, directory: &TreePath) -> Result<Vec<Entry>, Error> {
        let git = self.git();
        let mut entries = Vec::new();
        if let Some(found) = find(&git, root(&git, commit)?, directory)?
            && found.is_directory()
        {
            collect(
                &git,
                found.id,
                Some(directory),
                MAX_PATH_DEPTH,
                &mut entries,
            )?;
        }
        Ok(entries)
    }

    /// Every file of `commit`.
    ///
    /// # Errors
    ///
    /// As [`Repository::list`].
    pub fn list_all(&self, commit: CommitId) -> Result<Vec<Entry>, Error> {
        let git = self.git();
        let mut entries = Vec::new();
        collect(
            &git,
            root(&git, commit)?,
            None,
            MAX_PATH_DEPTH,
            &mut entries,
        )?;
        Ok(entries)
    }
}

/// The root tree of a commit.
pub(super) fn root(git: &git2::Repository, commit: CommitId) -> Result<Oid, Error> {
    git.find_commit(commit.object())
        .map(|commit| commit.tree_id())
        .map_err(|error| {
            let is_absent = error.code() == git2::ErrorCode::NotFound;
            let error = Error::git(format_args!("cannot read commit {commit}"), error);
            if is_absent {
                error.with_kind(ErrorKind::NotFound)
            } else {
                error
            }
        })
}

/// What stands at `path` below `root`.
pub(super) fn find(objects: &Objects, root: Oid, path: &TreePath) -> Result<Option<Target>, Error> {
    let mut found: Option<Target> = None;
    for name in path.components() {
        let directory = match found {
            None => root,
            Some(target) if target.is_directory() => target.id,
            Some(_) => return Ok(None),
        };
        found = objects.tree(directory)?.find(name)?;
        if found.is_none() {
            break;
        }
    }
    Ok(found)
}

fn blob(objects: &Objects, id: Oid, path: &TreePath) -> Result<Vec<u8>, Error> {
    let doing = || format!("cannot read `{path}`");
    let database = objects.odb().map_err(|error| Error::git(doing(), error))?;
    let (size, kind) = database
        .read_header(id)
        .map_err(|error| Error::git(doing(), error))?;
    expect_kind(id, ObjectType::Blob, kind)?;
    if size > MAX_FILE_BYTES {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("`{path}` has {size} bytes: at most {MAX_FILE_BYTES} are read"),
        ));
    }
    let object = objects
        .read(id)
        .map_err(|error| Error::git(doing(), error))?;
    Ok(object.bytes.to_vec())
}

fn collect(
    objects: &Objects,
    directory: Oid,
    at: Option<&TreePath>,
    depth: usize,
    entries: &mut Vec<Entry>,
) -> Result<(), Error> {
    for entry in objects.tree(directory)?.entries()? {
        let path = listed(at, entry.name)?;
        let target = entry.target;
        if target.is_directory() {
            // `listed` refuses a path of more components; this bounds the recursion by itself.
            let Some(depth) = depth.checked_sub(1) else {
                return Err(Error::new(
                    ErrorKind::TooLarge,
                    format!("`{path}` is nested too deeply"),
                ));
            };
            collect(objects, target.id, Some(&path), depth, entries)?;
            continue;
        }
        if entries.len() == MAX_LISTED {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("more than {MAX_LISTED} files to list"),
            ));
        }
        let kind = match target.kind() {
            LINK => EntryKind::Link,
            SUBMODULE => EntryKind::Submodule,
            _ if target.mode & 0o111 != 0 => EntryKind::Executable,
            _ => EntryKind::File,
        };
        entries.push(Entry {
            path,
            kind,
            id: target.id,
        });
    }
    Ok(())
}

pub(super) fn listed(at: Option<&TreePath>, name: &[u8]) -> Result<TreePath, Error> {
    let text = String::from_utf8_lossy(name);
    let read = match (at, std::str::from_utf8(name)) {
        (Some(directory), Ok(name)) => directory.join(name),
        (None, Ok(name)) => TreePath::parse(name),
        (_, Err(_)) => {
            let shown = text.escape_debug();
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("file name `{shown}` is not UTF-8"),
            ));
        }
    };
    read.map_err(|error| Error::new(ErrorKind::Unsupported, error.to_string()))
}
