//! The items of a file sealed anew for another certificate, everything else kept byte for byte.
//!
//! Each item is opened and sealed under the label its SealedSecret's own metadata ask for, so that its
//! scope can neither widen nor narrow: what was sealed for a narrower scope than the metadata claim does
//! not open, and fails. An item that the new certificate's own key opens stays as it is, and, where that key is not
//! given, one that the record says was sealed for it; so doing it twice changes nothing. A file changes as a whole or, if
//! one of its items fails, not at all.

use thiserror::Error;

use super::manifest::Patch;
use super::private_keys::Opener;
use super::provenance::Line;
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

/// How to seal a file anew: from what `keys` open to what the key of `certificate` opens.
///
/// Check the certificate's dates first: this reads no clock.
#[derive(Debug, Clone, Copy)]
pub struct ResealRequest<'a> {
    keys: &'a PrivateKeys,
    certificate: &'a Certificate,
}

impl<'a> ResealRequest<'a> {
    /// Asks to seal items that `keys` open for `certificate`.
    #[must_use]
    pub fn new(keys: &'a PrivateKeys, certificate: &'a Certificate) -> Self {
        Self { keys, certificate }
    }

    /// The certificate to seal for.
    #[must_use]
    pub fn certificate(&self) -> &'a Certificate {
        self.certificate
    }

    /// Seals every item of `file` anew.
    #[must_use]
    pub fn run(&self, file: &SealedFile) -> Resealed {
        let mut patch = Patch::new(file);
        let mut items = Vec::new();
        let mut opener = self.keys.opener();
        let all = file.secrets().iter().flat_map(SealedManifest::items);
        all.filter_map(|item| item.parse().ok())
            .for_each(|item| opener.look_at(&item));
        for secret in file.secrets() {
            self.secret(secret, &mut opener, &mut patch, &mut items);
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

    fn secret(
        &self,
        secret: &SealedManifest,
        opener: &mut Opener<'_>,
        patch: &mut Patch<'_>,
        outcomes: &mut Vec<ResealedItem>,
    ) {
        let label = secret.label();
        let record = secret.record();
        let first = outcomes.len();
        let mut records: Vec<(&str, Line)> = Vec::new();
        if let Some(item) = secret.v1_data() {
            outcomes.push(ResealedItem::of(secret, item, None, Err(ResealFailure::V1)));
        }
        for item in secret.items() {
            // A line that no longer speaks of this ciphertext must not begin to.
            let line = label.as_ref().ok().and_then(|label| {
                let line = record.get(item.name())?;
                line.binds(item.name(), item.text()?, label).then_some(line)
            });
            let mut old = None;
            let outcome = match self.item(item, &label, line, opener, &mut old) {
                Ok(None) => Ok(ResealOutcome::Kept),
                Ok(Some(new)) => {
                    let line = line.map(|line| line.resealed(&new, self.certificate.fingerprint()));
                    records.extend(line.map(|line| (item.name(), line)));
                    patch
                        .set_item(secret, item.name(), &new)
                        .map(|()| ResealOutcome::Resealed)
                        .map_err(ResealFailure::from)
                }
                Err(failure) => Err(failure),
            };
            outcomes.push(ResealedItem::of(secret, item, old, outcome));
        }
        let records = records.iter().map(|(name, line)| (*name, Some(line)));
        if let Err(refused) = patch.set_record(secret, records) {
            for outcome in outcomes.iter_mut().skip(first) {
                outcome.outcome = ResealOutcome::Failed(refused.clone().into());
            }
        }
    }

    /// The item's new text, or `None` if it can stay; `line` is what the record says of it.
    fn item(
        &self,
        item: ManifestItem<'_>,
        label: &Result<Label, LabelError>,
        line: Option<&Line>,
        opener: &mut Opener<'_>,
        old: &mut Option<Fingerprint>,
    ) -> Result<Option<String>, ResealFailure> {
        let label = label.as_ref().map_err(LabelError::clone)?;
        let own = self.certificate.fingerprint();
        let recorded = line.map(|line| line.key.as_str());
        let sealed = item.parse()?;
        if recorded == Some(own.as_str()) && !opener.has(own) {
            // Done before, by somebody who had no need of the new key either.
            *old = Some(own.clone());
            return Ok(None);
        }
        let (value, key) = opener.open(&sealed, label, recorded)?;
        *old = Some(key.fingerprint().clone());
        if key.fingerprint() == own {
            return Ok(None);
        }
        let new = SealedItem::seal(&value, label, self.certificate)?;
        Ok(Some(new.to_base64()))
    }
}

impl SealedFile {
    /// Seals every item for `certificate`, opening them with `keys`; see [`ResealRequest`].
    #[must_use]
    pub fn reseal(&self, keys: &PrivateKeys, certificate: &Certificate) -> Resealed {
        ResealRequest::new(keys, certificate).run(self)
    }
}

impl ResealedItem {
    fn of(
        secret: &SealedManifest,
        item: ManifestItem<'_>,
        old: Option<Fingerprint>,
        outcome: Result<ResealOutcome, ResealFailure>,
    ) -> Self {
        Self {
            place: secret.place(item.position()),
            secret: secret.title(),
            item: item.name().to_owned(),
            old,
            outcome: outcome.unwrap_or_else(ResealOutcome::Failed),
        }
    }
}
