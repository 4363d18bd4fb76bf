//! Where a value comes from and where it goes, as data and in words.
//!
//! May only describe: [`Values::explain`](super::Values::explain) knows who set what,
//! [`Rendering::explain`](crate::Rendering::explain) adds what the templates did with it.

use std::collections::BTreeSet;
use std::fmt;

use indexmap::IndexMap;
use narae_yaml::{Mapping, Path, Segment, Value};
use serde::{Serialize, Serializer};

use super::{Index, Values};
use crate::origin::Origin;
use crate::suggestion::nearest_sibling;

/// Where the value at a path comes from, whom it overrode, and where it is used.
///
/// Displays as lines for people, and serializes for programs: paths in `narae-yaml`'s notation,
/// origins as `{source, line, column}`, places in objects as JSON pointers (RFC 6901).
///
/// ```text
/// image.tag: "1.20"
///   set by --set image.tag
///   overrides values/prod.yaml:4:8, values/base.yaml:3:8
///   used in Deployment shop/web
///     templates/deployment.yaml:5:33   /metadata/labels/version
///     templates/deployment.yaml:14:17  /spec/template/spec/containers/0/image
/// ```
///
/// Of a mapping every value inside is explained, each with its own uses; those of the mapping as a
/// whole stand first.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Explanation {
    /// The path that was asked for.
    #[serde(serialize_with = "as_text")]
    pub path: Path,
    /// The value there; for a mapping or list that is not empty, every value inside. Empty when no
    /// layer sets it.
    pub settings: Vec<Setting>,
    /// Who deleted it with `null`, and whom that overrode, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<Origin>,
    /// What was probably meant, when no layer sets it.
    #[serde(
        serialize_with = "as_optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub suggestion: Option<Path>,
    /// What is set beside it, when no layer sets it and nothing is near.
    #[serde(serialize_with = "as_texts", skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<Path>,
    /// Where templates use it. Empty in what [`Values::explain`](super::Values::explain) gives,
    /// which knows no templates.
    pub uses: Vec<Use>,
}

/// One value and its history.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Setting {
    /// Its path in the values.
    #[serde(serialize_with = "as_text")]
    pub path: Path,
    /// What it is.
    pub value: Value,
    /// Who set it.
    pub origin: Origin,
    /// Whom that overrode, oldest first.
    pub overridden: Vec<Origin>,
    /// Whether no template used it, as [`Rendering::unused`](crate::Rendering::unused) has it.
    /// Never so in what [`Values::explain`](super::Values::explain) gives.
    pub is_unused: bool,
}

/// One place of a template that uses a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Use {
    /// The value used: the one asked for, one inside it, or one around it.
    #[serde(serialize_with = "as_text")]
    pub value: Path,
    /// The place in the template.
    pub template: Origin,
    /// What it is used for.
    #[serde(flatten)]
    pub kind: UseKind,
}

/// What a value is used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "use", rename_all = "camelCase")]
#[non_exhaustive]
pub enum UseKind {
    /// It is, or is part of, a field of an object.
    #[non_exhaustive]
    Field {
        /// The object, as [`ObjectId`](crate::ObjectId) shows it; its number where it has none.
        object: String,
        /// The field, as a JSON pointer.
        pointer: String,
    },
    /// It decides a block or is handed to a helper that decides one.
    Decision,
    /// A template asks for it with `default` or `defined`, and it is not set.
    Absence,
}

impl Explanation {
    pub(super) fn of(values: &Values, path: &Path) -> Self {
        let index = values.index();
        let mut settings = Vec::new();
        if let (Some(id), Some(value)) = (index.find(path), values.get(path)) {
            collect(index, id, path.clone(), value, &mut settings);
        }
        let record = index.deleted(path);
        let deleted = record.into_iter().flat_map(|record| {
            let overridden = record.overridden.iter().cloned();
            overridden.chain([record.origin.clone()])
        });
        let mut explanation = Self {
            path: path.clone(),
            suggestion: None,
            beside: Vec::new(),
            deleted: deleted.collect(),
            settings,
            uses: Vec::new(),
        };
        if !explanation.is_set() && explanation.deleted.is_empty() {
            (explanation.suggestion, explanation.beside) = instead(values, path);
        }
        explanation
    }

    /// Whether some layer sets it, and none after that deletes it.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !self.settings.is_empty()
    }
}

fn collect(index: &Index, id: usize, path: Path, value: &Value, found: &mut Vec<Setting>) {
    let mut parts: Vec<(Path, &Value)> = Vec::new();
    match value {
        Value::Mapping(map) => parts.extend(map.iter().map(|(key, part)| (path.child(key), part))),
        Value::Sequence(list) => {
            parts.extend(
                list.iter()
                    .enumerate()
                    .map(|(i, part)| (path.child(i), part)),
            );
        }
        _ => {}
    }
    if parts.is_empty() {
        let record = index.record(id);
        found.extend(record.map(|record| Setting {
            path,
            value: value.clone(),
            origin: record.origin.clone(),
            overridden: record.overridden.clone(),
            is_unused: false,
        }));
        return;
    }
    for (child, (path, part)) in index.children(id).zip(parts) {
        collect(index, child, path, part, found);
    }
}

