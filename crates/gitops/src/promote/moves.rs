//! An image into an environment: as given, or as another environment has it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Config, Declared, Deliveries, Environment, PromoteError, Snapshot};
use crate::edit::{Image, Selector, Setting};
use crate::history::Delivery;
use crate::image::{ImageReference, is_commit_hash};
use crate::plan::{Action, Condition, Edit, ImagePlace, Intent, Plan};

/// What is asked for, beside the image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// The application.
    pub application: String,
    /// The environment that changes.
    pub environment: String,
    /// Only these sites; all when empty.
    pub sites: Vec<String>,
    /// Who agreed.
    pub approved_by: Option<String>,
    /// An image that was here and was replaced may come again.
    pub is_again: bool,
    /// Of an image that is given, the registry is left out: each place keeps its own.
    pub keeps_registries: bool,
    /// What must hold of the values that are replaced.
    pub condition: Condition,
    /// The commit the image was built from.
    pub source_commit: Option<String>,
    /// The pipeline run that asks.
    pub pipeline: Option<String>,
}

impl Request {
    /// One application in one environment, at all sites.
    #[must_use]
    pub fn new(application: &str, environment: &str) -> Self {
        Self {
            application: application.to_owned(),
            environment: environment.to_owned(),
            ..Self::default()
        }
    }
}

/// The plan that sets an application's image. Where sites have registries of their own, the image's would be right at
/// one of them only: then the site must be named, or registries kept.
///
/// # Errors
///
/// When a rule of the environment says no, sites have different registries, or a place of the configuration leads
/// nowhere.
pub fn set_image(
    config: &Config,
    request: &Request,
    image: &ImageReference,
    snapshot: &Snapshot<'_>,
) -> Result<Plan, PromoteError> {
    let to = Target::of(config, request, snapshot)?;
    let mut edits = Vec::new();
    // Of each site, those that its images come from.
    let mut registries: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut repositories = BTreeSet::new();
    for site in config.sites(&request.sites)? {
        let declared =
            config.declared(&request.application, &request.environment, site.as_deref())?;
        let places = declared.into_iter().filter(|place| place.select.is_image());
        for Declared { file, select } in places {
            let mut wanted = Image::from(image);
            if let Setting::Image(there) = snapshot.get(&to.environment.branch, &file, &select)? {
                if request.keeps_registries {
                    wanted = wanted.at_registry_of(&there);
                }
                repositories.extend(there.repository());
                if let (Some(site), Some(registry)) = (&site, there.registry()) {
                    registries.entry(site.clone()).or_default().insert(registry);
                }
            }
            to.check(&wanted, site.as_deref(), &file, &select)?;
            edits.push(Edit::set(file, select, Setting::Image(wanted)));
        }
    }
    if edits.is_empty() {
        return Err(PromoteError::NoImages {
            application: request.application.clone(),
        });
    }
    // A name without a slash may stand for another, as in a kustomization's entry without a `newName`.
    repositories.retain(|repository| repository.contains('/'));
    if repositories.len() > 1 {
        return Err(PromoteError::Repositories {
            image: image.to_string(),
            repositories: repositories.into_iter().collect(),
        });
    }
    let is_one = registries
        .values()
        .all(|those| Some(those) == registries.values().next());
    if !is_one && !request.keeps_registries {
        let at = |(site, those): (_, BTreeSet<String>)| {
            let those: Vec<String> = those.into_iter().collect();
            format!("{} at {site}", those.join(" and "))
        };
        return Err(PromoteError::Registries {
            image: image.to_string(),
            registries: registries.into_iter().map(at).collect(),
        });
    }
    to.plan(
        Action::Deliver,
        &version(image.tag(), image.digest()),
        edits,
    )
}

/// The plan that gives an environment the declared values of another one, site by site. Registries
/// stay, since each environment may have its own.
///
/// # Errors
///
/// As [`set_image`].
pub fn promote(
    config: &Config,
    request: &Request,
    from: &str,
    snapshot: &Snapshot<'_>,
) -> Result<Plan, PromoteError> {
    let to = Target::of(config, request, snapshot)?;
    let source = config.environment(from)?;
    if from == request.environment {
        return Err(PromoteError::Itself(from.to_owned()));
    }
    let mut edits = Vec::new();
    let mut moved = String::new();
    for site in config.sites(&request.sites)? {
        let site = site.as_deref();
        let theirs = config.declared(&request.application, from, site)?;
        let ours = config.declared(&request.application, &request.environment, site)?;
        for (theirs, ours) in theirs.into_iter().zip(ours) {
            let mut setting = snapshot.get(&source.branch, &theirs.file, &theirs.select)?;
            if let Setting::Image(image) = &setting {
                let there = snapshot.get(&to.environment.branch, &ours.file, &ours.select)?;
                let wanted = match &there {
                    Setting::Image(there) => image.at_registry_of(there),
                    Setting::Value(_) => image.clone(),
                };
                to.check(&wanted, site, &ours.file, &ours.select)?;
                moved = version(wanted.tag.as_deref(), wanted.digest.as_deref());
                setting = Setting::Image(wanted);
            }
            edits.push(Edit::set(ours.file, ours.select, setting));
        }
    }
    let from = from.to_owned();
    to.plan(Action::Promote { from }, &moved, edits)
}

