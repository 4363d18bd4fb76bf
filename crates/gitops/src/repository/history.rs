//! What was delivered, when and why: the commits of a branch with their trailers.
//!
//! The walk follows first parents, which is the order a branch moved in. A commit belongs to a
//! path when the path's object differs from the first parent's: one tree lookup per directory on
//! the path and commit, no diff. In a shallow repository the walk ends at the boundary.

use git2::{ErrorCode, Oid};

use super::objects::Objects;
use super::{CommitId, Error, ErrorKind, Repository, TreePath, branch, read};
use crate::message::Trailers;

/// Most commits one call looks at.
pub const MAX_EXAMINED: usize = 1_000_000;
/// Largest commit object that is read; a message is a few lines.
pub const MAX_COMMIT_BYTES: usize = 1024 * 1024;

/// Which commits to return.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    under: Option<TreePath>,
    limit: Option<usize>,
}

impl History {
    /// All commits of the branch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only those that changed `path` or something below it.
    #[must_use]
    pub fn under(self, path: TreePath) -> Self {
        Self {
            under: Some(path),
            ..self
        }
    }

    /// At most the newest `limit`.
    #[must_use]
    pub fn with_limit(self, limit: usize) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }
}

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// Its id.
    pub id: CommitId,
    /// The author's name; bytes that are not UTF-8 replaced.
    pub author: String,
    /// The author's address, likewise.
    pub email: String,
    /// When it was committed, in seconds since 1970-01-01 00:00 UTC.
    pub seconds: i64,
    /// The message's first line.
    pub subject: String,
    /// The message's trailers.
    pub trailers: Trailers,
    /// The first parent that it names, whether or not that is at hand; the first commit of all has none.
    pub parent: Option<CommitId>,
}

impl Repository {
    /// The commits of `branch`, newest first; none while the branch does not exist.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidBranch`]; [`ErrorKind::Damaged`]; [`ErrorKind::TooLarge`] past
    /// [`MAX_EXAMINED`] or [`MAX_COMMIT_BYTES`].
    pub fn history(&self, branch: &str, wanted: &History) -> Result<Vec<Record>, Error> {
        let tip = branch::tip(&self.git(), branch)?;
        tip.map_or_else(|| Ok(Vec::new()), |tip| self.history_from(tip, wanted))
    }

    /// The commits that lead to `tip`, newest first, along first parents.
    ///
    /// # Errors
    ///
    /// As [`Repository::history`].
    pub fn history_from(&self, tip: CommitId, wanted: &History) -> Result<Vec<Record>, Error> {
        let git = self.git();
        let mut records = Vec::new();
        let mut next = Some(tip.object());
        let mut examined = 0;
        while let Some(id) = next
            && wanted.limit.is_none_or(|limit| records.len() < limit)
        {
            if examined == MAX_EXAMINED {
                return Err(Error::new(
                    ErrorKind::TooLarge,
                    format!("{tip} has more than {MAX_EXAMINED} commits behind it to look at"),
                )
                .hint("a limit, or a path that changed more often"));
            }
            examined += 1;
            let commit = commit(&git, id)?;
            let parent = parent(&git, &commit)?;
            if touches(&git, &commit, parent.as_ref(), wanted.under.as_ref())? {
                records.push(record(&commit));
            }
            next = parent.map(|parent| parent.id());
        }
        Ok(records)
    }
}

fn commit(git: &git2::Repository, id: Oid) -> Result<git2::Commit<'_>, Error> {
    let doing = || format!("cannot read commit {id}");
    let database = git.odb().map_err(|error| Error::git(doing(), error))?;
    let (size, _) = database
        .read_header(id)
        .map_err(|error| Error::git(doing(), error))?;
    if size > MAX_COMMIT_BYTES {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("commit {id} has {size} bytes: at most {MAX_COMMIT_BYTES} are read"),
        ));
    }
    git.find_commit(id)
        .map_err(|error| Error::git(doing(), error))
}

fn parent<'a>(
    git: &'a git2::Repository,
    commit: &git2::Commit<'_>,
) -> Result<Option<git2::Commit<'a>>, Error> {
    let Some(id) = first_parent(commit) else {
        return Ok(None);
    };
    match git.find_commit(id) {
        Ok(parent) => Ok(Some(parent)),
        Err(error) if error.code() == ErrorCode::NotFound && git.is_shallow() => Ok(None),
        Err(error) => Err(Error::git(format_args!("cannot read commit {id}"), error)),
    }
}

/// As the commit itself says: libgit2 hides the parents of commits at which an earlier, shallower
/// fetch had ended.
fn first_parent(commit: &git2::Commit<'_>) -> Option<Oid> {
    let header = commit.raw_header_bytes();
    let line = header.split(|byte| *byte == b'\n').nth(1)?;
    let id = std::str::from_utf8(line.strip_prefix(b"parent ")?).ok()?;
    Oid::from_str(id).ok()
}

fn touches(
    objects: &Objects,
    commit: &git2::Commit<'_>,
    parent: Option<&git2::Commit<'_>>,
    path: Option<&TreePath>,
) -> Result<bool, Error> {
    let Some(path) = path else {
        return Ok(true);
    };
    let at = |commit: &git2::Commit<'_>| read::find(objects, commit.tree_id(), path);
    let before = parent.map(at).transpose()?.flatten();
    Ok(at(commit)? != before)
}

fn record(commit: &git2::Commit<'_>) -> Record {
    let message = String::from_utf8_lossy(commit.message_bytes());
    let author = commit.author();
    Record {
        id: CommitId::new(commit.id()),
        author: String::from_utf8_lossy(author.name_bytes()).into_owned(),
        email: String::from_utf8_lossy(author.email_bytes()).into_owned(),
        seconds: commit.time().seconds(),
        subject: message.lines().next().unwrap_or_default().to_owned(),
        trailers: Trailers::parse(&message),
        parent: first_parent(commit).map(CommitId::new),
    }
}
