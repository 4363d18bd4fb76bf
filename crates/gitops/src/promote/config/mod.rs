//! `narae.yaml`: which environments there are, what guards them, and where each application's values stand.
//!
//! ```yaml
//! sites: [idc, aws]                    # where every environment exists once; may be left out
//! environments:
//!   dev: {directory: environments/dev}
//!   rc:
//!     directory: environments/rc       # or branch: rc, or both
//!     from: dev                        # what comes here must have been there
//!   master:
//!     directory: environments/master
//!     from: rc
//!     approval: manual                 # somebody has to be named
//!     digest: required
//!     tags: commit-hash                # the default; or immutable
//! applications:
//!   shop:
//!     repository: shop/web             # the only one whose images may be set; may be left out
//!     images:
//!     - {file: "{site}/shop/kustomization.yaml", select: "kustomize:web"}
//!     values:
//!     - {file: "{site}/shop/kustomization.yaml", select: "replicas:web"}
//! ```
//!
//! Reading is pure and complete: what is read names existing environments in no circle, paths that a
//! repository can have, and sites kept apart. Errors have the line and column.

mod check;
mod word;

use std::collections::BTreeMap;

use narae_yaml::{Position, Reader};
use serde::Deserialize;

use self::check::Check;
use self::word::{Approval, Digest, Tags};
use super::PromoteError;
use crate::edit::Selector;
use crate::image::{ImagePolicy, TagPolicy};
use crate::repository::TreePath;

/// Largest configuration that is read, in bytes.
pub const MAX_CONFIG_BYTES: usize = 1024 * 1024;
/// Most sites.
pub const MAX_SITES: usize = 100;
/// Most environments.
pub const MAX_ENVIRONMENTS: usize = 100;
/// Most places of all applications together, counted once for each environment and site.
pub const MAX_PLACES: usize = 200_000;
/// Where a repository keeps it.
pub const CONFIG_FILE: &str = "narae.yaml";

const SITE: &str = "{site}";

/// Environments and applications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    sites: Vec<String>,
    environments: BTreeMap<String, Environment>,
    applications: BTreeMap<String, Application>,
}

/// Where values stand and what guards them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Environment {
    /// The branch.
    pub branch: String,
    /// The directory on it; none: the root.
    directory: Option<String>,
    /// The environment an image must have been in.
    pub from: Option<String>,
    /// Whether somebody has to agree to every change but a rollback.
    pub needs_approval: bool,
    /// What is asked of an image.
    pub policy: ImagePolicy,
}

/// What belongs to one application.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Application {
    /// The only repository its images may come from, whatever the registry.
    pub repository: Option<String>,
    places: Vec<Place>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping with `file` and `select`")]
struct Place {
    file: String,
    select: Selector,
}

/// A value that promotion moves: the same selector in the file of one environment and site.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Declared {
    /// The file.
    pub file: TreePath,
    /// The selector.
    pub select: Selector,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a mapping with `environments` and `applications`"
)]
struct ConfigForm {
    #[serde(default)]
    sites: Vec<String>,
    environments: BTreeMap<String, EnvironmentForm>,
    applications: BTreeMap<String, ApplicationForm>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a mapping such as `{directory: environments/dev}`"
)]
struct EnvironmentForm {
    #[serde(default)]
    branch: Option<String>,
    #[serde(default)]
    directory: Option<String>,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    approval: Approval,
    #[serde(default)]
    digest: Digest,
    #[serde(default)]
    tags: Tags,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping with `images` or `values`")]
struct ApplicationForm {
    #[serde(default)]
    repository: Option<String>,
    #[serde(default)]
    images: Vec<Place>,
    #[serde(default)]
    values: Vec<Place>,
}

impl Config {
    /// Reads a configuration of the branch `branch`, on which environments are that name none; `name`
    /// is what errors call it.
    ///
    /// # Errors
    ///
    /// At the line and column of what is wrong.
    pub fn read(name: &str, text: &str, branch: &str) -> Result<Self, ConfigError> {
        let limits = narae_yaml::Limits::default().with_max_bytes(MAX_CONFIG_BYTES);
        let document = Reader::new()
            .named(name)
            .with_limits(limits)
            .read_one(text)?;
        let form: ConfigForm =
            narae_yaml::from_node(document.root.clone()).map_err(|error| ConfigError::Wrong {
                name: name.to_owned(),
                position: error.position().unwrap_or_default(),
                reason: without_place(&error),
            })?;
        let checked = Check {
            name,
            branch,
            document: &document,
        };
        checked.form(&form)?;
        let environment = |(name, form): (String, EnvironmentForm)| {
            let tags = match form.tags {
                Tags::CommitHash => TagPolicy::CommitHash,
                Tags::Immutable => TagPolicy::Immutable,
            };
            let policy = ImagePolicy::new(tags);
            let environment = Environment {
                branch: form.branch.unwrap_or_else(|| branch.to_owned()),
                directory: form.directory,
                from: form.from,
                needs_approval: form.approval == Approval::Manual,
                policy: match form.digest {
                    Digest::Required => policy.requiring_digest(),
                    Digest::Optional => policy,
                },
            };
            (name, environment)
        };
        let application = |(name, form): (String, ApplicationForm)| {
            let application = Application {
                repository: form.repository,
                places: form.images.into_iter().chain(form.values).collect(),
            };
            (name, application)
        };
        Ok(Self {
            sites: form.sites,
            environments: form.environments.into_iter().map(environment).collect(),
            applications: form.applications.into_iter().map(application).collect(),
        })
    }

