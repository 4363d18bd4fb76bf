//! A plan: what to set where and under which conditions, as data that is made now and applied later.
//!
//! A plan is made by looking at one tip ([`Plan::make`]) and applied by looking at whatever tip there
//! is then ([`Plan::apply`]): every edit is decided anew on the file as it is, so nothing is merged as
//! text. Either all of a plan's edits can be made or none is. Reading files is the caller's.
//!
//! Plans are JSON by serde; [`Plan::read`] reads them back, with line and column of what is wrong.

mod apply;
mod condition;
mod diff;
mod error;
mod intent;

use narae_yaml::Value;
use serde::{Deserialize, Serialize};

use crate::edit::{Change, Locator, Selector, Setting};
use crate::repository::{Commit, CommitId, Signature, TreePath};
use crate::text;

pub use apply::{Applied, Decided, ImageChange, Outcome};
pub use condition::{Condition, TagRule};
pub use diff::FileDiff;
pub use error::PlanError;
pub use intent::{Action, Intent, IntentError, RecordedEdit};

/// Largest plan that is read, in bytes.
pub const MAX_PLAN_BYTES: usize = 4 * 1024 * 1024;
/// Most edits of one plan.
pub const MAX_EDITS: usize = 10_000;
/// Most plans of one file.
pub const MAX_PLANS: usize = 1_000;

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
        let plan: Self = reader(name).read_into(text)?;
        plan.checked(name)
    }

    /// The same of a list of plans, or of one.
    ///
    /// # Errors
    ///
    /// As [`Plan::read`]; when there are more than [`MAX_PLANS`].
    pub fn read_all(name: &str, text: &str) -> Result<Vec<Self>, narae_yaml::Error> {
        if reader(name).read_one(text)?.root.as_sequence().is_none() {
            return Self::read(name, text).map(|plan| vec![plan]);
        }
        let plans: Vec<Self> = reader(name).read_into(text)?;
        match plans.len() > MAX_PLANS {
            true => Err(too_many(name, MAX_PLANS, "plans")),
            false => plans.into_iter().map(|plan| plan.checked(name)).collect(),
        }
    }

    fn checked(self, name: &str) -> Result<Self, narae_yaml::Error> {
        match self.edits.len() > MAX_EDITS {
            true => Err(too_many(name, MAX_EDITS, "edits")),
            false => Ok(self),
        }
    }

    /// What is committed of it where it came to `applied`: the files' new contents, in the words of its intent.
    ///
    /// # Errors
    ///
    /// As [`Intent::message`].
    pub fn commit(&self, applied: &Applied, who: Signature) -> Result<Commit, IntentError> {
        let message = self.intent.message(applied)?;
        Ok(Commit::new(applied.change_set(), message, who))
    }

    /// Decides every edit on the files as `read` has them.
    ///
    /// # Errors
    ///
    /// When a file is missing, not text, or an edit is refused ([`EditError`](crate::edit::EditError)).
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
}

fn reader(name: &str) -> narae_yaml::Reader {
    let limits = narae_yaml::Limits::default().with_max_bytes(MAX_PLAN_BYTES);
    narae_yaml::Reader::new().named(name).with_limits(limits)
}

fn too_many(name: &str, most: usize, what: &str) -> narae_yaml::Error {
    serde::de::Error::custom(format!("{name}: more than {most} {what}"))
}
