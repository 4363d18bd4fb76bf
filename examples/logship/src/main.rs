//! `logship` prints every line of log files as NDJSON and says at the end what it saw; see its README.

mod input;
mod latency;
mod output;
mod summary;

use std::io::{self, BufWriter, ErrorKind, Write};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use narae_logparse::Format;
use narae_logparse::multiline::Rules;
use narae_logparse::reader::ReaderOptions;
use narae_logparse::time::Context;

use crate::input::{Choice, read};
use crate::summary::Summary;

/// Prints every line of log files as one JSON object, and a summary on standard error.
///
/// Lines that are not of the format are printed too, as {"raw": …, "reason": …, "offset": …}: nothing is
/// dropped, and the summary checks that the bytes add up. Container messages split by the runtime are joined, per stream.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    inputs: Inputs,
}

const AFTER: &str =
    "Exit status: 0 all was read, 1 something could not be read or written, 2 wrong usage.
A file named `stats` is given as ./stats.";

#[derive(Subcommand)]
enum Command {
    /// Prints the summary only, on standard output.
    Stats(Inputs),
}

#[derive(Args)]
struct Inputs {
    /// Files to read, `-` for standard input.
    #[arg(value_name = "FILES", default_value = "-")]
    files: Vec<String>,
    /// What the lines are; `auto` decides for each file by its beginning.
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = format_names())]
    format: Choice,
    /// Join the lines of stack traces to the line that introduced them.
    #[arg(long)]
    traces: bool,
    /// The zone of times that name none, as ±hh:mm.
    #[arg(long, value_name = "OFFSET", default_value = "+00:00", value_parser = offset, allow_hyphen_values = true)]
    zone: i32,
}

/// Seconds east of UTC.
fn offset(text: &str) -> Result<i32, String> {
    let parse = || {
        let (hours, minutes) = text.strip_prefix(['+', '-'])?.split_once(':')?;
        let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
        let seconds = (0..24).contains(&hours) && (0..60).contains(&minutes);
        let seconds = seconds.then_some(hours * 3600 + minutes * 60)?;
        Some(if text.starts_with('-') {
            -seconds
        } else {
            seconds
        })
    };
    parse().ok_or_else(|| "expected an offset from UTC such as +09:00".to_owned())
}

impl Inputs {
    /// Times without a year are near when the input was last written.
    fn options(&self, written: SystemTime) -> ReaderOptions {
        let context = Context::default().with_offset_seconds(self.zone);
        let context = match input::timestamp(written) {
            Some(written) => context.with_reference(written),
            None => context,
        };
        let options = ReaderOptions::default().with_context(context);
        if self.traces {
            options.with_multiline(Rules::traces())
        } else {
            options
        }
    }
}

/// `auto` and the formats' names, for the help and the error of a wrong one.
fn format_names() -> impl TypedValueParser<Value = Choice> {
    let names = Format::ALL.iter().map(|format| format.name());
    PossibleValuesParser::new(std::iter::once("auto").chain(names))
        .map(|name| name.parse().map_or(Choice::Auto, Choice::Fixed))
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Command::Stats(inputs)) => stats(&inputs),
        None => ship(&cli.inputs),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever reads us has seen enough: not an error, and nobody is left to tell.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn ship(inputs: &Inputs) -> anyhow::Result<bool> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut line = Vec::new();
    let mut summary = Summary::default();
    let all_read = each(inputs, &mut summary, |name, event| {
        line.clear();
        output::write(name, event, &mut line);
        out.write_all(&line)
            .context("cannot write to standard output")
    })?;
    out.flush().context("cannot write to standard output")?;
    // A summary nobody can read is no reason to fail: the records are out.
    let _ = write!(anstream::stderr().lock(), "{summary}");
    Ok(all_read)
}

fn stats(inputs: &Inputs) -> anyhow::Result<bool> {
    let mut summary = Summary::default();
    let all_read = each(inputs, &mut summary, |_, _| Ok(()))?;
    let mut out = anstream::stdout().lock();
    write!(out, "{summary}")
        .and_then(|()| out.flush())
        .context("cannot write to standard output")?;
    Ok(all_read)
}

/// Reads every input; one that cannot be read is named and does not keep the others from being read.
fn each(
    inputs: &Inputs,
    summary: &mut Summary,
    mut take: impl FnMut(&str, &narae_logparse::Event<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<bool> {
    let mut all_read = true;
    for name in &inputs.files {
        let (reader, written) = match input::open(name) {
            Ok(opened) => opened,
            Err(error) => {
                complain(&error);
                all_read = false;
                continue;
            }
        };
        let read = read(reader, inputs.format, &inputs.options(written), |event| {
            summary.add(event);
            take(name, event)
        })?;
        summary.add_input(&read);
        if let Some(error) = read.failed {
            complain(&anyhow::Error::new(error).context(format!("cannot read {name} to its end")));
            all_read = false;
        }
    }
    Ok(all_read)
}

fn complain(error: &anyhow::Error) {
    let _ = writeln!(anstream::stderr().lock(), "logship: {error:#}");
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|e| e.kind() == ErrorKind::BrokenPipe)
}
