//! After a commit has landed: Argo CD is told of it, and waited for. What comes of it changes nothing about
//! the commit. Or, where others agree first: a merge request in its place. The command line is looked at before anything is changed.

mod argocd;
mod merge;
mod webhook;

use anyhow::Result;
use narae_gitops::handover::{Delivered, Error};
use narae_gitops::repository::CommitId;
use serde_json::{Map, Value, json};

pub(crate) use argocd::Running;
pub(crate) use merge::{MergeRequests, Proposed};

use crate::cli;
use crate::later::Later;
use crate::place::{Landed, Place};
use argocd::Applications;
use webhook::Webhook;

/// What is to be done with a commit.
pub(crate) struct Handover {
    webhook: Option<Webhook>,
    applications: Option<Applications>,
}

/// What became of it.
#[derive(Default)]
pub(crate) struct HandedOver {
    /// Who was told, and why who was not.
    pub(crate) told: Vec<(String, Result<(), Error>)>,
    /// Where it runs, or why it does not; nobody asked to wait when there is nothing.
    pub(crate) running: Option<Result<Vec<Running>, Error>>,
    /// The merge request, where one was asked for.
    pub(crate) proposed: Option<Proposed>,
}

impl Handover {
    /// For a commit about `application`.
    pub(crate) fn wanted(wanted: &cli::Handover, place: &Place, application: &str) -> Result<Self> {
        Ok(Self {
            webhook: Webhook::wanted(wanted, place)?,
            applications: Applications::wanted(wanted, application)?,
        })
    }

    /// Tells and waits. When there was nothing to do there is nothing to tell, but it may not run yet: the tip is
    /// waited for, which holds all of it.
    pub(crate) fn of<T>(&self, place: &Place, branch: &str, landed: &Landed<T>) -> HandedOver {
        let Some(commit) = landed.commit else {
            let mut handed = HandedOver::default();
            if let Some(tip) = landed.before {
                handed.running = self.wait(place, branch, None, tip, false);
            }
            return handed;
        };
        let mut delivered = Delivered::new(commit);
        if let Some(webhook) = &self.webhook {
            delivered = delivered.notify("Argo CD", |commit| {
                webhook.tell(place, branch, landed.before, commit)
            });
        }
        // Whoever was not told has to be asked to look.
        let is_told = self.webhook.is_some() && delivered.failed().next().is_none();
        let running = self.wait(place, branch, landed.before, commit, is_told);
        let told = delivered.notices.into_iter();
        HandedOver {
            told: told.map(|notice| (notice.name, notice.result)).collect(),
            running,
            proposed: None,
        }
    }

    fn wait(
        &self,
        place: &Place,
        branch: &str,
        before: Option<CommitId>,
        commit: CommitId,
        is_told: bool,
    ) -> Option<Result<Vec<Running>, Error>> {
        let applications = self.applications.as_ref()?;
        let later = Later::new(place, branch, before, commit);
        Some(applications.wait(commit, is_told, &|revision| later.has(revision)))
    }
}

impl HandedOver {
    /// What did not go as asked, though the commit is there.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let failed = self.told.iter().filter_map(|(name, result)| {
            let error = result.as_ref().err()?;
            Some(format!("{name} was not told: {error}"))
        });
        let proposed = self.proposed.iter();
        let unlabelled = proposed.filter_map(|proposed| proposed.warning.clone());
        failed.chain(unlabelled).collect()
    }

    /// Adds what there is to say.
    pub(crate) fn write(&self, fields: &mut Map<String, Value>) {
        if !self.told.is_empty() {
            let told = self.told.iter().map(|(name, result)| {
                let error = result.as_ref().err().map(ToString::to_string);
                json!({"name": name, "error": error})
            });
            fields.insert("told".to_owned(), told.collect());
        }
        if let Some(proposed) = &self.proposed {
            let Proposed {
                source,
                url,
                was_open,
                ..
            } = proposed;
            let said = json!({"source": source, "url": url, "was_open": was_open});
            fields.insert("merge_request".to_owned(), said);
        }
        match &self.running {
            Some(Ok(running)) => {
                fields.insert("running".to_owned(), json!(true));
                let at = |running: &Running| (running.application.clone(), json!(running.commit));
                let at: Map<String, Value> = running.iter().map(at).collect();
                fields.insert("applications".to_owned(), Value::Object(at));
            }
            Some(Err(error)) => {
                fields.insert("running".to_owned(), json!(false));
                fields.insert("error".to_owned(), json!(error.to_string()));
            }
            None => {}
        }
    }
}
