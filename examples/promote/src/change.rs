//! Changes: decided, shown, planned, landed. Several at once are [`several`]'s.

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
use crate::place::Place;
use crate::report::{self, Written};
use crate::several::{self, Member};

/// What a rollback undoes, from its first decision on: whatever comes before it in a lost race, and whatever else is
/// tried again, one delivery is undone.
pub(crate) type Undoes = Cell<Option<CommitId>>;

/// Decides and lands a change, or shows it.
pub(crate) fn run(
    place: &Place,
    common: &Common,
    change: &Change,
    undoes: &Undoes,
) -> Result<Said> {
    let parts = parts(change);
    let [part] = parts.as_slice() else {
        return several::run(place, common, members(place, change, &parts)?);
    };
    let ending = Ending::wanted(common, place, part.application)?;
    let decide = |config: &Config, snapshot: &Snapshot<'_>| {
        let plan = decide(config, change, *part, undoes.get(), snapshot)?;
        if let Action::RollBack { reverts } = plan.intent.action {
            undoes.set(Some(reverts));
        }
        Ok(plan)
    };
    if common.dry_run {
        return look(place, decide);
    }
    let branch =
        place.look(|config, _| Ok(config.environment(part.environment)?.branch.clone()))?;
    end(place, &branch, &ending, decide)
}

/// Of a change, what concerns one application in one environment.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Part<'a> {
    application: &'a str,
    environment: &'a str,
}

/// Each part once.
fn parts(change: &Change) -> Vec<Part<'_>> {
    let one = |application, environment| {
        vec![Part {
            application,
            environment,
        }]
    };
    match change {
        Change::SetImage(wanted) => one(&wanted.app, &wanted.env),
        Change::Rollback(wanted) => one(&wanted.app, &wanted.env),
        Change::Move(wanted) => {
            let mut parts = Vec::new();
            for application in &wanted.apps {
                for environment in &wanted.to {
                    parts.extend(one(application, environment));
                }
            }
            let mut known = Vec::new();
            parts.retain(|part| {
                !known.contains(part) && {
                    known.push(*part);
                    true
                }
            });
            parts
        }
    }
}

/// The parts of a change as several.
fn members<'a>(place: &Place, change: &'a Change, parts: &[Part<'a>]) -> Result<Vec<Member<'a>>> {
    place.look(|config, _| {
        let member = |part: &Part<'a>| {
            let part = *part;
            Ok(Member {
                application: part.application.to_owned(),
                branch: config.environment(part.environment)?.branch.clone(),
                decide: Box::new(move |config, snapshot| {
                    decide(config, change, part, None, snapshot)
                }),
            })
        };
        parts.iter().map(member).collect()
    })
}

