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

use crate::cli::{Arguments, Command, UsageError};
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
    let (text, message, code) = match run(&arguments) {
        Ok(said) => {
            let text = match arguments.common.json {
                true => json(&said.json),
                false => said.text,
            };
            let mut message: String = said.warnings.iter().map(|it| report::warning(it)).collect();
            let failed = said.failed.iter().chain(&said.not_running);
            message.extend(failed.map(report::error));
            let code = match &said.not_running {
                Some(_) => NOT_RUNNING,
                None => {
                    let refused = said.is_refused.then_some(REFUSED);
                    // An error before a refusal.
                    let codes = said.failed.iter().map(code).chain(refused);
                    codes.min().unwrap_or(0)
                }
            };
            (text, message, code)
        }
        Err(error) => (String::new(), report::error(&error), code(&error)),
    };
    let outputs = Outputs::new(&arguments.common);
    let (text, message, code) = match outputs.cleared("report", text) {
        Ok(text) => (text, message, code),
        Err(error) => (String::new(), report::error(&error), code.max(ERROR)),
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
    match write!(anstream::stdout().lock(), "{text}") {
        Ok(()) => ExitCode::from(code),
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::from(code),
        Err(_) => ExitCode::from(ERROR),
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<Said> {
    arguments.check()?;
    let place = Place::open(&arguments.common)?;
    match run_on(&place, arguments) {
        // What was fetched before is a help, not a need; a second time is no accident.
        Err(error) if place.has_lost_objects(&error) => {
            run_on(&Place::open(&arguments.common)?, arguments)
        }
        ended => ended,
    }
}

fn run_on(place: &Place, arguments: &Arguments) -> anyhow::Result<Said> {
    match &arguments.command {
        Command::Change(change) => change::run(place, &arguments.common, change),
        Command::Plan(plan) => change::plan(place, &arguments.common, plan),
        Command::Apply(apply) => change::apply(place, &arguments.common, apply),
        Command::History(wanted) => history::run(place, wanted),
        Command::Drift(wanted) => drift::run(place, wanted),
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
