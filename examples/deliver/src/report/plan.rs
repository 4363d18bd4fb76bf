//! The plan as text: file by file, field by field, what it was and what it will be.

use std::fmt::Write as _;

use narae_yaml::Value;

use narae_cli::terminal::visible;

use super::value::{line_changes, spelled, window};
use super::{BOLD, DIM, GREEN, RED, YELLOW};
use crate::plan::{Action, FieldChange, FileChange, Plan};

/// Fields of a new file that are shown without `--full`.
const FIELDS_OF_A_NEW_FILE: usize = 8;
/// Characters of a field's path that are shown.
const PATH_WIDTH: usize = 64;
/// Lines of a changed text that are shown.
const LINES_OF_A_TEXT: usize = 12;

/// The plan, if there is anything to do.
pub(super) fn section(out: &mut String, plan: &Plan, full: bool) {
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
    let paths: Vec<String> = shown
        .iter()
        .map(|field| abridge(&visible(&field.path)))
        .collect();
    let width = paths.iter().map(|path| path.chars().count()).max();
    let width = width.unwrap_or(0);
    for (field, path) in shown.iter().zip(&paths) {
        let from = field
            .from
            .as_ref()
            .map_or_else(String::new, |from| format!("  {DIM}{from}{DIM:#}"));
        let mut lines = String::new();
        let change = change(field, &mut lines);
        let _ = writeln!(out, "      {path:width$}  {change}{from}");
        out.push_str(&lines);
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

/// The change on one line; of a text of several lines, what the line diff below it amounts to.
fn change(field: &FieldChange, below: &mut String) -> String {
    match (&field.old, &field.new) {
        (Some(Value::String(old)), Some(Value::String(new)))
            if old.contains('\n') || new.contains('\n') =>
        {
            text_change(below, old, new)
        }
        (Some(old), Some(new)) => {
            let (old, new) = (spelled(old), spelled(new));
            format!(
                "{RED}{}{RED:#} → {GREEN}{}{GREEN:#}",
                window(&old, &new),
                window(&new, &old)
            )
        }
        (None, Some(new)) => format!("{GREEN}{}{GREEN:#}", window(&spelled(new), "")),
        (Some(old), None) => format!(
            "{RED}{}{RED:#} → {DIM}gone{DIM:#}",
            window(&spelled(old), "")
        ),
        (None, None) => String::new(),
    }
}

fn text_change(below: &mut String, old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split('\n').collect(), new.split('\n').collect());
    let changes = line_changes(&old, &new);
    for change in changes.iter().take(LINES_OF_A_TEXT) {
        let (style, mark) = if change.goes {
            (RED, '-')
        } else {
            (GREEN, '+')
        };
        let _ = writeln!(below, "        {style}{mark} {}{style:#}", change.text());
    }
    let hidden = changes.len().saturating_sub(LINES_OF_A_TEXT);
    if hidden > 0 {
        let _ = writeln!(below, "        {DIM}… and {hidden} more lines{DIM:#}");
    }
    let goes = changes.iter().filter(|change| change.goes).count();
    let comes = changes.len() - goes;
    format!("{RED}-{goes}{RED:#} {GREEN}+{comes}{GREEN:#} lines")
}
