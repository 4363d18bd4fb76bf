//! Changes: decided, shown, planned, landed.

use std::cell::Cell;
use std::io::Write as _;

use anyhow::{Context as _, Result, bail};
use narae_cli::file::read_text;
use narae_gitops::plan::{Action, Condition, Plan, TagRule};
use narae_gitops::promote::{self, Config, Deliveries, Request, Snapshot};
use narae_gitops::repository::CommitId;
use serde_json::json;

use crate::Said;
use crate::cli::{self, Change, Common, UsageError};
use crate::decided::Decided;
use crate::guard::Outputs;
use crate::handover::{HandedOver, Handover, MergeRequests};
use crate::place::{Place, Wanted};
use crate::report::{self, Written};

/// Decides and lands a change, or shows it.
pub(crate) fn run(place: &Place, common: &Common, change: &Change) -> Result<Said> {
    let ending = Ending::wanted(common, place, application(change))?;
    // Whatever comes first in a lost race, one delivery is undone: the one that was seen first.
    let undoes = Cell::new(None);
    let decide = |config: &Config, snapshot: &Snapshot<'_>| {
        let plan = decide(config, change, undoes.get(), snapshot)?;
        if let Action::RollBack { reverts } = plan.intent.action {
            undoes.set(Some(reverts));
        }
        Ok(plan)
    };
    if common.dry_run {
        return look(place, decide);
    }
    let branch = place.look(|config, _| {
        let environment = config.environment(environment(change))?;
        Ok(environment.branch.clone())
    })?;
    end(place, &branch, &ending, decide)
}

/// Decides a change and shows it.
fn look(place: &Place, decide: impl Fn(&Config, &Snapshot<'_>) -> Result<Plan>) -> Result<Said> {
    let decided =
        place.look(|config, snapshot| Decided::new(decide(config, snapshot)?, config, snapshot))?;
    Ok(decided.shown(place))
}

/// Decides a change and writes it down.
pub(crate) fn plan(place: &Place, common: &Common, wanted: &cli::Plan) -> Result<Said> {
    let decided = place.look(|config, snapshot| {
        let mut plan = decide(config, &wanted.change, None, snapshot)?;
        // Whoever looked at the plan agreed to what stood there then.
        for edit in &mut plan.edits {
            if edit.condition == Condition::Always {
                edit.condition = Condition::Unchanged;
            }
        }
        Decided::new(plan, config, snapshot)
    })?;
    let plan = &decided.plan;
    let text = serde_json::to_string_pretty(plan)? + "\n";
    let outputs = Outputs::new(common);
    let text = outputs.cleared("plan", text)?;
    let mut said = decided.shown(place);
    said.text = outputs.cleared("report", said.text)?;
    said.json = serde_json::to_value(plan)?;
    match &wanted.output {
        Some(_) if common.dry_run => {}
        Some(file) => {
            std::fs::write(file, text)
                .with_context(|| format!("cannot write {}", file.display()))?;
            said.text.push_str(&report::planned(file));
        }
        None => {
            if !common.json {
                let _ = write!(anstream::stderr().lock(), "{}", said.text);
            }
            said.text = text;
        }
    }
    Ok(said)
}

/// Lands a plan's change, or shows what it would be now.
pub(crate) fn apply(place: &Place, common: &Common, wanted: &cli::Apply) -> Result<Said> {
    let file = &wanted.plan;
    let plan = Plan::read(&file.display().to_string(), &read_text(file)?)?;
    let ending = Ending::wanted(common, place, &plan.intent.application)?;
    // The plan may be old, and anybody may have changed its file.
    let decide = |config: &Config, snapshot: &Snapshot<'_>| {
        promote::verify(config, &plan, snapshot)?;
        Ok(plan.clone())
    };
    match common.dry_run {
        true => look(place, decide),
        false => end(place, &plan.branch, &ending, decide),
    }
}

/// What becomes of a commit.
enum Ending {
    /// It goes on the environment's branch.
    Land(Handover),
    /// Others are asked to put it there.
    Propose(MergeRequests),
}

impl Ending {
    fn wanted(common: &Common, place: &Place, application: &str) -> Result<Self> {
        let handover = &common.handover;
        match MergeRequests::wanted(&common.merge_request, place)? {
            Some(_) if handover.wait_argocd.is_some() || handover.argocd_webhook.is_some() => {
                let what = "--merge-request: there is nothing to tell Argo CD, or to wait for, before it is merged";
                Err(UsageError(what.to_owned()).into())
            }
            Some(requests) => Ok(Self::Propose(requests)),
            None => Ok(Self::Land(Handover::wanted(handover, place, application)?)),
        }
    }
}

