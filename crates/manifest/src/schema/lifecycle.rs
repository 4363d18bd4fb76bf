//! API versions that are going, or gone, and what replaces them: from the lifecycle that Kubernetes
//! publishes with its types.

use narae_yaml::Path;

use super::{Schemas, group_of};
use crate::finding::{Finding, Rule};

/// A kind that is going, or gone.
#[derive(Clone, Debug)]
pub(super) struct OldKind {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) deprecated: Option<Release>,
    pub(super) removed: Option<Release>,
    /// API version and kind.
    pub(super) replacement: Option<(String, String)>,
}

/// The minor version of a release of Kubernetes 1.
pub(super) type Release = u32;

impl Schemas {
    /// What to say of a kind that these have no schema for because it is gone.
    pub(super) fn removal(&self, api_version: &str, kind: &str) -> Option<Finding> {
        let old = self.old(api_version, kind)?;
        let message = match old.removed {
            Some(removed) if removed <= self.release() => {
                format!("`{api_version}` of {kind} is not served since Kubernetes 1.{removed}")
            }
            _ => format!(
                "Kubernetes {} does not serve `{api_version}` of {kind}",
                self.version
            ),
        };
        Some(self.finding(Rule::RemovedApi, message, old))
    }

    /// What to say of a kind that is there, and going.
    pub(crate) fn deprecation(&self, api_version: &str, kind: &str) -> Option<Finding> {
        self.kind(api_version, kind)?;
        let old = self.old(api_version, kind)?;
        let since = old.deprecated.filter(|since| *since <= self.release())?;
        let until = old.removed.map_or_else(String::new, |removed| {
            format!(" and not served from 1.{removed} on")
        });
        let message =
            format!("`{api_version}` of {kind} is deprecated since Kubernetes 1.{since}{until}");
        Some(self.finding(Rule::DeprecatedApi, message, old))
    }

    fn finding(&self, rule: Rule, message: String, old: &OldKind) -> Finding {
        let replacement = match self.replacement(old) {
            Some((api_version, kind)) if *kind == old.kind => Some(format!("use `{api_version}`")),
            Some((api_version, kind)) => Some(format!("use {kind} of `{api_version}`")),
            None => {
                let mut others = self.api_versions_of(&old.kind);
                let same = others.find(|other| {
                    *other != old.api_version && group_of(other) == group_of(&old.api_version)
                });
                same.map(|same| format!("use `{same}`"))
            }
        };
        Finding::new(rule, Path::root().child("apiVersion"), message).suggesting(replacement)
    }

    /// What replaces a kind and is served: what replaced it may have gone as well.
    fn replacement<'s>(&'s self, old: &'s OldKind) -> Option<&'s (String, String)> {
        // One step for each old kind at most: they do not go round.
        let next = |old: &&'s OldKind| {
            let (api_version, kind) = old.replacement.as_ref()?;
            self.old(api_version, kind)
        };
        let chain = std::iter::successors(Some(old), next).take(self.old.len());
        let replacements = chain.filter_map(|old| old.replacement.as_ref());
        let is_served =
            |(api_version, kind): &&(String, String)| self.kind(api_version, kind).is_some();
        replacements.into_iter().find(is_served)
    }

    fn old(&self, api_version: &str, kind: &str) -> Option<&OldKind> {
        let is_it = |old: &&OldKind| old.api_version == api_version && old.kind == kind;
        self.old.iter().find(is_it)
    }

    fn release(&self) -> Release {
        let minor = self
            .version
            .strip_prefix("1.")
            .and_then(|minor| minor.parse().ok());
        minor.unwrap_or_default()
    }
}
