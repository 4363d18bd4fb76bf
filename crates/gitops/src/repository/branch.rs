//! Branches: their names, their tips, and moving one by compare-and-swap.
//!
//! **The lock.** git locks a branch by creating `refs/heads/<branch>.lock`; a process killed
//! meanwhile leaves that file, and every later writer fails until a person removes it. So each
//! move here holds an advisory lock of the operating system on `<git directory>/narae/lock`,
//! which dies with its holder, and writes there which branch it is about to move to which commit.
//! Whoever finds that note when it gets the lock knows that its writer died: it removes the
//! branch's lock file if that is empty or has the noted commit in it, and leaves any other alone.
//! Where the file system has no such locks, the branch still moves by compare-and-swap and only
//! the clearing up is lost.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind as IoKind, Read, Seek, Write};
use std::path::Path;

use git2::{Oid, ReferenceType};

use super::{CommitId, Error, ErrorKind, store};

/// More than any note is long.
const MAX_NOTE_BYTES: u64 = 8 * 1024;
/// More linked work trees than anyone has.
const MAX_WORKTREES: usize = 10_000;

/// How a move ended.
#[derive(Debug)]
pub(super) enum Moved {
    /// The branch is where it should be.
    Done,
    /// The branch was elsewhere; nothing changed.
    Elsewhere(Option<CommitId>),
}

/// `refs/heads/<branch>`.
pub(crate) fn reference_name(branch: &str) -> Result<String, Error> {
    let name = format!("refs/heads/{branch}");
    // git refuses `-x` and `HEAD` as branches although they are valid references.
    if branch.starts_with('-') || branch == "HEAD" || !git2::Reference::is_valid_name(&name) {
        let shown: String = branch
            .chars()
            .take(120)
            .flat_map(char::escape_debug)
            .collect();
        return Err(Error::new(
            ErrorKind::InvalidBranch,
            format!("`{shown}` is not a branch name"),
        ));
    }
    Ok(name)
}

/// The same of several, none of which may be named twice.
#[cfg(feature = "remote")]
pub(crate) fn reference_names(branches: &[&str]) -> Result<Vec<String>, Error> {
    let mut names = Vec::with_capacity(branches.len());
    for branch in branches {
        let name = reference_name(branch)?;
        if names.contains(&name) {
            let message = format!("branch `{branch}` is named twice");
            return Err(Error::new(ErrorKind::InvalidBranch, message));
        }
        names.push(name);
    }
    Ok(names)
}

pub(super) fn tip(git: &git2::Repository, branch: &str) -> Result<Option<CommitId>, Error> {
    let name = reference_name(branch)?;
    match git.find_reference(&name) {
        Ok(reference) => match (reference.kind(), reference.target()) {
            (Some(ReferenceType::Direct), Some(id)) => Ok(Some(CommitId::new(id))),
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                format!("branch `{branch}` is an alias of another reference: name that one"),
            )),
        },
        Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
        Err(error) => Err(Error::git(
            format_args!("cannot read branch `{branch}`"),
            error,
        )),
    }
}

/// Refuses a branch that some work tree has checked out, as git refuses to push into one.
pub(super) fn refuse_checked_out(git: &git2::Repository, branch: &str) -> Result<(), Error> {
    let head_line = format!("ref: {}", reference_name(branch)?);
    let mut heads = Vec::new();
    // A linked work tree is not bare although its repository may be: the setting tells.
    let is_bare = git.config().and_then(|config| config.get_bool("core.bare"));
    if !is_bare.unwrap_or_else(|_| git.is_bare()) {
        heads.push(git.commondir().join("HEAD"));
    }
    if let Ok(linked) = git.commondir().join("worktrees").read_dir() {
        heads.extend(
            linked
                .take(MAX_WORKTREES)
                .flatten()
                .map(|entry| entry.path().join("HEAD")),
        );
    }
    let is_there = |head: &Path| read_note(head).is_some_and(|text| text.trim_end() == head_line);
    match heads.iter().find(|head| is_there(head)) {
        None => Ok(()),
        Some(head) => Err(Error::new(
            ErrorKind::CheckedOut,
            format!(
                "branch `{branch}` is checked out in a work tree ({})",
                head.display()
            ),
        )
        .hint("a bare repository, or check out another branch there first")),
    }
}

