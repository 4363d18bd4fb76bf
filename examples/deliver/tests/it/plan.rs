//! The plan shows what changes: two sides that differ never look the same.

use std::fmt::Write as _;
use std::fs;

use narae_yaml::{Mapping, Value};

use crate::sandbox::Sandbox;

/// A template of this test's own with one field, beside the shop's: of a kind without a schema, so
/// that the field may be of any type.
const TEMPLATE: &str = "\
apiVersion: example.org/v1
kind: Probe
metadata:
  name: probe
  namespace: {{namespace}}
  labels:
    {{> labels}}
data:
  probe: {{probe}}
";

/// Delivers `old` as the field's value and returns what a dry run says of making it `new`.
fn plan(old: impl Into<Value>, new: impl Into<Value>) -> String {
    let sandbox = Sandbox::new();
    let shop = sandbox.shop();
    fs::write(shop.join("templates/probe.yaml"), TEMPLATE).unwrap();
    let set = |probe: Value| {
        let mut values = Mapping::new();
        values.insert("probe".to_owned(), probe);
        let written = narae_yaml::write(&Value::Mapping(values));
        fs::write(shop.join("values/pairs/idc-dev.yaml"), written).unwrap();
    };
    set(old.into());
    sandbox.delivered(&["--app", "shop"]);
    set(new.into());
    let shown = sandbox.delivered(&["--app", "shop", "--dry-run"]);
    assert!(shown.contains("1 to change"), "{shown}");
    shown
}

/// The lines below the field, without their indentation.
fn difference(shown: &str) -> Vec<&str> {
    shown
        .lines()
        .skip_while(|line| !line.contains("data.probe"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(str::trim_start)
        .collect()
}

fn numbered(lines: usize, changed: &[(usize, &str)]) -> String {
    (0..lines).fold(String::new(), |mut text, line| {
        let word = changed.iter().find(|(at, _)| *at == line);
        let _ = writeln!(text, "{line}: {}", word.map_or("same", |(_, word)| word));
        text
    })
}

#[test]
fn a_text_of_several_lines_shows_the_lines_that_change() {
    let old = numbered(40, &[(3, "one"), (30, "two")]);
    let new = numbered(40, &[(3, "ONE"), (30, "TWO")]) + "\nmore \n";
    let shown = plan(old, new);
    assert!(
        shown.contains("data.probe  -2 +4 lines  shop/values/pairs/idc-dev.yaml:2:3"),
        "{shown}"
    );
    let expected = [
        "- 3: one",
        "+ 3: ONE",
        "- 30: two",
        "+ 30: TWO",
        "+ \"\"",
        "+ \"more \"",
    ];
    assert_eq!(difference(&shown), expected, "{shown}");
}

#[test]
fn a_line_break_at_the_end_is_a_difference() {
    assert_eq!(difference(&plan("a\nb", "a\nb\n")), ["+ \"\""]);
}

#[test]
fn a_text_that_changes_everywhere_is_not_shown_to_its_end() {
    let new = numbered(500, &[]).replace("same", "other");
    let shown = plan(numbered(500, &[]), new);
    assert!(shown.contains("-500 +500 lines"), "{shown}");
    let lines = difference(&shown);
    assert_eq!(lines.len(), 13, "{shown}");
    assert_eq!(lines[12], "… and 988 more lines");
}

#[test]
fn a_long_value_is_shown_where_it_differs() {
    let long = |middle: &str| format!("{}{middle}{}", "a".repeat(300), "z".repeat(300));
    let shown = plan(long("OLD"), long("NEW"));
    let lead = "a".repeat(24);
    assert!(shown.contains(&format!("…{lead}OLDz")), "{shown}");
    assert!(shown.contains(&format!("…{lead}NEWz")), "{shown}");
    assert!(
        shown.lines().all(|line| line.chars().count() < 250),
        "{shown}"
    );

    let shown = plan(
        format!("first\n{}", long("OLD")),
        format!("first\nadded\n{}", long("NEW")),
    );
    let lines = difference(&shown);
    assert_eq!(lines.len(), 3, "{shown}");
    assert!(lines[0].starts_with(&format!("- …{lead}OLDz")), "{shown}");
    assert_eq!(lines[1], "+ added");
    assert!(lines[2].starts_with(&format!("+ …{lead}NEWz")), "{shown}");
}

#[test]
fn a_string_is_told_from_what_it_looks_like() {
    for (old, new, expected) in [
        (Value::from("70"), Value::from(70), "\"70\" → 70 "),
        (Value::from("on"), Value::from("off"), "\"on\" → \"off\" "),
        (Value::from("yes"), Value::from(true), "\"yes\" → true "),
        (Value::from(""), Value::from("a b"), "\"\" → a b "),
        (Value::from("a"), Value::from("a "), "a → \"a \" "),
    ] {
        let shown = plan(old, new);
        assert!(shown.contains(expected), "{expected} is not in:\n{shown}");
    }
}

#[test]
fn values_cannot_act_on_the_terminal() {
    for (old, new, expected) in [
        ("a", "\u{1b}[2Jb", "a → \"\\u001b[2Jb\" "),
        ("ab", "a\u{202e}b", "ab → \"a\\u{202e}b\" "),
        (
            "a\nb\n",
            "a\n\u{1b}[31mb\u{9b}\r\n",
            "+ \"\\u001b[31mb\\u{9b}\\r\"",
        ),
    ] {
        let shown = plan(old, new);
        assert!(shown.contains(expected), "{expected} is not in:\n{shown}");
        let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!shown.contains(acts), "{shown:?}");
    }
}

#[test]
fn a_dry_run_without_a_change_says_that_there_is_nothing_to_do() {
    let sandbox = Sandbox::new();
    assert!(!sandbox.delivered(&["--dry-run"]).contains("Nothing to do"));
    sandbox.delivered(&[]);
    let shown = sandbox.delivered(&["--dry-run"]);
    assert!(
        shown.contains("Nothing to do: main of gitops.git holds all of it."),
        "{shown}"
    );
    assert!(shown.contains("Dry run: nothing was written"), "{shown}");
}

#[test]
fn a_place_that_sets_several_values_is_named_once() {
    let sandbox = Sandbox::new();
    sandbox.delivered(&[]);
    let image = "commerce/shop:9f2c1d7e4b8a60355c1e7a9d0b42f8e6a3d5c710";
    let shown = sandbox.delivered(&["--dry-run", "--image", image]);
    let line = shown
        .lines()
        .find(|line| line.contains("containers[0].image"));
    let line = line.unwrap_or_else(|| panic!("no image in:\n{shown}"));
    assert!(line.ends_with(", --image"), "{line}");
    assert_eq!(line.matches("--image").count(), 1, "{line}");
}
