//! A local git repository, used as a store of objects: no index, no work tree, no checkout.
//!
//! Everything that touches the disk is in this module; what to write is decided before, as data
//! ([`change`](crate::change), [`message`](crate::message)). Calls block.
//!
//! **How a commit is made.** The trees on the changed paths are read from the tip, the new blobs,
//! trees and the commit are encoded in memory, written to the object database (loose when they
//! are few, else as one pack; synced to disk before they get their names), and then the branch
//! moves by compare-and-swap from the tip the caller decided on. The cost grows with the depth of the
//! changed paths and the width of the directories on them, not with the number of files.
//!
//! **Killed at any moment**, the branch is at the old commit or at the new one, and every object
//! either is reachable from. A lock file the killed process may have left is recognised and
//! removed by the next commit; objects nothing refers to stay until `git gc`, as git leaves them.
//!
//! **Configuration.** Once open, only the repository's own `config` is read, and
//! `<git directory>/narae/config`, which this crate writes so that libgit2 syncs what it writes.
//! The user's and the system's configuration decide one thing: `safe.directory`, when opening.
//!
//! **Limits.** [`MAX_FILE_BYTES`], [`MAX_LISTED`], [`MAX_EXAMINED`], and those of [`TreePath`].
//! Objects that nothing refers to, and small ones, pile up as in any repository that is only
//! written to: run `git gc` or `git maintenance` now and then.

mod branch;
mod check;
mod commit;
mod create;
mod difference;
mod entry;
mod error;
#[cfg(feature = "remote")]
mod exchange;
mod history;
mod id;
#[cfg(feature = "remote")]
mod loose;
mod object;
mod objects;
mod path;
mod process;
mod push;
mod read;
mod sign;
mod signature;
mod store;
mod tree;

use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use objects::Objects;

#[cfg(feature = "remote")]
pub(crate) use branch::{reference_name, reference_names};
pub use check::Check;
pub use commit::{Commit, Landed, Outcome};
pub use difference::ChangedFiles;
pub use error::{Error, ErrorKind};
pub use history::{History, MAX_COMMIT_BYTES, MAX_EXAMINED, Record};
pub use id::{CommitId, CommitIdError};
pub use path::{MAX_COMPONENT_BYTES, MAX_PATH_BYTES, MAX_PATH_DEPTH, PathError, TreePath};
pub use push::{PUSH_TIMEOUT, PushOutcome};
pub use read::{Entry, EntryKind, MAX_FILE_BYTES, MAX_LISTED};
pub use sign::{GpgKey, SIGN_TIMEOUT, Sign, SshKey};
pub use signature::{Signature, SignatureError, Timestamp};
#[cfg(feature = "remote")]
pub(crate) use store::unique;

/// A repository on this machine, bare or not.
///
/// Shared by reference between threads; calls on one value take turns while they touch the
/// repository. Processes need no coordination.
pub struct Repository {
    git: Mutex<Objects>,
    path: PathBuf,
    signer: Option<Box<dyn Sign>>,
    check: Option<Box<Check>>,
}

impl Repository {
    /// Makes a bare repository whose `HEAD` is the unborn branch `default_branch`.
    ///
    /// `HEAD` comes last, so `path` never holds half a repository: what a killed process had begun there
    /// is finished by the next call.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] when there is something at `path`;
    /// [`ErrorKind::InvalidBranch`]; [`ErrorKind::Failed`] when the directory cannot be made.
    pub fn init_bare(path: impl AsRef<Path>, default_branch: &str) -> Result<Self, Error> {
        create::bare(path.as_ref(), default_branch)?;
        Self::open(path)
    }

