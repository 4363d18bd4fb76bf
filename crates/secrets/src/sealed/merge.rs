//! Sealed items put into a SealedSecret that stands in a file: replaced or added, and every other byte
//! kept. Nothing is removed, and the scope is never changed.

use narae_yaml::edit::EditError;
use narae_yaml::{Mapping, Path, Value};
use thiserror::Error;

use super::manifest::{Patch, path_of, put};
use super::provenance::Record;
use super::{PatchError, Scope, SealedFile, SealedManifest, SealedSecret};

/// Why items cannot be put into a file. Nothing is changed then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MergeError {
    /// The file has no SealedSecret of this name and namespace.
    #[error(
        "{file}: no SealedSecret {secret}; items open only under the name they were sealed for"
    )]
    NotThere {
        /// The file.
        file: String,
        /// `namespace/name`.
        secret: String,
    },
    /// It has more than one.
    #[error("{place}: SealedSecret {secret} stands in the file twice; remove one")]
    Twice {
        /// `file:line:column` of the second.
        place: String,
        /// `namespace/name`.
        secret: String,
    },
    /// The items were sealed for another scope than the file's.
    #[error(
        "{place}: the SealedSecret's scope is {file}, the items' {items}; seal them for {file}"
    )]
    Scope {
        /// `file:line:column` of the SealedSecret.
        place: String,
        /// Its scope.
        file: Scope,
        /// The scope the items were sealed for.
        items: Scope,
    },
    /// The file has the deprecated V1 form.
    #[error(
        "{place}: `spec.data` (the V1 form) cannot be merged into; unseal it and seal the Secret anew"
    )]
    V1 {
        /// `file:line:column`.
        place: String,
    },
    /// A place cannot be edited.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// A place cannot be edited.
    #[error("{file}: {cause}")]
    Edit {
        /// The file.
        file: String,
        /// Why not, and where.
        cause: EditError,
    },
}

impl SealedFile {
    /// The text of this file with the items of `sealed` in its SealedSecret of the same name and namespace,
    /// and with the labels and annotations of its template.
    ///
    /// Seal with [`with_previous`](super::SealRequest::with_previous) to keep what did not change: of one changed
    /// item, one line changes here, its [record](super::provenance) included where a comment can stand.
    ///
    /// # Errors
    ///
    /// [`MergeError`].
    pub fn merge(&self, sealed: &SealedSecret) -> Result<String, MergeError> {
        let target = self.target(&sealed.manifest)?;
        let empty = Mapping::new();
        let items = sealed
            .manifest
            .get("spec")
            .and_then(|spec| spec.get("encryptedData"));
        let items = items.and_then(Value::as_mapping).unwrap_or(&empty);

        let mut patch = Patch::new(self);
        let mut added = Vec::new();
        for (name, value) in items {
            let text = value.as_str().unwrap_or_default();
            match target.item(name) {
                None => added.push((
                    path_of(target, ["spec", "encryptedData", name]),
                    value.clone(),
                )),
                Some(item) if item.text() != Some(text) => patch.set_item(target, name, text)?,
                Some(_) => {}
            }
        }
        for field in ["labels", "annotations"] {
            let wanted = ["spec", "template", "metadata", field];
            let relative: Path = wanted.into_iter().collect();
            let values = sealed.manifest.at(&relative).and_then(Value::as_mapping);
            for (key, value) in values.unwrap_or(&empty) {
                if target.value().at(&relative.child(key)) != Some(value) {
                    let path = path_of(target, wanted).child(key);
                    added.push((path, value.clone()));
                }
            }
        }
        let mut text = patch.apply()?;
        for (path, value) in added {
            let put = put(&text, target.document, &path, &value);
            text = put.map_err(|cause| MergeError::Edit {
                file: self.name().to_owned(),
                cause,
            })?;
        }
        self.record(text, &sealed.manifest, items)
    }

    /// `text`, which holds `items` by now, with what `manifest` records of them.
    fn record(
        &self,
        text: String,
        manifest: &Value,
        items: &Mapping,
    ) -> Result<String, MergeError> {
        let unsafe_here = |_| PatchError::Unsafe {
            file: self.name().to_owned(),
        };
        let file = Self::read(self.name(), text).map_err(unsafe_here)?;
        let (target, record) = (file.target(manifest)?, Record::of(manifest));
        let mut patch = Patch::new(&file);
        let records = items.keys().map(|name| (name, record.get(name)));
        // What was kept is recorded as it was, wherever that stands.
        let changed = records.filter(|(name, line)| target.record().get(name) != *line);
        patch.set_record(target, changed)?;
        Ok(if patch.is_empty() {
            file.into_text()
        } else {
            patch.apply()?
        })
    }

    /// The one SealedSecret that `manifest` is to go into.
    fn target(&self, manifest: &Value) -> Result<&SealedManifest, MergeError> {
        let metadata = manifest.get("metadata");
        let field = |name: &str| {
            let value = metadata.and_then(|metadata| metadata.get(name));
            value.and_then(Value::as_str).unwrap_or_default()
        };
        let (name, namespace) = (field("name"), field("namespace"));
        let same =
            |secret: &&SealedManifest| (secret.name(), secret.namespace()) == (name, namespace);
        let mut found = self.secrets().iter().filter(same);
        let target = found.next().ok_or_else(|| MergeError::NotThere {
            file: self.name().to_owned(),
            secret: format!("{namespace}/{name}"),
        })?;
        let place = |secret: &SealedManifest| secret.place(secret.position());
        if let Some(second) = found.next() {
            return Err(MergeError::Twice {
                place: place(second),
                secret: second.title(),
            });
        }
        let items = Scope::from_metadata(metadata);
        if items != target.scope() {
            return Err(MergeError::Scope {
                place: place(target),
                file: target.scope(),
                items,
            });
        }
        if let Some(blob) = target.v1_data() {
            return Err(MergeError::V1 {
                place: target.place(blob.position()),
            });
        }
        Ok(target)
    }
}
