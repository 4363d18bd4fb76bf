//! A tree with changes applied: reads the directories on the changed paths, encodes them anew.
//!
//! Every entry that is not on a changed path keeps its mode, name bytes and id. The recursion is as deep as the
//! deepest path ([`MAX_PATH_DEPTH`](super::MAX_PATH_DEPTH)).

use std::collections::{BTreeMap, HashSet};

use git2::{ObjectType, Oid};

use super::object::{self, DIRECTORY, FILE, LINK, Object, SUBMODULE, TreeEntry};
use super::{Error, ErrorKind};
use crate::change::ChangeSet;

/// What a file holds afterwards; `None`: nothing.
type Content<'a> = Option<&'a [u8]>;

/// The changes to one name of a directory: to the file of that name, and to files below it.
#[derive(Debug, Default)]
struct Group<'a> {
    file: Option<Content<'a>>,
    below: Vec<(&'a str, Content<'a>)>,
}

/// A tree and the objects it needs that `base` does not have.
#[derive(Debug)]
pub(super) struct Edited {
    pub(super) root: Oid,
    pub(super) objects: Vec<Object>,
}

/// `base` (`None`: no files) with `changes` applied.
pub(super) fn apply(
    git: &git2::Repository,
    base: Option<Oid>,
    changes: &ChangeSet,
) -> Result<Edited, Error> {
    let mut editor = Editor {
        git,
        objects: Vec::new(),
    };
    let flat = changes
        .iter()
        .map(|(path, content)| (path.as_str(), content))
        .collect();
    let root = match editor.directory(base, "", flat)? {
        Some(root) => root,
        None => editor.keep(object::tree(Vec::new())?),
    };
    Ok(Edited {
        root,
        objects: editor.objects,
    })
}

/// The entries of a tree.
pub(super) fn read(git: &git2::Repository, id: Oid) -> Result<Vec<TreeEntry>, Error> {
    let tree = git
        .find_tree(id)
        .map_err(|error| Error::git(format_args!("cannot read tree {id}"), error))?;
    let entry = |entry: git2::TreeEntry<'_>| TreeEntry {
        name: entry.name_bytes().to_owned(),
        mode: entry.filemode_raw(),
        id: entry.id(),
    };
    Ok(tree.iter().map(entry).collect())
}

struct Editor<'a> {
    git: &'a git2::Repository,
    objects: Vec<Object>,
}

impl Editor<'_> {
    /// The directory afterwards; `None` when nothing is left in it.
    fn directory(
        &mut self,
        base: Option<Oid>,
        at: &str,
        changes: Vec<(&str, Content<'_>)>,
    ) -> Result<Option<Oid>, Error> {
        let before = match base {
            Some(id) => read(self.git, id)?,
            None => Vec::new(),
        };
        let mut names = HashSet::with_capacity(before.len());
        if !before
            .iter()
            .all(|entry| names.insert(entry.name.as_slice()))
        {
            return Err(Error::new(
                ErrorKind::Damaged,
                format!("directory `{at}` has a name twice: run `git fsck`"),
            ));
        }
        drop(names);
        // A directory may have many thousands of names, of which few change.
        let mut after = before;
        let mut is_changed = false;
        for (name, group) in grouped(changes) {
            let path = if at.is_empty() {
                name.to_owned()
            } else {
                format!("{at}/{name}")
            };
            let place = after.iter().position(|entry| entry.name == name.as_bytes());
            let found = place.and_then(|place| after.get(place));
            let entry = self.entry(name, &path, found, group)?;
            is_changed |= entry.as_ref() != found;
            match (place, entry) {
                (Some(place), Some(entry)) => {
                    if let Some(slot) = after.get_mut(place) {
                        *slot = entry;
                    }
                }
                (None, Some(entry)) => after.push(entry),
                (Some(place), None) => drop(after.remove(place)),
                (None, None) => {}
            }
        }
        if after.is_empty() {
            return Ok(None);
        }
        match base {
            Some(id) if !is_changed => Ok(Some(id)),
            _ => object::tree(after).map(|tree| Some(self.keep(tree))),
        }
    }

    /// One entry afterwards; `None` when nothing is left of it.
    fn entry(
        &mut self,
        name: &str,
        path: &str,
        before: Option<&TreeEntry>,
        group: Group<'_>,
    ) -> Result<Option<TreeEntry>, Error> {
        let mut entry = before.cloned();
        if let Some(found) = before
            && found.kind() == SUBMODULE
        {
            return Err(conflict(path, "is a submodule"));
        }
        // A removed file makes way for a directory of its name, and a directory whose files are
        // all removed makes way for a file.
        let makes_way =
            group.file == Some(None) && entry.as_ref().is_some_and(|entry| !entry.is_directory());
        if makes_way {
            entry = None;
        }
        if !group.below.is_empty() {
            entry = self.below(name, path, entry, group.below)?;
        }
        match (group.file, entry) {
            (None, entry) => Ok(entry),
            (Some(None), entry) if makes_way => Ok(entry),
            (Some(_), Some(found)) if found.is_directory() => Err(conflict(path, "is a directory")),
            (Some(None), _) => Ok(None),
            (Some(Some(_)), Some(found)) if found.kind() == LINK => {
                Err(conflict(path, "is a symbolic link"))
            }
            (Some(Some(bytes)), found) => {
                let id = self.blob(bytes, found.as_ref().map(|found| found.id))?;
                let mode = found.map_or(FILE, |found| found.mode);
                Ok(Some(TreeEntry {
                    name: name.as_bytes().to_owned(),
                    mode,
                    id,
                }))
            }
        }
    }

    fn below(
        &mut self,
        name: &str,
        path: &str,
        found: Option<TreeEntry>,
        changes: Vec<(&str, Content<'_>)>,
    ) -> Result<Option<TreeEntry>, Error> {
        let base = match &found {
            Some(entry) if entry.is_directory() => Some(entry.id),
            // There are no files below a file: removing them is done already.
            Some(_) if changes.iter().all(|(_, content)| content.is_none()) => return Ok(found),
            Some(_) => {
                return Err(conflict(
                    path,
                    "is a file, and a file below it is to be written",
                ));
            }
            None => None,
        };
        let id = self.directory(base, path, changes)?;
        let mode = found.map_or(DIRECTORY, |entry| entry.mode);
        Ok(id.map(|id| TreeEntry {
            name: name.as_bytes().to_owned(),
            mode,
            id,
        }))
    }

    fn blob(&mut self, bytes: &[u8], before: Option<Oid>) -> Result<Oid, Error> {
        let blob = Object::new(ObjectType::Blob, bytes.to_owned())?;
        Ok(if before == Some(blob.id) {
            blob.id
        } else {
            self.keep(blob)
        })
    }

    fn keep(&mut self, object: Object) -> Oid {
        let id = object.id;
        self.objects.push(object);
        id
    }
}

fn grouped<'a>(changes: Vec<(&'a str, Content<'a>)>) -> BTreeMap<&'a str, Group<'a>> {
    let mut groups: BTreeMap<&str, Group<'_>> = BTreeMap::new();
    for (path, content) in changes {
        match path.split_once('/') {
            Some((name, rest)) => groups.entry(name).or_default().below.push((rest, content)),
            None => groups.entry(path).or_default().file = Some(content),
        }
    }
    groups
}

fn conflict(path: &str, what: &str) -> Error {
    Error::new(
        ErrorKind::PathConflict,
        format!("cannot change `{path}`: it {what}"),
    )
}
