//! The items of a file sealed anew for another certificate, everything else kept byte for byte.
//!
//! Each item is opened and sealed under the label its SealedSecret's own metadata ask for, so that its
//! scope can neither widen nor narrow: what was sealed for a narrower scope than the metadata claim does
//! not open, and fails. An item that the new certificate's own key opens, or that the record says was
//! sealed for it, stays as it is, so doing it twice changes nothing. A file changes as a whole or, if
//! one of its items fails, not at all.

use thiserror::Error;

use super::manifest::Patch;
use super::provenance::Record;
use super::{
    Certificate, Fingerprint, ItemError, Label, LabelError, ManifestItem, OpenError, PatchError,
    PrivateKeys, SealItemError, SealedFile, SealedItem, SealedManifest,
};

/// What re-sealing a file gave.
#[derive(Debug)]
#[non_exhaustive]
pub struct Resealed {
    /// The file's new text; `None` if nothing changes, because all is kept or an item failed.
    pub text: Option<String>,
    /// What was done for each item, in the order they stand.
    pub items: Vec<ResealedItem>,
}

/// What was done for one item.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResealedItem {
    /// `file:line:column` of the item.
    pub place: String,
    /// `namespace/name` of its SealedSecret.
    pub secret: String,
    /// Its key.
    pub item: String,
    /// The key that opened it.
    pub old: Option<Fingerprint>,
    /// What was done.
    pub outcome: ResealOutcome,
}

/// What was done for an item.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResealOutcome {
    /// Sealed for the new certificate.
    Resealed,
    /// It was sealed for it already.
    Kept,
    /// It could not be, and its file stays as it was.
    Failed(ResealFailure),
}

/// Why an item could not be sealed anew.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ResealFailure {
    /// Namespace or name do not fit the scope.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// Its frame is unsound.
    #[error(transparent)]
    Item(#[from] ItemError),
    /// No key given opens it under the scope the metadata ask for.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealItemError),
    /// It cannot be replaced where it stands.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// The V1 form is read, but not written.
    #[error(
        "`spec.data` (the V1 form) is not written any more; unseal it and seal the Secret anew"
    )]
    V1,
}

impl SealedFile {
    /// Seals every item for `certificate`, opening them with `keys`.
    ///
    /// Check the certificate's dates first: this reads no clock.
    #[must_use]
    pub fn reseal(&self, keys: &PrivateKeys, certificate: &Certificate) -> Resealed {
        let mut patch = Patch::new(self);
        let mut items = Vec::new();
        for secret in self.secrets() {
            secret.reseal(keys, certificate, &mut patch, &mut items);
        }
        let failed = |item: &ResealedItem| matches!(item.outcome, ResealOutcome::Failed(_));
        let text = if patch.is_empty() || items.iter().any(failed) {
            None
        } else {
            patch.apply().map_or_else(
                |refused| {
                    for item in &mut items {
                        item.outcome = ResealOutcome::Failed(refused.clone().into());
                    }
                    None
                },
                Some,
            )
        };
        Resealed { text, items }
    }
}

impl SealedManifest {
    fn reseal(
        &self,
        keys: &PrivateKeys,
        certificate: &Certificate,
        patch: &mut Patch<'_>,
        outcomes: &mut Vec<ResealedItem>,
    ) {
        let label = self.label();
        let record = self.record();
        let mut lines = Vec::new();
        for item in self.v1_data().into_iter().chain(self.items()) {
            let mut old = None;
            let outcome = match self.reseal_item(item, &label, keys, certificate, &mut old) {
                Ok(None) => Ok(ResealOutcome::Kept),
                // Done before, by somebody who had no need of the new key either.
                Err(ResealFailure::Open(_)) if is_for(certificate, item, &label, &record) => {
                    old = Some(certificate.fingerprint().clone());
                    Ok(ResealOutcome::Kept)
                }
                Ok(Some(new)) => {
                    if let (Ok(label), Some(text)) = (&label, item.text()) {
                        // A line that no longer spoke of this ciphertext must not begin to.
                        let line = record
                            .get(item.name())
                            .filter(|line| line.binds(text, label));
                        let line = line.map(|line| line.resealed(&new, certificate.fingerprint()));
                        lines.extend(line.map(|line| (item.name(), Some(line))));
                    }
                    patch
                        .set_item(self, item.name(), &new)
                        .map(|()| ResealOutcome::Resealed)
                        .map_err(ResealFailure::from)
                }
                Err(failure) => Err(failure),
            };
            outcomes.push(ResealedItem {
                place: self.place(item.position()),
                secret: self.title(),
                item: item.name().to_owned(),
                old,
                outcome: outcome.unwrap_or_else(ResealOutcome::Failed),
            });
        }
        if let Err(refused) = patch.set_record(self, lines) {
            for outcome in outcomes.iter_mut().filter(|o| o.secret == self.title()) {
                outcome.outcome = ResealOutcome::Failed(refused.clone().into());
            }
        }
    }

    /// The item's new text, or `None` if it can stay.
    fn reseal_item(
        &self,
        item: ManifestItem<'_>,
        label: &Result<Label, LabelError>,
        keys: &PrivateKeys,
        certificate: &Certificate,
        old: &mut Option<Fingerprint>,
    ) -> Result<Option<String>, ResealFailure> {
        if self
            .spec("data")
            .is_some_and(|node| std::ptr::eq(node, item.node))
        {
            return Err(ResealFailure::V1);
        }
        let label = label.as_ref().map_err(LabelError::clone)?;
        let (value, key) = keys.open_with_key(&item.parse()?, label)?;
        *old = Some(key.fingerprint().clone());
        if key.fingerprint() == certificate.fingerprint() {
            return Ok(None);
        }
        Ok(Some(
            SealedItem::seal(&value, label, certificate)?.to_base64(),
        ))
    }
}

/// Whether the record says that the item is sealed for this certificate already.
fn is_for(
    certificate: &Certificate,
    item: ManifestItem<'_>,
    label: &Result<Label, LabelError>,
    record: &Record,
) -> bool {
    let (Ok(label), Some(text), Some(line)) = (label, item.text(), record.get(item.name())) else {
        return false;
    };
    line.binds(text, label) && line.key == certificate.fingerprint().as_str()
}
