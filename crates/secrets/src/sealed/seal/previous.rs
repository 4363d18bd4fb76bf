//! Which items of the manifest as it stands can be kept. Decides; seals nothing.

use narae_yaml::{Mapping, Value};

use super::{Action, Item, Reason};
use crate::sealed::provenance::{Line, Record, Source};
use crate::sealed::{Certificate, DigestKey, Label, Scope, SealedItem};

/// What the previous manifest has to offer.
pub(super) struct Previous<'a> {
    items: Option<&'a Mapping>,
    record: Record,
    scope: Scope,
}

impl<'a> Previous<'a> {
    pub(super) fn of(manifest: Option<&'a Value>) -> Self {
        let sealed = manifest
            .filter(|value| value.get("kind").and_then(Value::as_str) == Some("SealedSecret"));
        let items = sealed
            .and_then(|manifest| manifest.get("spec"))
            .and_then(|spec| spec.get("encryptedData"))
            .and_then(Value::as_mapping);
        Self {
            items,
            record: sealed.map(Record::of).unwrap_or_default(),
            scope: Scope::from_metadata(sealed.and_then(|sealed| sealed.get("metadata"))),
        }
    }

    /// The ciphertext to keep, or what to do instead.
    pub(super) fn keep(
        &self,
        item: &Item,
        digest_key: Option<&DigestKey>,
        label: &Label,
        certificate: &Certificate,
    ) -> Result<&'a str, Action> {
        let Some(value) = self.items.and_then(|items| items.get(&item.name)) else {
            return Err(Action::Sealed);
        };
        let checked = match (&item.source, digest_key) {
            (Some(source), _) => self.by_record(value, &item.name, source, label, certificate),
            (None, Some(key)) => self.by_digest(value, item, key, label, certificate),
            (None, None) => Err(Reason::Unversioned),
        };
        checked.map_err(Action::Resealed)
    }

    fn by_record(
        &self,
        value: &'a Value,
        name: &str,
        source: &Source,
        label: &Label,
        certificate: &Certificate,
    ) -> Result<&'a str, Reason> {
        let recorded = self.record.get(name).ok_or(Reason::NotRecorded)?;
        let text = value.as_str().ok_or(Reason::CiphertextEdited)?;
        let now = Line::new(text, certificate.fingerprint(), label, source);
        if recorded.source != now.source {
            return Err(Reason::SourceChanged);
        }
        if recorded.key != now.key {
            return Err(Reason::CertificateChanged);
        }
        if recorded.label != now.label {
            let before = recorded.label.split(':').next();
            let before = before.and_then(|scope| scope.parse::<Scope>().ok());
            let widened = before.is_some_and(|before| label.scope() > before);
            return Err(if widened {
                Reason::ScopeWidened
            } else {
                Reason::LabelChanged
            });
        }
        let sound = SealedItem::from_canonical_base64(text)
            .is_ok_and(|item| item.wrapped_key_bytes() == certificate.key.wrapped_len());
        if recorded.ciphertext != now.ciphertext || !sound {
            return Err(Reason::CiphertextEdited);
        }
        Ok(text)
    }

    fn by_digest(
        &self,
        value: &'a Value,
        item: &Item,
        key: &DigestKey,
        label: &Label,
        certificate: &Certificate,
    ) -> Result<&'a str, Reason> {
        let text = value.as_str().ok_or(Reason::CiphertextEdited)?;
        let sealed = SealedItem::from_canonical_base64(text);
        let sealed = sealed.map_err(|_| Reason::CiphertextEdited)?;
        if key.has_sealed(&sealed, &item.name, &item.value, label, certificate) {
            Ok(text)
        } else if label.scope() > self.scope {
            Err(Reason::ScopeWidened)
        } else {
            Err(Reason::DigestChanged)
        }
    }
}
