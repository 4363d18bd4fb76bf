//! What differs between an environment and the one before it.
//!
//! Of the files that hold an application's declared values, every scalar is compared by its path.
//! Declared ones wait to be promoted; the rest stays as it is, and is shown so that nobody is
//! surprised by it. Files that only one of both has are told by name.

use std::collections::BTreeMap;

use narae_yaml::{Path, Value};
use serde::Serialize;

use super::{Config, PromoteError, Snapshot};
use crate::edit::Setting;
use crate::repository::TreePath;

/// Most differences of one file that are told apart.
const MAX_DIFFERENCES: usize = 10_000;

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Drift {
    /// The application.
    pub application: String,
    /// The site, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// The file of the later environment.
    pub file: TreePath,
    /// The selector of a declared value, or the path of another one.
    pub place: String,
    /// What the earlier environment has; `None`: nothing.
    pub from: Option<String>,
    /// What the later one has; `None`: nothing.
    pub to: Option<String>,
    /// Whether promotion would move it.
    pub is_declared: bool,
}

/// What `to` has other than `from`, for one application at some sites.
///
/// # Errors
///
/// When names are not known, a declared file or value is missing, or a file cannot be read.
pub fn drift(
    config: &Config,
    application: &str,
    (from, to): (&str, &str),
    sites: &[String],
    snapshot: &Snapshot<'_>,
) -> Result<Vec<Drift>, PromoteError> {
    let branches = (
        &config.environment(from)?.branch,
        &config.environment(to)?.branch,
    );
    let mut found = Vec::new();
    for site in config.sites(sites)? {
        let theirs = config.declared(application, from, site.as_deref())?;
        let ours = config.declared(application, to, site.as_deref())?;
        let mut texts: BTreeMap<&TreePath, (String, String)> = BTreeMap::new();
        for (theirs, ours) in theirs.iter().zip(&ours) {
            let before = snapshot.get(branches.0, &theirs.file, &theirs.select)?;
            let after = snapshot.get(branches.1, &ours.file, &ours.select)?;
            if !is_same(&before, &after) {
                found.push(Drift {
                    application: application.to_owned(),
                    site: site.clone(),
                    file: ours.file.clone(),
                    place: ours.select.to_string(),
                    from: Some(before.to_string()),
                    to: Some(after.to_string()),
                    is_declared: true,
                });
            }
            // Declared values are made the same, so that only the rest is left to differ.
            if !texts.contains_key(&ours.file) {
                let pair = (
                    snapshot.text(branches.0, &theirs.file)?,
                    snapshot.text(branches.1, &ours.file)?,
                );
                texts.insert(&ours.file, pair);
            }
            if let Some((before, text)) = texts.get_mut(&ours.file)
                && let (Ok(same_before), Ok(same_text)) = (
                    crate::edit::set(before, &theirs.select, &after),
                    crate::edit::set(text, &ours.select, &after),
                )
            {
                (*before, *text) = (same_before.text, same_text.text);
            }
        }
        for (file, (before, after)) in texts {
            let rest = differences(&before, &after).map_err(|error| PromoteError::Edit {
                file: file.clone(),
                source: Box::new(error.into()),
            })?;
            found.extend(rest.into_iter().map(|(place, from, to)| Drift {
                application: application.to_owned(),
                site: site.clone(),
                file: file.clone(),
                place,
                from,
                to,
                is_declared: false,
            }));
        }
    }
    Ok(found)
}

/// Whether nothing would be promoted; a registry is the environment's own.
fn is_same(before: &Setting, after: &Setting) -> bool {
    match (before, after) {
        (Setting::Image(before), Setting::Image(after)) => before.at_registry_of(after) == *after,
        _ => before == after,
    }
}

type Difference = (String, Option<String>, Option<String>);

fn differences(before: &str, after: &str) -> Result<Vec<Difference>, narae_yaml::Error> {
    let (before, after) = (leaves(before)?, leaves(after)?);
    let shown =
        |value: Option<&Value>| value.map(|value| Setting::Value(value.clone()).to_string());
    let mut found = Vec::new();
    let only_before = before.keys().filter(|key| !after.contains_key(*key));
    for key in after.keys().chain(only_before) {
        let (old, new) = (before.get(key), after.get(key));
        if old != new {
            found.push((key.clone(), shown(old), shown(new)));
        }
    }
    found.sort();
    found.truncate(MAX_DIFFERENCES);
    Ok(found)
}

/// Every scalar and empty collection by its path; elements by their `name`, where they have one.
fn leaves(text: &str) -> Result<BTreeMap<String, Value>, narae_yaml::Error> {
    let mut found = BTreeMap::new();
    for (index, document) in narae_yaml::read(text)?.iter().enumerate() {
        let prefix = match index {
            0 => String::new(),
            index => format!("#{index}:"),
        };
        collect(document, &prefix, &mut found);
    }
    Ok(found)
}

fn collect(value: &Value, here: &str, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Mapping(mapping) if !mapping.is_empty() => {
            for (key, value) in mapping {
                let step = Path::root().child(key).to_string();
                let dot = !(here.is_empty() || here.ends_with(':') || step.starts_with('['));
                let path = format!("{here}{}{step}", if dot { "." } else { "" });
                collect(value, &path, found);
            }
        }
        Value::Sequence(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                let name = item.get("name").and_then(Value::as_str);
                let path = match name {
                    Some(name) => format!("{here}[name={name}]"),
                    None => format!("{here}[{index}]"),
                };
                collect(item, &path, found);
            }
        }
        leaf => {
            found.insert(here.to_owned(), leaf.clone());
        }
    }
}
