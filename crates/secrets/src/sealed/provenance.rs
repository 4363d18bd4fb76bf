//! What was sealed from where, so that unchanged items keep their ciphertext.
//!
//! The record is the annotation [`ANNOTATION`] of a SealedSecret, one line for each item that came
//! from a versioned source, in item order, six fields separated by one space:
//!
//! ```text
//! ITEM  sha256:HEX of the ciphertext as it stands  SHA256:KEY fingerprint  SCOPE:LABEL  SOURCE  STAMP
//! ```
//!
//! SOURCE is the reference pinned to its version. STAMP is the store's word for this writing of that
//! version: a store made anew, or another one behind the same name, begins at version 1 again, and
//! without it the old value would be kept for the new one.
//!
//! So of a file in which one value has a new version, two lines change: the item's, and its line here. A value
//! whose source has no versions has no line; what is unchanged of those, a [`DigestKey`](super::DigestKey) tells from the item
//! itself, and one line changes.
//!
//! Nothing in the record derives from a plaintext: a hash of a weak password in git would be an invitation to
//! guess it. An item is kept only if its whole line would be written again as it stands; so an edited
//! ciphertext, another certificate, a rename, a new version, or a line this version does not
//! understand all lead to sealing anew. That is the safe side: an item sealed anew is always right.
//!
//! What it is not: a signature. Whoever may write both the ciphertext and its line can plant an item
//! that stays until its source changes; but they can plant any item, since anyone can seal.
//!
//! After a re-encryption by the controller the annotation has moved to `spec.template.metadata`. It is
//! read there, too.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::digest;
use narae_yaml::Value;

use super::{Fingerprint, Label};
use crate::reference::Reference;
use crate::resolve::ResolvedValue;
use crate::store::Version;

/// The annotation that holds the record.
pub const ANNOTATION: &str = "narae.dev/sealed-items";

/// Largest record written, in bytes, and largest read. Kubernetes allows 256 KiB for all annotations of
/// an object; a record that would be larger is left out, its items are sealed anew each time, and
/// [`Warning::RecordTooLarge`](super::Warning::RecordTooLarge) says so. It is enough for some 500 items.
pub const MAX_RECORD_BYTES: usize = 128 * 1024;

/// Where a value came from, exactly: a reference pinned to the version that was read, and the
/// stamp of that writing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(String);

impl Source {
    /// The source of what `reference` gave at `version`, in the writing that `stamp` names
    /// ([`Secret::stamp`](crate::store::Secret::stamp)). White space in a stamp becomes `_`.
    #[must_use]
    pub fn new(reference: &Reference, version: Version, stamp: &str) -> Self {
        let stamp = stamp.replace(|c: char| c.is_whitespace() || c.is_control(), "_");
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
    /// The label it was sealed under, as [`Label`] prints.
    pub label: String,
    /// The reference it came from, pinned to its version.
    pub source: String,
}

impl From<Line> for Recorded {
    fn from(line: Line) -> Self {
        let source = line.source.split(' ').next().unwrap_or_default();
        Self {
            source: source.to_owned(),
            key: line.key,
            label: line.label,
        }
    }
}

/// The fields of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) ciphertext: String,
    pub(super) key: String,
    pub(super) label: String,
    pub(super) source: String,
}

impl Line {
    pub(super) fn new(text: &str, key: &Fingerprint, label: &Label, source: &Source) -> Self {
        Self {
            ciphertext: digest_of(text),
            key: key.to_string(),
            label: label.to_string(),
            source: source.to_string(),
        }
    }
}

impl Line {
    /// Whether it was written for this ciphertext under this label: nobody copied or changed the item since.
    pub(super) fn binds(&self, text: &str, label: &Label) -> bool {
        self.ciphertext == digest_of(text) && self.label == label.to_string()
    }

    /// The same source and label, sealed anew for another key.
    pub(super) fn resealed(&self, text: &str, key: &Fingerprint) -> Self {
        Self {
            ciphertext: digest_of(text),
            key: key.to_string(),
            label: self.label.clone(),
            source: self.source.clone(),
        }
    }

    /// The line as it stands in the record.
    pub(super) fn to_text(&self, item: &str) -> String {
        let Self {
            ciphertext,
            key,
            label,
            source,
        } = self;
        format!("{item} {ciphertext} {key} {label} {source}")
    }
}

/// The record of a whole manifest, by item name.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    lines: BTreeMap<String, Line>,
    damaged: bool,
}

impl Record {
    /// Reads the record of a SealedSecret; what is not understood is not in it.
    pub(super) fn of(manifest: &Value) -> Self {
        fn annotation(metadata: Option<&Value>) -> Option<&str> {
            let text = metadata?.get("annotations")?.get(ANNOTATION)?.as_str()?;
            (text.len() <= MAX_RECORD_BYTES).then_some(text)
        }
        let template = manifest.get("spec").and_then(|spec| spec.get("template"));
        let text = annotation(manifest.get("metadata"))
            .or_else(|| annotation(template.and_then(|template| template.get("metadata"))))
            .unwrap_or_default();
        let lines: BTreeMap<String, Line> = text.lines().filter_map(parse).collect();
        Self {
            damaged: lines.len() != text.lines().count(),
            lines,
        }
    }

    pub(super) fn get(&self, item: &str) -> Option<&Line> {
        self.lines.get(item)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The items it speaks of.
    pub(super) fn items(&self) -> impl Iterator<Item = &str> {
        self.lines.keys().map(String::as_str)
    }

    /// Whether it has lines that cannot be read, or two for one item.
    pub(super) fn is_damaged(&self) -> bool {
        self.damaged
    }

    pub(super) fn remove(&mut self, item: &str) -> Option<Line> {
        self.lines.remove(item)
    }

    pub(super) fn insert(&mut self, item: String, line: Line) {
        self.lines.insert(item, line);
    }

    /// The annotation's value, however large; empty if there is nothing to record.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        for (item, line) in &self.lines {
            text.push_str(&line.to_text(item));
            text.push('\n');
        }
        text
    }

    /// The annotation's value; `None` if there is nothing to record or too much.
    pub(super) fn to_annotation(&self) -> Option<String> {
        let text = self.to_text();
        (!text.is_empty() && text.len() <= MAX_RECORD_BYTES).then_some(text)
    }
}

fn parse(line: &str) -> Option<(String, Line)> {
    let mut fields = line.split(' ').map(str::to_owned);
    let item = fields.next()?;
    let line = Line {
        ciphertext: fields.next()?,
        key: fields.next()?,
        label: fields.next()?,
        source: format!("{} {}", fields.next()?, fields.next()?),
    };
    fields.next().is_none().then_some((item, line))
}

pub(super) fn digest_of(ciphertext: &str) -> String {
    let digest = digest::digest(&digest::SHA256, ciphertext.as_bytes());
    let mut text = String::from("sha256:");
    for byte in digest.as_ref() {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
