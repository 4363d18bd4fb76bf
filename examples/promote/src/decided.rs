//! A change as it was decided: its plan, what that comes to on the tip, and what a promotion leaves as it is.

use anyhow::Result;
use narae_gitops::plan::{Action, Applied, Plan};
use narae_gitops::promote::{self, Config, Drift, Horizon, PromoteError, Snapshot};
use serde_json::{Value, json};

use crate::Said;
use crate::place::{Place, Wanted};
use crate::report::{self, Written};

pub(crate) struct Decided {
    pub(crate) plan: Plan,
    pub(crate) applied: Applied,
    /// What the two environments of a promotion differ in besides.
    pub(crate) rest: Vec<Drift>,
    /// Histories cut short, in which something was not found that would have been in the way.
    pub(crate) relied_on: Vec<Horizon>,
}

impl Decided {
    pub(crate) fn new(plan: Plan, config: &Config, snapshot: &Snapshot<'_>) -> Result<Self> {
        let applied = plan.apply(|file| snapshot.read(&plan.branch, file));
        Ok(Self {
            applied: applied.map_err(PromoteError::from)?,
            rest: rest(&plan, config, snapshot),
            relied_on: snapshot.relied_on(),
            plan,
        })
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.applied.refused().next().is_some()
    }

    /// What to commit; `None` when nothing is, or may be, changed.
    pub(crate) fn wanted(&self) -> Result<Option<Wanted>> {
        let Self { plan, applied, .. } = self;
        if applied.outcome() != "applied" {
            return Ok(None);
        }
        Ok(Some(Wanted {
            changes: applied.change_set(),
            message: plan.intent.message(applied)?,
        }))
    }

    /// What to know of how it was decided.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let here = &self.plan.intent.environment;
        let warning = |horizon| {
            format!(
                "only {horizon} were looked at: whether this was in `{here}` before is not known\n  try: --depth with more commits"
            )
        };
        self.relied_on.iter().map(warning).collect()
    }

    pub(crate) fn to_json(&self, place: &Place) -> Value {
        let Self { plan, applied, .. } = self;
        let files = applied.files.iter();
        let modified: Vec<&str> = files.map(|file| file.path.as_str()).collect();
        json!({
            "repository": place.shown(),
            "branch": plan.branch,
            "base": plan.base,
            "intent": plan.intent,
            "outcome": applied.outcome(),
            "images": applied.images,
            "edits": applied.edits,
            "files": applied.files,
            "modified": modified,
            "drift": self.rest,
            "commit": null,
            "attempts": 0,
            "server": [],
        })
    }

    /// What there is to say of it when nothing is written.
    pub(crate) fn shown(&self, place: &Place) -> Said {
        Said {
            text: report::change(place.shown(), self, Written::Nothing),
            json: self.to_json(place),
            is_refused: self.is_refused(),
            ..Said::default()
        }
        .warning(self.warnings())
    }
}

fn rest(plan: &Plan, config: &Config, snapshot: &Snapshot<'_>) -> Vec<Drift> {
    let intent = &plan.intent;
    let Action::Promote { from } = &intent.action else {
        return Vec::new();
    };
    let pair = (from.as_str(), intent.environment.as_str());
    let found = promote::drift(config, &intent.application, pair, &intent.sites, snapshot);
    // What cannot be compared is in nobody's way: `promote drift` says why.
    let mut rest = found.unwrap_or_default();
    rest.retain(|drift| !drift.is_declared);
    rest
}