/// Decides a change and shows it.
fn look(place: &Place, decide: impl Fn(&Config, &Snapshot<'_>) -> Result<Plan>) -> Result<Said> {
    let decided =
        place.look(|config, snapshot| Decided::new(decide(config, snapshot)?, config, snapshot))?;
    examine(place, &decided)?;
    Ok(decided.shown(place))
}

/// Refuses what would be refused of the commit.
fn examine(place: &Place, decided: &Decided) -> Result<()> {
    decided
        .wanted()?
        .map_or(Ok(()), |wanted| place.examine(&wanted))
}

/// Decides a change and writes it down: as a plan, or as a list of them.
pub(crate) fn plan(place: &Place, common: &Common, wanted: &cli::Plan) -> Result<Said> {
    let decided = place.look(|config, snapshot| {
        let decide = |part: Part<'_>| {
            let mut plan = decide(config, &wanted.change, part, None, snapshot)?;
            // Whoever looked at the plan agreed to what stood there then.
            for edit in &mut plan.edits {
                if edit.condition == Condition::Always {
                    edit.condition = Condition::Unchanged;
                }
            }
            Decided::new(plan, config, snapshot)
        };
        let parts = parts(&wanted.change).into_iter();
        parts.map(decide).collect::<Result<Vec<_>>>()
    })?;
    decided
        .iter()
        .try_for_each(|decided| examine(place, decided))?;
    let plans: Vec<&Plan> = decided.iter().map(|decided| &decided.plan).collect();
    let (text, json) = match plans.as_slice() {
        [plan] => (serde_json::to_string_pretty(plan)?, json!(plan)),
        plans => (serde_json::to_string_pretty(plans)?, json!(plans)),
    };
    let text = text + "\n";
    let outputs = Outputs::new(common);
    let text = outputs.cleared("plan", text)?;
    let mut said = Said::default();
    for shown in decided.iter().map(|decided| decided.shown(place)) {
        said.text.push_str(&shown.text);
        said.is_refused |= shown.is_refused;
        said.warnings.extend(shown.warnings);
    }
    said.warnings.dedup();
    said.text = outputs.cleared("report", said.text)?;
    said.json = json;
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

/// Lands the changes of plans, or shows what they would be now.
pub(crate) fn apply(place: &Place, common: &Common, wanted: &cli::Apply) -> Result<Said> {
    let file = &wanted.plan;
    let plans = Plan::read_all(&file.display().to_string(), &read_text(file)?)?;
    // A plan may be old, and anybody may have changed its file.
    fn decide(plan: &Plan, config: &Config, snapshot: &Snapshot<'_>) -> Result<Plan> {
        promote::verify(config, plan, snapshot)?;
        Ok(plan.clone())
    }
    match plans.as_slice() {
        [] => bail!("{} has no plan in it", file.display()),
        [plan] => {
            let ending = Ending::wanted(common, place, &plan.intent.application)?;
            let decide = |config: &Config, snapshot: &Snapshot<'_>| decide(plan, config, snapshot);
            match common.dry_run {
                true => look(place, decide),
                false => end(place, &plan.branch, &ending, decide),
            }
        }
        plans => {
            let member = |plan| Member {
                application: Plan::clone(plan).intent.application,
                branch: Plan::clone(plan).branch,
                decide: Box::new(move |config, snapshot| decide(plan, config, snapshot)),
            };
            several::run(place, common, plans.iter().map(member).collect())
        }
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
        if let Ending::Propose(requests) = ending {
            requests.check(place, config, &decided.plan)?;
        }
        Ok((decided.wanted()?, decided))
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
        landed: landed.commit.into_iter().collect(),
        is_refused: decided.is_refused(),
        not_running: handed
            .running
            .and_then(Result::err)
            .map(anyhow::Error::from),
        ..Said::default()
    }
    .warning(warnings))
}

/// The plan of a part of a change; a rollback undoes `undoes`, if it was decided before.
fn decide(
    config: &Config,
    change: &Change,
    part: Part<'_>,
    undoes: Option<CommitId>,
    snapshot: &Snapshot<'_>,
) -> Result<Plan> {
    let Part {
        application,
        environment,
    } = part;
    Ok(match change {
        Change::SetImage(wanted) => {
            let mut request = request(application, environment, &wanted.what);
            request.keeps_registries = wanted.keep_registries;
            promote::set_image(config, &request, &wanted.image, snapshot)?
        }
        Change::Move(wanted) => {
            let request = request(application, environment, &wanted.what);
            promote::promote(config, &request, &wanted.from, snapshot)?
        }
        Change::Rollback(wanted) => {
            let mut request = Request::new(application, environment);
            request.sites.clone_from(&wanted.sites);
            request.pipeline = wanted.pipeline.as_ref().cloned();
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

fn request(app: &str, environment: &str, what: &cli::What) -> Request {
    let mut request = Request::new(app, environment);
    request.sites.clone_from(&what.sites);
    request.approved_by = what.approved_by.as_ref().cloned();
    request.is_again = what.again;
    request.source_commit.clone_from(&what.source_commit);
    request.pipeline = what.pipeline.as_ref().cloned();
    request.condition = match (&what.expect, &what.if_newer) {
        (Some(expected), _) => Condition::Expect(expected.clone()),
        (None, Some(order)) => Condition::Newer(TagRule::new(order.clone())),
        (None, None) => Condition::Always,
    };
    request
}
