//! `seal`: kubeseal's everyday flags, and what its users script around it.
//!
//! Touches files, the clock, standard streams and, where no certificate is named, a cluster; every decision is made in `narae_secrets::sealed`.

mod cli;
mod cluster;
mod files;
mod guard;
mod material;
mod output;
mod progress;
mod put;
mod raw;
mod recovery;
mod rotate;
mod seal;
mod status;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;

use crate::cli::{Arguments, Command, Seal};

/// Exit codes, as `--help` promises them.
const ERROR: u8 = 1;
const FINDINGS: u8 = 3;

/// Whether there is something to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Findings,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.command {
        Some(Command::Status(status)) => status::run(status),
        Some(Command::Rotate(rotate)) => rotate::run(rotate),
        Some(Command::Guard(wanted)) => guard::run(wanted),
        Some(Command::Put(wanted)) => put::run(wanted).map(|()| Outcome::Done),
        None => kubeseal(&arguments.seal),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(FINDINGS),
        Err(error) => {
            output::note(&format!("error: {error:#}"));
            ExitCode::from(ERROR)
        }
    }
}

fn kubeseal(arguments: &Seal) -> Result<Outcome> {
    let mode = &arguments.mode;
    if mode.validate {
        return status::validate(arguments);
    }
    if mode.fetch_cert {
        material::print(arguments)?;
    } else if mode.raw {
        raw::run(arguments)?;
    } else if let Some(file) = &mode.merge_into {
        seal::merge(arguments, file)?;
    } else if mode.re_encrypt {
        recovery::re_encrypt(arguments)?;
    } else if mode.recovery_unseal {
        recovery::unseal(arguments)?;
    } else {
        seal::run(arguments)?;
    }
    Ok(Outcome::Done)
}
