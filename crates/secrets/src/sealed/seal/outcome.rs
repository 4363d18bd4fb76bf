//! What sealing a Secret gave: the manifest, and what was done for each item and why.

use std::collections::BTreeMap;
use std::fmt;

use narae_yaml::Value;
use thiserror::Error;

use super::CLIENT_APPLY_BYTES;
use crate::sealed::SealedFile;
use crate::sealed::manifest::Patch;
use crate::sealed::provenance::{MAX_RECORD_BYTES, Record};

/// The outcome: a manifest without plaintext, and what was done for each item.
#[derive(Debug)]
#[non_exhaustive]
pub struct SealedSecret {
    /// The SealedSecret, its record in the annotation; [`to_yaml`](Self::to_yaml) puts that into comments.
    pub manifest: Value,
    /// What happened to each item, in item order.
    pub items: Vec<ItemOutcome>,
    /// What works now, and will not always.
    pub warnings: Vec<Warning>,
}

/// What to know about a manifest that was made nevertheless.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Warning {
    /// The record is too large to be written, so that every item is sealed anew each time.
    #[error(
        "the record of what was sealed would have {bytes} bytes, at most {MAX_RECORD_BYTES} are written: every item changes each time; split the Secret"
    )]
    RecordTooLarge {
        /// Bytes it would have.
        bytes: usize,
    },
    /// The manifest is too large for client-side `kubectl apply`, which keeps a copy in an annotation.
    #[error(
        "the manifest has more than {bytes} bytes; client-side `kubectl apply` takes at most {CLIENT_APPLY_BYTES}: apply it server-side"
    )]
    ClientApply {
        /// Bytes of its ciphertexts and record.
        bytes: usize,
    },
}

impl Warning {
    pub(super) fn of(encrypted: &BTreeMap<String, String>, record: &Record) -> Vec<Self> {
        let mut warnings = Vec::new();
        let record = record.to_text().len();
        if record > MAX_RECORD_BYTES {
            warnings.push(Self::RecordTooLarge { bytes: record });
        }
        let written = if record > MAX_RECORD_BYTES { 0 } else { record };
        let bytes = encrypted.values().map(String::len).sum::<usize>() + written;
        if bytes > CLIENT_APPLY_BYTES {
            warnings.push(Self::ClientApply { bytes });
        }
        warnings
    }
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
    /// Its value is another than the one that was digested.
    ValueChanged,
    /// Its value was digested with another [`DigestKey`](super::super::DigestKey).
    DigestKeyChanged,
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
            Self::ValueChanged => "its value changed",
            Self::DigestKeyChanged => "its value was digested with another key",
            Self::CertificateChanged => "for another certificate",
            Self::LabelChanged => "its name, namespace or scope changed",
            Self::ScopeWidened => "its scope is wider now: it opens in more places than before",
            Self::CiphertextEdited => "its ciphertext had been edited",
        })
    }
}

impl SealedSecret {
    /// The manifest as YAML, the record of each item behind it as a comment, so that of a file one line changes
    /// with one value.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let record = Record::of(&self.manifest);
        let mut bare = self.manifest.clone();
        Record::default().annotate(&mut bare);
        let with_comments = || {
            let file = SealedFile::read("", narae_yaml::write(&bare)).ok()?;
            let [secret] = file.secrets() else {
                return None;
            };
            let mut patch = Patch::new(&file);
            let lines = record.lines().map(|(name, line)| (name, Some(line)));
            patch.set_record(secret, lines).ok()?;
            patch.apply().ok()
        };
        with_comments().unwrap_or_else(|| narae_yaml::write(&self.manifest))
    }

    /// Whether anything was sealed anew; if not, the items are as they were.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.items.iter().any(|item| item.action != Action::Kept)
    }
}
