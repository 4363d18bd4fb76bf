//! What the [`remote`](crate::remote) needs of a repository: objects in, and those that another does not have.
//!
//! Objects that come from a remote, or go there, are written without a sync to disk: they can be had
//! again. A repository that is used so may lack objects its commits refer to: what was not asked
//! for was not fetched. Everything here treats an absent object as one the remote has.

use std::collections::{BTreeSet, HashSet};
use std::io::Write as _;
use std::sync::Arc;

use git2::{ObjectType, OdbLookupFlags, Oid};

use super::entry::{self, SUBMODULE, Target};
use super::object::Object;
use super::objects::Objects;
use super::{Commit, CommitId, Error, ErrorKind, Repository, loose, read, store};
use crate::remote::pack::{self, Kind};
use crate::remote::wire::ObjectId;

/// Most commits one push may have.
pub(crate) const MAX_PUSHED_COMMITS: usize = 1_000;

/// Where the last commit that came with all its files is written down.
const WHOLE: &str = "narae/whole";

/// An object to send, and one the other side has that is likely to be much like it.
#[derive(Debug)]
pub(crate) struct Unsent {
    pub(crate) kind: Kind,
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) like: Option<(ObjectId, Arc<[u8]>)>,
}

/// What a name of a directory stands for; not a submodule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Child {
    pub(crate) id: ObjectId,
    pub(crate) is_directory: bool,
}

impl Child {
    fn new(target: Target) -> Option<Self> {
        (target.kind() != SUBMODULE).then(|| Self {
            id: target.id.into(),
            is_directory: target.is_directory(),
        })
    }
}

impl Repository {
    /// Puts `commit` on `parent` without moving a branch; `None` when the parent already is as it says.
    ///
    /// For commits that a branch of another repository will have: objects that nothing here refers to
    /// stay until `git gc`.
    ///
    /// # Errors
    ///
    /// As [`Repository::commit`], those about branches excepted.
    pub fn write(
        &self,
        parent: Option<CommitId>,
        commit: &Commit,
    ) -> Result<Option<CommitId>, Error> {
        let git = self.git();
        let Some((id, objects)) = self.encode(&git, parent, commit)? else {
            return Ok(None);
        };
        store::keep(&git, &objects)?;
        Ok(Some(id))
    }

    /// Whether the object is here, and whole where that can be told. The disk is looked at again only when `fresh`.
    pub(crate) fn has(&self, id: ObjectId, fresh: bool) -> Result<bool, Error> {
        let git = self.git();
        if git.is_recent(oid(id)?) {
            return Ok(true);
        }
        match loose::read(&git, oid(id)?) {
            loose::Found::Nothing => {}
            loose::Found::Damaged => return Ok(false),
            loose::Found::Whole(object) => {
                // It is about to be read.
                git.remember(&object);
                return Ok(true);
            }
        }
        let database = git
            .odb()
            .map_err(|error| Error::git("cannot open the object database", error))?;
        let id = oid(id)?;
        Ok(if fresh {
            database.exists(id)
        } else {
            database.exists_ext(id, OdbLookupFlags::NO_REFRESH)
        })
    }

    /// Keeps objects of a remote.
    pub(crate) fn keep(&self, objects: Vec<pack::Object>) -> Result<(), Error> {
        let git = self.git();
        let objects: Vec<Object> = objects.into_iter().map(own).collect::<Result<_, _>>()?;
        store::keep(&git, &objects)
    }

    /// The object, if it is here.
    pub(crate) fn object(&self, id: ObjectId) -> Option<pack::Object> {
        let object = self.git().read(oid(id).ok()?).ok()?;
        Some(pack::Object::new(kind(object.kind)?, object.bytes.to_vec()))
    }

    /// The root directory of a commit that is here.
    pub(crate) fn root(&self, commit: CommitId) -> Result<ObjectId, Error> {
        read::root(&self.git(), commit).map(ObjectId::from)
    }

    /// The names in a directory that is here.
    pub(crate) fn children(&self, directory: ObjectId) -> Result<Vec<Child>, Error> {
        let tree = self.git().tree(oid(directory)?)?;
        let entries = tree.entries()?;
        let children = entries.iter().map(|entry| entry.target);
        Ok(children.filter_map(Child::new).collect())
    }

    /// The child `name` of a directory that is here.
    pub(crate) fn child(&self, directory: ObjectId, name: &str) -> Result<Option<Child>, Error> {
        let tree = self.git().tree(oid(directory)?)?;
        Ok(tree.find(name)?.and_then(Child::new))
    }

