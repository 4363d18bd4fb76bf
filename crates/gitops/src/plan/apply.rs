//! A plan on the files as they are: every edit decided, all of them made or none.

use std::collections::BTreeMap;
use std::collections::btree_map;

use narae_yaml::Value;
use serde::Serialize;

use super::condition::Answer;
use super::{Edit, FileDiff, ImagePlace, Plan, PlanError, Target};
use crate::change::{self, ChangeSet};
use crate::edit::{self, Change, EditError, Locator, Selector, Setting};
use crate::repository::TreePath;

/// What became of an edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// It is made.
    Applied,
    /// What it wants was there.
    AlreadyApplied,
    /// Something newer stands there.
    Superseded {
        /// What.
        found: String,
    },
    /// Its condition does not hold.
    Conflict {
        /// What stands there.
        found: String,
        /// Why that is in the way.
        reason: String,
    },
}

/// A plan applied to a tip, as data: nothing is written yet.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Applied {
    /// What became of each edit, in their order.
    pub edits: Vec<Decided>,
    /// The files that change; none when an edit is refused.
    pub files: Vec<FileDiff>,
    /// The images named by the plan before and after, each once.
    pub images: ImageChange,
}

/// Images before and after a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ImageChange {
    /// As they print.
    pub old: Vec<String>,
    /// As they print.
    pub new: Vec<String>,
}

/// An edit and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Decided {
    /// The file.
    pub file: TreePath,
    /// The selector, or the place.
    pub place: String,
    /// What stood there.
    pub old: String,
    /// What should stand there.
    pub new: String,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The scalars that change.
    pub changes: Vec<Change>,
}

impl Applied {
    /// The edits that cannot be made; when there is one, nothing is.
    pub fn refused(&self) -> impl Iterator<Item = &Decided> {
        let is_refused = |outcome: &Outcome| {
            matches!(
                outcome,
                Outcome::Superseded { .. } | Outcome::Conflict { .. }
            )
        };
        self.edits
            .iter()
            .filter(move |edit| is_refused(&edit.outcome))
    }

    /// What the whole came to: the worst of the edits' outcomes.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        let rank = |edit: &Decided| match edit.outcome {
            Outcome::AlreadyApplied => 0,
            Outcome::Applied => 1,
            Outcome::Superseded { .. } => 2,
            Outcome::Conflict { .. } => 3,
        };
        match self.edits.iter().map(rank).max() {
            Some(3) => "conflict",
            Some(2) => "superseded",
            Some(1) => "applied",
            _ => "already-applied",
        }
    }

    /// The files' new contents, to commit.
    #[must_use]
    pub fn change_set(&self) -> ChangeSet {
        let write = |file: &FileDiff| change::Change::write(file.path.clone(), file.after.as_str());
        self.files.iter().map(write).collect()
    }

    /// The change of all files as `git diff` shows it.
    #[must_use]
    pub fn unified_diff(&self) -> String {
        self.files.iter().map(FileDiff::unified).collect()
    }
}

impl Plan {
    pub(super) fn decide<E>(
        &self,
        mut read: impl FnMut(&TreePath) -> Result<Option<Vec<u8>>, E>,
        conditions: bool,
    ) -> Result<Applied, PlanError<E>> {
        let mut texts: BTreeMap<&TreePath, FileDiff> = BTreeMap::new();
        let mut edits = Vec::new();
        for edit in &self.edits {
            let text = match texts.entry(&edit.file) {
                btree_map::Entry::Occupied(text) => text.into_mut(),
                btree_map::Entry::Vacant(vacant) => {
                    vacant.insert(unchanged(&edit.file, &mut read)?)
                }
            };
            let (decided, after) =
                decide(edit, &text.after, conditions).map_err(|source| PlanError::Edit {
                    file: edit.file.clone(),
                    source: Box::new(source),
                })?;
            if decided.outcome == Outcome::Applied {
                text.after = after;
            }
            edits.push(decided);
        }
        let side = |text: fn(&FileDiff) -> &str| {
            let found = self
                .images
                .iter()
                .filter_map(|ImagePlace { file, select }| {
                    // What cannot be read as one image has no name to give.
                    match edit::get(text(texts.get(file)?), select).ok()? {
                        Setting::Image(image) => Some(image),
                        Setting::Value(_) => None,
                    }
                });
            distinct(found)
        };
        let images = ImageChange {
            old: side(|file| &file.before),
            new: side(|file| &file.after),
        };
        let files = texts.into_values().filter(|file| file.before != file.after);
        Ok(Applied {
            edits,
            files: files.collect(),
            images,
        })
    }
}

