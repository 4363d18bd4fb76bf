//! `deliver`: the whole path from an application's templates to a commit in a GitOps repository.
//!
//! Reads top to bottom as the job does; every decision is made in a crate, this program touches
//! the world for them. `ARCHITECTURE.md` has the tour.

mod certificate;
mod cli;
mod delivery;
mod digest;
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
use crate::outcome::{Outcome, Verdict};

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
    let (text, message, code) = said(&result, &arguments, &outputs);
    // Nobody is left to tell when standard error is closed.
    let _ = write!(anstream::stderr().lock(), "{message}");
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

/// What goes to standard output and to standard error, and the exit code.
fn said(
    result: &anyhow::Result<Outcome>,
    arguments: &Arguments,
    outputs: &Outputs,
) -> (String, String, u8) {
    let (message, code) = match result {
        Ok(outcome) => {
            let text = match arguments.json {
                true => json(outcome),
                false => report::render(outcome, arguments.full),
            };
            let leak = match (outputs.cleared("report", text), &outcome.result) {
                (Ok(text), Verdict::Refused { .. }) => return (text, String::new(), REFUSED),
                (Ok(text), _) => return (text, String::new(), 0),
                (Err(leak), _) => leak,
            };
            // What has landed has landed: nobody must take it for a failure.
            if let Verdict::Committed { commit, .. } = &outcome.result {
                let text = match arguments.json {
                    true => json(&serde_json::json!({
                        "warnings": [leak.to_string()],
                        "result": { "outcome": "committed", "commit": commit },
                    })),
                    false => format!("Committed {commit}\n"),
                };
                return (text, report::warning(&leak), 0);
            }
            (report::error(&leak), ERROR)
        }
        Err(error) => {
            let message = outputs.cleared("error", report::error(error));
            let code = match error.is::<narae_cli::UsageError>() {
                true => USAGE,
                false => ERROR,
            };
            (message.unwrap_or_else(|leak| report::error(&leak)), code)
        }
    };
    let text = match arguments.json {
        true => {
            let plain = anstream::adapter::strip_str(&message).to_string();
            let words = plain.trim_end();
            let words = words.strip_prefix("error: ").unwrap_or(words);
            json(&serde_json::json!({ "error": words }))
        }
        false => String::new(),
    };
    (text, message, code)
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