/// Moves `branch` from `expected` to `new` if that is where it is.
pub(super) fn compare_and_swap(
    git: &git2::Repository,
    branch: &str,
    expected: Option<CommitId>,
    new: CommitId,
    why: &str,
) -> Result<Moved, Error> {
    let name = reference_name(branch)?;
    let doing = format!("cannot move branch `{branch}`");
    if expected.is_none() {
        refuse_nested(git, branch)?;
    }
    let mut guard = Guard::take(git)?;
    guard.note(&name, new)?;
    // The all-zero id stands for "does not exist"; `force` only turns off a check that libgit2
    // makes before it takes the lock, where it would prove nothing.
    let old = expected.map_or(Oid::ZERO_SHA1, CommitId::object);
    let result = git
        .reference_matching(&name, new.object(), true, old, why)
        .map(drop);
    guard.release();
    let Err(error) = result else {
        return Ok(Moved::Done);
    };
    match error.code() {
        git2::ErrorCode::Modified | git2::ErrorCode::NotFound => {
            Ok(Moved::Elsewhere(tip(git, branch)?))
        }
        git2::ErrorCode::Locked => Err(Error::git(&doing, error)
            .with_kind(ErrorKind::Locked)
            .hint(&format!(
                "again; if no git process is running, remove {}",
                lock_path(git, &name).display()
            ))),
        _ => Err(Error::git(&doing, error)),
    }
}

/// Refuses to make a branch `a/b` beside a branch `a`: the one's file is the other's directory.
fn refuse_nested(git: &git2::Repository, branch: &str) -> Result<(), Error> {
    let nested = |other: &str| {
        let message = format!("there cannot be a branch `{branch}`: there is a branch `{other}`");
        Err(Error::new(ErrorKind::InvalidBranch, message))
    };
    for (end, _) in branch.match_indices('/') {
        let above = branch.get(..end).unwrap_or_default();
        if tip(git, above)?.is_some() {
            return nested(above);
        }
    }
    let below = git
        .references_glob(&format!("{}/*", reference_name(branch)?))
        .map_err(|error| Error::git(format_args!("cannot look below branch `{branch}`"), error))?;
    match below.flatten().next() {
        Some(reference) => nested(&String::from_utf8_lossy(reference.shorthand_bytes())),
        None => Ok(()),
    }
}

/// The operating system's lock on `<git directory>/narae/lock`, with the note in it.
#[derive(Debug)]
struct Guard(Option<File>);

impl Guard {
    fn take(git: &git2::Repository) -> Result<Self, Error> {
        let path = store::own_directory(git)?.join("lock");
        let doing = format!("cannot lock {}", path.display());
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options
            .open(&path)
            .map_err(|error| Error::io(&doing, error))?;
        match file.lock() {
            Ok(()) => {}
            Err(error) if error.kind() == IoKind::Unsupported => return Ok(Self(None)),
            Err(error) => return Err(Error::io(&doing, error)),
        }
        let mut note = String::new();
        // A note that cannot be read helps nobody, and must not stop anybody.
        let _ = (&mut file).take(MAX_NOTE_BYTES).read_to_string(&mut note);
        clear_up(git, &note);
        Ok(Self(Some(file)))
    }

    fn note(&mut self, name: &str, new: CommitId) -> Result<(), Error> {
        self.write(&format!("{new} {name}\n"))
    }

    fn release(mut self) {
        // The branch is moved or it is not: a note that stays cannot change that, and whoever finds
        // it looks at the branch first.
        let _ = self.write("");
    }

    fn write(&mut self, note: &str) -> Result<(), Error> {
        let Some(file) = &mut self.0 else {
            return Ok(());
        };
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(note.as_bytes()))
            .map_err(|error| Error::io("cannot write the note of the branch to move", error))
    }
}

/// Removes the lock file the writer of `note` died holding, if it did.
fn clear_up(git: &git2::Repository, note: &str) {
    let Some((id, name)) = note
        .strip_suffix('\n')
        .and_then(|note| note.split_once(' '))
    else {
        return;
    };
    let Some(branch) = name.strip_prefix("refs/heads/") else {
        return;
    };
    let Ok(current) = tip(git, branch) else {
        return;
    };
    let lock = lock_path(git, name);
    let is_left_behind = match read_note(&lock).as_deref().map(str::trim_end) {
        None => false,
        // Killed before it wrote there; unless it had moved the branch already, when this lock is
        // a new one of somebody else's.
        Some("") => current.is_none_or(|current| current.to_string() != id),
        // Killed before it renamed the lock file, or after it linked it into place as the branch.
        Some(content) => content == id,
    };
    if is_left_behind {
        let _ = std::fs::remove_file(lock);
    }
}

fn lock_path(git: &git2::Repository, name: &str) -> std::path::PathBuf {
    git.commondir().join(format!("{name}.lock"))
}

fn read_note(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path)
        .ok()?
        .take(MAX_NOTE_BYTES)
        .read_to_string(&mut text)
        .ok()?;
    Some(text)
}
