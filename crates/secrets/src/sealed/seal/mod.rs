//! A whole Secret sealed: manifest in, manifest out.
//!
//! Follows `NewSealedSecret` of upstream: the template keeps the Secret's metadata and type, the
//! SealedSecret itself gets name, namespace and the scope annotation; `last-applied-configuration`
//! (which holds the plaintext), owner references and what a server fills in are dropped.

mod error;
mod outcome;
mod plaintext;
mod previous;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use narae_yaml::Value;

pub use error::SealError;
pub use outcome::{Action, ItemOutcome, Reason, SealedSecret, Warning};
pub use plaintext::{Item, PlaintextError};

use self::previous::{Previous, Wanted};
pub(super) use self::target::LAST_APPLIED;
use self::target::Target;
use super::provenance::Record;
use super::{Certificate, DigestKey, SealedItem};

/// Most plaintext in one Secret, in bytes over all items.
pub const MAX_SECRET_BYTES: usize = 1024 * 1024;

/// A manifest larger than this cannot be applied with client-side `kubectl apply`, which keeps a copy of
/// it in an annotation. Server-side apply and Argo CD's server-side option can.
pub const CLIENT_APPLY_BYTES: usize = 256 * 1024;

/// A Secret to seal.
///
/// `manifest` gives metadata, type and `immutable`. Its `data` and `stringData` may only hold keys for
/// which there is an item, typically with the references the items were resolved from; their values are
/// not read.
pub struct SealRequest<'a> {
    manifest: &'a Value,
    items: Vec<Item>,
    previous: Option<&'a Value>,
    digest_key: Option<&'a DigestKey>,
    allow_empty: bool,
}

impl<'a> SealRequest<'a> {
    /// Asks to seal `items` as the Secret that `manifest` describes.
    #[must_use]
    pub fn new(manifest: &'a Value, items: Vec<Item>) -> Self {
        Self {
            manifest,
            items,
            previous: None,
            digest_key: None,
            allow_empty: false,
        }
    }

    /// The SealedSecret as it stands, whose unchanged items are kept: of a file,
    /// [`SealedManifest::value`](super::SealedManifest::value). Anything that is not one is as good as none.
    #[must_use]
    pub fn with_previous(mut self, previous: Option<&'a Value>) -> Self {
        self.previous = previous;
        self
    }

    /// Records a digest of each item without a source under this key, by which those that are unchanged are known and kept.
    #[must_use]
    pub fn with_digest_key(mut self, key: Option<&'a DigestKey>) -> Self {
        self.digest_key = key;
        self
    }

    /// Allows a Secret without items.
    #[must_use]
    pub fn with_empty_allowed(mut self) -> Self {
        self.allow_empty = true;
        self
    }

    /// Seals for `certificate`. Check its dates first: this reads no clock.
    ///
    /// # Errors
    ///
    /// [`SealError`]; nothing is sealed then.
    pub fn seal(self, certificate: &Certificate) -> Result<SealedSecret, SealError> {
        let target = Target::of(self.manifest)?;
        self.check_items()?;
        let previous = Previous::of(self.previous);

        let mut encrypted = BTreeMap::new();
        let mut record = Record::default();
        let mut outcomes = Vec::with_capacity(self.items.len());
        let mut items: Vec<&Item> = self.items.iter().collect();
        items.sort_by(|a, b| a.name.cmp(&b.name));
        for item in items {
            let wanted = Wanted::of(item, self.digest_key, &target.label, certificate);
            let (text, line, action) = match previous.keep(&wanted) {
                Ok((text, line)) => (text.to_owned(), Some(line.clone()), Action::Kept),
                Err(action) => {
                    let sealed = SealedItem::seal(&item.value, &target.label, certificate);
                    let sealed = sealed.map_err(|cause| SealError::Item {
                        name: item.name.clone(),
                        cause,
                    })?;
                    let text = sealed.to_base64();
                    let line = wanted.line(&text);
                    (text, line, action)
                }
            };
            if let Some(line) = line {
                record.insert(line);
            }
            encrypted.insert(item.name.clone(), text);
            outcomes.push(ItemOutcome {
                name: item.name.clone(),
                action,
            });
        }
        Ok(SealedSecret {
            warnings: Warning::of(&encrypted, &record),
            manifest: target.manifest(encrypted, &record),
            items: outcomes,
        })
    }

    fn check_items(&self) -> Result<(), SealError> {
        let mut names = BTreeSet::new();
        for Item { name, .. } in &self.items {
            if !is_item_name(name) {
                return Err(SealError::ItemName {
                    name: name.chars().take(80).collect(),
                });
            }
            if !names.insert(name.as_str()) {
                return Err(SealError::Repeated { name: name.clone() });
            }
        }
        for field in ["data", "stringData"] {
            let Some(values) = self.manifest.get(field).and_then(Value::as_mapping) else {
                continue;
            };
            if let Some(key) = values.keys().find(|key| !names.contains(*key)) {
                return Err(SealError::NoItemFor {
                    field,
                    key: key.to_string(),
                });
            }
        }
        if names.is_empty() && !self.allow_empty {
            return Err(SealError::Empty);
        }
        let bytes = self.items.iter().map(|item| item.value.len()).sum();
        if bytes > MAX_SECRET_BYTES {
            return Err(SealError::TooLarge { bytes });
        }
        Ok(())
    }
}

impl fmt::Debug for SealRequest<'_> {
    /// Without the manifests: an annotation, or data nobody took out, may hold plaintext.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metadata = self.manifest.get("metadata");
        let field = |name| metadata.and_then(|metadata| metadata.get(name)?.as_str());
        f.debug_struct("SealRequest")
            .field("namespace", &field("namespace"))
            .field("name", &field("name"))
            .field("items", &self.items)
            .field("digest_key", &self.digest_key)
            .field("allow_empty", &self.allow_empty)
            .finish_non_exhaustive()
    }
}

/// Whether Kubernetes takes this for a key of a Secret.
pub(crate) fn is_item_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let sound = !name.is_empty() && name.len() <= 253 && name.chars().all(allowed);
    sound && name != "." && !name.starts_with("..")
}