    /// The parents of a commit; `None` when it is not here.
    pub(crate) fn parents(&self, commit: CommitId) -> Result<Option<Vec<CommitId>>, Error> {
        match self.git().find_commit(commit.object()) {
            Ok(commit) => Ok(Some(commit.parent_ids().map(CommitId::new).collect())),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(Error::git(
                format_args!("cannot read commit {commit}"),
                error,
            )),
        }
    }

    /// What someone who has the first commit of each pair needs for the second: the commits between them and the
    /// parts of their trees that differ.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when one does not descend from the other along first parents.
    pub(crate) fn unsent(
        &self,
        chains: &[(Option<CommitId>, CommitId)],
    ) -> Result<Vec<Unsent>, Error> {
        let git = self.git();
        let mut walk = Walk {
            objects: &git,
            database: git
                .odb()
                .map_err(|error| Error::git("cannot open the object database", error))?,
            found: Vec::new(),
            sent: HashSet::new(),
            there: HashSet::new(),
        };
        let mut known: HashSet<CommitId> = chains.iter().filter_map(|(base, _)| *base).collect();
        for &(base, new) in chains {
            // Oldest first, so that a later object stands as its difference from an earlier one.
            for commit in chain(&git, base, new, &known)?.into_iter().rev() {
                let before = match commit.parent_id(0) {
                    Ok(parent) => Some(read::root(&git, CommitId::new(parent))?),
                    Err(_) => None,
                };
                walk.directory(before, commit.tree_id(), super::MAX_PATH_DEPTH)?;
                walk.keep(commit.id(), None)?;
                known.insert(CommitId::new(commit.id()));
            }
        }
        Ok(walk.found)
    }

    /// The last commit that came with all its files.
    pub(crate) fn whole(&self) -> Option<ObjectId> {
        let git = self.git();
        let text = std::fs::read_to_string(git.commondir().join(WHOLE)).ok()?;
        let id = ObjectId::parse(text.trim_end().as_bytes())?;
        git.odb().ok()?.exists(oid(id).ok()?).then_some(id)
    }

    /// Remembers that `commit` came with all its files.
    pub(crate) fn mark_whole(&self, commit: ObjectId) -> Result<(), Error> {
        let git = self.git();
        let file = git.commondir().join(WHOLE);
        let making = store::own_directory(&git)?.join(store::unique());
        std::fs::write(&making, format!("{commit}\n"))
            .and_then(|()| std::fs::rename(&making, &file))
            .map_err(|error| Error::io(format_args!("cannot write {}", file.display()), error))
    }

    /// Remembers commits whose parents are not here, as git does, so that it can read the history.
    pub(crate) fn mark_shallow(&self, commits: &[ObjectId]) -> Result<(), Error> {
        if commits.is_empty() {
            return Ok(());
        }
        let git = self.git();
        let file = git.commondir().join("shallow");
        let doing = format!("cannot write {}", file.display());
        let failed = |error| Error::io(&doing, error);
        let own = store::own_directory(&git)?;
        let lock = std::fs::File::create(own.join("shallow.lock")).map_err(failed)?;
        // Where there are no such locks, a boundary may be lost: the history ends with an error
        // there, not in silence.
        let _ = lock.lock();
        let before = std::fs::read_to_string(&file).unwrap_or_default();
        let mut lines: BTreeSet<String> = before.lines().map(str::to_owned).collect();
        let count = lines.len();
        lines.extend(commits.iter().map(ObjectId::to_string));
        if lines.len() == count {
            return Ok(());
        }
        let making = own.join(store::unique());
        let mut text = Vec::new();
        for line in lines {
            writeln!(text, "{line}").map_err(failed)?;
        }
        std::fs::write(&making, text)
            .and_then(|()| std::fs::rename(&making, &file))
            .map_err(failed)
    }
}

/// The commits after `base` up to `new`, newest first; of a branch that is new, those after the first that is `known`.
fn chain<'a>(
    git: &'a git2::Repository,
    base: Option<CommitId>,
    new: CommitId,
    known: &HashSet<CommitId>,
) -> Result<Vec<git2::Commit<'a>>, Error> {
    let mut commits = Vec::new();
    let mut next = Some(new);
    let is_known = |next: &Option<CommitId>| next.is_some_and(|next| known.contains(&next));
    while next != base && !(base.is_none() && is_known(&next)) {
        let Some(id) = next else {
            let base = base.map(|base| base.to_string()).unwrap_or_default();
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("{new} does not descend from {base}"),
            ));
        };
        if commits.len() == MAX_PUSHED_COMMITS {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "more than {MAX_PUSHED_COMMITS} commits to push, or the base is not among them"
                ),
            ));
        }
        let commit = git
            .find_commit(id.object())
            .map_err(|error| Error::git(format_args!("cannot read commit {id}"), error))?;
        next = commit.parent_id(0).ok().map(CommitId::new);
        commits.push(commit);
    }
    Ok(commits)
}