/// The environment that changes, with what guards it.
pub(super) struct Target<'a> {
    config: &'a Config,
    request: &'a Request,
    snapshot: &'a Snapshot<'a>,
    environment: &'a Environment,
    /// What was delivered here, newest first.
    here: Deliveries,
    /// What was delivered to the environment before.
    before: Deliveries,
}

impl<'a> Target<'a> {
    pub(super) fn of(
        config: &'a Config,
        request: &'a Request,
        snapshot: &'a Snapshot<'a>,
    ) -> Result<Self, PromoteError> {
        let environment = config.environment(&request.environment)?;
        config.application(&request.application)?;
        if environment.needs_approval && request.approved_by.is_none() {
            return Err(PromoteError::Approval {
                environment: request.environment.clone(),
            });
        }
        if snapshot.tip(&environment.branch)?.is_none() {
            return Err(PromoteError::NoBranch(environment.branch.clone()));
        }
        let deliveries = |name: &str, branch: &str| -> Result<Deliveries, PromoteError> {
            let mut all = snapshot.deliveries(branch)?;
            all.found
                .retain(|delivery| delivery.is_of(&request.application, name));
            Ok(all)
        };
        let before = match &environment.from {
            Some(from) => deliveries(from, &config.environment(from)?.branch)?,
            None => Deliveries::default(),
        };
        Ok(Self {
            here: deliveries(&request.environment, &environment.branch)?,
            before,
            config,
            request,
            snapshot,
            environment,
        })
    }

    /// Whether an image may come to one place.
    pub(super) fn check(
        &self,
        image: &Image,
        site: Option<&str>,
        file: &crate::repository::TreePath,
        select: &Selector,
    ) -> Result<(), PromoteError> {
        let reference = self.reference(image)?;
        self.environment.policy.check(&reference)?;
        self.of_this_application(&reference, image)?;
        let there = self.snapshot.get(&self.environment.branch, file, select)?;
        let is_there = matches!(&there, Setting::Image(there) if there.is_same_build(image));
        if is_there {
            return Ok(());
        }
        self.gate(image, site)?;
        self.direction(image, site)
    }

    /// The image as a reference. Parts that are none would be asked nothing, so they are refused.
    fn reference(&self, image: &Image) -> Result<ImageReference, PromoteError> {
        // Of a tag alone, the name is the application's for the policy's words, if it can be one.
        let names = match &image.name {
            Some(name) => [name.as_str(); 2],
            None => [self.request.application.as_str(), "image"],
        };
        let named = names.into_iter().find_map(|name| {
            let name = Some(name.to_owned());
            Image {
                name,
                ..image.clone()
            }
            .to_reference()
        });
        named.ok_or_else(|| PromoteError::NoReference {
            image: image.to_string().escape_debug().to_string(),
            application: self.request.application.clone(),
        })
    }

    fn of_this_application(
        &self,
        reference: &ImageReference,
        image: &Image,
    ) -> Result<(), PromoteError> {
        let application = self.config.application(&self.request.application)?;
        match &application.repository {
            Some(repository) if image.name.is_some() && reference.repository() != repository => {
                Err(PromoteError::Repository {
                    image: reference.to_string(),
                    repository: repository.clone(),
                    application: self.request.application.clone(),
                })
            }
            _ => Ok(()),
        }
    }

