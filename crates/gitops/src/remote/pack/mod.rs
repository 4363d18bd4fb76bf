//! Packs: many objects in one stream, some as differences of others.
//!
//! Pure: bytes in, objects out, and back. Source: git's `gitformat-pack`. A pack of a server is read
//! whole into memory under [`Limits`]; every object's id is computed here, so none can pose as
//! another. A pack to send is thin: an object may stand as its difference from one the server has.

mod delta;
mod read;
mod write;

use std::fmt;

use sha1::{Digest, Sha1};

pub use delta::{MAX_BASE_BYTES, apply, difference};
pub use read::{Header, Limits, PackError, read};
pub use write::{Packed, write};

use super::wire::ObjectId;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "git has these four")]
pub enum Kind {
    /// A commit.
    Commit,
    /// A directory.
    Tree,
    /// A file's content.
    Blob,
    /// An annotated tag.
    Tag,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Self::Commit => 1,
            Self::Tree => 2,
            Self::Blob => 3,
            Self::Tag => 4,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        [Self::Commit, Self::Tree, Self::Blob, Self::Tag]
            .into_iter()
            .find(|kind| kind.code() == code)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        })
    }
}

/// An object and its name.
#[derive(Clone, PartialEq, Eq)]
pub struct Object {
    id: ObjectId,
    kind: Kind,
    bytes: Vec<u8>,
}

impl Object {
    /// An object of these bytes; the id follows from them.
    #[must_use]
    pub fn new(kind: Kind, bytes: Vec<u8>) -> Self {
        let mut hash = Sha1::new();
        hash.update(format!("{kind} {}\0", bytes.len()).as_bytes());
        hash.update(&bytes);
        Self {
            id: ObjectId::from_bytes(hash.finalize().into()),
            kind,
            bytes,
        }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        self.id
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its bytes, without git's header.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its bytes, given away.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({} bytes)", self.kind, self.id, self.bytes.len())
    }
}
