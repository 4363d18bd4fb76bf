//! One value to seal, and how values are taken out of the manifest of a Secret.
//!
//! As the API server reads a Secret: `data` is base64 as Go decodes it, `stringData` is text and wins
//! over `data`; `null` is the empty value in both.

use narae_yaml::{Mapping, Value};
use thiserror::Error;
use zeroize::Zeroize as _;

use super::LAST_APPLIED;
use crate::SecretBytes;
use crate::sealed::item::decode_base64;
use crate::sealed::provenance::Source;

/// One value to seal.
#[derive(Debug)]
pub struct Item {
    pub(super) name: String,
    pub(super) value: SecretBytes,
    pub(super) source: Option<Source>,
}

/// Why the values of a Secret cannot be read. Never holds any of them.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlaintextError {
    /// `data` or `stringData` is no mapping.
    #[error("{field} of the Secret is {kind}, expected a mapping")]
    NotAMapping {
        /// `data` or `stringData`.
        field: &'static str,
        /// What it is.
        kind: &'static str,
    },
    /// A value is neither text nor null.
    #[error("{field}.{key} of the Secret is {kind}; put it in quotes")]
    NotText {
        /// `data` or `stringData`.
        field: &'static str,
        /// The key.
        key: String,
        /// What it is.
        kind: &'static str,
    },
    /// A value of `data` is not base64.
    #[error(
        "data.{key} of the Secret is not base64 (standard alphabet, padded); plain text belongs in stringData"
    )]
    NotBase64 {
        /// The key.
        key: String,
    },
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

    /// Takes every value out of a Secret's `data` and `stringData`; neither is in `secret` afterwards,
    /// and the text they stood in is wiped. So are annotations that hold a copy of the object as it was applied.
    ///
    /// What else held the plaintext is the caller's to wipe: the file's text, and whatever read it.
    ///
    /// # Errors
    ///
    /// [`PlaintextError`]; the plaintext is gone from `secret` then, too.
    pub fn take_from(secret: &mut Value) -> Result<Vec<Self>, PlaintextError> {
        forget_applied(secret);
        let mut take = |field: &'static str| match secret
            .as_mapping_mut()
            .and_then(|secret| secret.remove(field))
        {
            None | Some(Value::Null) => Ok(Plain::default()),
            Some(Value::Mapping(values)) => Ok(Plain(values)),
            Some(other) => Err(PlaintextError::NotAMapping {
                field,
                kind: other.kind(),
            }),
        };
        // Both are taken before either is looked at: an error must not leave one behind.
        let (data, text) = (take("data"), take("stringData"));
        let (data, text) = (data?, text?);
        let mut items = Vec::new();
        for (key, value) in &data.0 {
            if !text.0.contains_key(key) {
                items.push(Self::new(key, decoded(key, value)?, None));
            }
        }
        for (key, value) in &text.0 {
            let value = text_of("stringData", key, value)?;
            let value = SecretBytes::copy_of(value.as_bytes());
            items.push(Self::new(key, value, None));
        }
        Ok(items)
    }

    /// The key of the Secret it stands under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> &SecretBytes {
        &self.value
    }
}

/// A mapping whose texts are wiped when it goes.
#[derive(Default)]
struct Plain(Mapping);

impl Drop for Plain {
    fn drop(&mut self) {
        for value in self.0.values_mut() {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}

fn forget_applied(secret: &mut Value) {
    let metadata = secret
        .as_mapping_mut()
        .and_then(|secret| secret.get_mut("metadata"));
    let annotations = metadata
        .and_then(Value::as_mapping_mut)
        .and_then(|metadata| metadata.get_mut("annotations"));
    if let Some(annotations) = annotations.and_then(Value::as_mapping_mut) {
        for name in LAST_APPLIED {
            if let Some(Value::String(mut text)) = annotations.remove(name) {
                text.zeroize();
            }
        }
    }
}

fn decoded(key: &str, value: &Value) -> Result<SecretBytes, PlaintextError> {
    decode_base64(text_of("data", key, value)?)
        .map(SecretBytes::new)
        .ok_or_else(|| PlaintextError::NotBase64 {
            key: key.to_owned(),
        })
}

fn text_of<'a>(
    field: &'static str,
    key: &str,
    value: &'a Value,
) -> Result<&'a str, PlaintextError> {
    match value {
        Value::Null => Ok(""),
        Value::String(text) => Ok(text),
        other => Err(PlaintextError::NotText {
            field,
            key: key.to_owned(),
            kind: other.kind(),
        }),
    }
}
