//! Results as text for people: coloured when the stream is a terminal, plain otherwise (the stream
//! strips). Decides nothing. What comes from files cannot act on the terminal.

use std::fmt::Write as _;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use narae_cli::terminal::{visible, visible_lines};
use narae_gitops::history::{Delivery, Measures, Spread};
use narae_gitops::plan::{Action, FileDiff, Outcome};
use narae_gitops::promote::Drift;
use narae_gitops::repository::CommitId;

use crate::decided::Decided;
use crate::handover::HandedOver;
use crate::hint::hint;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const RED: Style = AnsiColor::Red.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();

/// Most differences that are shown of what a promotion leaves.
const MAX_LEFT: usize = 20;

/// What became of a change; a commit is missing when there was nothing to do.
pub(crate) enum Written {
    /// Nothing was to be written.
    Nothing,
    /// It is on its branch.
    Committed(Option<CommitId>),
    /// Others are asked to merge it.
    Proposed(Option<CommitId>),
    /// It is held back: the same application is refused elsewhere.
    Held,
}

/// A change: what it is, edit by edit, and how it ended.
pub(crate) fn change(repository: &str, decided: &Decided, written: Written) -> String {
    let mut out = String::new();
    let Decided {
        plan,
        applied,
        rest,
        ..
    } = decided;
    let intent = &plan.intent;
    let sites = match intent.sites.as_slice() {
        [] => String::new(),
        sites => format!(" ({})", sites.join(", ")),
    };
    let _ = writeln!(
        out,
        "{BOLD}{} → {}{sites}{BOLD:#}  {DIM}{}{DIM:#}\n",
        intent.application,
        intent.environment,
        action(&intent.action)
    );
    let mut file = None;
    for edit in &applied.edits {
        if file != Some(&edit.file) {
            file = Some(&edit.file);
            let _ = writeln!(out, "  {}", edit.file);
        }
        let place = visible(&edit.place);
        let (old, new) = (visible(&edit.old), visible(&edit.new));
        let _ = match &edit.outcome {
            Outcome::Applied => writeln!(
                out,
                "    {place}  {RED}{old}{RED:#} → {GREEN}{new}{GREEN:#}"
            ),
            Outcome::AlreadyApplied => writeln!(out, "    {place}  {DIM}{new}, as it is{DIM:#}"),
            Outcome::Superseded { found } => {
                let found = visible(found);
                writeln!(
                    out,
                    "    {place}  {YELLOW}{found}{YELLOW:#} is as new as {new}, or newer"
                )
            }
            Outcome::Conflict { found, reason } => {
                let (found, reason) = (visible(found), visible(reason));
                writeln!(
                    out,
                    "    {place}  {RED}{found}{RED:#} stands there: {reason}"
                )
            }
            _ => Ok(()),
        };
    }
    if let Action::Promote { from } = &intent.action
        && !rest.is_empty()
    {
        let _ = writeln!(out, "  {DIM}stays as it is{DIM:#}");
        for drift in rest.iter().take(MAX_LEFT) {
            difference(&mut out, drift, (from, &intent.environment));
        }
        if let Some(more) = rest.len().checked_sub(MAX_LEFT).filter(|more| *more > 0) {
            let _ = writeln!(out, "    and {more} more: `promote drift` shows them");
        }
    }
    let _ = writeln!(out);
    let of = format!("{} of {repository}", plan.branch);
    let _ = match (applied.outcome(), written) {
        ("conflict" | "superseded", _) => {
            writeln!(out, "{RED}Refused{RED:#}: nothing was written to {of}.")
        }
        (_, Written::Held) => writeln!(
            out,
            "{YELLOW}Held back{YELLOW:#}: nothing was written to {of}, since `{}` is refused elsewhere.",
            intent.application
        ),
        ("already-applied", _) => {
            writeln!(out, "{GREEN}Nothing to do{GREEN:#}: {of} holds all of it.")
        }
        (_, Written::Committed(Some(commit))) => writeln!(
            out,
            "{GREEN}Committed{GREEN:#} {BOLD}{commit}{BOLD:#} to {of}"
        ),
        (_, Written::Proposed(Some(commit))) => writeln!(
            out,
            "{GREEN}Proposed{GREEN:#} {BOLD}{commit}{BOLD:#} for {of}"
        ),
        (_, Written::Committed(None) | Written::Proposed(None)) => {
            writeln!(out, "{GREEN}Nothing to do{GREEN:#}: {of} holds all of it.")
        }
        (_, Written::Nothing) => {
            applied.files.iter().for_each(|file| diff(&mut out, file));
            writeln!(out, "\n{BOLD}Planned{BOLD:#}: nothing was written to {of}.")
        }
    };
    out
}

