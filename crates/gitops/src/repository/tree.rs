//! A tree with changes applied: reads the directories on the changed paths, encodes them anew.
//!
//! Every entry that is not on a changed path keeps its mode, name bytes and id. The recursion is as deep as the
//! deepest path ([`MAX_PATH_DEPTH`](super::MAX_PATH_DEPTH)).

use std::collections::BTreeMap;

use git2::{ObjectType, Oid};

use super::entry::{self, DIRECTORY, FILE, LINK, SUBMODULE, Target, TreeEntry};
use super::object::Object;
use super::objects::Objects;
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
    objects: &Objects,
    base: Option<Oid>,
    changes: &ChangeSet,
) -> Result<Edited, Error> {
    let mut editor = Editor {
        objects,
        made: Vec::new(),
    };
    let flat = changes
        .iter()
        .map(|(path, content)| (path.as_str(), content))
        .collect();
    let root = match editor.directory(base, "", flat)? {
        Some(root) => root,
        None => editor.keep(entry::encode(&[])?),
    };
    Ok(Edited {
        root,
        objects: editor.made,
    })
}

struct Editor<'a> {
    objects: &'a Objects,
    made: Vec<Object>,
}

impl Editor<'_> {
    /// The directory afterwards; `None` when nothing is left in it.
    fn directory(
        &mut self,
        base: Option<Oid>,
        at: &str,
        changes: Vec<(&str, Content<'_>)>,
    ) -> Result<Option<Oid>, Error> {
        let before = self.objects.tree_or_empty(base)?;
        let mut after = before.entries()?;
        // Sorted they are already, unless something other than git wrote them.
        after.sort_by(TreeEntry::compare);
        if !after.is_sorted_by(|one, next| one.compare(next).is_lt()) {
            return Err(twice(at));
        }
        let mut is_changed = false;
        for (name, group) in grouped(changes) {
            let path = if at.is_empty() {
                name.to_owned()
            } else {
                format!("{at}/{name}")
            };
            let place = find(&after, name).ok_or_else(|| twice(at))?;
            let found = place.and_then(|place| after.get(place)).copied();
            let entry = self.entry(name, &path, found, group)?;
            is_changed |= entry != found;
            match (place.and_then(|place| after.get_mut(place)), entry) {
                (Some(slot), Some(entry)) if slot.compare(&entry).is_eq() => *slot = entry,
                (_, entry) => {
                    // Few names come and go; of a wide directory, one that does is moved past all others.
                    place.map(|place| after.remove(place));
                    if let Some(entry) = entry {
                        let place = after.partition_point(|other| other.compare(&entry).is_lt());
                        after.insert(place, entry);
                    }
                }
            }
        }
        if after.is_empty() {
            return Ok(None);
        }
        match base {
            Some(id) if !is_changed => Ok(Some(id)),
            _ => entry::encode(&after).map(|tree| Some(self.keep(tree))),
        }
    }

    /// One entry afterwards; `None` when nothing is left of it.
    fn entry<'n>(
        &mut self,
        name: &'n str,
        path: &str,
        before: Option<TreeEntry<'_>>,
        group: Group<'_>,
    ) -> Result<Option<TreeEntry<'n>>, Error> {
        let mut target = before.map(|entry| entry.target);
        if target.is_some_and(|found| found.kind() == SUBMODULE) {
            return Err(conflict(path, "is a submodule"));
        }
        // A removed file makes way for a directory of its name, and a directory whose files are
        // all removed makes way for a file.
        let makes_way =
            group.file == Some(None) && target.is_some_and(|found| !found.is_directory());
        if makes_way {
            target = None;
        }
        if !group.below.is_empty() {
            target = self.below(path, target, group.below)?;
        }
        let target = match (group.file, target) {
            (None, target) => target,
            (Some(None), target) if makes_way => target,
            (Some(_), Some(found)) if found.is_directory() => {
                return Err(conflict(path, "is a directory"));
            }
            (Some(None), _) => None,
            (Some(Some(_)), Some(found)) if found.kind() == LINK => {
                return Err(conflict(path, "is a symbolic link"));
            }
            (Some(Some(bytes)), found) => Some(Target {
                id: self.blob(bytes, found.map(|found| found.id))?,
                mode: found.map_or(FILE, |found| found.mode),
            }),
        };
        let name = name.as_bytes();
        Ok(target.map(|target| TreeEntry { name, target }))
    }

    fn below(
        &mut self,
        path: &str,
        found: Option<Target>,
        changes: Vec<(&str, Content<'_>)>,
    ) -> Result<Option<Target>, Error> {
        let base = match found {
            Some(target) if target.is_directory() => Some(target.id),
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
        let mode = found.map_or(DIRECTORY, |target| target.mode);
        Ok(id.map(|id| Target { mode, id }))
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
        self.made.push(object);
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

/// The place of `name`, if there is one; `None` when it stands for a file and a directory.
fn find(entries: &[TreeEntry<'_>], name: &str) -> Option<Option<usize>> {
    let [file, directory] = [FILE, DIRECTORY].map(|mode| {
        let target = Target {
            mode,
            id: Oid::ZERO_SHA1,
        };
        let wanted = TreeEntry {
            name: name.as_bytes(),
            target,
        };
        entries
            .binary_search_by(|entry| entry.compare(&wanted))
            .ok()
    });
    match (file, directory) {
        (Some(_), Some(_)) => None,
        (file, directory) => Some(file.or(directory)),
    }
}

fn twice(at: &str) -> Error {
    Error::new(
        ErrorKind::Damaged,
        format!("directory `{at}` has a name twice: run `git fsck`"),
    )
}

fn conflict(path: &str, what: &str) -> Error {
    Error::new(
        ErrorKind::PathConflict,
        format!("cannot change `{path}`: it {what}"),
    )
}
