//! A Secret whose values are references: which ones, and what stands in their place that must not. Reads no store.

use std::collections::BTreeMap;
use std::fmt;

use narae_yaml::{Path, Value};
use thiserror::Error;

use crate::reference::{Interpolation, InterpolationError, Reference, ReferenceError};
use crate::resolve::Request;
use crate::sealed::DigestKey;

/// A Secret whose `data` and `stringData` hold references, as they stand: not in base64.
#[derive(Debug, Clone)]
pub struct ReferencedSecret<'a> {
    pub(super) manifest: &'a Value,
    pub(super) items: BTreeMap<String, Referenced>,
    pub(super) previous: Option<&'a Value>,
    pub(super) digest_key: Option<&'a DigestKey>,
}

/// One value, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Referenced {
    pub(super) text: Interpolation,
    pub(super) place: String,
}

/// What values may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Values {
    /// A reference, whole.
    #[default]
    References,
    /// A reference, or a text with references in it ([`Interpolation`]).
    Interpolated,
}

/// Everything that stands where a reference belongs; there is at least one problem.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ReferencedError {
    problems: Vec<ReferencedProblem>,
}

/// One value that cannot be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: {kind}")]
#[non_exhaustive]
pub struct ReferencedProblem {
    /// Where it stands in the manifest.
    pub path: Path,
    /// Where it stands, in the caller's words.
    pub place: String,
    /// What is wrong with it.
    pub kind: ReferencedProblemKind,
}

/// What is wrong with a value. Never holds any of it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReferencedProblemKind {
    /// It is no reference: it would be plaintext where the manifest stands.
    #[error("expected a reference, ref+vault://STORE/mount/path#/key")]
    Literal,
    /// The same key stands in `data` and in `stringData`.
    #[error("stands in data and in stringData; remove one")]
    Twice,
    /// It means to be a reference and is none.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// It means to be a text with references in it and is none.
    #[error(transparent)]
    Interpolation(#[from] InterpolationError),
}

impl ReferencedError {
    /// What is wrong, in the manifest's order.
    #[must_use]
    pub fn problems(&self) -> &[ReferencedProblem] {
        &self.problems
    }
}

/// One line for each problem.
impl fmt::Display for ReferencedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let end = if index > 0 { "\n" } else { "" };
            write!(f, "{end}{problem}")?;
        }
        Ok(())
    }
}

impl<'a> ReferencedSecret<'a> {
    /// Finds the references of a Secret. `place` says where a field stands, for errors.
    ///
    /// # Errors
    ///
    /// [`ReferencedError`] with every value that is none.
    pub fn read(
        manifest: &'a Value,
        values: Values,
        place: impl Fn(&Path) -> String,
    ) -> Result<Self, ReferencedError> {
        let mut items = BTreeMap::new();
        let mut problems = Vec::new();
        for field in ["data", "stringData"] {
            let Some(value) = manifest.get(field).filter(|value| !value.is_null()) else {
                continue;
            };
            let path = Path::default().child(field);
            let mut wrong = |path: Path, kind| {
                let place = place(&path);
                problems.push(ReferencedProblem { path, place, kind });
            };
            let Some(entries) = value.as_mapping() else {
                wrong(path, ReferencedProblemKind::Literal);
                continue;
            };
            for (name, value) in entries.iter() {
                let path = path.child(name);
                let place = place(&path);
                match text_of(value, values) {
                    Err(kind) => wrong(path, kind),
                    Ok(text) => {
                        let item = Referenced { text, place };
                        if items.insert(name.to_owned(), item).is_some() {
                            wrong(path, ReferencedProblemKind::Twice);
                        }
                    }
                }
            }
        }
        match problems.is_empty() {
            true => Ok(Self {
                manifest,
                items,
                previous: None,
                digest_key: None,
            }),
            false => Err(ReferencedError { problems }),
        }
    }

    /// The SealedSecret as it stands, whose unchanged items are kept.
    #[must_use]
    pub fn with_previous(mut self, previous: Option<&'a Value>) -> Self {
        self.previous = previous;
        self
    }

    /// By which items are known again whose store has no versions.
    #[must_use]
    pub fn with_digest_key(mut self, key: Option<&'a DigestKey>) -> Self {
        self.digest_key = key;
        self
    }

    /// The Secret as it was given.
    #[must_use]
    pub fn manifest(&self) -> &'a Value {
        self.manifest
    }

    /// What must be read for it.
    pub fn requests(&self) -> impl Iterator<Item = Request> {
        self.items.values().flat_map(|item| {
            let references = item.text.references();
            references.map(|reference| Request::new(reference.clone(), &item.place))
        })
    }
}

fn text_of(value: &Value, values: Values) -> Result<Interpolation, ReferencedProblemKind> {
    match (value.as_str(), values) {
        (Some(text), Values::Interpolated) if Interpolation::is_one(text) => Ok(text.parse()?),
        (Some(text), _) if Reference::is_reference(text) => Ok(text.parse::<Reference>()?.into()),
        _ => Err(ReferencedProblemKind::Literal),
    }
}
