//! A whole SealedSecret opened, as the controller would: for recovery, and to seal again elsewhere.
//!
//! The template's `data` is never evaluated: its keys are named, and left out. Whoever writes the
//! template must not be able to learn anything of the plaintext from whoever unseals.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use narae_yaml::{Mapping, Value};
use serde::de::{Deserialize, Deserializer, Visitor};
use thiserror::Error;
use zeroize::Zeroizing;

use super::item::decode_base64;
use super::provenance::ANNOTATION;
use super::{Item, ItemError, LabelError, ManifestItem, OpenError, PrivateKeys, SealedManifest};
use crate::SecretBytes;

/// A Secret with its plaintext. Printed, it shows no value; [`to_yaml`](Self::to_yaml) and
/// [`to_json`](Self::to_json) are the only ways out.
#[derive(Debug)]
pub struct UnsealedSecret {
    manifest: Value,
    data: BTreeMap<String, SecretBytes>,
    template_keys: Vec<String>,
}

/// Why a SealedSecret was not unsealed, and where that stands.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: {kind}")]
pub struct UnsealError {
    place: String,
    kind: UnsealErrorKind,
}

/// What was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UnsealErrorKind {
    /// Namespace or name do not fit the scope.
    #[error(transparent)]
    Label(LabelError),
    /// An item's frame is unsound.
    #[error("item `{name}`: {cause}")]
    Item {
        /// The item.
        name: String,
        /// What is wrong with it.
        cause: ItemError,
    },
    /// No key opens an item.
    #[error("item `{name}`: {OpenError}")]
    Open {
        /// The item.
        name: String,
    },
    /// Both `spec.data` and `spec.encryptedData` hold something.
    #[error("`spec.data` (the V1 form) and `spec.encryptedData` together; keep one")]
    BothForms,
    /// What the V1 blob holds is no Secret.
    #[error("what `spec.data` (the V1 form) holds cannot be read as a Secret")]
    V1Content,
}