/// As git colours it: names bold, places cyan, what goes red, what comes green, what stays plain.
fn diff(out: &mut String, file: &FileDiff) {
    for (index, line) in file.unified().lines().enumerate() {
        let style = match line.as_bytes().first() {
            // The two lines with its names; a removed `--- x` looks the same.
            _ if index < 2 => BOLD,
            Some(b'+') => GREEN,
            Some(b'-') => RED,
            Some(b'@') => CYAN,
            _ => Style::new(),
        };
        let _ = writeln!(out, "{style}{}{style:#}", visible(line));
    }
}

fn action(action: &Action) -> String {
    match action {
        Action::Deliver => "deliver".to_owned(),
        Action::Promote { from } => format!("promote from {from}"),
        Action::RollBack { reverts } => format!("roll back {reverts:.12}"),
        _ => String::new(),
    }
}

/// Deliveries, newest first.
pub(crate) fn history(deliveries: &[Delivery]) -> String {
    if deliveries.is_empty() {
        return "no deliveries\n".to_owned();
    }
    let heading = [
        "when (UTC)",
        "environment",
        "sites",
        "application",
        "image",
        "how",
        "by",
        "source",
        "commit",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(deliveries.iter().map(|delivery| {
        vec![
            date(delivery.seconds),
            delivery.environment.clone(),
            delivery.sites.join(","),
            delivery.application.clone(),
            delivery
                .image
                .iter()
                .map(|image| short(image))
                .collect::<Vec<_>>()
                .join(" "),
            action(&delivery.action),
            delivery.author.clone(),
            delivery
                .source_commit
                .as_ref()
                .map_or_else(|| "-".to_owned(), |id| id.chars().take(12).collect()),
            format!("{:.12}", delivery.commit),
        ]
    }));
    table(&rows)
}

/// An image whose digest does not fill the line.
fn short(image: &str) -> String {
    match image.split_once("@sha256:") {
        Some((name, digest)) => {
            let begin: String = digest.chars().take(12).collect();
            format!("{name}@sha256:{begin}…")
        }
        None => image.to_owned(),
    }
}

/// The four measures, an environment a row.
pub(crate) fn measures(measured: &[(&str, Measures)], days: u32) -> String {
    let heading = [
        "environment",
        "deliveries",
        "per day",
        "lead time",
        "failures",
        "time to restore",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(measured.iter().map(|(name, measures)| {
        let rate = measures.change_failure_rate;
        vec![
            (*name).to_owned(),
            measures.deliveries.to_string(),
            format!("{:.2}", measures.per_day),
            spread(measures.lead_time),
            rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.0} %", rate * 100.0)),
            spread(measures.time_to_restore),
        ]
    }));
    format!(
        "{}{DIM}the last {days} days; times are medians{DIM:#}\n",
        table(&rows)
    )
}

/// Differences between environments, declared values before the rest.
pub(crate) fn drift(found: &[(String, String, Vec<Drift>)]) -> String {
    let mut out = String::new();
    for (from, to, drifts) in found {
        let _ = writeln!(out, "{BOLD}{from} → {to}{BOLD:#}");
        if drifts.is_empty() {
            let _ = writeln!(out, "  {GREEN}no differences{GREEN:#}");
        }
        for (declared, title) in [(true, "to be promoted"), (false, "stays as it is")] {
            let mut part = drifts
                .iter()
                .filter(|drift| drift.is_declared == declared)
                .peekable();
            if part.peek().is_none() {
                continue;
            }
            let _ = writeln!(out, "  {DIM}{title}{DIM:#}");
            for drift in part {
                difference(&mut out, drift, (from, to));
            }
        }
    }
    out
}

fn difference(out: &mut String, drift: &Drift, (from, to): (&str, &str)) {
    let side = |value: &Option<String>| {
        let shown = value.as_ref().map(|value| visible(value));
        shown.unwrap_or_else(|| "nothing".to_owned())
    };
    let (there, here) = (side(&drift.from), side(&drift.to));
    let _ = write!(out, "    {}  {}  ", drift.file, visible(&drift.place));
    // What would be moved, as a change shows it.
    let _ = match drift.is_declared {
        true => writeln!(out, "{RED}{here}{RED:#} → {GREEN}{there}{GREEN:#}"),
        false => writeln!(out, "{from} has {there}, {to} has {here}"),
    };
}

/// Where a plan is, and what for.
pub(crate) fn planned(file: &Path) -> String {
    let file = visible(&file.display().to_string());
    format!("{GREEN}Written{GREEN:#} to {file}: `promote apply {file}` makes the change.\n")
}

/// A commit of which no more may be shown.
pub(crate) fn landed(commit: CommitId) -> String {
    format!("{GREEN}Committed{GREEN:#} {BOLD}{commit}{BOLD:#}\n")
}

/// Who was told of what was committed, and where it runs.
pub(crate) fn handed_over(handed: &HandedOver, commit: Option<CommitId>) -> String {
    let mut out = String::new();
    for (name, _) in handed.told.iter().filter(|(_, result)| result.is_ok()) {
        let _ = writeln!(out, "{GREEN}Told{GREEN:#} {name} which files changed.");
    }
    if let Some(proposed) = &handed.proposed {
        let state = match proposed.was_open {
            Some(true) => ", which was open and has this commit now",
            _ => "",
        };
        let url = proposed
            .url
            .as_deref()
            .unwrap_or("the server does not say where it is");
        let _ = writeln!(
            out,
            "{GREEN}Merge request{GREEN:#} of {}: {}{state}",
            visible(&proposed.source),
            visible(url)
        );
    }
    let running = handed.running.iter().flatten().flatten();
    for running in running {
        let name = visible(&running.application);
        let _ = write!(out, "{GREEN}Running{GREEN:#}: Synced and Healthy in {name}");
        let _ = match Some(&running.commit) == commit.map(|id| id.to_string()).as_ref() {
            true => writeln!(out, "."),
            false => writeln!(
                out,
                " at {:.12}, a later commit that holds it.",
                running.commit
            ),
        };
    }
    out
}

/// What the server said to the push that took it, as git shows it.
pub(crate) fn server(said: &[String]) -> String {
    let line = |line: &String| format!("{DIM}remote:{DIM:#} {}\n", visible(line));
    said.iter().map(line).collect()
}

/// A race is lost, and it goes on.
pub(crate) fn lost(attempts: u32) -> String {
    format!(
        "{YELLOW}another writer was faster{YELLOW:#}: deciding again on what is there now (attempt {})\n",
        attempts.saturating_add(1)
    )
}

/// What did not go as asked.
pub(crate) fn warning(warning: &str) -> String {
    format!("{YELLOW}warning{YELLOW:#}: {}\n", visible_lines(warning))
}

/// An error and its causes, for people.
pub(crate) fn error(error: &anyhow::Error) -> String {
    let mut out = format!("{RED}error{RED:#}: {}\n", visible_lines(error));
    let mut said = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Some say their cause themselves.
        if !said.ends_with(&cause) {
            let _ = writeln!(out, "  because {}", visible_lines(&cause));
        }
        said = cause;
    }
    if let Some(hint) = hint(error) {
        let _ = writeln!(out, "  try: {hint}");
    }
    out
}

fn table(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| visible(cell)).collect())
        .collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        let _ = writeln!(out, "{}", line.join("  ").trim_end());
    }
    out
}

pub(crate) fn date(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds);
    time.map_or_else(
        |_| seconds.to_string(),
        |time| time.strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

fn spread(spread: Option<Spread>) -> String {
    let Some(Spread { median, .. }) = spread else {
        return "-".to_owned();
    };
    match median {
        0..60 => format!("{median} s"),
        60..3_600 => format!("{} min", median / 60),
        3_600..172_800 => format!("{} h", median / 3_600),
        _ => format!("{} d", median / 86_400),
    }
}
