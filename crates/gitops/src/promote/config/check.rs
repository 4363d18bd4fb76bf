//! What deserialising cannot see: how the parts of a configuration fit together.

use std::collections::{BTreeMap, BTreeSet};

use narae_yaml::{Document, Path, Position};

use super::{
    ConfigError, ConfigForm, MAX_ENVIRONMENTS, MAX_PLACES, MAX_SITES, Place, SITE, full_path,
};
use crate::repository::TreePath;

/// One configuration, as read and as it stands.
pub(super) struct Check<'a> {
    pub(super) name: &'a str,
    pub(super) branch: &'a str,
    pub(super) document: &'a Document,
}

impl Check<'_> {
    pub(super) fn form(&self, form: &ConfigForm) -> Result<(), ConfigError> {
        let at = |path: &[&str]| path.iter().copied().collect::<Path>();
        for (what, count, most) in [
            ("sites", form.sites.len(), MAX_SITES),
            ("environments", form.environments.len(), MAX_ENVIRONMENTS),
        ] {
            if count > most {
                return self.wrong(&at(&[what]), &format!("more than {most} {what}"));
            }
        }
        let places = form.applications.values();
        let places: usize = places.map(|of| of.images.len() + of.values.len()).sum();
        if places * form.environments.len() * form.sites.len().max(1) > MAX_PLACES {
            let reason = format!(
                "{places} places in {} environments and {} sites are more than {MAX_PLACES} together",
                form.environments.len(),
                form.sites.len()
            );
            return self.wrong(&at(&["applications"]), &reason);
        }
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
            let places = || application.images.iter().chain(&application.values);
            self.apart(form, &at(&["applications", name]), places)?;
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

    /// No file of one site is another's: `{site}x` at `a` would be `{site}` at `ax`.
    fn apart<'p, I: Iterator<Item = &'p Place>>(
        &self,
        form: &ConfigForm,
        here: &Path,
        places: impl Fn() -> I,
    ) -> Result<(), ConfigError> {
        for environment in form.environments.values() {
            let mut owners: BTreeMap<String, &str> = BTreeMap::new();
            for site in &form.sites {
                for place in places() {
                    let directory = environment.directory.as_deref();
                    let file = full_path(directory, &place.file, Some(site));
                    if let Some(owner) = owners.insert(file.clone(), site)
                        && owner != site
                    {
                        let reason = format!("`{file}` would be of `{owner}` and of `{site}`");
                        return self.wrong(here, &reason);
                    }
                }
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
            false => {
                let shown: String = name.chars().take(80).flat_map(char::escape_debug).collect();
                let reason = format!(
                    "`{shown}` is no name: expected lower-case letters, digits and `-` between them, at most 63"
                );
                self.wrong(here, &reason)
            }
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
