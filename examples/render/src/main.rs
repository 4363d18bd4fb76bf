//! `render`: templates and layered values in, Kubernetes objects out, with everything that is wrong
//! with them and where each value comes from.
//!
//! Reads top to bottom as the job does; every decision is made in `narae-manifest`.

mod check;
mod cli;
mod input;
mod output;

use std::io::{ErrorKind, Write as _};
use std::mem::ManuallyDrop;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser as _;
use narae_cli::UsageError;
use narae_manifest::Finding;
use narae_yaml::Path;

use crate::cli::{Arguments, Format};
use crate::input::Input;

/// Exit codes, as `--help` promises them.
const ERROR: u8 = 1;
const USAGE: u8 = 2;
const FINDINGS: u8 = 4;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.color {
        clap::ColorChoice::Always => anstream::ColorChoice::Always,
        clap::ColorChoice::Never => anstream::ColorChoice::Never,
        clap::ColorChoice::Auto => anstream::ColorChoice::Auto,
    }
    .write_global();
    let code = match run(&arguments) {
        Ok(findings) if arguments.check && !findings.is_empty() => FINDINGS,
        Ok(_) => 0,
        // `render … | head` is not an error of ours.
        Err(error) if output::is_closed(&error) => 0,
        Err(error) => {
            let mut stderr = anstream::stderr().lock();
            // Nobody is left to tell when standard error is closed.
            let _ = write!(stderr, "{}", output::error(&error));
            if error.is::<UsageError>() {
                USAGE
            } else {
                ERROR
            }
        }
    };
    code.into()
}

/// Renders, prints, and returns what is wrong.
fn run(arguments: &Arguments) -> Result<Vec<Finding>> {
    if arguments.rules {
        output::print(&output::rules())?;
        return Ok(Vec::new());
    }
    // The process ends soon: its memory is given back whole, which is faster than piece by piece.
    let input = ManuallyDrop::new(input::read(arguments)?);
    if let Some(path) = &arguments.explain {
        return explain(&input, path, arguments.output);
    }
    let mut findings = check::values(&input, arguments.check)?;
    let mut rendering = ManuallyDrop::new(input.templates.render(&input.values)?);
    findings.extend(check::unused(&rendering, &input.values));
    findings.extend(Finding::respelled_values(&rendering));
    if arguments.check {
        findings.extend(check::objects(arguments, &input, &rendering.objects)?);
    }
    let allowed = |finding: &Finding| arguments.allow.contains(&finding.rule);
    findings.retain(|finding| !allowed(finding));
    let printed = output::print(&output::objects(&mut rendering, arguments.output)?);
    let _ = write!(anstream::stderr().lock(), "{}", output::findings(&findings));
    // Whoever stops reading the objects still learns what is wrong with them.
    match printed {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(findings),
        printed => printed.map(|()| findings).map_err(Into::into),
    }
}

/// Where a value comes from; where it goes as well, if the templates render at all.
fn explain(input: &Input, path: &Path, format: Format) -> Result<Vec<Finding>> {
    let rendering = input.templates.render(&input.values);
    let explanation = match &rendering {
        Ok(rendering) => rendering.explain(&input.values, path),
        Err(_) => input.values.explain(path),
    };
    if !explanation.is_set() && explanation.deleted.is_empty() {
        bail!("{}", explanation.to_string().trim_end());
    }
    output::explanation(&explanation, format)?;
    rendering?;
    Ok(Vec::new())
}