    /// The environments by name.
    pub fn environments(&self) -> impl Iterator<Item = (&str, &Environment)> {
        self.environments
            .iter()
            .map(|(name, environment)| (name.as_str(), environment))
    }

    /// The applications' names.
    pub fn applications(&self) -> impl Iterator<Item = &str> {
        self.applications.keys().map(String::as_str)
    }

    /// An environment.
    ///
    /// # Errors
    ///
    /// When there is none by that name.
    pub fn environment(&self, name: &str) -> Result<&Environment, PromoteError> {
        let known = || self.environments.keys().cloned().collect();
        self.environments
            .get(name)
            .ok_or_else(|| PromoteError::unknown("environment", name, known()))
    }

    /// An application.
    ///
    /// # Errors
    ///
    /// When there is none by that name.
    pub fn application(&self, name: &str) -> Result<&Application, PromoteError> {
        let known = || self.applications.keys().cloned().collect();
        self.applications
            .get(name)
            .ok_or_else(|| PromoteError::unknown("application", name, known()))
    }

    /// The sites meant by `wanted`, each once; all when it is empty. One unnamed site when there are none.
    ///
    /// # Errors
    ///
    /// When there is none by a name.
    pub fn sites(&self, wanted: &[String]) -> Result<Vec<Option<String>>, PromoteError> {
        if let Some(stranger) = wanted.iter().find(|site| !self.sites.contains(site)) {
            return Err(PromoteError::unknown("site", stranger, self.sites.clone()));
        }
        if self.sites.is_empty() {
            return Ok(vec![None]);
        }
        let is_meant = |site: &&String| wanted.is_empty() || wanted.contains(site);
        let meant = self.sites.iter().filter(is_meant);
        Ok(meant.cloned().map(Some).collect())
    }

    /// Where an application's values stand in an environment at a site, images first.
    ///
    /// # Errors
    ///
    /// When the application or environment is not known.
    pub fn declared(
        &self,
        application: &str,
        environment: &str,
        site: Option<&str>,
    ) -> Result<Vec<Declared>, PromoteError> {
        let environment = self.environment(environment)?;
        let places = &self.application(application)?.places;
        places
            .iter()
            .map(|place| {
                let file = full_path(environment.directory.as_deref(), &place.file, site);
                Ok(Declared {
                    file: file.parse().map_err(PromoteError::Path)?,
                    select: place.select.clone(),
                })
            })
            .collect()
    }
}

fn full_path(directory: Option<&str>, file: &str, site: Option<&str>) -> String {
    let path = match directory {
        Some(directory) => format!("{directory}/{file}"),
        None => file.to_owned(),
    };
    match site {
        Some(site) => path.replace(SITE, site),
        None => path,
    }
}

fn without_place(error: &narae_yaml::Error) -> String {
    error.kind().to_string()
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It is not YAML.
    #[error(transparent)]
    Read(#[from] narae_yaml::Error),
    /// It says what it must not.
    #[error("{name}:{position}: {reason}")]
    Wrong {
        /// The file.
        name: String,
        /// Where in it.
        position: Position,
        /// What is wrong.
        reason: String,
    },
}
