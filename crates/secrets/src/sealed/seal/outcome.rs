//! What sealing a Secret gave: the manifest, and what was done for each item and why.

use std::fmt;

use narae_yaml::Value;

/// The outcome: a manifest without plaintext, and what was done for each item.
#[derive(Debug)]
#[non_exhaustive]
pub struct SealedSecret {
    /// The SealedSecret.
    pub manifest: Value,
    /// What happened to each item, in item order.
    pub items: Vec<ItemOutcome>,
}

/// What happened to one item.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ItemOutcome {
    /// The item's key.
    pub name: String,
    /// What was done.
    pub action: Action,
}

/// What was done for an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// It keeps the ciphertext it had.
    Kept,
    /// It is new.
    Sealed,
    /// It had a ciphertext and got another one.
    Resealed(Reason),
}

/// Why an item could not keep its ciphertext.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Its source has no versions, so nobody can know whether it changed.
    Unversioned,
    /// The previous manifest does not say where it came from.
    NotRecorded,
    /// Its source is another version or another reference.
    SourceChanged,
    /// It was sealed for another certificate.
    CertificateChanged,
    /// Name, namespace or scope changed.
    LabelChanged,
    /// It was bound to less: from now on it opens in more places than before.
    ScopeWidened,
    /// Its ciphertext is not the one that was recorded.
    CiphertextEdited,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unversioned => "its source has no versions",
            Self::NotRecorded => "its source was not recorded",
            Self::SourceChanged => "its source changed",
            Self::CertificateChanged => "for another certificate",
            Self::LabelChanged => "its name, namespace or scope changed",
            Self::ScopeWidened => "its scope is wider now: it opens in more places than before",
            Self::CiphertextEdited => "its ciphertext had been edited",
        })
    }
}

impl SealedSecret {
    /// Whether anything was sealed anew; if not, the items are as they were.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.items.iter().any(|item| item.action != Action::Kept)
    }
}
