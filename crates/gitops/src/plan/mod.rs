//! A plan: what to set where and under which conditions, as data that is made now and applied later.
//!
//! A plan is made by looking at one tip ([`Plan::make`]) and applied by looking at whatever tip there
//! is then ([`Plan::apply`]): every edit is decided anew on the file as it is, so nothing is merged as
//! text. Either all of a plan's edits can be made or none is. Reading files is the caller's.
//!
//! Plans are JSON by serde; [`Plan::read`] reads them back, with line and column of what is wrong.

mod condition;
mod diff;
mod intent;

use std::collections::BTreeMap;
use std::fmt;

use narae_yaml::Value;
use serde::{Deserialize, Serialize};

use crate::change::{self, ChangeSet};
use crate::edit::{self, Change, EditError, Locator, Selector, Setting};
use crate::repository::{CommitId, TreePath};
use crate::text;
use condition::Answer;

pub use condition::{Condition, TagRule};
pub use diff::FileDiff;
pub use intent::{Action, Intent, IntentError, RecordedEdit};

/// Largest plan that is read, in bytes.
pub const MAX_PLAN_BYTES: usize = 4 * 1024 * 1024;
/// Most edits of one plan.
pub const MAX_EDITS: usize = 10_000;

/// What one commit on one branch should do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Plan {
    /// The branch.
    pub branch: String,
    /// The tip it was made on.
    pub base: Option<CommitId>,
    /// What it is for: the words and trailers of its commit.
    pub intent: Intent,
    /// The edits, in the order they are made.
    pub edits: Vec<Edit>,
    /// The images that its commit names, before and after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImagePlace>,
}

/// Where an image stands that a commit should name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ImagePlace {
    /// The file.
    pub file: TreePath,
    /// The selector.
    pub select: Selector,
}

/// One selected image or value, and what it should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Edit {
    /// The file.
    pub file: TreePath,
    /// What is set in it.
    pub target: Target,
    /// What must hold.
    #[serde(default)]
    pub condition: Condition,
    /// What it changed when the plan was made; nothing when it was so already.
    #[serde(default)]
    pub changes: Vec<Change>,
}

/// What an edit sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Target {
    /// Whatever a selector finds.
    Set {
        /// The selector.
        select: Selector,
        /// What it should be.
        to: Setting,
    },
    /// One place, to a scalar or to nothing: how a recorded change is undone.
    Put {
        /// The place.
        at: Locator,
        /// What must stand there now; `None`: no such key.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            with = "text::present"
        )]
        from: Option<Value>,
        /// What should; `None`: no such key.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            with = "text::present"
        )]
        to: Option<Value>,
    },
}

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

impl ImagePlace {
    /// The image that `select` finds in `file`.
    #[must_use]
    pub fn new(file: TreePath, select: Selector) -> Self {
        Self { file, select }
    }
}

impl Edit {
    /// Sets what `select` finds in `file`.
    #[must_use]
    pub fn set(file: TreePath, select: Selector, to: Setting) -> Self {
        Self {
            file,
            target: Target::Set { select, to },
            condition: Condition::Always,
            changes: Vec::new(),
        }
    }

    /// Undoes a recorded change of `file`, if what it left is still there.
    #[must_use]
    pub fn undo(file: TreePath, change: &Change) -> Self {
        let Change { at, old, new } = change.inverse();
        Self {
            file,
            target: Target::Put {
                at,
                from: old,
                to: new,
            },
            condition: Condition::Always,
            changes: Vec::new(),
        }
    }

    /// The same, under a condition.
    #[must_use]
    pub fn when(self, condition: Condition) -> Self {
        Self { condition, ..self }
    }
}

impl Plan {
    /// A plan of some edits, with what they change in the files as `read` has them.
    ///
    /// # Errors
    ///
    /// As [`Plan::apply`], but conditions are not asked yet.
    pub fn make<E>(
        branch: &str,
        base: Option<CommitId>,
        intent: Intent,
        edits: Vec<Edit>,
        read: impl FnMut(&TreePath) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Self, PlanError<E>> {
        let mut plan = Self {
            branch: branch.to_owned(),
            base,
            intent,
            edits,
            images: Vec::new(),
        };
        let decided = plan.decide(read, false)?.edits;
        for (edit, decided) in plan.edits.iter_mut().zip(decided) {
            edit.changes = decided.changes;
        }
        Ok(plan)
    }

    /// The same, with the images at some places named in its commit.
    #[must_use]
    pub fn naming(self, images: Vec<ImagePlace>) -> Self {
        Self { images, ..self }
    }

    /// Reads a plan's JSON (or YAML); `name` is what errors call it.
    ///
    /// # Errors
    ///
    /// With the line and column of what is not a plan's; when it is larger than [`MAX_PLAN_BYTES`]
    /// or has more than [`MAX_EDITS`] edits.
    pub fn read(name: &str, text: &str) -> Result<Self, narae_yaml::Error> {
        let limits = narae_yaml::Limits::default().with_max_bytes(MAX_PLAN_BYTES);
        let reader = narae_yaml::Reader::new().named(name).with_limits(limits);
        let plan: Self = reader.read_into(text)?;
        match plan.edits.len() > MAX_EDITS {
            true => Err(serde::de::Error::custom(format!(
                "{name}: more than {MAX_EDITS} edits"
            ))),
            false => Ok(plan),
        }
    }

    /// Decides every edit on the files as `read` has them.
    ///
    /// # Errors
    ///
    /// When a file is missing, not text, or an edit is refused ([`EditError`]).
    pub fn apply<E>(
        &self,
        read: impl FnMut(&TreePath) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Applied, PlanError<E>> {
        let mut applied = self.decide(read, true)?;
        if applied.refused().next().is_some() {
            applied.files.clear();
        }
        Ok(applied)
    }

    fn decide<E>(
        &self,
        mut read: impl FnMut(&TreePath) -> Result<Option<Vec<u8>>, E>,
        conditions: bool,
    ) -> Result<Applied, PlanError<E>> {
        let mut texts: BTreeMap<&TreePath, FileDiff> = BTreeMap::new();
        let mut edits = Vec::new();
        for edit in &self.edits {
            let text = match texts.entry(&edit.file) {
                std::collections::btree_map::Entry::Occupied(text) => text.into_mut(),
                std::collections::btree_map::Entry::Vacant(vacant) => {
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

/// Why a plan could not be made or applied.
#[derive(Debug)]
#[non_exhaustive]
pub enum PlanError<E> {
    /// There is no such file.
    NoFile {
        /// The file.
        file: TreePath,
    },
    /// An edit is refused.
    Edit {
        /// The file.
        file: TreePath,
        /// Why, and where in it.
        source: Box<EditError>,
    },
    /// The file could not be read.
    Read(E),
}

impl<E: fmt::Display> fmt::Display for PlanError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFile { file } => write!(f, "there is no file `{file}`"),
            Self::Edit { file, source } => f.write_str(&change::placed(file, source)),
            Self::Read(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for PlanError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The causes' words are in this error's own; what lies behind them is next.
        match self {
            Self::Edit { source, .. } => source.source(),
            Self::Read(_) | Self::NoFile { .. } => None,
        }
    }
}
