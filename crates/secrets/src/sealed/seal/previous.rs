//! Which items of the manifest as it stands can be kept. Decides; seals nothing.

use narae_yaml::{Mapping, Value};

use super::{Action, Item, Reason};
use crate::sealed::provenance::{Line, Origin, Record};
use crate::sealed::{Certificate, DigestKey, Label, Scope, SealedItem};

/// What the previous manifest has to offer.
pub(super) struct Previous<'a> {
    items: Option<&'a Mapping>,
    record: Record,
}

/// An item as it should be sealed.
pub(super) struct Wanted<'a> {
    name: &'a str,
    /// `None` if nobody can know whether its value changed.
    origin: Option<Origin>,
    label: &'a Label,
    certificate: &'a Certificate,
}

impl<'a> Wanted<'a> {
    pub(super) fn of(
        item: &'a Item,
        digest_key: Option<&DigestKey>,
        label: &'a Label,
        certificate: &'a Certificate,
    ) -> Self {
        let digest = |key: &DigestKey| Origin::Digest(key.digest(&item.name, &item.value, label));
        let source = item.source.as_ref().map(Origin::from);
        Self {
            name: &item.name,
            origin: source.or_else(|| digest_key.map(digest)),
            label,
            certificate,
        }
    }

    /// What is to be recorded of it, sealed as `text`.
    pub(super) fn line(&self, text: &str) -> Option<Line> {
        let (key, origin) = (self.certificate.fingerprint(), self.origin.clone()?);
        Some(Line::new(self.name, text, key, self.label, origin))
    }
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

    /// The ciphertext to keep and its record as it stands, or what to do instead.
    pub(super) fn keep(&self, wanted: &Wanted<'_>) -> Result<(&'a str, &Line), Action> {
        let Some(value) = self.items.and_then(|items| items.get(wanted.name)) else {
            return Err(Action::Sealed);
        };
        let text = value.as_str().ok_or(Reason::CiphertextEdited);
        let kept = text.and_then(|text| Ok((text, self.check(wanted, text)?)));
        kept.map_err(Action::Resealed)
    }

    fn check(&self, wanted: &Wanted<'_>, text: &str) -> Result<&Line, Reason> {
        let origin = wanted.origin.as_ref().ok_or(Reason::Unversioned)?;
        let recorded = self.record.get(wanted.name).ok_or(Reason::NotRecorded)?;
        // A digest is of the label, too: what changed there is no change of the value.
        if let (Origin::Source(recorded), Origin::Source(now)) = (&recorded.origin, origin)
            && recorded != now
        {
            return Err(Reason::SourceChanged);
        }
        if recorded.key != wanted.certificate.fingerprint().as_str() {
            return Err(Reason::CertificateChanged);
        }
        if recorded.label != wanted.label.to_string() {
            let before = recorded.label.split(':').next();
            let before = before.and_then(|scope| scope.parse::<Scope>().ok());
            let widened = before.is_some_and(|before| wanted.label.scope() > before);
            return Err(if widened {
                Reason::ScopeWidened
            } else {
                Reason::LabelChanged
            });
        }
        match (&recorded.origin, origin) {
            (recorded, now) if recorded == now => {}
            (Origin::Digest(recorded), Origin::Digest(now)) if recorded.key_id == now.key_id => {
                return Err(Reason::ValueChanged);
            }
            (Origin::Digest(_), Origin::Digest(_)) => return Err(Reason::DigestKeyChanged),
            _ => return Err(Reason::SourceChanged),
        }
        let sound = SealedItem::from_canonical_base64(text)
            .is_ok_and(|item| item.wrapped_key_bytes() == wanted.certificate.key.wrapped_len());
        match sound && recorded.binds(wanted.name, text, wanted.label) {
            true => Ok(recorded),
            false => Err(Reason::CiphertextEdited),
        }
    }
}
