//! A whole Secret sealed: manifest in, manifest out.
//!
//! Follows `NewSealedSecret` of upstream: the template keeps the Secret's metadata and type, the
//! SealedSecret itself gets name, namespace and the scope annotation; `last-applied-configuration`
//! (which holds the plaintext), owner references and what a server fills in are dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use narae_yaml::{Mapping, Value};
use thiserror::Error;

use super::provenance::{ANNOTATION, Line, Record, Source};
use super::{Certificate, Label, LabelError, Scope, SealItemError, SealedItem};
use crate::SecretBytes;

/// Most plaintext in one Secret, in bytes over all items.
pub const MAX_SECRET_BYTES: usize = 1024 * 1024;

/// A manifest larger than this cannot be applied with client-side `kubectl apply`, which keeps a copy of
/// it in an annotation. Server-side apply and Argo CD's server-side option can.
pub const CLIENT_APPLY_BYTES: usize = 256 * 1024;

/// Annotations that hold a copy of the object as it was applied, plaintext included.
const LAST_APPLIED: [&str; 2] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubecfg.ksonnet.io/last-applied-configuration",
];

/// Metadata a server fills in, or that must not be carried to another object.
const SERVER_FIELDS: [&str; 9] = [
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "ownerReferences",
    "managedFields",
];

/// One value to seal.
#[derive(Debug)]
pub struct Item {
    name: String,
    value: SecretBytes,
    source: Option<Source>,
}

impl Item {
    /// A value under its key of the Secret. Without a source it is sealed anew each time.
    #[must_use]
    pub fn new(name: impl Into<String>, value: SecretBytes, source: Option<Source>) -> Self {
        Self {
            name: name.into(),
            value,
            source,
        }
    }
}

/// A Secret to seal.
///
/// `manifest` gives metadata, type and `immutable`. Its `data` and `stringData` may only hold keys for
/// which there is an item, typically with the references the items were resolved from; their values are
/// not read.
#[derive(Debug)]
pub struct SealRequest<'a> {
    manifest: &'a Value,
    items: Vec<Item>,
    previous: Option<&'a Value>,
    allow_empty: bool,
}

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
            Self::CiphertextEdited => "its ciphertext had been edited",
        })
    }
}

/// Why a Secret could not be sealed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealError {
    /// The manifest is not a Secret.
    #[error("expected a manifest of apiVersion v1 and kind Secret")]
    NotASecret,
    /// The Secret has no name.
    #[error("the Secret has no metadata.name")]
    NoName,
    /// Namespace or name do not fit the scope.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// There is nothing to seal.
    #[error("the Secret has no items; allow that explicitly if it is meant")]
    Empty,
    /// An item's name cannot be a key of a Secret.
    #[error("{name:?} cannot be a key of a Secret; letters, digits, `-`, `_` and `.`, at most 253")]
    ItemName {
        /// The name.
        name: String,
    },
    /// Two items have the same name.
    #[error("item `{name}` is given twice")]
    Repeated {
        /// The name.
        name: String,
    },
    /// The manifest holds a key for which there is no item: dropping it silently would lose data.
    #[error("key `{key}` of the Secret's {field} has no value to seal; resolve it or remove it")]
    NoItemFor {
        /// `data` or `stringData`.
        field: &'static str,
        /// The key.
        key: String,
    },
    /// All items together are larger than [`MAX_SECRET_BYTES`].
    #[error("the items have {bytes} bytes; a Kubernetes Secret holds at most {MAX_SECRET_BYTES}")]
    TooLarge {
        /// Bytes of all items.
        bytes: usize,
    },
    /// An item could not be sealed.
    #[error("item `{name}`: {cause}")]
    Item {
        /// The item.
        name: String,
        /// Why.
        cause: SealItemError,
    },
}

impl<'a> SealRequest<'a> {
    /// Asks to seal `items` as the Secret that `manifest` describes.
    #[must_use]
    pub fn new(manifest: &'a Value, items: Vec<Item>) -> Self {
        Self {
            manifest,
            items,
            previous: None,
            allow_empty: false,
        }
    }

