//! Where a value comes from and where it goes, as data and in words.
//!
//! May only describe: [`Values::explain`](super::Values::explain) knows who set what,
//! [`Rendering::explain`](crate::Rendering::explain) adds what the templates did with it.

use std::fmt;

use narae_yaml::{Path, Value};
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
///   used at templates/deployment.yaml:14:17 → Deployment shop/web /spec/template/spec/containers/0/image
/// ```
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
    /// Where templates use it. Empty in what [`Values::explain`](super::Values::explain) gives,
    /// which knows no templates.
    pub uses: Vec<Use>,
}

/// One value and its history.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
            deleted: deleted.collect(),
            settings,
            uses: Vec::new(),
        };
        if explanation.settings.is_empty() && explanation.deleted.is_empty() {
            explanation.suggestion = suggestion(values, path);
        }
        explanation
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
        }));
        return;
    }
    for (child, (path, part)) in index.children(id).zip(parts) {
        collect(index, child, path, part, found);
    }
}

/// The nearest name beside the first step that leads nowhere, with the rest of the way if it exists.
fn suggestion(values: &Values, path: &Path) -> Option<Path> {
    let mut known = Path::root();
    let mut steps = path.segments().iter();
    let wrong = steps.find(|step| {
        let next = known.child((*step).clone());
        let there = values.get(&next).is_some();
        if there {
            known = next;
        }
        !there
    })?;
    let siblings = values.get(&known)?.as_mapping()?.keys();
    let meant = nearest_sibling(&known.child(wrong.clone()), siblings)?;
    let mut whole = meant.clone();
    whole.extend(steps.cloned());
    Some(if values.get(&whole).is_some() {
        whole
    } else {
        meant
    })
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Setting {
            path,
            value,
            origin,
            overridden,
        } in &self.settings
        {
            let shown = serde_json::to_string(value).map_err(|_| fmt::Error)?;
            writeln!(f, "{path}: {shown}")?;
            writeln!(f, "  set by {origin}")?;
            write_origins(f, "  overrides", overridden)?;
        }
        if let Some((last, before)) = self.deleted.split_last() {
            writeln!(f, "{} is deleted by {last}", self.path)?;
            write_origins(f, "  overrides", before)?;
        } else if self.settings.is_empty() {
            writeln!(f, "{} is not set", self.path)?;
        }
        if let Some(meant) = &self.suggestion {
            writeln!(f, "  did you mean {meant}")?;
        }
        for Use {
            value,
            template,
            kind,
        } in &self.uses
        {
            match kind {
                UseKind::Field { object, pointer } => {
                    write!(f, "  used at {template} → {object} {pointer}")?;
                }
                UseKind::Decision => write!(f, "  decides at {template}")?,
                UseKind::Absence => write!(f, "  asked for at {template}")?,
            }
            if *value != self.path {
                write!(f, " ({value})")?;
            }
            writeln!(f)?;
        }
        Ok(())
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