fn end(
    place: &Place,
    branch: &str,
    ending: &Ending,
    decide: impl Fn(&Config, &Snapshot<'_>) -> Result<Plan>,
) -> Result<Said> {
    let decide = |config: &Config, snapshot: &Snapshot<'_>| {
        let decided = Decided::new(decide(config, snapshot)?, config, snapshot)?;
        let Decided { plan, applied, .. } = &decided;
        if let Ending::Propose(requests) = ending {
            requests.check(place, config, plan)?;
        }
        let wanted = match applied.outcome() {
            "applied" => Some(Wanted {
                changes: applied.change_set(),
                message: plan.intent.message(applied)?,
            }),
            _ => None,
        };
        Ok((wanted, decided))
    };
    let (landed, handed) = match ending {
        Ending::Land(handover) => {
            let landed = place.land(branch, decide)?;
            let handed = match landed.decision.is_refused() {
                true => HandedOver::default(),
                false => handover.of(place, branch, &landed),
            };
            (landed, handed)
        }
        Ending::Propose(requests) => {
            let mut draft = place.draft(branch, decide)?;
            let mut handed = HandedOver::default();
            if let Some(commit) = draft.commit {
                let Decided { plan, applied, .. } = &draft.decision;
                let proposed = requests.open(place, (plan, applied), draft.before, commit)?;
                draft.commit = Some(proposed.commit);
                handed.proposed = Some(proposed);
            }
            (draft, handed)
        }
    };
    let said = place.heard().said();
    let decided = landed.decision;
    let mut json = decided.to_json(place);
    if let Some(fields) = json.as_object_mut() {
        fields.insert("commit".to_owned(), json!(landed.commit));
        fields.insert("attempts".to_owned(), json!(landed.attempts));
        fields.insert("server".to_owned(), json!(said));
        handed.write(fields);
    }
    let written = match ending {
        Ending::Land(_) => Written::Committed(landed.commit),
        Ending::Propose(_) => Written::Proposed(landed.commit),
    };
    let mut text = report::change(place.shown(), &decided, written);
    text.push_str(&report::server(&said));
    text.push_str(&report::handed_over(&handed, landed.commit));
    let warnings = [decided.warnings(), handed.warnings()].concat();
    Ok(Said {
        text,
        json,
        is_refused: decided.is_refused(),
        not_running: handed
            .running
            .and_then(Result::err)
            .map(anyhow::Error::from),
        ..Said::default()
    }
    .warning(warnings))
}

/// The plan of a change; a rollback undoes `undoes`, if it was decided before.
fn decide(
    config: &Config,
    change: &Change,
    undoes: Option<CommitId>,
    snapshot: &Snapshot<'_>,
) -> Result<Plan> {
    Ok(match change {
        Change::SetImage(wanted) => {
            let mut request = request(&wanted.app, &wanted.env, &wanted.what);
            request.keeps_registries = wanted.keep_registries;
            promote::set_image(config, &request, &wanted.image, snapshot)?
        }
        Change::Move(wanted) => {
            let request = request(&wanted.app, &wanted.to, &wanted.what);
            promote::promote(config, &request, &wanted.from, snapshot)?
        }
        Change::Rollback(wanted) => {
            let mut request = Request::new(&wanted.app, &wanted.env);
            request.sites.clone_from(&wanted.sites);
            request.pipeline.clone_from(&wanted.pipeline);
            let commit = match (undoes, &wanted.commit) {
                (Some(decided), _) => Some(decided),
                (None, Some(begin)) => Some(begun(config, &request, begin, snapshot)?),
                (None, None) => None,
            };
            promote::roll_back(config, &request, commit, snapshot)?
        }
    })
}

/// The delivery whose id begins so, as `history` shows it.
fn begun(
    config: &Config,
    request: &Request,
    begin: &str,
    snapshot: &Snapshot<'_>,
) -> Result<CommitId> {
    let branch = &config.environment(&request.environment)?.branch;
    let deliveries = snapshot.deliveries(branch);
    let Deliveries { found, horizon, .. } = deliveries.map_err(anyhow::Error::from_boxed)?;
    let found: Vec<CommitId> = found
        .iter()
        .filter(|delivery| delivery.is_of(&request.application, &request.environment))
        .map(|delivery| delivery.commit)
        .filter(|commit| commit.to_string().starts_with(begin))
        .collect();
    match found.as_slice() {
        [commit] => Ok(*commit),
        found => bail!(
            "{} deliveries of `{}` to `{}`{} have an id that begins with {begin}\n  try: `promote history {} --env {}`, which shows what there is",
            match found.len() {
                0 => "no".to_owned(),
                count => count.to_string(),
            },
            request.application,
            request.environment,
            horizon.map_or_else(String::new, |horizon| format!(
                " within {horizon} (--depth)"
            )),
            request.application,
            request.environment
        ),
    }
}

fn application(change: &Change) -> &str {
    match change {
        Change::SetImage(wanted) => &wanted.app,
        Change::Move(wanted) => &wanted.app,
        Change::Rollback(wanted) => &wanted.app,
    }
}

fn environment(change: &Change) -> &str {
    match change {
        Change::SetImage(wanted) => &wanted.env,
        Change::Move(wanted) => &wanted.to,
        Change::Rollback(wanted) => &wanted.env,
    }
}

fn request(app: &str, environment: &str, what: &cli::What) -> Request {
    let mut request = Request::new(app, environment);
    request.sites.clone_from(&what.sites);
    request.approved_by.clone_from(&what.approved_by);
    request.is_again = what.again;
    request.source_commit.clone_from(&what.source_commit);
    request.pipeline.clone_from(&what.pipeline);
    request.condition = match (&what.expect, &what.if_newer) {
        (Some(expected), _) => Condition::Expect(expected.clone()),
        (None, Some(order)) => Condition::Newer(TagRule::new(order.clone())),
        (None, None) => Condition::Always,
    };
    request
}
