//! Directories as git stores them: their names, and what each stands for.
//!
//! The encoding is git's own (`tree.c`): for each name its mode in octal, a space, the name, a zero byte and
//! twenty bytes of id; sorted as if the name of a directory ended in a slash. Names are borrowed from the
//! bytes: a directory may have many thousands.

use std::cmp::Ordering;
use std::io::Write as _;
use std::sync::Arc;

use git2::{ObjectType, Oid};

use super::object::Object;
use super::{Error, ErrorKind};

/// The mode of a directory.
pub(super) const DIRECTORY: i32 = 0o040_000;
/// The mode of a file that is written for the first time.
pub(super) const FILE: i32 = 0o100_644;
/// The mode of a symbolic link.
pub(super) const LINK: i32 = 0o120_000;
/// The mode of a submodule.
pub(super) const SUBMODULE: i32 = 0o160_000;

const ID_BYTES: usize = 20;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) mode: i32,
    pub(super) id: Oid,
}

impl Target {
    /// Whether it is a directory (type bits only: the rest varies in old repositories).
    pub(super) fn is_directory(self) -> bool {
        self.kind() == DIRECTORY
    }

    /// The type bits of the mode.
    pub(super) fn kind(self) -> i32 {
        self.mode & 0o170_000
    }
}

/// One line of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TreeEntry<'a> {
    pub(super) name: &'a [u8],
    pub(super) target: Target,
}

impl TreeEntry<'_> {
    /// Git's order. Equal are a name twice, as a file both times or as a directory.
    pub(super) fn compare(&self, other: &TreeEntry<'_>) -> Ordering {
        let shorter = self.name.len().min(other.name.len());
        self.name
            .iter()
            .take(shorter)
            .cmp(other.name.iter().take(shorter))
            .then_with(|| self.byte(shorter).cmp(&other.byte(shorter)))
    }

    fn byte(&self, at: usize) -> u8 {
        let end = if self.target.is_directory() { b'/' } else { 0 };
        self.name.get(at).copied().unwrap_or(end)
    }
}

/// What stands before and after.
pub(super) type Sides<'a> = (Option<TreeEntry<'a>>, Option<TreeEntry<'a>>);

/// A directory as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    id: Oid,
    bytes: Arc<[u8]>,
}

impl Tree {
    pub(super) fn new(object: Object) -> Self {
        Self {
            id: object.id,
            bytes: object.bytes,
        }
    }

    /// Every entry, in the order they are stored in.
    pub(super) fn entries(&self) -> Result<Vec<TreeEntry<'_>>, Error> {
        self.iter().collect()
    }

    /// What `name` stands for here.
    pub(super) fn find(&self, name: &str) -> Result<Option<Target>, Error> {
        for entry in self.iter() {
            let entry = entry?;
            if entry.name == name.as_bytes() {
                return Ok(Some(entry.target));
            }
        }
        Ok(None)
    }

    fn iter(&self) -> impl Iterator<Item = Result<TreeEntry<'_>, Error>> {
        let mut rest: &[u8] = &self.bytes;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let Some((entry, after)) = split_entry(rest) else {
                rest = &[];
                return Some(Err(Error::new(
                    ErrorKind::Damaged,
                    format!("tree {} is not as git writes one: run `git fsck`", self.id),
                )));
            };
            rest = after;
            Some(Ok(entry))
        })
    }
}

/// The entries that differ, on either side: pairs of one name that is a file, or a directory, on both
/// sides, and single ones. Takes time by the number of entries, as both are sorted.
pub(super) fn differing<'a>(before: &'a Tree, after: &'a Tree) -> Result<Vec<Sides<'a>>, Error> {
    let (mut before, mut after) = (before.iter(), after.iter());
    let (mut old, mut new) = (before.next().transpose()?, after.next().transpose()?);
    let mut found = Vec::new();
    while old.is_some() || new.is_some() {
        let order = match (&old, &new) {
            (Some(old), Some(new)) => old.compare(new),
            (Some(_), None) => Ordering::Less,
            _ => Ordering::Greater,
        };
        let pair = (old.filter(|_| order.is_le()), new.filter(|_| order.is_ge()));
        if order.is_le() {
            old = before.next().transpose()?;
        }
        if order.is_ge() {
            new = after.next().transpose()?;
        }
        if pair.0 != pair.1 {
            found.push(pair);
        }
    }
    Ok(found)
}

