//! What was sealed from where, so that unchanged items keep their ciphertext.
//!
//! The record of an item is one line of fields, separated by one space:
//!
//! ```text
//! ITEM  sha256:HEX of the ciphertext as it stands  SHA256:KEY fingerprint  SCOPE:LABEL  ORIGIN
//! ```
//!
//! ORIGIN is one of two:
//!
//! - `SOURCE STAMP`: the reference pinned to its version, and the store's word for this writing of that version. A store
//!   made anew, or another one behind the same name, begins at version 1 again, and without the stamp the old value would be kept
//!   for the new one. Of a text with references in it, all of them: `text:HEX|SOURCE|… STAMP|…`.
//! - `hmac-sha256:KEY-ID:DIGEST` where the source has no versions: a digest of the value under a [`DigestKey`](super::DigestKey).
//!
//! HEX is the first half of the digest, 32 digits.
//!
//! # Where it stands
//!
//! In YAML, behind the item, as a comment:
//!
//! ```text
//! spec:
//!   encryptedData:
//!     password: AgB3i4O… # narae: password sha256:5f0c… SHA256:mtQ… strict:shop/db ref+vault://main/secret/shop/db?version=3#/password 2026-11-20T08:00:00Z
//! ```
//!
//! So of a file in which one value changed, one line changes. Comments pass git and formatters that keep comments (prettier does), and do not reach the cluster. A comment
//! somebody wrote there stays, before the record or behind it.
//!
//! Where no comment can stand, the record is a line of the annotation [`ANNOTATION`], in item order: in JSON, in braces, behind a block scalar, and in
//! a [`Value`](narae_yaml::Value), which has no comments. There two lines change with one value. Both are read, the comment first; an item sealed anew moves its
//! record to the comment.
//!
//! # What it is worth
//!
//! Nothing in the record derives from a plaintext alone: a hash of a weak password in git would be an invitation to
//! guess it. An item is kept only if its record would say of it what it says: so an edited
//! ciphertext (its wrapped key included), another certificate, a rename, a new version, a value that digests otherwise, or a
//! record that was lost or that this version does not understand all lead to sealing anew. That is the safe side: an item sealed anew is always right.
//!
//! What it is not: a signature. Whoever may write both the ciphertext and its record can plant an item
//! that stays until its source changes; but they can plant any item, since anyone can seal.
//!
//! After a re-encryption by the controller the annotation has moved to `spec.template.metadata`. It is
//! read there, too.

mod comment;
mod line;
mod record;

use std::fmt;

use aws_lc_rs::digest;

pub(super) use self::comment::with as in_comment;
pub(super) use self::line::{Line, Origin, digest_of};
pub(super) use self::record::Record;
use crate::reference::{Interpolation, Reference};
use crate::resolve::{Resolved, ResolvedValue};
use crate::store::Version;

/// The annotation that holds the record where no comment can.
pub const ANNOTATION: &str = "narae.dev/sealed-items";

/// Largest record made, in bytes, and largest annotation read. Kubernetes allows 256 KiB for all annotations of
/// an object; a record that would be larger is left out, its items are sealed anew each time, and
/// [`Warning::RecordTooLarge`](super::Warning::RecordTooLarge) says so. It is enough for some 600 items.
pub const MAX_RECORD_BYTES: usize = 128 * 1024;

/// Where a value came from, exactly: a reference pinned to the version that was read, and the
/// stamp of that writing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(String);

impl Source {
    /// The source of what `reference` gave at `version`, in the writing that `stamp` names
    /// ([`Secret::stamp`](crate::store::Secret::stamp)). White space and `#` in a stamp become `_`.
    #[must_use]
    pub fn new(reference: &Reference, version: Version, stamp: &str) -> Self {
        let stamp = stamp.replace(
            |c: char| c == '#' || c.is_whitespace() || c.is_control(),
            "_",
        );
        Self(format!("{} {stamp}", reference.pinned(version)))
    }

    /// The source of a value as resolved; `None` when its store cannot tell one writing from
    /// another, so that nobody can know whether it changed.
    #[must_use]
    pub fn of(reference: &Reference, resolved: &ResolvedValue) -> Option<Self> {
        Some(Self::new(
            reference,
            resolved.version?,
            resolved.stamp.as_deref()?,
        ))
    }

    /// The source of a text that was filled: all its references as read, and a digest of what stands between them, which is no
    /// secret. `None` as for [`of`](Self::of), if one of them has none.
    ///
    /// ```text
    /// text:HEX|REFERENCE|REFERENCE STAMP|STAMP
    /// ```
    #[must_use]
    pub fn of_text(text: &Interpolation, resolved: &Resolved) -> Option<Self> {
        if let Some(reference) = text.as_reference() {
            return Self::of(reference, resolved.get(reference)?);
        }
        let shape = digest::digest(&digest::SHA256, text.shape().as_bytes());
        let mut source = format!("text:{}", hex(shape.as_ref().get(..8)?));
        let mut stamps = Vec::new();
        for reference in text.references() {
            let one = Self::of(reference, resolved.get(reference)?)?;
            let (reference, stamp) = one.0.split_once(' ')?;
            source.push('|');
            source.push_str(reference);
            stamps.push(stamp.replace('|', "_"));
        }
        Some(Self(format!("{source} {}", stamps.join("|"))))
    }

    /// The pinned reference, a space, and the stamp.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the record says of one item. Whether it still speaks of the ciphertext that stands there, a
/// [`Validator`](super::Validator) tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// Fingerprint of the key it was sealed for.
    pub key: String,
    /// The label it was sealed under, as [`Label`](super::Label) prints.
    pub label: String,
    /// The reference it came from, pinned to its version, or those of its text; `None` if its value was digested.
    pub source: Option<String>,
    /// The [id](super::DigestKey::id) of the key its value was digested with; `None` if its source has versions.
    pub digest_key: Option<String>,
}

impl From<&Line> for Recorded {
    fn from(line: &Line) -> Self {
        let (source, digest_key) = match &line.origin {
            Origin::Source(source) => {
                let reference = source.split(' ').next().unwrap_or_default();
                (Some(reference.to_owned()), None)
            }
            Origin::Digest(digest) => (None, Some(digest.key_id.clone())),
        };
        Self {
            key: line.key.clone(),
            label: line.label.clone(),
            source,
            digest_key,
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
