//! `seal rotate`: runs the library's rotation and reports what became of each item.

use std::num::NonZeroUsize;

use anyhow::{Result, bail};
use narae_secrets::sealed::folder::{FileOutcome, FileReport, Rotation};
use narae_secrets::sealed::{Certificate, ResealFailure, ResealOutcome, ResealedItem};
use serde_json::{Value, json};

use crate::Outcome;
use crate::cli::Rotate;
use crate::progress::Bar;
use crate::{material, output};

pub(crate) fn run(arguments: &Rotate) -> Result<Outcome> {
    let certificate = material::valid_certificate(&arguments.cert)?;
    let keys = material::private_keys(&arguments.keys)?;
    let mut rotation = Rotation::new(&keys, &certificate);
    if arguments.dry_run {
        rotation = rotation.with_dry_run();
    }
    if let Some(jobs) = arguments.jobs.and_then(NonZeroUsize::new) {
        rotation = rotation.with_threads(jobs);
    }
    let bar = Bar::new();
    let reports = rotation.run(&arguments.path, &|progress| bar.draw(progress))?;
    drop(bar);

    let total = Total::of(&reports);
    let text = if arguments.json {
        serde_json::to_string_pretty(&data(&reports, &certificate, arguments.dry_run))? + "\n"
    } else {
        let dry = if arguments.dry_run {
            "; nothing was written"
        } else {
            ""
        };
        format!("{}{}{dry}\n", table(&reports, &certificate), total.said())
    };
    output::write(None, text.as_bytes())?;
    if total.failed + total.files_failed > 0 {
        let unopened = if total.unopened > 0 {
            "; what was sealed anew before opens with the new key only: \
             add the key of the new certificate to --keys to have it known"
        } else {
            ""
        };
        bail!(
            "not everything was done ({} failed, {} could not be worked on); \
             a file with such an item is as it was{unopened}",
            counted(total.failed, "item"),
            counted(total.files_failed, "file")
        );
    }
    Ok(Outcome::Done)
}

/// How many of each.
#[derive(Debug, Default)]
struct Total {
    files: usize,
    resealed: usize,
    kept: usize,
    failed: usize,
    /// Of those that failed, what no key opened.
    unopened: usize,
    files_failed: usize,
}

impl Total {
    fn of(reports: &[FileReport]) -> Self {
        let mut total = Self::default();
        for report in reports {
            total.files += usize::from(!report.items.is_empty());
            total.files_failed += usize::from(why(&report.outcome).is_some());
            for item in &report.items {
                match item.outcome {
                    // An item is sealed anew only with its whole file.
                    ResealOutcome::Resealed if is_written(report) => total.resealed += 1,
                    ResealOutcome::Failed(ref failure) => {
                        total.failed += 1;
                        total.unopened += usize::from(matches!(failure, ResealFailure::Open(_)));
                    }
                    _ => total.kept += 1,
                }
            }
        }
        total
    }

    fn said(&self) -> String {
        let items = self.resealed + self.kept + self.failed;
        format!(
            "{} in {}: {} sealed anew, {} as they were, {} failed",
            counted(items, "item"),
            counted(self.files, "file"),
            self.resealed,
            self.kept,
            self.failed
        )
    }
}

/// `1 item`, `2 items`.
fn counted(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

fn is_written(report: &FileReport) -> bool {
    matches!(report.outcome, FileOutcome::Written)
}

/// Why a file as a whole could not be worked on.
fn why(outcome: &FileOutcome) -> Option<String> {
    match outcome {
        FileOutcome::Unreadable(error) => Some(error.to_string()),
        FileOutcome::Disk(error) => Some(error.to_string()),
        FileOutcome::Changed => Some("somebody changed it meanwhile; run again".to_owned()),
        _ => None,
    }
}

fn table(reports: &[FileReport], certificate: &Certificate) -> String {
    let mut rows = Vec::new();
    for report in reports {
        for item in &report.items {
            let old = item.old.as_ref().map_or("?", |key| key.as_str());
            let done = match &item.outcome {
                ResealOutcome::Failed(failure) => format!("failed: {failure}"),
                ResealOutcome::Resealed if is_written(report) => {
                    format!("{old} → {}", certificate.fingerprint())
                }
                ResealOutcome::Resealed => format!("{old}, stays with its file"),
                _ => format!("{old}, kept"),
            };
            let cells = [&item.place, &item.secret, &item.item, &done];
            rows.push(cells.map(String::clone).to_vec());
        }
        if let Some(why) = why(&report.outcome) {
            rows.push(vec![format!("{}: failed: {why}", report.file.display())]);
        }
    }
    output::table(&rows)
}

fn data(reports: &[FileReport], certificate: &Certificate, dry_run: bool) -> Value {
    let item = |item: &ResealedItem| {
        let (outcome, reason) = match &item.outcome {
            ResealOutcome::Resealed => ("resealed", None),
            ResealOutcome::Failed(failure) => ("failed", Some(failure.to_string())),
            _ => ("kept", None),
        };
        json!({
            "place": item.place, "secret": item.secret, "item": item.item, "outcome": outcome,
            "reason": reason, "old": item.old.as_ref().map(ToString::to_string),
        })
    };
    let file = |report: &FileReport| {
        json!({
            "file": report.file.to_string_lossy(), "changed": is_written(report), "error": why(&report.outcome),
            "items": report.items.iter().map(item).collect::<Vec<_>>(),
        })
    };
    json!({
        "new": certificate.fingerprint().as_str(),
        "dryRun": dry_run,
        "files": reports.iter().map(file).collect::<Vec<_>>(),
    })
}