/// Each image once; one that is written in parts here and whole there is whole.
fn distinct(images: impl Iterator<Item = edit::Image>) -> Vec<String> {
    let mut known: Vec<edit::Image> = Vec::new();
    for image in images {
        let same = known.iter_mut().find(|known| {
            let names = (&known.name, &image.name);
            known.is_same_build(&image)
                && !matches!(names, (Some(ours), Some(theirs)) if ours != theirs)
        });
        match same {
            Some(same) => {
                same.name = same.name.take().or(image.name);
                same.tag = same.tag.take().or(image.tag);
                same.digest = same.digest.take().or(image.digest);
            }
            None => known.push(image),
        }
    }
    let shown = known.iter().map(ToString::to_string);
    shown.filter(|image| !image.is_empty()).collect()
}

fn unchanged<E>(
    path: &TreePath,
    read: &mut impl FnMut(&TreePath) -> Result<Option<Vec<u8>>, E>,
) -> Result<FileDiff, PlanError<E>> {
    let file = || path.clone();
    let bytes = read(path).map_err(PlanError::Read)?;
    let bytes = bytes.ok_or_else(|| PlanError::NoFile { file: file() })?;
    let text = String::from_utf8(bytes).map_err(|error| PlanError::Edit {
        file: file(),
        source: Box::new(EditError::NotUtf8 {
            offset: error.utf8_error().valid_up_to(),
        }),
    })?;
    Ok(FileDiff {
        path: file(),
        before: text.clone(),
        after: text,
    })
}

fn decide(edit: &Edit, text: &str, conditions: bool) -> Result<(Decided, String), EditError> {
    match &edit.target {
        Target::Set { select, to } => set(edit, text, select, to, conditions),
        Target::Put { at, from, to } => put(edit, text, at, (from, to)),
    }
}

fn set(
    edit: &Edit,
    text: &str,
    select: &Selector,
    to: &Setting,
    conditions: bool,
) -> Result<(Decided, String), EditError> {
    let edited = edit::set(text, select, to)?;
    // Places that contradict each other have nothing to show, and are what the edit repairs.
    let found = match edit::get(text, select) {
        Err(EditError::Disagree { .. } | EditError::NotImage { .. }) => None,
        found => Some(found?),
    };
    let old = found
        .as_ref()
        .map_or_else(|| "?".to_owned(), ToString::to_string);
    let mut decided = Decided {
        file: edit.file.clone(),
        place: select.to_string(),
        new: edit::get(&edited.text, select)?.to_string(),
        old,
        outcome: Outcome::Applied,
        changes: edited.changes,
    };
    if decided.changes.is_empty() {
        decided.outcome = Outcome::AlreadyApplied;
    } else if conditions {
        let nothing = Setting::Value(Value::Null);
        let found = found.as_ref().unwrap_or(&nothing);
        let answer = edit
            .condition
            .ask(found, to, &edit.changes, &decided.changes);
        decided.refuse(answer);
    }
    Ok((decided, edited.text))
}

fn put(
    edit: &Edit,
    text: &str,
    at: &Locator,
    (from, to): (&Option<Value>, &Option<Value>),
) -> Result<(Decided, String), EditError> {
    let found = edit::value(text, at)?;
    let shown = |value: &Option<Value>| match value {
        Some(value) => Setting::Value(value.clone()).to_string(),
        None => "nothing".to_owned(),
    };
    let mut decided = Decided {
        file: edit.file.clone(),
        place: at.to_string(),
        old: shown(&found),
        new: shown(to),
        outcome: Outcome::Applied,
        changes: vec![Change::new(at.clone(), found.clone(), to.clone())],
    };
    if found == *to {
        decided.changes.clear();
        decided.outcome = Outcome::AlreadyApplied;
        return Ok((decided, text.to_owned()));
    }
    if found != *from {
        let reason = format!("`{}` was left there, and it has moved since", shown(from));
        decided.refuse(Answer::Conflict(reason));
        return Ok((decided, text.to_owned()));
    }
    let after = edit::put_at(text, at, to.as_ref())?;
    Ok((decided, after))
}

impl Decided {
    fn refuse(&mut self, answer: Answer) {
        let found = self.old.clone();
        self.outcome = match answer {
            Answer::Holds => return,
            Answer::Superseded => Outcome::Superseded { found },
            Answer::Conflict(reason) => Outcome::Conflict { found, reason },
        };
        self.changes.clear();
    }
}
