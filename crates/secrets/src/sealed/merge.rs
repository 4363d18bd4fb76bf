//! Sealed items put into a SealedSecret that stands in a file: replaced or added, and every other byte
//! kept. Nothing is removed, and the scope is never changed.

use narae_yaml::edit::{self, EditError};
use narae_yaml::{Mapping, Path, Segment, Value};
use thiserror::Error;

use super::manifest::{Patch, path_of, record_path};
use super::provenance::{ANNOTATION, Record};
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
    /// item, one line changes here; and if its source has versions, its line in the record.
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
        let record = Record::of(&sealed.manifest);
        let mut left = target.record();
        items.keys().for_each(|name| drop(left.remove(name)));
        let emptied = record.is_empty() && left.is_empty() && !left.is_damaged();
        let emptied = record_path(target).filter(|_| emptied);
        if emptied.is_none() {
            let mut lines = record.clone();
            patch.set_record(target, items.keys().map(|name| (name, lines.remove(name))))?;
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
        if !record.is_empty() && record_path(target).is_none() {
            // Nothing to keep: the file had none.
            let path = path_of(target, ["metadata", "annotations", ANNOTATION]);
            added.extend(record.to_annotation().map(|text| (path, text.into())));
        }
        let mut text = patch.apply()?;
        let refused = |cause| MergeError::Edit {
            file: self.name().to_owned(),
            cause,
        };
        if let Some(path) = emptied {
            text = edit::remove(&text, target.document, &path).map_err(refused)?;
        }
        for (path, value) in added {
            text = put(&text, target.document, &path, &value).map_err(refused)?;
        }
        Ok(text)
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

/// Sets what stands at `path`, or adds it with whatever must hold it.
fn put(text: &str, document: usize, path: &Path, value: &Value) -> Result<String, EditError> {
    let missing = match edit::replace(text, document, path, value) {
        Err(EditError::NotFound { path }) => path,
        done => return done,
    };
    let inner = path.segments().get(missing.segments().len()..);
    let mut value = value.clone();
    for segment in inner.unwrap_or_default().iter().rev() {
        if let Segment::Key(key) = segment {
            value = Value::Mapping(Mapping::from_iter([(key.clone(), value)]));
        }
    }
    edit::insert(text, document, &missing, &value)
}
