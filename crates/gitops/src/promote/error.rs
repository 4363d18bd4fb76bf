//! Why values were not moved, and what to do about it.

use super::{Horizon, SourceError};
use crate::edit::EditError;
use crate::image::Refusal;
use crate::plan::{IntentError, PlanError};
use crate::repository::{CommitId, PathError, TreePath};

/// Why nothing was planned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PromoteError {
    /// A name the configuration does not have.
    #[error("unknown {what} `{name}`: expected {}", known.join(", "))]
    Unknown {
        /// `environment`, `application` or `site`.
        what: &'static str,
        /// What was given.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The image may not be delivered at all, or not here.
    #[error(transparent)]
    Image(#[from] Refusal),
    /// What a file or a plan has in the place of an image is none.
    #[error("`{image}` for `{application}` is no image: check its name, tag and digest")]
    NoReference {
        /// What there is, escaped.
        image: String,
        /// The application.
        application: String,
    },
    /// The image is another application's.
    #[error("image `{image}` is not of `{repository}`, which `{application}` delivers")]
    Repository {
        /// The image.
        image: String,
        /// The only repository allowed.
        repository: String,
        /// The application.
        application: String,
    },
    /// The configuration names no place of an image, so there is none to set.
    #[error("`{application}` has no `images`: only its values are named")]
    NoImages {
        /// The application.
        application: String,
    },
    /// An image for several sites, which do not have one registry.
    #[error("`{image}` is of one registry, and sites have their own: {}", registries.join(", "))]
    Registries {
        /// The image.
        image: String,
        /// Of each site, where its images come from: `harbor.example.com at idc`.
        registries: Vec<String>,
    },
    /// One image for places that hold different ones.
    #[error("`{image}` would take the place of different images: {}", repositories.join(", "))]
    Repositories {
        /// The image.
        image: String,
        /// What is there, without registries.
        repositories: Vec<String>,
    },
    /// The image was not in the environment before this one.
    #[error(
        "`{image}` has not been in `{from}`{}{}: deliver it there first",
        at(site),
        within(horizon)
    )]
    Gate {
        /// The image.
        image: String,
        /// The environment it must have been in.
        from: String,
        /// The site, if there are any.
        site: Option<String>,
        /// How far back was looked, where that is not all.
        horizon: Option<Box<Horizon>>,
    },
    /// The image was in the environment before this one, and was rolled back there.
    #[error(
        "`{image}` was rolled back in `{from}`{} by {by:.12}: deliver it there again first",
        at(site)
    )]
    RolledBack {
        /// The image.
        image: String,
        /// The environment it was rolled back in.
        from: String,
        /// The site, if there are any.
        site: Option<String>,
        /// The rollback.
        by: CommitId,
    },
    /// Somebody has to agree.
    #[error("`{environment}` takes changes only when somebody agrees: say who")]
    Approval {
        /// The environment.
        environment: String,
    },
    /// The image stood here before, and what stands here now came later.
    #[error(
        "`{image}` was in `{environment}`{} before and was replaced by {by:.12}: roll back, or say that it comes again",
        at(site)
    )]
    GoesBack {
        /// The image.
        image: String,
        /// The environment.
        environment: String,
        /// The site, if there are any.
        site: Option<String>,
        /// The commit that replaced it.
        by: CommitId,
    },
    /// Nothing to move: source and target are the same environment.
    #[error("`{0}` cannot be promoted to itself")]
    Itself(String),
    /// No recorded change that is not undone already.
    #[error(
        "there is no delivery of `{application}` to `{environment}` to roll back{}",
        within(horizon)
    )]
    NothingToRollBack {
        /// The application.
        application: String,
        /// The environment.
        environment: String,
        /// How far back was looked, where that is not all.
        horizon: Option<Box<Horizon>>,
    },
    /// The commit is no delivery of that application to that environment.
    #[error(
        "commit {commit:.12} is no delivery of `{application}` to `{environment}`{}",
        within(horizon)
    )]
    NotADelivery {
        /// The commit.
        commit: CommitId,
        /// The application.
        application: String,
        /// The environment.
        environment: String,
        /// How far back was looked, where that is not all.
        horizon: Option<Box<Horizon>>,
    },
    /// The commit does not say which scalars it changed.
    #[error(
        "commit {commit:.12} records no edits, so there is nothing to undo it by: revert it with git"
    )]
    NoEdits {
        /// The commit.
        commit: CommitId,
    },
    /// A plan that does not fit the configuration, or no longer does.
    #[error("the plan does not fit: {reason}: make it again")]
    Outdated {
        /// What does not.
        reason: String,
    },
    /// The branch is not there.
    #[error("there is no branch `{0}`")]
    NoBranch(String),
    /// A file or selector of the configuration leads nowhere.
    #[error("{}", crate::change::placed(file, source))]
    Edit {
        /// The file.
        file: TreePath,
        /// Why, and where in it.
        source: Box<EditError>,
    },
    /// The configured file is not there.
    #[error("there is no file `{file}` on branch `{branch}`")]
    NoFile {
        /// The file.
        file: TreePath,
        /// The branch.
        branch: String,
    },
    /// A path that a repository cannot have.
    #[error(transparent)]
    Path(PathError),
    /// The plan's edits are refused.
    #[error(transparent)]
    Plan(Box<PlanError<SourceError>>),
    /// The plan's commit cannot be put in words.
    #[error(transparent)]
    Intent(#[from] IntentError),
    /// The repository could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl PromoteError {
    pub(super) fn unknown(what: &'static str, name: &str, known: Vec<String>) -> Self {
        let name = name.chars().take(80).flat_map(char::escape_debug).collect();
        Self::Unknown { what, name, known }
    }

    /// Whether a rule said no, rather than something being wrong.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Image(_)
                | Self::NoReference { .. }
                | Self::Repository { .. }
                | Self::Registries { .. }
                | Self::Repositories { .. }
                | Self::Gate { .. }
                | Self::RolledBack { .. }
                | Self::Approval { .. }
                | Self::GoesBack { .. }
                | Self::Outdated { .. }
        )
    }
}

impl From<PlanError<SourceError>> for PromoteError {
    fn from(error: PlanError<SourceError>) -> Self {
        Self::Plan(Box::new(error))
    }
}

fn at(site: &Option<String>) -> String {
    site.as_ref()
        .map_or_else(String::new, |site| format!(" at {site}"))
}

fn within(horizon: &Option<Box<Horizon>>) -> String {
    horizon.as_ref().map_or_else(String::new, |horizon| {
        format!(" within {horizon}, and what was before is not known")
    })
}
