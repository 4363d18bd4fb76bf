//! Quantities and versions against the Go libraries that Kubernetes and Helm have: the records in
//! `tests/data`, and live, with made-up ones, where Go is installed. `tests/oracle` answers both.

use std::fmt::Write as _;
use std::process::Command;

use narae_manifest::object::Quantity;
use narae_testservers::{ask, go_program};
use narae_yaml::Value;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

fn oracle(mode: &str) -> Option<Command> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle");
    let mut program = go_program(
        folder,
        env!("CARGO_TARGET_TMPDIR"),
        &format!("oracle-{mode}"),
    )?;
    program.arg(mode);
    Some(program)
}

/// Sends lines to the oracle and checks each of its answers.
fn live(mode: &str, questions: &[String], check: impl Fn(&str) -> Result<(), String>) {
    let Some(mut oracle) = oracle(mode) else {
        return;
    };
    let answers = ask(&mut oracle, (questions.join("\n") + "\n").as_bytes());
    let answers = String::from_utf8(answers).unwrap();
    assert_eq!(answers.lines().count(), questions.len());
    all(answers.lines(), check);
}

fn all<'l>(lines: impl Iterator<Item = &'l str>, check: impl Fn(&str) -> Result<(), String>) {
    let mut report = String::new();
    let mut count = 0;
    for wrong in lines
        .inspect(|_| count += 1)
        .filter_map(|line| check(line).err())
    {
        let _ = writeln!(report, "{wrong}");
    }
    assert!(count > 300, "the cases were not found");
    assert!(
        report.is_empty(),
        "{} of {count}:\n{report}",
        report.lines().count()
    );
}

fn samples(strategy: impl Strategy<Value = String>) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    (0..3_000)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect()
}

/// `text, canonical form, whole, thousandths`, or `text, refused`.
fn quantity(line: &str) -> Result<(), String> {
    /// Where we differ on purpose: what has no digit is no quantity, more than `MAX_WHOLE` is
    /// refused, and a thousand exa is not written `1`.
    const DIFFERENT: &[(&str, &str)] = &[
        ("999999999999E", "refused"),
        ("9223372036854775807T", "refused"),
        ("9223372036854775807P", "refused"),
        ("9223372036854775807E", "refused"),
        ("9223372036854775808T", "refused"),
        ("9223372036854775808P", "refused"),
        ("9223372036854775808E", "refused"),
        ("1000E", "1000E\t?\t?"),
        ("1000000P", "1000E\t?\t?"),
        ("1000000E", "1000000E\t?\t?"),
    ];
    let (text, expected) = line.split_once('\t').unwrap();
    let different = DIFFERENT.iter().find(|(known, _)| *known == text);
    let begins_with_number = |text: &str| {
        let digits = text.trim_start_matches(['+', '-', '.']);
        digits.starts_with(|c: char| c.is_ascii_digit())
    };
    let expected = match different {
        Some((_, expected)) => expected,
        None if !begins_with_number(text) => "refused",
        None => expected,
    };
    let amount = |amount: i128| match i64::try_from(amount) {
        Ok(amount) if (0..i64::MAX).contains(&amount) => amount.to_string(),
        _ => "?".to_owned(),
    };
    let found = match text.parse::<Quantity>() {
        Err(_) => "refused".to_owned(),
        Ok(read) => format!(
            "{read}\t{}\t{}",
            amount(read.whole()),
            amount(read.millis())
        ),
    };
    same(text, expected, &found)
}

/// `quantity, quantity, order, sum, difference`, through the helpers.
fn pair(line: &str) -> Result<(), String> {
    let columns: Vec<&str> = line.split('\t').collect();
    let [a, b, expected @ ..] = columns.as_slice() else {
        return Err(format!("not a pair: {line}"));
    };
    let found = ["Compare", "Add", "Sub"].map(|helper| {
        let template = format!("k: {{{{quantity{helper} '{a}' '{b}'}}}}");
        match super::rendered(&template, "{}").get("k") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            other => format!("{other:?}"),
        }
    });
    same(
        &format!("{a} and {b}"),
        &expected.join(" "),
        &found.join(" "),
    )
}

