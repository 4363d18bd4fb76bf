//! Git objects as bytes, made without a repository: a commit is a pure function of its inputs.
//!
//! The encodings are git's own (`Documentation/gitformat-*`, `tree.c`, `commit.c`). They are
//! written here rather than by libgit2 so that the same inputs give the same ids everywhere, the
//! modes other tools wrote stay as they are, and the list of new objects is known exactly.

use std::sync::Arc;

use git2::{ObjectType, Oid};

use super::{Error, ErrorKind, Sign, Signature};

/// An object that may not be in the repository yet.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) id: Oid,
    pub(super) kind: ObjectType,
    pub(super) bytes: Arc<[u8]>,
}

impl Object {
    pub(super) fn new(kind: ObjectType, bytes: Vec<u8>) -> Result<Self, Error> {
        let id = Oid::hash_object(kind, &bytes)
            .map_err(|error| Error::git("cannot hash an object", error))?;
        Ok(Self {
            id,
            kind,
            bytes: bytes.into(),
        })
    }
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
