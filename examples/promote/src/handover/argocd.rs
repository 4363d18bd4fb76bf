//! Waiting until Argo CD says of a commit that it is Synced and Healthy.

use std::time::Duration;

use anyhow::Result;
use narae_gitops::handover::argocd::{Application, ApplicationName, ArgoCd, Wait};
use narae_gitops::handover::{Address, Clock as _, Error, SystemClock, Token};
use narae_gitops::repository::CommitId;

use crate::cli::{self, UsageError};

/// The applications a commit is waited for in, and where.
pub(super) struct Applications {
    argocd: ArgoCd,
    names: Vec<ApplicationName>,
    limit: Duration,
}

/// An application, and the commit that it runs: the one that was waited for, or a later one that holds it.
pub(crate) struct Running {
    pub(crate) application: String,
    pub(crate) commit: String,
}

impl Applications {
    /// `None` when nobody asked to wait.
    pub(super) fn wanted(wanted: &cli::Handover, application: &str) -> Result<Option<Self>> {
        let Some(address) = &wanted.wait_argocd else {
            return Ok(None);
        };
        let usage = |error: Error| UsageError(format!("--wait-argocd: {error}"));
        let mut argocd = ArgoCd::new(Address::parse(address).map_err(usage)?);
        if let Some(token) = &wanted.argocd_auth_token {
            argocd = argocd.with_token(Token::new(token.0.clone()));
        }
        let names: Vec<&str> = match wanted.argocd_app.as_slice() {
            [] => vec![application],
            names => names.iter().map(String::as_str).collect(),
        };
        let names = names.into_iter().map(name).collect::<Result<_, _>>();
        Ok(Some(Self {
            argocd,
            names: names.map_err(usage)?,
            limit: Duration::from_secs(wanted.wait_seconds),
        }))
    }

    /// Until the commit, or one for which `is_later`, is what runs, in all of them within one limit. Argo CD is
    /// asked to look first unless it `is_told`.
    pub(super) fn wait(
        &self,
        commit: CommitId,
        is_told: bool,
        is_later: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<Running>, Error> {
        let clock = SystemClock::new();
        let wait = |name: &ApplicationName| {
            let left = self.limit.saturating_sub(clock.now());
            let mut wait = Wait::new(commit).with_limit(left).or_later(is_later);
            if is_told {
                wait = wait.without_refresh();
            }
            let application = self.argocd.wait(name, &wait, &clock)?;
            Ok(Running {
                application: name.to_string(),
                commit: found(&application, commit, is_later),
            })
        };
        self.names.iter().map(wait).collect()
    }
}

/// The commit by which it was decided that `application` runs.
fn found(application: &Application, commit: CommitId, is_later: &dyn Fn(&str) -> bool) -> String {
    let commit = commit.to_string();
    let sync = &application.sync;
    let mut revisions = std::iter::once(&sync.revision).chain(&sync.revisions);
    if revisions.clone().any(|revision| *revision == commit) {
        return commit;
    }
    revisions
        .find(|revision| is_later(revision))
        .cloned()
        .unwrap_or(commit)
}

/// `NAME` or `NAMESPACE/NAME`.
fn name(text: &str) -> Result<ApplicationName, Error> {
    match text.split_once('/') {
        Some((namespace, name)) => ApplicationName::new(name)?.in_namespace(namespace),
        None => ApplicationName::new(text),
    }
}