    /// Opens the repository at `path`: a bare one, a work tree's root, or its `.git`. Parent
    /// directories are not searched.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`], [`ErrorKind::NotOwned`], [`ErrorKind::Unsupported`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let git = open_hermetic(path)?;
        Ok(Self {
            path: git.path().to_owned(),
            git: Mutex::new(Objects::new(git)),
            signer: None,
            check: None,
        })
    }

    /// Signs every commit made through this value from now on.
    #[must_use]
    pub fn signing(self, signer: impl Sign + 'static) -> Self {
        Self {
            signer: Some(Box::new(signer)),
            ..self
        }
    }

    /// Shows `check` everything a commit made through this value writes, before it is written: each file's path and
    /// content, the message, the author. What it refuses is not written, and [`ErrorKind::Refused`] says why.
    ///
    /// ```
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("gitops.git");
    /// use narae_gitops::repository::Repository;
    ///
    /// let repository = Repository::init_bare(path, "main")?.checked_by(|what, bytes| {
    ///     match bytes.windows(8).any(|window| window == b"pa55word") {
    ///         true => Err(format!("{what}: the database's password")),
    ///         false => Ok(()),
    ///     }
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn checked_by<E: Into<Box<dyn StdError + Send + Sync>>>(
        self,
        check: impl Fn(&str, &[u8]) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        let check = move |what: &str, bytes: &[u8]| check(what, bytes).map_err(Into::into);
        Self {
            check: Some(Box::new(check)),
            ..self
        }
    }

    /// The git directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The commit `branch` stands at; `None` while the branch does not exist.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidBranch`] when `branch` is not a branch name; [`ErrorKind::Unsupported`]
    /// when the branch is an alias of another reference.
    pub fn tip(&self, branch: &str) -> Result<Option<CommitId>, Error> {
        branch::tip(&self.git(), branch)
    }

    /// The branch that `HEAD` stands for; `None` when it stands for a commit.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Damaged`] when there is no `HEAD`.
    pub fn default_branch(&self) -> Result<Option<String>, Error> {
        let git = self.git();
        let head = git
            .find_reference("HEAD")
            .map_err(|error| Error::git("cannot read HEAD", error).with_kind(ErrorKind::Damaged))?;
        let target = head.symbolic_target().ok().flatten();
        Ok(target.and_then(|name| name.strip_prefix("refs/heads/").map(str::to_owned)))
    }

    fn git(&self) -> MutexGuard<'_, Objects> {
        // A panic while the lock was held cannot have left libgit2's handle half changed.
        self.git.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Opens with the repository's own configuration in place of the machine's.
fn open_hermetic(path: &Path) -> Result<git2::Repository, Error> {
    let doing = format!("cannot open the repository at {}", path.display());
    let git = git2::Repository::open(path).map_err(|error| explained(&doing, error))?;
    let mut config = git2::Config::new().map_err(|error| Error::git(&doing, error))?;
    let files = [
        (git.commondir().join("config"), git2::ConfigLevel::Local),
        (store::config_path(&git), git2::ConfigLevel::App),
    ];
    for (file, level) in files {
        config
            .add_file(&file, level, false)
            .map_err(|error| Error::git(&doing, error))?;
    }
    git.set_config(&config)
        .map_err(|error| Error::git(&doing, error))?;
    Ok(git)
}

fn explained(doing: &str, error: git2::Error) -> Error {
    // libgit2 has no code of its own for a format it does not know.
    let unsupported = [
        "unsupported extension",
        "unsupported repository version",
        "unknown object format",
    ];
    let is_unsupported = unsupported
        .iter()
        .any(|words| error.message().contains(words));
    let error = Error::git(doing, error);
    match error.kind() {
        ErrorKind::NotOwned => error.hint(
            "run as the owner of the repository, or `git config --global --add safe.directory PATH` when you trust it",
        ),
        ErrorKind::NotFound => error.hint("the path of a bare repository, or of the directory that holds `.git`"),
        _ if is_unsupported => error
            .with_kind(ErrorKind::Unsupported)
            .hint("a repository with SHA-1 objects and file references, as `git init` makes by default"),
        _ => error,
    }
}
