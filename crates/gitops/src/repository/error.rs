//! What can go wrong with a repository, and what the caller can do about it.

use std::error::Error as StdError;
use std::fmt;

/// What a caller can branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no repository, commit or object by that name. Check the name; perhaps
    /// [`Repository::init_bare`](super::Repository::init_bare) first.
    NotFound,
    /// There is something at the path already. Open it instead.
    AlreadyExists,
    /// The repository belongs to another user and git's `safe.directory` does not name it.
    NotOwned,
    /// A format or feature this crate cannot write: SHA-256 objects, reftable.
    Unsupported,
    /// Not the name of a branch.
    InvalidBranch,
    /// The branch is checked out in a work tree, which a commit would make stale.
    CheckedOut,
    /// A file stands where a directory is needed, or the reverse; or a link or submodule is in the way.
    PathConflict,
    /// Another git process holds the branch's lock. Try again.
    Locked,
    /// A limit of this crate is exceeded; the message names it.
    TooLarge,
    /// An object is missing or not what it should be. Run `git fsck`.
    Damaged,
    /// A program that is needed could not be run: `git` to push, `ssh-keygen` or `gpg` to sign.
    NoProgram,
    /// [`Repository::checked_by`](super::Repository::checked_by) was given a check that refused what was to be
    /// written; nothing was.
    Refused,
    /// The commit could not be signed, so it was not made.
    NotSigned,
    /// The deadline passed.
    TimedOut,
    /// The file system or libgit2 failed in another way; the message has its words.
    Failed,
}

/// A repository could not be read or written.
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// What libgit2 said while `doing` something, with the kind its code maps to.
    pub(crate) fn git(doing: impl fmt::Display, error: git2::Error) -> Self {
        use git2::{ErrorClass, ErrorCode};
        let kind = match (error.code(), error.class()) {
            (ErrorCode::Owner, _) => ErrorKind::NotOwned,
            (ErrorCode::NotFound, ErrorClass::Odb) => ErrorKind::Damaged,
            (ErrorCode::NotFound, _) => ErrorKind::NotFound,
            (ErrorCode::Exists, _) => ErrorKind::AlreadyExists,
            (ErrorCode::Locked, _) => ErrorKind::Locked,
            (ErrorCode::InvalidSpec, _) => ErrorKind::InvalidBranch,
            (ErrorCode::HashsumMismatch, _) => ErrorKind::Damaged,
            _ => ErrorKind::Failed,
        };
        Self {
            kind,
            message: format!("{doing}: {}", error.message()),
            source: Some(Box::new(error)),
        }
    }

    pub(crate) fn io(doing: impl fmt::Display, error: std::io::Error) -> Self {
        Self {
            kind: ErrorKind::Failed,
            message: format!("{doing}: {error}"),
            source: Some(Box::new(error)),
        }
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    pub(crate) fn hint(mut self, hint: &str) -> Self {
        self.message.push_str("\n  try: ");
        self.message.push_str(hint);
        self
    }

    /// What happened, to branch on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        // The cause's words are part of the message: a chain printed whole must not say them twice.
        self.source.as_deref().and_then(StdError::source)
    }
}