    /// It has been in the environment before this one: it stands there, or a commit says it did.
    fn gate(&self, image: &Image, site: Option<&str>) -> Result<(), PromoteError> {
        let Some(from) = &self.environment.from else {
            return Ok(());
        };
        let branch = &self.config.environment(from)?.branch;
        let declared = self
            .config
            .declared(&self.request.application, from, site)?;
        for place in declared.iter().filter(|place| place.select.is_image()) {
            // A place that is not there yet is no evidence; the commits may be.
            if let Ok(Setting::Image(there)) = self.snapshot.get(branch, &place.file, &place.select)
                && there.is_same_build(image)
            {
                return Ok(());
            }
        }
        let files = declared.into_iter().map(|place| place.file).collect();
        let has = |images: Vec<Image>| images.iter().any(|there| there.is_same_build(image));
        let came = |delivery: &Delivery| has(delivery.images_in(&files));
        let was_undone = |delivery: &Delivery| {
            let is_rollback = matches!(delivery.action, Action::RollBack { .. });
            is_rollback && has(delivery.old_images_in(&files))
        };
        // The newest word on it counts.
        let mut there = self
            .before
            .found
            .iter()
            .filter(|delivery| delivery.is_at(site));
        let (image, from, site) = (image.to_string(), from.clone(), site.map(str::to_owned));
        match there.find(|delivery| came(delivery) || was_undone(delivery)) {
            Some(delivery) if came(delivery) => Ok(()),
            Some(rollback) => Err(PromoteError::RolledBack {
                image,
                from,
                site,
                by: rollback.commit,
            }),
            None => Err(PromoteError::Gate {
                image,
                from,
                site,
                horizon: self.before.horizon.clone().map(Box::new),
            }),
        }
    }

    /// What stood here and was replaced does not come back unasked.
    fn direction(&self, image: &Image, site: Option<&str>) -> Result<(), PromoteError> {
        if self.request.is_again {
            return Ok(());
        }
        let mut here = self
            .here
            .found
            .iter()
            .filter(|delivery| delivery.is_at(site));
        let Request {
            application,
            environment,
            ..
        } = self.request;
        let declared = self.config.declared(application, environment, site)?;
        let files = declared.into_iter().map(|place| place.file).collect();
        let has = |images: Vec<Image>| images.iter().any(|there| there.is_same_build(image));
        let replaced = here.find(|delivery| {
            has(delivery.old_images_in(&files)) && !has(delivery.images_in(&files))
        });
        match replaced {
            Some(by) => Err(PromoteError::GoesBack {
                image: image.to_string(),
                environment: self.request.environment.clone(),
                site: site.map(str::to_owned),
                by: by.commit,
            }),
            None => {
                self.snapshot.rely(self.here.horizon.as_ref());
                Ok(())
            }
        }
    }

    fn plan(&self, action: Action, version: &str, edits: Vec<Edit>) -> Result<Plan, PromoteError> {
        let request = self.request;
        let mut intent = Intent::new(&request.application, &request.environment, action, version);
        let sites = self.config.sites(&request.sites)?;
        intent.sites = sites.into_iter().flatten().collect();
        intent.source_commit = request.source_commit.clone();
        intent.pipeline = request.pipeline.clone();
        intent.approved_by = request.approved_by.clone();
        intent.is_again = request.is_again;
        let conditional = |edit: Edit| match &edit.target {
            crate::plan::Target::Set { select, .. } if select.is_image() => {
                edit.when(request.condition.clone())
            }
            _ => edit,
        };
        let images = images(
            self.config,
            &request.application,
            &request.environment,
            &intent.sites,
        )?;
        let branch = &self.environment.branch;
        let read = |file: &_| self.snapshot.read(branch, file);
        let edits = edits.into_iter().map(conditional).collect();
        let plan = Plan::make(branch, self.snapshot.tip(branch)?, intent, edits, read)?;
        Ok(plan.naming(images))
    }
}

/// Where the images of an application stand.
pub(super) fn images(
    config: &Config,
    application: &str,
    environment: &str,
    sites: &[String],
) -> Result<Vec<ImagePlace>, PromoteError> {
    let mut images = Vec::new();
    for site in config.sites(sites)? {
        let declared = config.declared(application, environment, site.as_deref())?;
        let places = declared.into_iter().filter(|place| place.select.is_image());
        images.extend(places.map(|place| ImagePlace::new(place.file, place.select)));
    }
    Ok(images)
}

/// What people call an image: its tag, a commit hash abbreviated; else the digest's beginning.
pub(super) fn version(tag: Option<&str>, digest: Option<&str>) -> String {
    match (tag, digest) {
        (Some(tag), _) if is_commit_hash(tag) => tag.chars().take(12).collect(),
        (Some(tag), _) => tag.chars().take(40).collect(),
        (None, Some(digest)) => digest.chars().take(19).collect(),
        (None, None) => "its values".to_owned(),
    }
}
