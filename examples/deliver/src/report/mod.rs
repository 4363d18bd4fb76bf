//! The outcome as text for people: coloured when the stream is a terminal, plain otherwise (the
//! stream strips). Decides nothing. What comes from files is shown through `value`, so that it
//! cannot act on the terminal.

mod plan;
mod value;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use narae_cli::terminal::{visible, visible_lines};

use crate::outcome::{Outcome, Refusal, Sync, Verdict};
use crate::plan::Plan;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const RED: Style = AnsiColor::Red.on_default();

/// The whole report, with ANSI styles.
pub(crate) fn render(outcome: &Outcome, full: bool) -> String {
    let mut out = String::new();
    heading(&mut out, outcome);
    if let Some(plan) = &outcome.plan {
        plan::section(&mut out, plan, full);
    }
    match &outcome.result {
        Verdict::Committed {
            commit,
            message,
            argocd,
            ..
        } => {
            committed(&mut out, outcome, commit, message);
            sync(&mut out, argocd);
        }
        Verdict::Unchanged { commit } => {
            let at = commit
                .as_deref()
                .map_or_else(String::new, |id| format!(" at {}", abbreviate(id)));
            nothing_to_do(&mut out, outcome, &at);
            let _ = writeln!(out, " No commit was made.");
        }
        Verdict::Planned => {
            if outcome.plan.as_ref().is_some_and(Plan::is_empty) {
                nothing_to_do(&mut out, outcome, "");
                let _ = writeln!(out);
            }
            let _ = writeln!(
                out,
                "\n{BOLD}Dry run{BOLD:#}: nothing was written to {}.",
                outcome.repository
            );
        }
        Verdict::Refused { violations } => refused(&mut out, violations),
    }
    out
}

fn nothing_to_do(out: &mut String, outcome: &Outcome, at: &str) {
    let _ = write!(
        out,
        "\n{GREEN}Nothing to do{GREEN:#}: {} of {} holds all of it{at}.",
        outcome.branch, outcome.repository
    );
}

fn heading(out: &mut String, outcome: &Outcome) {
    let Outcome {
        application,
        site,
        stage,
        ..
    } = outcome;
    let _ = writeln!(out, "{BOLD}{application} → {site}/{stage}{BOLD:#}");
    if let Some(description) = &outcome.description {
        let _ = writeln!(out, "{DIM}{}{DIM:#}", visible(description));
    }
    let _ = writeln!(out);
    for image in &outcome.images {
        let _ = writeln!(out, "  image    {}", visible(image));
    }
    for secret in &outcome.secrets {
        let version = secret
            .version
            .map_or_else(String::new, |version| format!(" v{version}"));
        let _ = writeln!(
            out,
            "  secret   {}  {DIM}{}{version}{DIM:#}  {}",
            secret.item, secret.source, secret.outcome
        );
    }
    for made in &outcome.made {
        let _ = writeln!(out, "  made     {made}");
    }
    for note in &outcome.notes {
        let _ = writeln!(out, "  {DIM}note     {}{DIM:#}", visible(note));
    }
    for warning in &outcome.warnings {
        let _ = writeln!(out, "  {YELLOW}warning{YELLOW:#}  {}", visible(warning));
    }
}

fn committed(out: &mut String, outcome: &Outcome, commit: &str, message: &str) {
    let _ = writeln!(
        out,
        "\n{GREEN}Committed{GREEN:#} {BOLD}{commit}{BOLD:#} to {} of {}\n",
        outcome.branch, outcome.repository
    );
    for line in message.lines() {
        let _ = writeln!(out, "{}", format!("    {line}").trim_end());
    }
}

fn sync(out: &mut String, sync: &Sync) {
    let _ = writeln!(
        out,
        "\n{BOLD}Argo CD would sync{BOLD:#} application {}",
        sync.application
    );
    let _ = writeln!(
        out,
        "  from {} at {}",
        sync.path,
        abbreviate(&sync.revision)
    );
    for object in &sync.objects {
        let _ = writeln!(out, "    {object}");
    }
}

fn refused(out: &mut String, violations: &[Refusal]) {
    let policies: BTreeSet<&str> = violations
        .iter()
        .map(|violation| violation.policy.as_str())
        .collect();
    let _ = writeln!(
        out,
        "\n{RED}Refused{RED:#}: {} said no. Nothing was written.",
        match policies.len() {
            1 => "a policy".to_owned(),
            many => format!("{many} policies"),
        }
    );
    for violation in violations {
        let _ = writeln!(
            out,
            "\n  {RED}{}{RED:#}: {}",
            violation.policy,
            visible(violation.message.trim_end())
        );
        let _ = writeln!(out, "    object    {}", violation.object);
        let _ = writeln!(out, "    field     {}", violation.field);
        if let Some(found) = &violation.found {
            let _ = writeln!(out, "    found     {}", visible(found));
        }
        for place in &violation.values {
            let _ = writeln!(out, "    value     {place}");
        }
        if let Some(place) = &violation.template {
            let _ = writeln!(out, "    template  {place}");
        }
        let _ = writeln!(out, "    rule      {}", violation.rule);
    }
}

/// The first twelve digits, as people quote commits.
pub(crate) fn abbreviate(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// An error and its causes, for people.
pub(crate) fn error(error: &anyhow::Error) -> String {
    let mut out = format!("{RED}error{RED:#}: {}\n", visible_lines(error));
    for cause in error.chain().skip(1) {
        let _ = writeln!(out, "  because {}", visible_lines(cause));
    }
    out
}

/// What did not go as it should, though it is done.
pub(crate) fn warning(error: &anyhow::Error) -> String {
    format!("{YELLOW}warning{YELLOW:#}: {}\n", visible_lines(error))
}
