//! Waiting for Argo CD after a commit has landed. What comes of it changes nothing about the commit.

use std::time::Duration;

use anyhow::Result;
use narae_gitops::handover::argocd::{ApplicationName, ArgoCd, Wait};
use narae_gitops::handover::{Address, Error, SystemClock, Token};
use narae_gitops::repository::CommitId;

use crate::cli::{UsageError, WaitFor};

/// The applications a commit is waited for in, and where.
pub(crate) struct Applications {
    argocd: ArgoCd,
    names: Vec<ApplicationName>,
    limit: Duration,
}

impl Applications {
    /// `None` when nobody asked to wait. Looks only at the command line, before anything is changed.
    pub(crate) fn wanted(wanted: &WaitFor, application: &str) -> Result<Option<Self>> {
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

    /// Until the commit is what runs, in all of them within one limit.
    pub(crate) fn wait(&self, commit: CommitId) -> Result<(), Error> {
        let clock = SystemClock::new();
        for name in &self.names {
            let left = self
                .limit
                .saturating_sub(narae_gitops::handover::Clock::now(&clock));
            self.argocd
                .wait(name, &Wait::new(commit).with_limit(left), &clock)?;
        }
        Ok(())
    }

    /// Their names, as they were given.
    pub(crate) fn names(&self) -> String {
        let names: Vec<String> = self.names.iter().map(ToString::to_string).collect();
        names.join(", ")
    }
}

/// `NAME` or `NAMESPACE/NAME`.
fn name(text: &str) -> Result<ApplicationName, Error> {
    match text.split_once('/') {
        Some((namespace, name)) => ApplicationName::new(name)?.in_namespace(namespace),
        None => ApplicationName::new(text),
    }
}
