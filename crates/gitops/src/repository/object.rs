//! Git objects as bytes, made without a repository: a commit is a pure function of its inputs.
//!
//! The encodings are git's own (`Documentation/gitformat-*`, `tree.c`, `commit.c`). They are
//! written here rather than by libgit2 so that the same inputs give the same ids everywhere, the
//! modes other tools wrote stay as they are, and the list of new objects is known exactly.

use git2::{ObjectType, Oid};

use super::{Error, ErrorKind, Sign, Signature};

/// The mode of a directory in a tree.
pub(super) const DIRECTORY: i32 = 0o040_000;
/// The mode of a file that is written for the first time.
pub(super) const FILE: i32 = 0o100_644;
/// The mode of a symbolic link.
pub(super) const LINK: i32 = 0o120_000;
/// The mode of a submodule.
pub(super) const SUBMODULE: i32 = 0o160_000;

/// An object that may not be in the repository yet.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) id: Oid,
    pub(super) kind: ObjectType,
    pub(super) bytes: Vec<u8>,
}

impl Object {
    pub(super) fn new(kind: ObjectType, bytes: Vec<u8>) -> Result<Self, Error> {
        let id = Oid::hash_object(kind, &bytes)
            .map_err(|error| Error::git("cannot hash an object", error))?;
        Ok(Self { id, kind, bytes })
    }
}

/// One line of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TreeEntry {
    pub(super) name: Vec<u8>,
    pub(super) mode: i32,
    pub(super) id: Oid,
}

impl TreeEntry {
    /// Whether it is a directory (type bits only: the rest varies in old repositories).
    pub(super) fn is_directory(&self) -> bool {
        self.kind() == DIRECTORY
    }

    /// The type bits of the mode.
    pub(super) fn kind(&self) -> i32 {
        self.mode & 0o170_000
    }

    /// Git sorts a directory as if its name ended in a slash.
    fn sort_key(&self) -> impl Iterator<Item = u8> + '_ {
        self.name
            .iter()
            .copied()
            .chain(self.is_directory().then_some(b'/'))
    }
}

/// A tree object of `entries`, sorted here.
pub(super) fn tree(mut entries: Vec<TreeEntry>) -> Result<Object, Error> {
    entries.sort_by(|one, other| one.sort_key().cmp(other.sort_key()));
    let mut bytes = Vec::with_capacity(entries.len() * 40);
    for entry in &entries {
        bytes.extend_from_slice(format!("{:o} ", entry.mode).as_bytes());
        bytes.extend_from_slice(&entry.name);
        bytes.push(0);
        bytes.extend_from_slice(entry.id.as_bytes());
    }
    Object::new(ObjectType::Tree, bytes)
}

/// A commit object. Author and committer are the same: whoever delivers does both.
pub(super) fn commit(
    tree: Oid,
    parent: Option<Oid>,
    signature: &Signature,
    message: &str,
    signer: Option<&dyn Sign>,
) -> Result<Object, Error> {
    let mut header = format!("tree {tree}\n");
    if let Some(parent) = parent {
        header.push_str(&format!("parent {parent}\n"));
    }
    header.push_str(&format!("author {signature}\ncommitter {signature}\n"));
    if let Some(signer) = signer {
        let signed = signer.sign(format!("{header}\n{message}").as_bytes())?;
        // Further lines of a header's value begin with a space.
        header.push_str(&format!(
            "gpgsig {}\n",
            signed.trim_end().replace('\n', "\n ")
        ));
    }
    Object::new(
        ObjectType::Commit,
        format!("{header}\n{message}").into_bytes(),
    )
}

/// Fails when `object` is not of the `expected` kind.
pub(super) fn expect_kind(id: Oid, expected: ObjectType, found: ObjectType) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Damaged,
        format!("object {id} is a {found}, expected a {expected}"),
    ))
}
