//! The plan: which files of the stage's place would change and which fields of them, as data.
//! Pure; sealed values are masked here, before anything can print them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use narae_gitops::change::Change;
use narae_gitops::repository::TreePath;
use narae_manifest::plan::compare;
use narae_yaml::{Path, Reader, Segment, Value};
use serde::Serialize;

use crate::manifest::{Manifest, OWNED};
use crate::secrets;

/// What the branch holds in the stage's place: file by its path in the repository.
pub(crate) type Current = BTreeMap<TreePath, Vec<u8>>;

/// Everything that would change.
#[derive(Debug, Serialize)]
pub(crate) struct Plan {
    /// The stage's place in the repository.
    pub(crate) directory: String,
    /// In the order Kubernetes wants the objects; removals last.
    pub(crate) files: Vec<FileChange>,
    /// How many files stay as they are.
    pub(crate) unchanged: usize,
    #[serde(skip)]
    pub(crate) changes: Vec<Change>,
}

/// One file.
#[derive(Debug, Serialize)]
pub(crate) struct FileChange {
    pub(crate) path: String,
    pub(crate) action: Action,
    /// `Deployment shop-dev/shop`
    pub(crate) object: String,
    pub(crate) fields: Vec<FieldChange>,
}

/// What happens to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Create,
    Update,
    Remove,
}

impl Action {
    /// As plans mark it.
    pub(crate) fn mark(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update => '~',
            Self::Remove => '-',
        }
    }
}

/// One field of a file.
#[derive(Debug, Serialize)]
pub(crate) struct FieldChange {
    pub(crate) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) old: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) new: Option<Value>,
    /// Where the new value comes from: the values file's line, or the template's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    /// Whether a value, and not only the template, decides it.
    #[serde(skip)]
    pub(crate) chosen: bool,
}

impl Plan {
    /// Compares what should be in `directory` with what is there.
    ///
    /// # Errors
    ///
    /// When a file that is there is not YAML, or is somebody else's: it does not begin with the
    /// line that marks a delivered file.
    pub(crate) fn new(
        directory: &TreePath,
        wanted: &[Manifest<'_>],
        current: &Current,
    ) -> Result<Self> {
        let mut plan = Self {
            directory: directory.to_string(),
            files: Vec::new(),
            unchanged: 0,
            changes: Vec::new(),
        };
        for manifest in wanted {
            plan.want(manifest, current.get(&manifest.path))?;
        }
        let kept: BTreeSet<&TreePath> = wanted.iter().map(|manifest| &manifest.path).collect();
        for (path, bytes) in current.iter().filter(|(path, _)| !kept.contains(path)) {
            // A file without the mark is not ours to remove: a README, a kustomization.
            if is_owned(bytes) {
                plan.remove(path, bytes)?;
            }
        }
        Ok(plan)
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Masks those of the replaced values that may not be shown: a value that becomes a secret stood in the clear before.
    pub(crate) fn mask_old(&mut self, may_not: impl Fn(&str) -> bool) {
        let fields = self.files.iter_mut().flat_map(|file| &mut file.fields);
        for old in fields.filter_map(|field| field.old.as_mut()) {
            if may_not(&narae_yaml::write(old)) {
                *old = Value::from("(secret)");
            }
        }
    }

    fn want(&mut self, manifest: &Manifest<'_>, current: Option<&Vec<u8>>) -> Result<()> {
        if current.is_some_and(|bytes| bytes == manifest.text.as_bytes()) {
            self.unchanged += 1;
            return Ok(());
        }
        if current.is_some_and(|bytes| !is_owned(bytes)) {
            bail!(
                "{} in the repository is somebody else's: it does not begin with the line that marks delivered files\n  try: move it, or give {} another name",
                manifest.path,
                manifest.object
            );
        }
        let old = current
            .map(|bytes| parse(&manifest.path, bytes))
            .transpose()?;
        let is_secret = old.iter().chain([&manifest.value]).any(secrets::is_secret);
        let fields = compare(old.as_ref(), Some(&manifest.value))
            .into_iter()
            .filter(|field| !is_provenance(&field.path))
            .map(|field| FieldChange {
                old: field
                    .old
                    .map(|value| mask(&field.path, value, "(sealed)", is_secret)),
                new: field.new.map(|value| {
                    mask(
                        &field.path,
                        value,
                        &manifest.sealed_from(&field.path),
                        is_secret,
                    )
                }),
                from: manifest.origin(&field.path),
                chosen: manifest.is_chosen(&field.path),
                path: field.path.to_string(),
            })
            .collect();
        self.files.push(FileChange {
            path: manifest.path.to_string(),
            action: if old.is_some() {
                Action::Update
            } else {
                Action::Create
            },
            object: manifest.object.to_string(),
            fields,
        });
        self.changes.push(Change::write(
            manifest.path.clone(),
            manifest.text.clone().into_bytes(),
        ));
        Ok(())
    }

    fn remove(&mut self, path: &TreePath, bytes: &[u8]) -> Result<()> {
        let old = parse(path, bytes)?;
        let object = narae_manifest::object::ObjectId::of(&old)
            .map_or_else(|_| "not an object".to_owned(), |id| id.to_string());
        self.files.push(FileChange {
            path: path.to_string(),
            action: Action::Remove,
            object,
            fields: Vec::new(),
        });
        self.changes.push(Change::remove(path.clone()));
        Ok(())
    }
}

/// Whether a file was delivered; checkouts with other line ends keep it ours.
fn is_owned(bytes: &[u8]) -> bool {
    bytes.starts_with(OWNED.trim_end().as_bytes())
}

fn parse(path: &TreePath, bytes: &[u8]) -> Result<Value> {
    let document = Reader::new()
        .named(path.to_string())
        .read_one_bytes(bytes)
        .with_context(|| {
            format!("{path} in the repository is not what was delivered\n  try: repair or remove it there")
        })?;
    Ok(document.into_value())
}

/// Ciphertext says nothing to a person; what stands in a Secret somebody committed is nobody's to see.
fn mask(path: &Path, value: Value, shown: &str, is_secret: bool) -> Value {
    let holds_secret = |name: &str| name == "stringData" || (name == "data" && is_secret);
    match path.segments().first() {
        _ if is_sealed(path) => Value::from(shown),
        Some(Segment::Key(name)) if holds_secret(name) => Value::from("(secret)"),
        _ => value,
    }
}

fn is_sealed(path: &Path) -> bool {
    matches!(path.segments(), [Segment::Key(spec), Segment::Key(data), ..] if spec == "spec" && data == "encryptedData")
}

/// The sealing record, where it stood before it was in comments: it goes with its items, which are shown already.
fn is_provenance(path: &Path) -> bool {
    matches!(path.segments(), [Segment::Key(metadata), Segment::Key(annotations), Segment::Key(name), ..]
        if metadata == "metadata" && annotations == "annotations" && name.starts_with("narae.dev/sealed"))
}
