//! The controller's keys and certificates as people back them up: PEM, a Secret, a List of Secrets or a
//! stream of them (`kubectl get secret -l sealedsecrets.bitnami.com/sealed-secrets-key -o yaml`).
//!
//! Limits: those of PEM for PEM, those of narae-yaml for the rest. What is read is wiped where this crate
//! holds it; the YAML reader's own buffers are not ours.

use std::cmp::Reverse;

use narae_yaml::{Document, Reader, Value};
use thiserror::Error;

use super::{
    Certificate, CertificateError, Item, PlaintextError, PrivateKey, PrivateKeyError, PrivateKeys,
};
use crate::SecretBytes;

/// The label of a key's Secret; `active` on those the controller uses.
pub(super) const KEY_LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";

/// Keys from a backup, each with what the backup says about it.
#[derive(Debug)]
pub struct Backup {
    keys: Vec<BackupKey>,
}

/// One key of a backup.
#[derive(Debug)]
#[non_exhaustive]
pub struct BackupKey {
    /// Name of the Secret it was in; empty for PEM.
    pub name: String,
    /// What its label says.
    pub status: KeyStatus,
    /// The key.
    pub key: PrivateKey,
    /// Its certificate, if one is there and can be read.
    pub certificate: Option<Certificate>,
}

/// What the label of a key's Secret says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyStatus {
    /// `active`: the controller opens with it and, if it is the newest, seals with it.
    Active,
    /// Anything else, such as `compromised`: the controller no longer uses it. Items sealed for it still open here.
    Disabled(String),
    /// No label: PEM, or a key from before there were labels.
    Unlabelled,
}

/// Why a backup cannot be read. Never holds any of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Neither PEM nor YAML or JSON.
    #[error("neither PEM nor a Secret or List that can be read: {0}")]
    Unreadable(narae_yaml::Error),
    /// A PEM file without a usable key.
    #[error(transparent)]
    Pem(PrivateKeyError),
    /// A PEM file without a usable certificate.
    #[error(transparent)]
    PemCertificate(CertificateError),
    /// A Secret's data cannot be read.
    #[error("Secret `{name}`: {cause}")]
    Secret {
        /// Its name.
        name: String,
        /// What is wrong.
        cause: PlaintextError,
    },
    /// A Secret's `tls.key` cannot be used.
    #[error("Secret `{name}`, tls.key: {cause}")]
    Key {
        /// Its name.
        name: String,
        /// What is wrong.
        cause: PrivateKeyError,
    },
    /// A Secret's `tls.crt` cannot be used.
    #[error("Secret `{name}`, tls.crt: {cause}")]
    Certificate {
        /// Its name.
        name: String,
        /// What is wrong.
        cause: CertificateError,
    },
    /// No Secret has what was looked for.
    #[error("no Secret with {0} in it")]
    Nothing(&'static str),
}

impl Backup {
    /// Reads keys from PEM, a Secret, a List, or several documents of these. Secrets without a `tls.key` are
    /// passed over.
    ///
    /// # Errors
    ///
    /// [`BackupError`] at the first key that cannot be used, or if there is none.
    pub fn read(bytes: &[u8]) -> Result<Self, BackupError> {
        if is_pem(bytes) {
            let keys = PrivateKeys::from_pem(bytes).map_err(BackupError::Pem)?;
            let keys = keys.into_iter().map(|key| BackupKey {
                name: String::new(),
                status: KeyStatus::Unlabelled,
                key,
                certificate: None,
            });
            return Ok(Self {
                keys: keys.collect(),
            });
        }
        let mut keys = Vec::new();
        for entry in entries(bytes)? {
            let Some(key) = &entry.key else { continue };
            let key = PrivateKey::from_pem(key.expose()).map_err(|cause| BackupError::Key {
                name: entry.name.clone(),
                cause,
            })?;
            let certificate = entry.certificate.as_ref();
            keys.push(BackupKey {
                certificate: certificate.and_then(|pem| Certificate::from_pem(pem.expose()).ok()),
                key,
                name: entry.name,
                status: entry.status,
            });
        }
        if keys.is_empty() {
            return Err(BackupError::Nothing("a tls.key"));
        }
        Ok(Self { keys })
    }

