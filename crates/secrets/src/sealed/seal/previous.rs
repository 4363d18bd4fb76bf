//! Which items of the manifest as it stands can be kept. Decides; seals nothing.

use narae_yaml::{Mapping, Value};

use super::{Action, Reason};
use crate::sealed::provenance::{Line, Record, Source};
use crate::sealed::{Certificate, Label, Scope, SealedItem};

/// What the previous manifest has to offer.
pub(super) struct Previous<'a> {
    items: Option<&'a Mapping>,
    record: Record,
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
        }
    }

    /// The ciphertext to keep, or what to do instead.
    pub(super) fn keep(
        &self,
        name: &str,
        source: Option<&Source>,
        label: &Label,
        certificate: &Certificate,
    ) -> Result<&'a str, Action> {
        let Some(value) = self.items.and_then(|items| items.get(name)) else {
            return Err(Action::Sealed);
        };
        self.check(value, name, source, label, certificate)
            .map_err(Action::Resealed)
    }

    fn check(
        &self,
        value: &'a Value,
        name: &str,
        source: Option<&Source>,
        label: &Label,
        certificate: &Certificate,
    ) -> Result<&'a str, Reason> {
        let source = source.ok_or(Reason::Unversioned)?;
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
}