/// Collects the objects of trees that are not at the same place in the tree before.
struct Walk<'a> {
    objects: &'a Objects,
    database: git2::Odb<'a>,
    found: Vec<Unsent>,
    sent: HashSet<Oid>,
    /// Objects that something is a difference from, and that are not sent: the remote has them.
    there: HashSet<Oid>,
}

impl Walk<'_> {
    fn directory(&mut self, before: Option<Oid>, after: Oid, depth: usize) -> Result<(), Error> {
        if before == Some(after) || self.is_absent(after) {
            return Ok(());
        }
        let depth = depth
            .checked_sub(1)
            .ok_or_else(|| Error::new(ErrorKind::TooLarge, "directories are nested too deeply"))?;
        let old = self.objects.tree_or_empty(before)?;
        let new = self.objects.tree(after)?;
        for (old, new) in entry::differing(&old, &new)? {
            let Some(new) = new.filter(|new| new.target.kind() != SUBMODULE) else {
                continue;
            };
            let (id, old) = (new.target.id, old.map(|old| old.target.id));
            if new.target.is_directory() {
                self.directory(old, id, depth)?;
            } else if old != Some(id) && !self.is_absent(id) {
                self.keep(id, old)?;
            }
        }
        self.keep(after, before)
    }

    /// An object that is not here came as a name in one of the remote's own trees.
    fn is_absent(&self, id: Oid) -> bool {
        !self.database.exists_ext(id, OdbLookupFlags::NO_REFRESH) && !self.database.exists(id)
    }

    fn keep(&mut self, id: Oid, like: Option<Oid>) -> Result<(), Error> {
        if self.there.contains(&id) || !self.sent.insert(id) {
            return Ok(());
        }
        let object = self
            .objects
            .read(id)
            .map_err(|error| Error::git(format_args!("cannot read object {id}"), error))?;
        let kind = kind(object.kind)
            .ok_or_else(|| Error::new(ErrorKind::Damaged, format!("object {id} is of no kind")))?;
        // Without the bytes here it is sent whole.
        let base = like.and_then(|like| self.objects.read(like).ok());
        if let Some(base) = &base
            && !self.sent.contains(&base.id)
        {
            self.there.insert(base.id);
        }
        self.found.push(Unsent {
            kind,
            bytes: object.bytes,
            like: base.map(|base| (base.id.into(), base.bytes)),
        });
        Ok(())
    }
}

impl From<Oid> for ObjectId {
    fn from(id: Oid) -> Self {
        let mut bytes = [0; 20];
        for (byte, from) in bytes.iter_mut().zip(id.as_bytes()) {
            *byte = *from;
        }
        Self::from_bytes(bytes)
    }
}

impl From<CommitId> for ObjectId {
    fn from(id: CommitId) -> Self {
        id.object().into()
    }
}

impl From<ObjectId> for CommitId {
    /// The name of a commit; that it is one shows when it is read.
    fn from(id: ObjectId) -> Self {
        Self::new(Oid::from_bytes(id.as_bytes()).unwrap_or(Oid::ZERO_SHA1))
    }
}

fn oid(id: ObjectId) -> Result<Oid, Error> {
    Oid::from_bytes(id.as_bytes()).map_err(|error| Error::git("not an object id", error))
}

/// Hashed again, by libgit2, which notices the known ways to make two objects of one name.
fn own(object: pack::Object) -> Result<Object, Error> {
    let kind = match object.kind() {
        Kind::Commit => ObjectType::Commit,
        Kind::Tree => ObjectType::Tree,
        Kind::Blob => ObjectType::Blob,
        Kind::Tag => ObjectType::Tag,
    };
    Object::new(kind, object.into_bytes())
}

fn kind(kind: ObjectType) -> Option<Kind> {
    match kind {
        ObjectType::Commit => Some(Kind::Commit),
        ObjectType::Tree => Some(Kind::Tree),
        ObjectType::Blob => Some(Kind::Blob),
        ObjectType::Tag => Some(Kind::Tag),
        ObjectType::Any => None,
    }
}