/// What is there instead of a path that leads nowhere: the nearest name beside its first wrong step,
/// with the rest of the way if it exists; without one, the names beside it.
fn instead(values: &Values, path: &Path) -> (Option<Path>, Vec<Path>) {
    let mut known = Path::root();
    let mut steps = path.segments().iter();
    let wrong = steps.find(|step| {
        let next = known.child((*step).clone());
        let there = values.get(&next).is_some();
        if there {
            known = next;
        }
        !there
    });
    let Some((wrong, around)) = wrong.zip(values.get(&known)) else {
        return (None, Vec::new());
    };
    let keys = || around.as_mapping().into_iter().flat_map(Mapping::keys);
    let Some(meant) = nearest_sibling(&known.child(wrong.clone()), keys()) else {
        let indices = 0..around.as_sequence().map_or(0, <[Value]>::len);
        let beside = keys().map(Segment::from).chain(indices.map(Segment::from));
        return (None, beside.map(|step| known.child(step)).collect());
    };
    let mut whole = meant.clone();
    whole.extend(steps.cloned());
    let exists = values.get(&whole).is_some();
    (Some(if exists { whole } else { meant }), Vec::new())
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told: BTreeSet<&Path> = BTreeSet::new();
        let is_leaf = self.settings.iter().any(|one| one.path == self.path);
        if self.settings.is_empty() {
            self.write_absence(f)?;
        } else if !is_leaf && self.uses_of(&self.path).next().is_some() {
            writeln!(f, "{}", self.path)?;
            self.write_uses(f, &self.path)?;
        }
        told.insert(&self.path);
        for setting in &self.settings {
            // A mapping between that is used as a whole.
            let around =
                |used: &&Use| setting.path != used.value && setting.path.starts_with(&used.value);
            for used in self.uses.iter().filter(around) {
                if used.value.starts_with(&self.path) && told.insert(&used.value) {
                    writeln!(f, "{}", used.value)?;
                    self.write_uses(f, &used.value)?;
                }
            }
            told.insert(&setting.path);
            write!(f, "{setting}")?;
            self.write_uses(f, &setting.path)?;
            if setting.is_unused {
                writeln!(f, "  used nowhere")?;
            }
        }
        for used in &self.uses {
            if !self.path.starts_with(&used.value) && told.insert(&used.value) {
                writeln!(f, "{} is not set", used.value)?;
                self.write_uses(f, &used.value)?;
            }
        }
        Ok(())
    }
}

impl Explanation {
    /// The uses that are told under one head; those of what is around the path that was asked for
    /// are told under that path.
    fn uses_of(&self, head: &Path) -> impl Iterator<Item = &Use> {
        let is_asked = *head == self.path;
        self.uses.iter().filter(move |used| {
            used.value == *head || (is_asked && self.path.starts_with(&used.value))
        })
    }

    fn write_absence(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.deleted.split_last() {
            Some((last, before)) => {
                writeln!(f, "{} is deleted by {last}", self.path)?;
                write_origins(f, "  overrides", before)?;
            }
            None => writeln!(f, "{} is not set", self.path)?,
        }
        if let Some(meant) = &self.suggestion {
            writeln!(f, "  did you mean {meant}")?;
        }
        if !self.beside.is_empty() {
            const MAX_BESIDE: usize = 8;
            let beside = self.beside.iter().take(MAX_BESIDE);
            let beside: Vec<String> = beside.map(ToString::to_string).collect();
            let more = if self.beside.len() > MAX_BESIDE {
                ", …"
            } else {
                ""
            };
            writeln!(f, "  there are {}{more}", beside.join(", "))?;
        }
        self.write_uses(f, &self.path)
    }

    /// Fields by their objects, then all else.
    fn write_uses(&self, f: &mut fmt::Formatter<'_>, head: &Path) -> fmt::Result {
        let mut objects: IndexMap<&str, Vec<(String, String)>> = IndexMap::new();
        for used in self.uses_of(head) {
            if let UseKind::Field { object, pointer } = &used.kind {
                let part = if used.value == *head {
                    String::new()
                } else {
                    format!("  (part of {})", used.value)
                };
                let line = (used.template.to_string(), format!("{pointer}{part}"));
                objects.entry(object).or_default().push(line);
            }
        }
        for (object, lines) in objects {
            writeln!(f, "  used in {object}")?;
            let places = lines.iter().map(|(place, _)| place.chars().count());
            let width = places.max().unwrap_or_default();
            for (place, field) in &lines {
                writeln!(f, "    {place:width$}  {field}")?;
            }
        }
        for used in self.uses_of(head) {
            match used.kind {
                UseKind::Field { .. } => {}
                UseKind::Decision => writeln!(f, "  decides at {}", used.template)?,
                UseKind::Absence => writeln!(f, "  asked for at {}", used.template)?,
            }
        }
        Ok(())
    }
}

/// The value, who set it, and whom that overrode.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = serde_json::to_string(&self.value).map_err(|_| fmt::Error)?;
        writeln!(f, "{}: {shown}", self.path)?;
        writeln!(f, "  set by {}", self.origin)?;
        write_origins(f, "  overrides", &self.overridden)
    }
}

/// Newest first, as a person asks: whom did it override, and whom did that one.
fn write_origins(f: &mut fmt::Formatter<'_>, what: &str, origins: &[Origin]) -> fmt::Result {
    if origins.is_empty() {
        return Ok(());
    }
    let origins: Vec<String> = origins.iter().rev().map(ToString::to_string).collect();
    writeln!(f, "{what} {}", origins.join(", "))
}

fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(path)
}

fn as_optional_text<S: Serializer>(path: &Option<Path>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => as_text(path, serializer),
        None => serializer.serialize_none(),
    }
}

fn as_texts<S: Serializer>(paths: &[Path], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(ToString::to_string))
}
