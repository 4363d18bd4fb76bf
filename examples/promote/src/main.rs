//! `promote`: versions into environments, from one to the next, and back.
//!
//! Every decision is made in `narae_gitops`; this program touches the world for it: the repository,
//! the clock, the terminal.

mod change;
mod cli;
mod decided;
mod drift;
mod guard;
mod handover;
mod heard;
mod hint;
mod history;
mod later;
mod place;
mod report;
mod several;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use narae_gitops::promote::PromoteError;
use narae_gitops::repository::CommitId;

use crate::change::Undoes;
use crate::cli::{Arguments, Change, Command, UsageError};
use crate::guard::Outputs;
use crate::place::Place;

/// Exit codes, as `--help` promises them.
const ERROR: u8 = 1;
const USAGE: u8 = 2;
const REFUSED: u8 = 3;
const NOT_RUNNING: u8 = 4;

/// What a command has to say, and how it ended.
#[derive(Default)]
struct Said {
    text: String,
    json: serde_json::Value,
    /// The commits that were made.
    landed: Vec<CommitId>,
    is_refused: bool,
    /// What did not go as asked, though it is done.
    warnings: Vec<String>,
    /// Why what has landed does not run.
    not_running: Option<anyhow::Error>,
    /// Of several changes, why some were not made.
    failed: Vec<anyhow::Error>,
}

impl Said {
    /// The same with warnings, for people and for programs.
    fn warning(mut self, warnings: Vec<String>) -> Self {
        if let Some(fields) = self.json.as_object_mut()
            && !warnings.is_empty()
        {
            fields.insert("warnings".to_owned(), serde_json::json!(warnings));
        }
        self.warnings = warnings;
        self
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.common.color {
        clap::ColorChoice::Always => anstream::ColorChoice::Always,
        clap::ColorChoice::Never => anstream::ColorChoice::Never,
        clap::ColorChoice::Auto => anstream::ColorChoice::Auto,
    }
    .write_global();
    let mut landed = Vec::new();
    let undoes = Undoes::default();
    let (text, mut message, code) = match run(&arguments, &undoes) {
        Ok(said) => {
            landed = said.landed;
            let text = match arguments.common.json {
                true => json(&said.json),
                false => said.text,
            };
            let mut message: String = said.warnings.iter().map(|it| report::warning(it)).collect();
            let failed = said.failed.iter().chain(&said.not_running);
            message.extend(failed.map(report::error));
            let code = match &said.not_running {
                Some(_) => {
                    message.push_str(&once_more(&arguments, &undoes));
                    NOT_RUNNING
                }
                None => {
                    let refused = said.is_refused.then_some(REFUSED);
                    // An error before a refusal.
                    let codes = said.failed.iter().map(code).chain(refused);
                    codes.min().unwrap_or(0)
                }
            };
            (text, message, code)
        }
        Err(error) => {
            let (mut message, code) = (report::error(&error), code(&error));
            if code == ERROR {
                message.push_str(&once_more(&arguments, &undoes));
            }
            (String::new(), message, code)
        }
    };
    let outputs = Outputs::new(&arguments.common);
    let (text, code) = match outputs.cleared("report", text) {
        Ok(text) => (text, code),
        Err(leak) if landed.is_empty() => {
            message = report::error(&leak);
            (String::new(), code.max(ERROR))
        }
        // What has landed has landed: nobody must take it for a failure.
        Err(leak) => {
            message.push_str(&report::warning(&leak.to_string()));
            let text = match arguments.common.json {
                true => json(&in_short(&landed, &leak)),
                false => landed
                    .iter()
                    .map(|commit| report::landed(*commit))
                    .collect(),
            };
            (text, code)
        }
    };
    let message = outputs
        .cleared("error", message)
        .unwrap_or_else(|error| report::error(&error));
    let text = if text.is_empty() && arguments.common.json {
        let plain = anstream::adapter::strip_str(&message).to_string();
        let words = plain.trim_end();
        let words = words.strip_prefix("error: ").unwrap_or(words);
        json(&serde_json::json!({ "error": words }))
    } else {
        text
    };
    // Nobody is left to tell when standard error is closed.
    let _ = write!(anstream::stderr().lock(), "{message}");
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::from(code),
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::from(code),
        Err(error) => {
            let done = landed.iter().map(|id| format!("commit {id} was made; "));
            let done: String = done.collect();
            let error = anyhow::anyhow!("{done}the report could not be written: {error}");
            let _ = write!(anstream::stderr().lock(), "{}", report::error(&error));
            ExitCode::from(code.max(ERROR))
        }
    }
}

fn run(arguments: &Arguments, undoes: &Undoes) -> anyhow::Result<Said> {
    arguments.check()?;
    let place = Place::open(&arguments.common)?;
    let ended = run_on(&place, arguments, undoes);
    match ended {
        // What was fetched before is a help, not a need; a second time is no accident.
        Err(error) if place.has_lost_objects(&error) => {
            drop(place);
            run_on(&Place::open(&arguments.common)?, arguments, undoes)
        }
        ended => ended,
    }
}

fn run_on(place: &Place, arguments: &Arguments, undoes: &Undoes) -> anyhow::Result<Said> {
    match &arguments.command {
        Command::Change(change) => change::run(place, &arguments.common, change, undoes),
        Command::Plan(plan) => change::plan(place, &arguments.common, plan),
        Command::Apply(apply) => change::apply(place, &arguments.common, apply),
        Command::History(wanted) => history::run(place, wanted),
        Command::Drift(wanted) => drift::run(place, wanted),
    }
}

/// The commits alone, as the whole report has them.
fn in_short(landed: &[CommitId], leak: &anyhow::Error) -> serde_json::Value {
    let commit = |commit| serde_json::json!({ "outcome": "applied", "commit": commit });
    let mut said = match landed {
        [one] => commit(one),
        several => serde_json::json!({ "changes": several.iter().map(commit).collect::<Vec<_>>() }),
    };
    if let Some(fields) = said.as_object_mut() {
        fields.insert("warnings".to_owned(), serde_json::json!([leak.to_string()]));
    }
    said
}

/// Of a rollback that may have landed: what it is called, since without a name the next one would go.
fn once_more(arguments: &Arguments, undoes: &Undoes) -> String {
    match (&arguments.command, undoes.get()) {
        (Command::Change(Change::Rollback(wanted)), Some(reverts))
            if wanted.commit.is_none() && wanted.pipeline.as_ref().is_none() =>
        {
            report::warning(&format!(
                "if this has landed, the same command undoes one delivery more\n  try: --commit {reverts:.12}, to ask for this one again"
            ))
        }
        _ => String::new(),
    }
}

fn code(error: &anyhow::Error) -> u8 {
    let refused = |error: &PromoteError| error.is_refusal();
    if error.is::<UsageError>() {
        USAGE
    } else if error.downcast_ref::<PromoteError>().is_some_and(refused) {
        REFUSED
    } else {
        ERROR
    }
}

fn json(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}