    /// The SealedSecret as it stands, whose unchanged items are kept. Anything that is not one is as
    /// good as none.
    #[must_use]
    pub fn with_previous(mut self, previous: Option<&'a Value>) -> Self {
        self.previous = previous;
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
            let kept = previous.keep(item, &target.label, certificate);
            let (text, action) = match kept {
                Ok(text) => (text.to_owned(), Action::Kept),
                Err(action) => {
                    let sealed = SealedItem::seal(&item.value, &target.label, certificate)
                        .map_err(|cause| SealError::Item {
                            name: item.name.clone(),
                            cause,
                        })?;
                    (sealed.to_base64(), action)
                }
            };
            if let Some(source) = &item.source {
                let line = Line::new(&text, certificate.fingerprint(), &target.label, source);
                record.insert(item.name.clone(), line);
            }
            encrypted.insert(item.name.clone(), text);
            outcomes.push(ItemOutcome {
                name: item.name.clone(),
                action,
            });
        }
        Ok(SealedSecret {
            manifest: target.manifest(encrypted, &record),
            items: outcomes,
        })
    }

    fn check_items(&self) -> Result<(), SealError> {
        let mut names = BTreeSet::new();
        for Item { name, .. } in &self.items {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let sound = !name.is_empty() && name.len() <= 253 && name.chars().all(allowed);
            if !sound || name == "." || name.starts_with("..") {
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

impl SealedSecret {
    /// Whether anything was sealed anew; if not, the items are as they were.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.items.iter().any(|item| item.action != Action::Kept)
    }
}

/// The object to be made: what is taken over from the Secret.
struct Target<'a> {
    secret: &'a Value,
    name: &'a str,
    namespace: &'a str,
    label: Label,
}

impl<'a> Target<'a> {
    fn of(secret: &'a Value) -> Result<Self, SealError> {
        let text = |field| secret.get(field).and_then(Value::as_str);
        if text("apiVersion") != Some("v1") || text("kind") != Some("Secret") {
            return Err(SealError::NotASecret);
        }
        let metadata = secret.get("metadata");
        let field = |name| {
            metadata
                .and_then(|metadata| metadata.get(name))
                .and_then(Value::as_str)
                .unwrap_or("")
        };
        let (name, namespace) = (field("name"), field("namespace"));
        if name.is_empty() {
            return Err(SealError::NoName);
        }
        let label = Label::new(Scope::from_metadata(metadata), namespace, name)?;
        Ok(Self {
            secret,
            name,
            namespace,
            label,
        })
    }

    fn manifest(&self, encrypted: BTreeMap<String, String>, record: &Record) -> Value {
        let mut annotations = Mapping::new();
        if let Some(scope) = self.label.scope().annotation() {
            annotations.insert(scope.to_owned(), Value::from("true"));
        }
        if let Some(text) = record.to_annotation() {
            annotations.insert(ANNOTATION.to_owned(), Value::from(text));
        }
        let mut metadata = Mapping::new();
        metadata.insert("name".to_owned(), Value::from(self.name));
        if !self.namespace.is_empty() {
            metadata.insert("namespace".to_owned(), Value::from(self.namespace));
        }
        if !annotations.is_empty() {
            metadata.insert("annotations".to_owned(), Value::Mapping(annotations));
        }

        let mut template = Mapping::new();
        template.insert("metadata".to_owned(), self.template_metadata());
        for field in ["type", "immutable"] {
            if let Some(value) = self.secret.get(field) {
                template.insert(field.to_owned(), value.clone());
            }
        }
        let mut items = Mapping::new();
        for (name, text) in encrypted {
            items.insert(name, Value::from(text));
        }
        let mut spec = Mapping::new();
        spec.insert("encryptedData".to_owned(), Value::Mapping(items));
        spec.insert("template".to_owned(), Value::Mapping(template));

        let mut manifest = Mapping::new();
        manifest.insert("apiVersion".to_owned(), Value::from("bitnami.com/v1alpha1"));
        manifest.insert("kind".to_owned(), Value::from("SealedSecret"));
        manifest.insert("metadata".to_owned(), Value::Mapping(metadata));
        manifest.insert("spec".to_owned(), Value::Mapping(spec));
        Value::Mapping(manifest)
    }

    fn template_metadata(&self) -> Value {
        let mut metadata = self
            .secret
            .get("metadata")
            .and_then(Value::as_mapping)
            .cloned()
            .unwrap_or_default();
        for field in SERVER_FIELDS {
            metadata.remove(field);
        }
        if let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(Value::as_mapping_mut)
        {
            for name in LAST_APPLIED.into_iter().chain([ANNOTATION]) {
                annotations.remove(name);
            }
            if annotations.is_empty() {
                metadata.remove("annotations");
            }
        }
        Value::Mapping(metadata)
    }
}

/// What the previous manifest has to offer.
struct Previous<'a> {
    items: Option<&'a Mapping>,
    record: Record,
}

impl<'a> Previous<'a> {
    fn of(manifest: Option<&'a Value>) -> Self {
        let sealed = manifest
            .filter(|value| value.get("kind").and_then(Value::as_str) == Some("SealedSecret"));
        let items = sealed
            .and_then(|manifest| manifest.get("spec"))
            .and_then(|spec| spec.get("encryptedData"))
            .and_then(Value::as_mapping);
        Self {
            items,
            record: sealed.map(Record::of).unwrap_or_default(),
        }
    }

    /// The ciphertext to keep, or what to do instead.
    fn keep(
        &self,
        item: &Item,
        label: &Label,
        certificate: &Certificate,
    ) -> Result<&'a str, Action> {
        let Some(value) = self.items.and_then(|items| items.get(&item.name)) else {
            return Err(Action::Sealed);
        };
        self.check(value, item, label, certificate)
            .map_err(Action::Resealed)
    }

    fn check(
        &self,
        value: &'a Value,
        item: &Item,
        label: &Label,
        certificate: &Certificate,
    ) -> Result<&'a str, Reason> {
        let source = item.source.as_ref().ok_or(Reason::Unversioned)?;
        let recorded = self.record.get(&item.name).ok_or(Reason::NotRecorded)?;
        let text = value.as_str().ok_or(Reason::CiphertextEdited)?;
        let now = Line::new(text, certificate.fingerprint(), label, source);
        if recorded.source != now.source {
            return Err(Reason::SourceChanged);
        }
        if recorded.key != now.key {
            return Err(Reason::CertificateChanged);
        }
        if recorded.label != now.label {
            return Err(Reason::LabelChanged);
        }
        let sound = SealedItem::from_canonical_base64(text)
            .is_ok_and(|item| item.wrapped_key_bytes() == certificate.key.wrapped_len());
        if recorded.ciphertext != now.ciphertext || !sound {
            return Err(Reason::CiphertextEdited);
        }
        Ok(text)
    }
}
