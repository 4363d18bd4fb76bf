//! The name of a commit.

use std::fmt;
use std::str::FromStr;

use git2::Oid;

/// The object id of a commit: 40 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(Oid);

impl CommitId {
    pub(crate) fn new(id: Oid) -> Self {
        Self(id)
    }

    pub(crate) fn object(self) -> Oid {
        self.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `{:.7}` abbreviates, as people expect of a commit id.
        f.pad(&self.0.to_string())
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommitId({})", self.0)
    }
}

impl FromStr for CommitId {
    type Err = CommitIdError;

    fn from_str(text: &str) -> Result<Self, CommitIdError> {
        // libgit2 would read a shorter text as a prefix padded with zeros.
        if text.len() == 40
            && let Ok(id) = Oid::from_str(text)
        {
            return Ok(Self(id));
        }
        Err(CommitIdError { length: text.len() })
    }
}

/// A text that is not a full commit id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a commit id: expected 40 hexadecimal digits, found {length} bytes")]
pub struct CommitIdError {
    length: usize,
}
