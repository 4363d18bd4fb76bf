//! `router simulate`: what would become of a day's requests, as a table, JSON or a timeline.

use std::io::{self, Write as _};
use std::path::PathBuf;

use narae_routing::gateway::{ObjectName, ScenarioError};
use narae_routing::simulate::{Outcome, ScriptError, run as play};
use serde_json::json;

use crate::arguments::Simulate;
use crate::objects::{FileError, Files};

/// Plays each simulation; true if there was one.
pub(crate) fn run(simulate: &Simulate) -> Result<bool, SimulateError> {
    let files = Files::of(&simulate.files)?;
    let mut out = io::stdout().lock();
    let mut svg = simulate.svg.as_ref();
    for simulation in &files.objects.simulations {
        let name = simulation.metadata.object_name();
        let script = files.objects.script(simulation);
        let script = script.map_err(|cause| SimulateError::Scenario {
            name: name.clone(),
            cause,
        })?;
        let outcome = play(&script).map_err(|cause| SimulateError::Script {
            name: name.clone(),
            cause,
        })?;
        if let Some(file) = svg.take() {
            std::fs::write(file, outcome.svg()).map_err(|cause| SimulateError::Svg {
                file: file.clone(),
                cause,
            })?;
        }
        let written = if simulate.json {
            writeln!(out, "{}", as_json(&name, &outcome))
        } else {
            writeln!(out, "Simulation {name}\n{outcome}")
        };
        written.map_err(SimulateError::Io)?;
    }
    if files.objects.simulations.is_empty() {
        return Err(SimulateError::Nothing);
    }
    Ok(true)
}

fn as_json(name: &ObjectName, outcome: &Outcome) -> serde_json::Value {
    let slices = outcome.slices.iter().map(|slice| {
        json!({
            "begin_seconds": slice.begin.as_secs(), "served": slice.served,
            "failed": slice.failed, "retries": slice.retries,
        })
    });
    let moments = outcome.moments.iter().map(|moment| {
        json!({ "at_seconds": moment.at.as_secs_f64(), "what": moment.what, "scripted": moment.scripted })
    });
    json!({
        "name": name.to_string(), "duration_seconds": outcome.duration.as_secs(), "sites": outcome.sites,
        "requests": outcome.requests, "failed": outcome.failed, "retries": outcome.retries,
        "availability": outcome.availability(), "slice_seconds": outcome.slice.as_secs(),
        "slices": slices.collect::<Vec<_>>(), "moments": moments.collect::<Vec<_>>(),
    })
}

/// Why nothing is simulated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SimulateError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("Simulation {name}: {cause}")]
    Scenario {
        name: ObjectName,
        cause: ScenarioError,
    },
    #[error("Simulation {name}: {cause}")]
    Script {
        name: ObjectName,
        cause: ScriptError,
    },
    #[error("no file has a Simulation (narae.dev/v1alpha1)")]
    Nothing,
    #[error("cannot write {}: {cause}", file.display())]
    Svg { file: PathBuf, cause: io::Error },
    #[error("cannot write the outcome: {0}")]
    Io(io::Error),
}
