//! One object as it will stand in the repository: its file, its text, and where its fields are from.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use narae_gitops::repository::TreePath;
use narae_manifest::object::ObjectId;
use narae_manifest::template::Rendered;
use narae_yaml::{Path, Segment, Value};

/// The first line of every delivered file. A file that does not begin with it is somebody else's
/// and is never removed.
pub(crate) const OWNED: &str =
    "# Delivered by Narae: change the templates and values this came from, not this file.\n";

/// Values named for one field; a text of many values names the first.
const ORIGINS: usize = 3;

/// An object and its file.
#[derive(Debug)]
pub(crate) struct Manifest<'a> {
    pub(crate) path: TreePath,
    pub(crate) object: ObjectId,
    pub(crate) value: Value,
    pub(crate) text: String,
    rendered: &'a Rendered,
    /// What each sealed item was read from; empty for what is not a SealedSecret.
    sources: BTreeMap<String, String>,
}

impl<'a> Manifest<'a> {
    /// What the templates made, as a file of the stage's place.
    pub(crate) fn new(files: &FileNames<'_>, rendered: &'a Rendered) -> Result<Self> {
        let text = narae_yaml::write(&rendered.value);
        Self::of(files, &text, rendered, BTreeMap::new())
    }

    /// `text` as a file of the stage's place; `rendered` is what the templates made it from.
    pub(crate) fn of(
        files: &FileNames<'_>,
        text: &str,
        rendered: &'a Rendered,
        sources: BTreeMap<String, String>,
    ) -> Result<Self> {
        let value = narae_yaml::read_one(text)?;
        let object = ObjectId::of(&value)?;
        let path = files.of(&object)?;
        let text = format!("{OWNED}{text}");
        Ok(Self {
            path,
            object,
            value,
            text,
            rendered,
            sources,
        })
    }

    /// Where the field's value stands: the value's file, line and column, else the template's.
    pub(crate) fn origin(&self, path: &Path) -> Option<String> {
        if !self.sources.is_empty() {
            return None;
        }
        let provenance = self.rendered.provenance(path)?;
        // `--image` sets several values at once: it is still one place.
        let mut seen = BTreeSet::new();
        let values: Vec<String> = provenance
            .values
            .iter()
            .map(|(_, origin)| origin.to_string())
            .filter(|origin| seen.insert(origin.clone()))
            .collect();
        Some(match values.as_slice() {
            [] => provenance.template.to_string(),
            all if all.len() <= ORIGINS => all.join(", "),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        })
    }

    /// Whether a value, and not only the template, decides the field.
    pub(crate) fn is_chosen(&self, path: &Path) -> bool {
        !self.sources.is_empty()
            || self
                .rendered
                .provenance(path)
                .is_some_and(|known| !known.values.is_empty())
    }

    /// What to show for a field that is sealed.
    pub(crate) fn sealed_from(&self, path: &Path) -> String {
        let source = match path.segments().last() {
            Some(Segment::Key(item)) => self.sources.get(item),
            _ => None,
        };
        source.map_or_else(
            || "(sealed)".to_owned(),
            |source| format!("(sealed from {source})"),
        )
    }
}

/// Refuses two objects for one file: the second would silently replace the first.
pub(crate) fn check_distinct(manifests: &[Manifest<'_>]) -> Result<()> {
    let mut seen: BTreeMap<&TreePath, &Manifest<'_>> = BTreeMap::new();
    for manifest in manifests {
        if let Some(first) = seen.insert(&manifest.path, manifest) {
            bail!(
                "{} ({}) and {} ({}) would both be {}\n  try: give one of them another name, or another namespace",
                first.object,
                first.rendered.origin(),
                manifest.object,
                manifest.rendered.origin(),
                manifest.path
            );
        }
    }
    Ok(())
}

/// Where each object of a delivery stands: `deployment-shop.yaml`, and `deployment-shop_rc.yaml`
/// where objects of several namespaces have that kind and name.
#[derive(Debug)]
pub(crate) struct FileNames<'d> {
    directory: &'d TreePath,
    /// Names that more than one namespace asks for.
    shared: BTreeSet<String>,
}

impl<'d> FileNames<'d> {
    /// For all the objects that stand in `directory`, as they will stand there.
    pub(crate) fn new(
        directory: &'d TreePath,
        objects: impl IntoIterator<Item = ObjectId>,
    ) -> Self {
        let mut namespaces: BTreeMap<String, BTreeSet<Option<String>>> = BTreeMap::new();
        for object in objects {
            let namespaces = namespaces.entry(short(&object)).or_default();
            namespaces.insert(object.namespace);
        }
        let shared = namespaces
            .into_iter()
            .filter(|(_, spaces)| spaces.len() > 1);
        Self {
            directory,
            shared: shared.map(|(name, _)| name).collect(),
        }
    }

    pub(crate) fn of(&self, object: &ObjectId) -> Result<TreePath> {
        let name = match self.shared.contains(&short(object)) {
            true => long(object),
            false => short(object),
        };
        Ok(self.directory.join(&format!("{name}.yaml"))?)
    }

    /// Where an object may have stood before: as it stands now, or as it would without, or with,
    /// others of its name.
    pub(crate) fn before(&self, object: &ObjectId) -> Result<[TreePath; 2]> {
        let of = |name: String| self.directory.join(&format!("{name}.yaml"));
        Ok([of(short(object))?, of(long(object))?])
    }
}

/// Names of roles may hold characters that file systems and shells mind.
fn short(object: &ObjectId) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') {
            c
        } else {
            '_'
        }
    };
    let name: String = object.name.chars().map(safe).collect();
    format!("{}-{name}", object.kind.to_ascii_lowercase())
}

fn long(object: &ObjectId) -> String {
    match &object.namespace {
        Some(namespace) => format!("{}_{namespace}", short(object)),
        None => short(object),
    }
}
