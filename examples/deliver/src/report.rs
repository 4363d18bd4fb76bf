//! The outcome as text for people: coloured when the stream is a terminal, plain otherwise (the
//! stream strips). Decides nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use narae_yaml::Value;

use crate::outcome::{Outcome, Refusal, Sync, Verdict};
use crate::plan::{Action, FieldChange, FileChange, Plan};

/// Fields of a new file that are shown without `--full`.
const FIELDS_OF_A_NEW_FILE: usize = 8;
/// Characters of a field's path that are shown.
const PATH_WIDTH: usize = 64;
/// Characters of a value that are shown.
const VALUE_WIDTH: usize = 72;

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
        plan_section(&mut out, plan, full);
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
            let _ = writeln!(
                out,
                "\n{GREEN}Nothing to do{GREEN:#}: {} of {} holds all of it{at}. No commit was made.",
                outcome.branch, outcome.repository
            );
        }
        Verdict::Planned => {
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

fn heading(out: &mut String, outcome: &Outcome) {
    let Outcome {
        application,
        site,
        stage,
        ..
    } = outcome;
    let _ = writeln!(out, "{BOLD}{application} → {site}/{stage}{BOLD:#}");
    if let Some(description) = &outcome.description {
        let _ = writeln!(out, "{DIM}{description}{DIM:#}");
    }
    let _ = writeln!(out);
    for image in &outcome.images {
        let _ = writeln!(out, "  image    {image}");
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
    for warning in &outcome.warnings {
        let _ = writeln!(out, "  {YELLOW}warning{YELLOW:#}  {warning}");
    }
}

fn plan_section(out: &mut String, plan: &Plan, full: bool) {
    if plan.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{BOLD}Plan{BOLD:#} for {}\n", plan.directory);
    for file in &plan.files {
        file_section(out, plan, file, full);
    }
    let count = |action| {
        plan.files
            .iter()
            .filter(|file| file.action == action)
            .count()
    };
    let _ = writeln!(
        out,
        "\n  {GREEN}{} to add{GREEN:#}, {YELLOW}{} to change{YELLOW:#}, {RED}{} to remove{RED:#}, {} unchanged",
        count(Action::Create),
        count(Action::Update),
        count(Action::Remove),
        plan.unchanged
    );
}

fn file_section(out: &mut String, plan: &Plan, file: &FileChange, full: bool) {
    let mark = file.action.mark();
    let style = match file.action {
        Action::Create => GREEN,
        Action::Update => YELLOW,
        Action::Remove => RED,
    };
    let name = file
        .path
        .strip_prefix(&plan.directory)
        .map_or(file.path.as_str(), |name| name.trim_start_matches('/'));
    let _ = writeln!(
        out,
        "  {style}{mark} {name}{style:#}  {DIM}{}{DIM:#}",
        file.object
    );
    let shown: Vec<&FieldChange> = match file.action {
        Action::Create if !full => file
            .fields
            .iter()
            .filter(|field| worth_showing(field))
            .take(FIELDS_OF_A_NEW_FILE)
            .collect(),
        _ => file.fields.iter().collect(),
    };
    let paths: Vec<String> = shown.iter().map(|field| abridge(&field.path)).collect();
    let width = paths.iter().map(|path| path.chars().count()).max();
    let width = width.unwrap_or(0);
    for (field, path) in shown.iter().zip(&paths) {
        let from = field
            .from
            .as_ref()
            .map_or_else(String::new, |from| format!("  {DIM}{from}{DIM:#}"));
        let _ = writeln!(out, "      {path:width$}  {}{from}", change(field));
    }
    let hidden = file.fields.len().saturating_sub(shown.len());
    if hidden > 0 {
        let _ = writeln!(
            out,
            "      {DIM}… and {hidden} more fields (--full shows them){DIM:#}"
        );
    }
    if file.fields.is_empty() && file.action == Action::Update {
        let _ = writeln!(out, "      {DIM}only how it is written{DIM:#}");
    }
}

/// What the values decided: the rest is in the template. Identity is in the heading, labels are everyone's.
fn worth_showing(field: &FieldChange) -> bool {
    let is_known = |path: &str| {
        path == "apiVersion"
            || path == "kind"
            || path.contains("metadata")
            || path.to_ascii_lowercase().contains("labels")
    };
    field.chosen && !is_known(&field.path)
}

/// A long path without its middle: where it begins and where it ends tell most.
fn abridge(path: &str) -> String {
    let characters: Vec<char> = path.chars().collect();
    let Some(cut) = characters.len().checked_sub(PATH_WIDTH) else {
        return path.to_owned();
    };
    let head: String = characters.iter().take(PATH_WIDTH / 3).collect();
    let tail: String = characters.iter().skip(PATH_WIDTH / 3 + cut + 1).collect();
    format!("{head}…{tail}")
}

fn change(field: &FieldChange) -> String {
    match (&field.old, &field.new) {
        (Some(old), Some(new)) => format!(
            "{RED}{}{RED:#} → {GREEN}{}{GREEN:#}",
            short(old),
            short(new)
        ),
        (None, Some(new)) => format!("{GREEN}{}{GREEN:#}", short(new)),
        (Some(old), None) => format!("{RED}{}{RED:#} → {DIM}gone{DIM:#}", short(old)),
        (None, None) => String::new(),
    }
}

/// A value on one line, quoted when it is a string that would look like something else.
fn short(value: &Value) -> String {
    let text = match value {
        Value::String(text) if !text.contains(['\n', '\r', '\u{1b}']) => text.clone(),
        other => serde_json::to_string(other).unwrap_or_default(),
    };
    let safe: String = text
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    match safe.char_indices().nth(VALUE_WIDTH) {
        Some((end, _)) => format!("{}…", safe.get(..end).unwrap_or_default()),
        None => safe,
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
            violation.policy, violation.message
        );
        let _ = writeln!(out, "    object    {}", violation.object);
        let _ = writeln!(out, "    field     {}", violation.field);
        if let Some(found) = &violation.found {
            let _ = writeln!(out, "    found     {found}");
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
    let mut out = format!("{RED}error{RED:#}: {error}\n");
    for cause in error.chain().skip(1) {
        let _ = writeln!(out, "  because {cause}");
    }
    out
}