/// `version, constraint, answer`.
fn version(line: &str) -> Result<(), String> {
    let (question, expected) = line.rsplit_once('\t').unwrap();
    let (version, constraint) = question.split_once('\t').unwrap();
    let template = format!("k: {{{{semverCompare '{version}' '{constraint}'}}}}");
    let found = match super::render(&template, "{}").as_deref() {
        Ok([found]) => narae_yaml::write(found.get("k").unwrap()).trim().to_owned(),
        Ok(_) => "no document".to_owned(),
        Err(_) => "refused".to_owned(),
    };
    same(
        &format!("`{version}` against `{constraint}`"),
        expected,
        &found,
    )
}

fn same(what: &str, expected: &str, found: &str) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    Err(format!("{what}: expected {expected:?}, found {found:?}"))
}

#[test]
fn quantities_are_read_and_written_as_kubernetes_does() {
    all(include_str!("../data/quantities.txt").lines(), quantity);
    let amount = "[+-]?[0-9]{1,12}(\\.[0-9]{0,10})?([numkMGT]|[KMGTP]i|[eE][+-]?[0-9])?";
    live(
        "quantities",
        &samples(prop_oneof![4 => amount, 1 => "[0-9.+eEiKMmu -]{1,6}"].prop_map(String::from)),
        quantity,
    );
}

#[test]
fn quantities_compare_and_add_as_kubernetes_does() {
    all(include_str!("../data/quantity-pairs.txt").lines(), pair);
    let amount = "-?[0-9]{1,12}(\\.[0-9]{1,9})?([numkMGT]|[KMGT]i|e[0-6])?";
    let near = prop_oneof![
        "[0-9]{1,2}",
        "[0-9]{1,2}[kMG]",
        "[0-9]{1,2}[KMG]i",
        "[0-9]{1,5}m"
    ];
    let pair_of = prop_oneof![(amount, amount), (near.clone(), near)];
    live(
        "pairs",
        &samples(pair_of.prop_map(|(a, b)| format!("{a}\t{b}"))),
        pair,
    );
}

#[test]
fn versions_satisfy_constraints_as_for_helm() {
    all(include_str!("../data/versions.txt").lines(), version);
    let number = "[0-3]|1[01]";
    let pre = prop_oneof![3 => "", 1 => "-(alpha|beta|rc\\.[0-2]|0|1|01)"];
    let whole = (number, number, number, pre.clone(), "(\\+b1)?")
        .prop_map(|(a, b, c, pre, build)| format!("{a}.{b}.{c}{pre}{build}"));
    let part = prop_oneof!["[0-3](\\.[0-3xX*])?(\\.[0-3x*])?", "[xX*]"];
    let part = (part, pre).prop_map(|(part, pre)| part + &pre);
    let wanted = prop_oneof![whole.clone(), part.clone()];
    let version_of = prop_oneof![8 => whole, 1 => part];
    let comparison = ("(=|!=|<|<=|>|>=|=>|=<|~|~>|\\^|==|)", "v?", wanted)
        .prop_map(|(operator, v, wanted)| format!("{operator}{v}{wanted}"));
    let glue = prop::sample::select(vec![" ", ", ", ",", " || ", "||", " - ", " , "]);
    let constraint = (
        comparison.clone(),
        prop::collection::vec((glue, comparison), 0..3),
    )
        .prop_map(|(first, more)| {
            more.into_iter()
                .fold(first, |text, (glue, next)| text + glue + &next)
        });
    live(
        "versions",
        &samples((version_of, constraint).prop_map(|(a, b)| format!("{a}\t{b}"))),
        version,
    );
}