/// A directory of `entries`, which are sorted.
pub(super) fn encode(entries: &[TreeEntry<'_>]) -> Result<Object, Error> {
    let mut bytes = Vec::with_capacity(entries.len() * 40);
    for entry in entries {
        match entry.target.mode {
            // Nearly all there are; formatting takes longer than all the rest.
            FILE => bytes.extend_from_slice(b"100644 "),
            DIRECTORY => bytes.extend_from_slice(b"40000 "),
            mode => write!(bytes, "{mode:o} ")
                .map_err(|error| Error::io("cannot encode a directory", error))?,
        }
        bytes.extend_from_slice(entry.name);
        bytes.push(0);
        bytes.extend_from_slice(entry.target.id.as_bytes());
    }
    Object::new(ObjectType::Tree, bytes)
}

/// The first entry, and what follows it.
fn split_entry(bytes: &[u8]) -> Option<(TreeEntry<'_>, &[u8])> {
    let space = bytes.iter().take(8).position(|byte| *byte == b' ')?;
    let (digits, rest) = bytes.split_at_checked(space)?;
    let mut mode = 0;
    for digit in digits {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 8)?;
        mode = mode * 8 + i32::from(digit);
    }
    let rest = rest.get(1..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    let (name, rest) = rest.split_at_checked(end)?;
    let (id, rest) = rest.get(1..)?.split_at_checked(ID_BYTES)?;
    let target = Target {
        mode,
        id: Oid::from_bytes(id).ok()?,
    };
    Some((TreeEntry { name, target }, rest))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn tree(entries: &BTreeSet<(String, bool, u8)>) -> Tree {
        let mut entries: Vec<_> = entries
            .iter()
            .map(|(name, is_directory, id)| TreeEntry {
                name: name.as_bytes(),
                target: Target {
                    mode: if *is_directory { DIRECTORY } else { FILE },
                    id: Oid::from_bytes(&[*id; ID_BYTES]).unwrap(),
                },
            })
            .collect();
        entries.sort_by(TreeEntry::compare);
        entries.dedup_by(|one, other| one.compare(other).is_eq());
        Tree::new(encode(&entries).unwrap())
    }

    fn names() -> impl Strategy<Value = BTreeSet<(String, bool, u8)>> {
        prop::collection::btree_set(("[a-c.]{1,3}", any::<bool>(), 0..3_u8), 0..12)
    }

    proptest! {
        #[test]
        fn whatever_a_tree_holds_it_is_refused_or_written_as_it_was_read(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..80),
                "(100644|40000|120000|[0-9]{1,9}) [a-z]{0,3}\0[a-z]{18,22}".prop_map(String::into_bytes),
            ],
        ) {
            let tree = Tree::new(Object::new(ObjectType::Tree, bytes).unwrap());
            if let Ok(entries) = tree.entries() {
                let again = Tree::new(encode(&entries).unwrap());
                prop_assert_eq!(again.entries().unwrap(), entries);
            }
        }

        #[test]
        fn what_differs_is_what_one_side_has_and_the_other_has_not(one in names(), other in names()) {
            let (one, other) = (tree(&one), tree(&other));
            let (before, after) = (one.entries().unwrap(), other.entries().unwrap());
            let found = differing(&one, &other).unwrap();
            let gone: Vec<_> = found.iter().filter_map(|sides| sides.0).collect();
            let come: Vec<_> = found.iter().filter_map(|sides| sides.1).collect();
            let only = |these: &[TreeEntry<'_>], those: &[TreeEntry<'_>]| -> Vec<_> {
                let missing = these.iter().filter(|entry| !those.contains(entry));
                missing.map(|entry| (entry.name.to_vec(), entry.target)).collect()
            };
            let own = |entries: &[TreeEntry<'_>]| only(entries, &[]);
            prop_assert_eq!(own(&gone), only(&before, &after));
            prop_assert_eq!(own(&come), only(&after, &before));
            for sides in found {
                if let (Some(before), Some(after)) = sides {
                    prop_assert!(before.compare(&after).is_eq());
                }
            }
        }
    }
}
