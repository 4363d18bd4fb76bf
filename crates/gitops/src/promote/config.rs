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

use std::collections::{BTreeMap, BTreeSet};

use narae_yaml::{Document, Path, Position, Reader};
use serde::Deserialize;

use super::PromoteError;
use crate::edit::Selector;
use crate::image::{ImagePolicy, TagPolicy};
use crate::repository::TreePath;

/// Largest configuration that is read, in bytes.
pub const MAX_CONFIG_BYTES: usize = 1024 * 1024;
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
#[serde(deny_unknown_fields)]
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
#[serde(deny_unknown_fields)]
struct ConfigForm {
    #[serde(default)]
    sites: Vec<String>,
    environments: BTreeMap<String, EnvironmentForm>,
    applications: BTreeMap<String, ApplicationForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
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
#[serde(deny_unknown_fields)]
struct ApplicationForm {
    #[serde(default)]
    repository: Option<String>,
    #[serde(default)]
    images: Vec<Place>,
    #[serde(default)]
    values: Vec<Place>,
}

#[derive(Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Approval {
    #[default]
    None,
    Manual,
}

#[derive(Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Digest {
    #[default]
    Optional,
    Required,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Tags {
    #[default]
    CommitHash,
    Immutable,
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

    /// The sites meant by `wanted`; all when it is empty. One unnamed site when there are none.
    ///
    /// # Errors
    ///
    /// When there is none by a name.
    pub fn sites(&self, wanted: &[String]) -> Result<Vec<Option<String>>, PromoteError> {
        if let Some(stranger) = wanted.iter().find(|site| !self.sites.contains(site)) {
            return Err(PromoteError::unknown("site", stranger, self.sites.clone()));
        }
        let chosen = match wanted.is_empty() {
            true => &self.sites,
            false => wanted,
        };
        match chosen.is_empty() {
            true => Ok(vec![None]),
            false => Ok(chosen.iter().cloned().map(Some).collect()),
        }
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

/// What deserialising cannot see: how the parts fit together.
struct Check<'a> {
    name: &'a str,
    branch: &'a str,
    document: &'a Document,
}

impl Check<'_> {
    fn form(&self, form: &ConfigForm) -> Result<(), ConfigError> {
        let at = |path: &[&str]| path.iter().copied().collect::<Path>();
        for (index, site) in form.sites.iter().enumerate() {
            self.label(&at(&["sites"]).child(index), site)?;
        }
        let mut roots: BTreeSet<(&str, &str)> = BTreeSet::new();
        for (name, environment) in &form.environments {
            let here = at(&["environments", name]);
            self.label(&here, name)?;
            self.chain(form, name)?;
            let branch = environment.branch.as_deref().unwrap_or(self.branch);
            let directory = environment.directory.as_deref().unwrap_or_default();
            if !roots.insert((branch, directory)) {
                return self.wrong(&here, "two environments have the same branch and directory");
            }
        }
        for (name, application) in &form.applications {
            self.label(&at(&["applications", name]), name)?;
            if application.images.is_empty() && application.values.is_empty() {
                let here = at(&["applications", name]);
                return self.wrong(&here, "an application needs `images` or `values`");
            }
            for (list, places) in [
                ("images", &application.images),
                ("values", &application.values),
            ] {
                for (index, place) in places.iter().enumerate() {
                    let here = at(&["applications", name, list]).child(index);
                    if place.select.is_image() != (list == "images") {
                        let reason = format!("`{}` does not belong under `{list}`", place.select);
                        return self.wrong(&here.child("select"), &reason);
                    }
                    self.place(form, &here.child("file"), place)?;
                }
            }
        }
        Ok(())
    }

    /// A place in every environment.
    fn place(&self, form: &ConfigForm, here: &Path, place: &Place) -> Result<(), ConfigError> {
        for (name, environment) in &form.environments {
            let directory = environment.directory.as_deref();
            let site = form.sites.first().map(String::as_str);
            let named = full_path(directory, &place.file, None).contains(SITE);
            match (named, site) {
                (true, None) => {
                    return self.wrong(here, "`{site}` stands here, and there are no `sites`");
                }
                (false, Some(_)) => {
                    let reason = format!(
                        "sites would share this file in `{name}`: put `{{site}}` into the file or the directory"
                    );
                    return self.wrong(here, &reason);
                }
                _ => {}
            }
            if let Err(error) = TreePath::parse(&full_path(directory, &place.file, site)) {
                return self.wrong(here, &error.to_string());
            }
        }
        Ok(())
    }

    /// An environment's `from` must lead somewhere, and not back.
    fn chain(&self, form: &ConfigForm, name: &str) -> Result<(), ConfigError> {
        let here: Path = ["environments", name, "from"].into_iter().collect();
        let mut seen = vec![name];
        let mut next = form.environments.get(name);
        while let Some(from) = next.and_then(|environment| environment.from.as_deref()) {
            if seen.contains(&from) {
                return self.wrong(&here, "`from` leads in a circle");
            }
            seen.push(from);
            next = form.environments.get(from);
            if next.is_none() {
                return self.wrong(&here, &format!("there is no environment `{from}`"));
            }
        }
        Ok(())
    }

    /// Names stand in paths, subjects and trailers.
    fn label(&self, here: &Path, name: &str) -> Result<(), ConfigError> {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let fits = (1..=63).contains(&name.len())
            && name.chars().all(inner)
            && !name.starts_with('-')
            && !name.ends_with('-');
        match fits {
            true => Ok(()),
            false => self.wrong(
                here,
                "expected a name of lower-case letters, digits and `-`, at most 63",
            ),
        }
    }

    fn wrong<T>(&self, at: &Path, reason: &str) -> Result<T, ConfigError> {
        let mut at = Some(at.clone());
        let position = loop {
            let Some(path) = at else {
                break Position::default();
            };
            match self.document.root.at(&path) {
                Some(node) => break node.position(),
                None => at = path.parent(),
            }
        };
        Err(ConfigError::Wrong {
            name: self.name.to_owned(),
            position,
            reason: reason.to_owned(),
        })
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