impl SealedManifest {
    /// Opens every item, or the V1 form's blob.
    ///
    /// # Errors
    ///
    /// [`UnsealError`] of the first item that does not open.
    pub fn unseal(&self, keys: &PrivateKeys) -> Result<UnsealedSecret, UnsealError> {
        let at = |position| {
            move |kind| UnsealError {
                place: self.place(position),
                kind,
            }
        };
        let label = self
            .label()
            .map_err(UnsealErrorKind::Label)
            .map_err(at(self.position()))?;
        let record = self.record();
        let mut opener = keys.opener();
        let all = self.items().filter_map(|item| item.parse().ok());
        all.for_each(|item| opener.look_at(&item));
        let mut open = |item: ManifestItem<'_>| {
            let name = || item.name().to_owned();
            item.parse()
                .map_err(|cause| UnsealErrorKind::Item {
                    name: name(),
                    cause,
                })
                .and_then(|sealed| {
                    let recorded = record.get(item.name()).map(|line| line.key.as_str());
                    let opened = opener.open(&sealed, &label, recorded);
                    opened.map_err(|OpenError| UnsealErrorKind::Open { name: name() })
                })
                .map(|(value, _)| value)
                .map_err(at(item.position()))
        };
        if let Some(blob) = self.v1_data() {
            if self.items().next().is_some() {
                return Err(at(blob.position())(UnsealErrorKind::BothForms));
            }
            let json = open(blob)?;
            return self
                .unseal_v1(json.expose())
                .ok_or(UnsealErrorKind::V1Content)
                .map_err(at(blob.position()));
        }
        let mut data = BTreeMap::new();
        for item in self.items() {
            data.insert(item.name().to_owned(), open(item)?);
        }
        let template = |field| self.template().and_then(|template| template.get(field));
        let rendered = template("data").and_then(Value::as_mapping);
        let rendered = rendered.map(Mapping::keys).into_iter().flatten();
        let template_keys = rendered.filter(|key| !data.contains_key(*key));
        Ok(UnsealedSecret {
            template_keys: template_keys.map(str::to_owned).collect(),
            manifest: self.secret(
                template("metadata").and_then(Value::as_mapping).cloned(),
                ["type", "immutable"].map(|field| (field, template(field).cloned())),
            ),
            data,
        })
    }

    /// A Secret without data: the template's metadata, under the SealedSecret's own name and namespace.
    fn secret(
        &self,
        metadata: Option<Mapping>,
        fields: [(&'static str, Option<Value>); 2],
    ) -> Value {
        let mut metadata = metadata.unwrap_or_default();
        if let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(Value::as_mapping_mut)
        {
            // There after a re-encryption by the controller; it describes the sealed form.
            annotations.remove(ANNOTATION);
        }
        for (field, own) in [("name", self.name()), ("namespace", self.namespace())] {
            metadata.remove(field);
            if !own.is_empty() {
                metadata.insert(field, own);
            }
        }
        let mut secret = Mapping::new();
        secret.insert("apiVersion", "v1");
        secret.insert("kind", "Secret");
        secret.insert("metadata", metadata);
        for (field, value) in fields {
            if let Some(value) = value.filter(|value| !value.is_null()) {
                secret.insert(field, value);
            }
        }
        Value::Mapping(secret)
    }

    fn unseal_v1(&self, json: &[u8]) -> Option<UnsealedSecret> {
        let secret: V1Secret = serde_json::from_slice(json).ok()?;
        let mut data = BTreeMap::new();
        for (key, SecretText(base64)) in secret.data.unwrap_or_default() {
            let base64 = std::str::from_utf8(base64.expose()).ok()?;
            data.insert(key, SecretBytes::new(decode_base64(base64)?));
        }
        for (key, SecretText(text)) in secret.string_data.unwrap_or_default() {
            data.insert(key, text);
        }
        let metadata = match secret.metadata {
            Value::Mapping(metadata) => Some(metadata),
            _ => None,
        };
        let manifest = self.secret(
            metadata,
            [
                ("type", secret.kind.map(Value::from)),
                ("immutable", secret.immutable.map(Value::from)),
            ],
        );
        Some(UnsealedSecret {
            manifest,
            data,
            template_keys: Vec::new(),
        })
    }
}

impl UnsealedSecret {
    /// The Secret without its data.
    #[must_use]
    pub fn manifest(&self) -> &Value {
        &self.manifest
    }

    /// The values, by key.
    #[must_use]
    pub fn data(&self) -> &BTreeMap<String, SecretBytes> {
        &self.data
    }

    /// Keys the controller would render from `template.data`; they are not in [`data`](Self::data).
    #[must_use]
    pub fn template_keys(&self) -> &[String] {
        &self.template_keys
    }

    /// What [`SealRequest::new`](super::SealRequest::new) takes, to seal it again.
    #[must_use]
    pub fn into_items(self) -> (Value, Vec<Item>) {
        let items = self.data.into_iter();
        let items = items.map(|(name, value)| Item::new(name, value, None));
        (self.manifest, items.collect())
    }

    /// The Secret as YAML, plaintext (in base64) included.
    #[must_use]
    pub fn to_yaml(&self) -> SecretBytes {
        let mut head = narae_yaml::write(&self.manifest);
        if self.data.is_empty() {
            return SecretBytes::from(head);
        }
        head.push_str("data:\n");
        let key = |name: &str| {
            let entry = Value::Mapping(Mapping::from_iter([(name.to_owned(), Value::Null)]));
            let entry = narae_yaml::write(&entry);
            format!(
                "  {} ",
                entry.trim_end().trim_end_matches("null").trim_end()
            )
        };
        self.spliced(&head, key, "\n", "\n")
    }

    /// The Secret as JSON, plaintext (in base64) included.
    #[must_use]
    pub fn to_json(&self) -> SecretBytes {
        let head = serde_json::to_string_pretty(&self.manifest).unwrap_or_default();
        if self.data.is_empty() {
            return SecretBytes::from(format!("{head}\n"));
        }
        let head = format!(
            "{},\n  \"data\": {{\n",
            head.strip_suffix("\n}").unwrap_or_default()
        );
        let key = |name: &str| format!("    {}: ", serde_json::Value::from(name));
        self.spliced(&head, key, ",\n", "\n  }\n}\n")
    }

    /// `head`, then `key "value"` of each item with `between` between them, then `end`, in one buffer that
    /// never moves: a move would leave a copy of the plaintext behind.
    fn spliced(
        &self,
        head: &str,
        key: impl Fn(&str) -> String,
        between: &str,
        end: &str,
    ) -> SecretBytes {
        let entries = self.data.iter().map(|(name, value)| (key(name), value));
        let entries: Vec<(String, &SecretBytes)> = entries.collect();
        let sizes = entries.iter().map(|(key, value)| {
            let base64 = value.len().div_ceil(3) * 4;
            key.len() + base64 + between.len() + 2
        });
        let size = head.len() + sizes.sum::<usize>() + end.len();
        let mut out = Zeroizing::new(String::with_capacity(size));
        out.push_str(head);
        for (index, (key, value)) in entries.iter().enumerate() {
            if index > 0 {
                out.push_str(between);
            }
            out.push_str(key);
            out.push('"');
            STANDARD.encode_string(value.expose(), &mut out);
            out.push('"');
        }
        out.push_str(end);
        debug_assert!(out.len() <= size, "the buffer must not move");
        SecretBytes::from(std::mem::take(&mut *out))
    }
}

/// What of a Secret's JSON the V1 form needs.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct V1Secret {
    #[serde(default)]
    metadata: Value,
    #[serde(rename = "type")]
    kind: Option<String>,
    immutable: Option<bool>,
    data: Option<BTreeMap<String, SecretText>>,
    string_data: Option<BTreeMap<String, SecretText>>,
}

/// Text taken straight into the type plaintext lives in; `null` is empty, as Go has it.
struct SecretText(SecretBytes);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = SecretText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or null")
            }

            fn visit_str<E>(self, text: &str) -> Result<SecretText, E> {
                Ok(SecretText(SecretBytes::copy_of(text.as_bytes())))
            }

            fn visit_unit<E>(self) -> Result<SecretText, E> {
                Ok(SecretText(SecretBytes::new(Vec::new())))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

impl UnsealError {
    /// `file:line:column`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What was wrong.
    #[must_use]
    pub fn kind(&self) -> &UnsealErrorKind {
        &self.kind
    }
}
