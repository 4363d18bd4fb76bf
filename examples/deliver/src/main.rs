//! `deliver`: the whole path from an application's templates to a commit in a GitOps repository.
//!
//! Reads top to bottom as the job does; every decision is made in a crate, this program touches
//! the world for them. `ARCHITECTURE.md` has the tour.

mod certificate;
mod cli;
mod delivery;
mod files;
mod guard;
mod image;
mod lock;
mod manifest;
mod outcome;
mod paths;
mod plan;
mod policy;
mod report;
mod repository;
mod secrets;
mod store;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Arguments;
use crate::guard::Outputs;
use crate::outcome::Verdict;

/// Exit codes, as `--help` promises them.
const ERROR: u8 = 1;
const USAGE: u8 = 2;
const REFUSED: u8 = 3;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.color {
        clap::ColorChoice::Always => anstream::ColorChoice::Always,
        clap::ColorChoice::Never => anstream::ColorChoice::Never,
        clap::ColorChoice::Auto => anstream::ColorChoice::Auto,
    }
    .write_global();
    let outputs = Outputs::new();
    let result = delivery::run(&arguments, &outputs);
    let code = match &result {
        Ok(outcome) if matches!(outcome.result, Verdict::Refused { .. }) => REFUSED,
        Ok(_) => 0,
        Err(error) if error.is::<narae_cli::UsageError>() => USAGE,
        Err(_) => ERROR,
    };
    let report = match &result {
        Ok(outcome) if arguments.json => Ok(json(outcome)),
        Ok(outcome) => Ok(report::render(outcome, arguments.full)),
        Err(error) => Err(report::error(error)),
    };
    let report = match report {
        Ok(text) => outputs
            .cleared("report", text)
            .map_err(|error| report::error(&error)),
        Err(message) => Err(outputs
            .cleared("error", message)
            .unwrap_or_else(|error| report::error(&error))),
    };
    let (text, code) = match report {
        Ok(text) => (text, code),
        Err(message) => {
            let mut stderr = anstream::stderr().lock();
            // Nobody is left to tell when standard error is closed.
            let _ = write!(stderr, "{message}");
            let text = match arguments.json {
                true => json(
                    &serde_json::json!({ "error": anstream::adapter::strip_str(&message).to_string() }),
                ),
                false => String::new(),
            };
            (text, code.max(ERROR))
        }
    };
    // Data goes out as it is; a report loses its colours where nobody would see them.
    let written = if arguments.json {
        print(&mut std::io::stdout().lock(), &text)
    } else {
        print(&mut anstream::stdout().lock(), &text)
    };
    match written {
        Ok(()) => code.into(),
        // `deliver | head` is not an error of ours: what was to be done is done.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => code.into(),
        Err(error) => {
            let done = match &result {
                Ok(outcome) if matches!(outcome.result, Verdict::Committed { .. }) => {
                    "the commit was made, but its"
                }
                _ => "the",
            };
            let _ = writeln!(
                std::io::stderr(),
                "error: {done} report could not be written: {error}"
            );
            ERROR.into()
        }
    }
}

fn print(out: &mut impl std::io::Write, text: &str) -> std::io::Result<()> {
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).map_or_else(
        |error| format!("{{\"error\":\"{error}\"}}"),
        |text| text + "\n",
    )
}
