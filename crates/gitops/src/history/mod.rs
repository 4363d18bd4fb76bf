//! Who delivered what, where, when and from which commit: read from commit messages alone.
//!
//! A [`Delivery`] is a commit with this project's trailers ([`key`]); [`measure`](measures) makes of
//! some of them the four measures of DORA. Pure: records in, data out.

pub mod measures;

use std::collections::BTreeSet;

use narae_yaml::Value;
use serde::Serialize;

use crate::edit::Image;
use crate::image::ImageReference;
use crate::message::key;
use crate::plan::{Action, RecordedEdit};
use crate::repository::{CommitId, Record, TreePath};

pub use measures::{Measures, Spread, measure};

/// A commit that changed an application in an environment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Delivery {
    /// The commit.
    pub commit: CommitId,
    /// When, in seconds since 1970-01-01 00:00 UTC.
    pub seconds: i64,
    /// Who.
    pub author: String,
    /// The application.
    pub application: String,
    /// The environment.
    pub environment: String,
    /// The sites; none when there are none.
    pub sites: Vec<String>,
    /// The images that run afterwards, as written.
    pub image: Vec<String>,
    /// The images that ran before.
    pub old_image: Vec<String>,
    /// How.
    pub action: Action,
    /// The commit the image was built from.
    pub source_commit: Option<String>,
    /// The pipeline run.
    pub pipeline: Option<String>,
    /// Who agreed.
    pub approved_by: Option<String>,
    /// The commit's subject.
    pub subject: String,
    /// The scalars that changed.
    pub edits: Vec<RecordedEdit>,
}

impl Delivery {
    /// The delivery a commit records; `None` when it names no application and environment.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        let trailers = &record.trailers;
        let get = |key: &str| trailers.get(key).map(str::to_owned);
        let all = |key: &str| trailers.all(key).map(str::to_owned).collect();
        let reverts = get(key::REVERTS).and_then(|id| id.parse().ok());
        Some(Self {
            commit: record.id,
            seconds: record.seconds,
            author: record.author.clone(),
            application: get(key::APP)?,
            environment: get(key::ENVIRONMENT)?,
            sites: all(key::SITE),
            image: all(key::IMAGE),
            old_image: all(key::OLD),
            action: match (reverts, get(key::FROM)) {
                (Some(reverts), _) => Action::RollBack { reverts },
                (None, Some(from)) => Action::Promote { from },
                (None, None) => Action::Deliver,
            },
            source_commit: get(key::SOURCE_COMMIT),
            pipeline: get(key::PIPELINE),
            approved_by: get(key::APPROVED_BY),
            subject: record.subject.clone(),
            edits: RecordedEdit::all(trailers).collect(),
        })
    }

    /// Whether it is of this application and environment.
    #[must_use]
    pub fn is_of(&self, application: &str, environment: &str) -> bool {
        self.application == application && self.environment == environment
    }

    /// Whether it concerns a site; `None`: where there are none.
    #[must_use]
    pub fn is_at(&self, site: Option<&str>) -> bool {
        match site {
            Some(site) => self.sites.iter().any(|other| other == site),
            None => true,
        }
    }

    /// The sites; one without a name where there are none.
    pub(crate) fn sites(&self) -> impl Iterator<Item = &str> {
        let unnamed = self.sites.is_empty().then_some("");
        self.sites.iter().map(String::as_str).chain(unnamed)
    }

    /// The images that run afterwards.
    pub fn images(&self) -> impl Iterator<Item = Image> {
        self.image.iter().filter_map(|text| image(text))
    }

    /// The images that ran before.
    pub fn old_images(&self) -> impl Iterator<Item = Image> {
        self.old_image.iter().filter_map(|text| image(text))
    }

    /// Of [`images`](Self::images) those that came into these files, as far as what is recorded tells the sites apart.
    pub(crate) fn images_in(&self, files: &BTreeSet<TreePath>) -> Vec<Image> {
        self.at_files(self.images().collect(), files, |edit| edit.new.as_ref())
    }

    /// Of [`old_images`](Self::old_images) those that were in these files.
    pub(crate) fn old_images_in(&self, files: &BTreeSet<TreePath>) -> Vec<Image> {
        self.at_files(self.old_images().collect(), files, |edit| edit.old.as_ref())
    }

    fn at_files(
        &self,
        mut images: Vec<Image>,
        files: &BTreeSet<TreePath>,
        side: fn(&RecordedEdit) -> Option<&Value>,
    ) -> Vec<Image> {
        if self.sites.len() < 2 || images.len() < 2 || self.edits.is_empty() {
            return images;
        }
        let here = self.edits.iter().filter(|edit| files.contains(&edit.file));
        let texts: Vec<&str> = here.filter_map(side).filter_map(Value::as_str).collect();
        let is_said = |part: &Option<String>| {
            part.as_ref().is_some_and(|part| {
                let words = texts.iter().flat_map(|text| text.split('@'));
                words.into_iter().any(|word| {
                    let before = word.strip_suffix(part.as_str());
                    before.is_some_and(|before| before.is_empty() || before.ends_with(':'))
                })
            })
        };
        images.retain(|image| is_said(&image.tag) || is_said(&image.digest));
        images
    }
}

/// An image as a trailer has it: a reference, or what of one was written alone.
fn image(text: &str) -> Option<Image> {
    let reference = |text: &str| text.parse::<ImageReference>().ok();
    let is_whole = |found: &ImageReference| found.tag().is_some() || found.digest().is_some();
    if let Some(found) = reference(text).filter(is_whole) {
        return Some(Image::from(&found));
    }
    // `:tag@digest`, `@digest` or `tag`.
    let separator = if text.starts_with([':', '@']) {
        ""
    } else {
        ":"
    };
    let tagged = reference(&format!("x{separator}{text}"))?;
    let mut image = Image::from(&tagged);
    image.name = None;
    Some(image)
}
