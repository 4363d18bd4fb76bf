//! What a commit is for, as typed data: its subject, its trailers, and reading them back.
//!
//! ```text
//! shop: promote 3f2a9c1 from rc to master
//!
//! Narae-App: shop
//! Narae-Environment: master
//! Narae-Site: idc
//! Narae-Image: harbor.example.com/shop/web:3f2a9c1
//! Narae-Old: harbor.example.com/shop/web:8c1d2e3
//! Narae-From: rc
//! Narae-Edit: {"file":"master/idc/shop/values.yaml","at":"image.tag","old":"8c1d2e3","new":"3f2a9c1"}
//! ```

use serde::{Deserialize, Serialize};

use super::Applied;
use crate::edit::{Change, Locator};
use crate::message::{Message, MessageError, TrailerError, Trailers, key};
use crate::repository::{CommitId, TreePath};
use crate::text;
use narae_yaml::Value;

/// What a plan is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Intent {
    /// The application.
    pub application: String,
    /// The environment.
    pub environment: String,
    /// The sites, when the environment has several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<String>,
    /// How its values change.
    pub action: Action,
    /// What people call the version: the tag, abbreviated.
    pub version: String,
    /// The commit of the application's own repository that the image was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_commit: Option<String>,
    /// The pipeline run that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// Who agreed, where somebody has to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// Whether an image that was there and was replaced may come again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_again: bool,
}

/// How values change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Action {
    /// An image is set.
    Deliver,
    /// The values of another environment are taken over.
    Promote {
        /// That environment.
        from: String,
    },
    /// A commit's edits are undone.
    RollBack {
        /// That commit.
        reverts: CommitId,
    },
}

/// A scalar a commit changed, as its message records it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedEdit {
    /// The file.
    pub file: TreePath,
    /// Where in it.
    pub at: Locator,
    /// What stood there; none: nothing.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "text::present"
    )]
    pub old: Option<Value>,
    /// What stands there; none: nothing.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "text::present"
    )]
    pub new: Option<Value>,
}

impl RecordedEdit {
    /// The edits a message records; what does not read as one is passed over.
    pub fn all(trailers: &Trailers) -> impl Iterator<Item = Self> {
        trailers
            .all(key::EDIT)
            .filter_map(|text| narae_yaml::from_str(text).ok())
    }

    /// The change of the file.
    #[must_use]
    pub fn change(&self) -> Change {
        Change::new(self.at.clone(), self.old.clone(), self.new.clone())
    }
}

impl Intent {
    /// `action` for one application in one environment.
    #[must_use]
    pub fn new(application: &str, environment: &str, action: Action, version: &str) -> Self {
        Self {
            application: application.to_owned(),
            environment: environment.to_owned(),
            sites: Vec::new(),
            action,
            version: version.to_owned(),
            source_commit: None,
            pipeline: None,
            approved_by: None,
            is_again: false,
        }
    }

    /// The message of the commit that applies it.
    ///
    /// # Errors
    ///
    /// When a name or value cannot stand in a message, or is too long for a trailer.
    pub fn message(&self, applied: &Applied) -> Result<Message, IntentError> {
        let Self {
            application,
            environment,
            version,
            ..
        } = self;
        let subject = match &self.action {
            Action::Deliver => format!("{application}: deliver {version} to {environment}"),
            Action::Promote { from } => {
                format!("{application}: promote {version} from {from} to {environment}")
            }
            Action::RollBack { .. } => {
                format!("{application}: roll back {environment} to {version}")
            }
        };
        let mut message = Message::new(&shortened(&subject))?;
        if let Action::RollBack { reverts } = &self.action {
            message = message.with_body(&format!("This reverts commit {reverts}."))?;
        }
        let reverts = match &self.action {
            Action::RollBack { reverts } => Some(reverts.to_string()),
            _ => None,
        };
        let from = match &self.action {
            Action::Promote { from } => Some(from),
            _ => None,
        };
        let mut trailers: Vec<(&str, &str)> =
            vec![(key::APP, application), (key::ENVIRONMENT, environment)];
        trailers.extend(self.sites.iter().map(|site| (key::SITE, site.as_str())));
        for (key, images) in [
            (key::IMAGE, &applied.images.new),
            (key::OLD, &applied.images.old),
        ] {
            trailers.extend(images.iter().map(|image| (key, image.as_str())));
        }
        let optional = [
            (key::FROM, from),
            (key::REVERTS, reverts.as_ref()),
            (key::SOURCE_COMMIT, self.source_commit.as_ref()),
            (key::PIPELINE, self.pipeline.as_ref()),
            (key::APPROVED_BY, self.approved_by.as_ref()),
        ];
        for (key, value) in optional {
            trailers.extend(value.map(|value| (key, value.as_str())));
        }
        for (key, value) in trailers {
            message = message.with_trailer(key, value)?;
        }
        for decided in &applied.edits {
            for change in &decided.changes {
                let recorded = RecordedEdit {
                    file: decided.file.clone(),
                    at: change.at.clone(),
                    old: change.old.clone(),
                    new: change.new.clone(),
                };
                let json = serde_json::to_string(&recorded).map_err(IntentError::Record)?;
                message = message.with_trailer(key::EDIT, &json)?;
            }
        }
        Ok(message)
    }
}

/// A subject that fits.
fn shortened(subject: &str) -> String {
    use crate::message::MAX_SUBJECT_CHARS;
    match subject.chars().count() > MAX_SUBJECT_CHARS {
        true => subject
            .chars()
            .take(MAX_SUBJECT_CHARS - 1)
            .chain(['…'])
            .collect(),
        false => subject.to_owned(),
    }
}

/// Why a plan's commit cannot be put in words.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntentError {
    /// Its subject or body.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// One of its trailers.
    #[error(transparent)]
    Trailer(#[from] TrailerError),
    /// An edit that has no JSON.
    #[error("an edit cannot be recorded: {0}")]
    Record(serde_json::Error),
}