    /// The keys as the backup has them.
    #[must_use]
    pub fn keys(&self) -> &[BackupKey] {
        &self.keys
    }

    /// All keys, the disabled ones included: newest certificate first, then those without.
    #[must_use]
    pub fn into_keys(self) -> PrivateKeys {
        let mut keys = self.keys;
        keys.sort_by_key(|key| Reverse(key.certificate.as_ref().map(Certificate::not_before)));
        keys.into_iter().map(|key| key.key).collect()
    }
}

impl Certificate {
    /// Reads a certificate from PEM (the first, as [`from_pem`](Self::from_pem)), or from Secrets: the one
    /// the controller would seal with, which is the newest by its start among the active or unlabelled.
    ///
    /// # Errors
    ///
    /// [`BackupError`] if there is none, or one of a Secret cannot be used.
    pub fn read(bytes: &[u8]) -> Result<Self, BackupError> {
        if is_pem(bytes) {
            return Self::from_pem(bytes).map_err(BackupError::PemCertificate);
        }
        let mut newest: Option<Self> = None;
        for entry in entries(bytes)? {
            let disabled = matches!(entry.status, KeyStatus::Disabled(_));
            let Some(pem) = entry.certificate.filter(|_| !disabled) else {
                continue;
            };
            let error = |cause| BackupError::Certificate {
                name: entry.name,
                cause,
            };
            let found = Self::from_pem(pem.expose()).map_err(error)?;
            // Strictly later wins, as in the controller.
            if newest
                .as_ref()
                .is_none_or(|newest| found.not_before() > newest.not_before())
            {
                newest = Some(found);
            }
        }
        newest.ok_or(BackupError::Nothing("an active tls.crt"))
    }
}

/// What one Secret has of a key.
struct Entry {
    name: String,
    status: KeyStatus,
    key: Option<SecretBytes>,
    certificate: Option<SecretBytes>,
}

/// A block begins a line in PEM; within a manifest it would be indented or in base64.
fn is_pem(bytes: &[u8]) -> bool {
    bytes.starts_with(b"-----BEGIN ")
        || bytes
            .windows(12)
            .any(|window| window.strip_prefix(b"\n") == Some(b"-----BEGIN "))
}

fn entries(bytes: &[u8]) -> Result<Vec<Entry>, BackupError> {
    let documents = Reader::new()
        .read_bytes(bytes)
        .map_err(|error| BackupError::Unreadable(error.without_names()))?;
    let mut entries = Vec::new();
    for document in documents.into_iter().map(Document::into_value) {
        let kind = text(&document, "kind").to_owned();
        match document {
            Value::Mapping(mut list) if kind.ends_with("List") => {
                // As the API server has it, a SecretList's elements do not repeat what they are.
                let element = kind.strip_suffix("List").unwrap_or_default();
                if let Some(Value::Sequence(items)) = list.remove("items") {
                    for secret in items {
                        entries.extend(entry(secret, element)?);
                    }
                }
            }
            secret => entries.extend(entry(secret, "")?),
        }
    }
    Ok(entries)
}

/// What a Secret holds; `assumed` is its kind if it does not say.
fn entry(mut secret: Value, assumed: &str) -> Result<Option<Entry>, BackupError> {
    let kind = secret
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or(assumed);
    if kind != "Secret" {
        return Ok(None);
    }
    let metadata = secret.get("metadata").unwrap_or(&Value::Null);
    let name = text(metadata, "name").to_owned();
    let label = metadata
        .get("labels")
        .and_then(|labels| labels.get(KEY_LABEL));
    let status = match label.and_then(Value::as_str) {
        Some("active") => KeyStatus::Active,
        Some(other) => KeyStatus::Disabled(other.to_owned()),
        None => KeyStatus::Unlabelled,
    };
    let items = Item::take_from(&mut secret).map_err(|cause| BackupError::Secret {
        name: name.clone(),
        cause,
    })?;
    let find = |name: &str| {
        let item = items.iter().find(|item| item.name() == name);
        item.map(|item| item.value().duplicate())
    };
    Ok(Some(Entry {
        name,
        status,
        key: find("tls.key"),
        certificate: find("tls.crt"),
    }))
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
