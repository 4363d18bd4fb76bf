//! What was delivered, when and why: the commits of a branch with their trailers.
//!
//! The walk follows first parents, which is the order a branch moved in. What a merge brought comes behind it: the commits
//! along its other parents, up to one that the branch had. A commit belongs to a path when the path's object differs from
//! the first parent's: one tree lookup per directory on the path and commit, no diff. In a shallow repository the walk ends
//! at the boundary.

use std::collections::HashMap;

use git2::{ErrorCode, Oid};

use super::objects::Objects;
use super::{CommitId, Error, ErrorKind, Repository, TreePath, branch, read};
use crate::message::Trailers;

/// Most commits one call looks at.
pub const MAX_EXAMINED: usize = 1_000_000;
/// Largest commit object that is read; a message is a few lines.
pub const MAX_COMMIT_BYTES: usize = 1024 * 1024;
/// Most commits of one merge that are returned; and how far behind it a commit is looked for that the branch had.
const MAX_MERGED: usize = 100;
const MAX_LOOKED_BACK: usize = 1000;

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
    /// When it came to the branch, in seconds since 1970-01-01 00:00 UTC: when it was committed, or merged.
    pub seconds: i64,
    /// The message's first line.
    pub subject: String,
    /// The message's trailers.
    pub trailers: Trailers,
    /// The first parent that it names, whether or not that is at hand; the first commit of all has none.
    pub parent: Option<CommitId>,
}

impl Repository {
    /// The commits of `branch`, newest first, and those of a merge behind it; none while the branch does not exist.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidBranch`]; [`ErrorKind::Damaged`]; [`ErrorKind::TooLarge`] past
    /// [`MAX_EXAMINED`] or [`MAX_COMMIT_BYTES`].
    pub fn history(&self, branch: &str, wanted: &History) -> Result<Vec<Record>, Error> {
        let tip = branch::tip(&self.git(), branch)?;
        tip.map_or_else(|| Ok(Vec::new()), |tip| self.history_from(tip, wanted))
    }

    /// The commits that lead to `tip`, newest first, along first parents; behind a merge those that came by it, at most 100.
    ///
    /// # Errors
    ///
    /// As [`Repository::history`].
    pub fn history_from(&self, tip: CommitId, wanted: &History) -> Result<Vec<Record>, Error> {
        let git = self.git();
        let mut line = Line::from(tip.object());
        let mut records = Vec::new();
        let limit = wanted.limit.unwrap_or(usize::MAX);
        let mut examined = 0;
        while records.len() < limit
            && let Some(id) = line.at(&git, examined)?
        {
            if examined == MAX_EXAMINED {
                return Err(Error::new(
                    ErrorKind::TooLarge,
                    format!("{tip} has more than {MAX_EXAMINED} commits behind it to look at"),
                )
                .hint("a limit, or a path that changed more often"));
            }
            let merge = commit(&git, id)?;
            let merged = line.merged(&git, examined, &merge)?;
            examined += 1;
            for id in std::iter::once(id).chain(merged) {
                let commit = commit(&git, id)?;
                let parent = parent(&git, &commit)?;
                if touches(&git, &commit, parent.as_ref(), wanted.under.as_ref())? {
                    let mut record = record(&commit);
                    record.seconds = merge.time().seconds();
                    records.push(record);
                }
            }
        }
        records.truncate(limit);
        Ok(records)
    }
}

/// The commits of a branch along first parents, newest first, as far as anybody asked.
struct Line {
    ids: Vec<Oid>,
    /// Where each stands.
    places: HashMap<Oid, usize>,
    has_ended: bool,
}

impl Line {
    fn from(tip: Oid) -> Self {
        Self {
            ids: vec![tip],
            places: HashMap::from([(tip, 0)]),
            has_ended: false,
        }
    }

    /// The one at this place; `None` behind the end.
    fn at(&mut self, git: &git2::Repository, place: usize) -> Result<Option<Oid>, Error> {
        while !self.has_ended && self.ids.len() <= place {
            let last = self.ids.last().copied();
            let before = last
                .map(|last| parent(git, &commit(git, last)?))
                .transpose()?;
            match before.flatten() {
                Some(before) => {
                    self.places.insert(before.id(), self.ids.len());
                    self.ids.push(before.id());
                }
                None => self.has_ended = true,
            }
        }
        Ok(self.ids.get(place).copied())
    }

    /// What came by the merge at this place, newest first; nothing by any other commit.
    fn merged(
        &mut self,
        git: &git2::Repository,
        place: usize,
        merge: &git2::Commit<'_>,
    ) -> Result<Vec<Oid>, Error> {
        let mut merged = Vec::new();
        for id in parents(merge).into_iter().skip(1) {
            merged.extend(self.side(git, place, here(git, id)?)?);
        }
        merged.truncate(MAX_MERGED);
        Ok(merged)
    }

    /// From `tip` along first parents up to what the branch had before this place. Both are walked in step, so that a short
    /// side needs a short look back.
    fn side<'g>(
        &mut self,
        git: &'g git2::Repository,
        place: usize,
        tip: Option<git2::Commit<'g>>,
    ) -> Result<Vec<Oid>, Error> {
        let mut side = Vec::new();
        let mut indices = HashMap::new();
        let mut next = tip;
        for behind in place + 1..=place + MAX_LOOKED_BACK {
            if let Some(commit) = next.take_if(|_| side.len() < MAX_MERGED) {
                if self.places.get(&commit.id()).is_some_and(|at| *at > place) {
                    return Ok(side);
                }
                indices.insert(commit.id(), side.len());
                next = parent(git, &commit)?;
                side.push(commit.id());
            }
            let before = self.at(git, behind)?;
            if let Some(had) = before.and_then(|id| indices.get(&id)) {
                side.truncate(*had);
                return Ok(side);
            }
            if before.is_none() && (next.is_none() || side.len() == MAX_MERGED) {
                break;
            }
        }
        Ok(side)
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
    let first = parents(commit).into_iter().next();
    first.map_or(Ok(None), |id| here(git, id))
}

/// `None` for what lies behind the boundary of a shallow repository.
fn here(git: &git2::Repository, id: Oid) -> Result<Option<git2::Commit<'_>>, Error> {
    match git.find_commit(id) {
        Ok(parent) => Ok(Some(parent)),
        Err(error) if error.code() == ErrorCode::NotFound && git.is_shallow() => Ok(None),
        Err(error) => Err(Error::git(format_args!("cannot read commit {id}"), error)),
    }
}

/// As the commit itself says: libgit2 hides the parents of commits at which an earlier, shallower
/// fetch had ended.
fn parents(commit: &git2::Commit<'_>) -> Vec<Oid> {
    let lines = commit.raw_header_bytes().split(|byte| *byte == b'\n');
    let parent = |line: &[u8]| {
        let id = std::str::from_utf8(line.strip_prefix(b"parent ")?).ok()?;
        Oid::from_str(id).ok()
    };
    // They stand behind the tree.
    lines.skip(1).map_while(parent).collect()
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
        parent: parents(commit).first().copied().map(CommitId::new),
    }
}
