//! Readers of other languages, asked what they make of what we write, and of what we read.
//!
//! Go's is what Kubernetes has; PyYAML's is YAML 1.1. Where one is missing its tests say so, and fail
//! with `NARAE_REQUIRE_SERVERS=1`.

use std::process::Command;

use narae_testservers::{ask, go_program, skip};
use narae_yaml::Value;
use proptest::prop_oneof;
use proptest::strategy::{Strategy as _, ValueTree as _};

use crate::round_trip::value;
use crate::suite;

fn strings_of(value: &Value, strings: &mut Vec<String>) {
    match value {
        Value::String(text) => strings.push(text.clone()),
        Value::Sequence(items) => items.iter().for_each(|item| strings_of(item, strings)),
        Value::Mapping(mapping) => mapping.iter().for_each(|(key, value)| {
            strings.push(key.to_owned());
            strings_of(value, strings);
        }),
        _ => {}
    }
}

/// Asks another reader, a program that takes a JSON array of texts, what they mean.
fn answers(program: &mut Command, texts: &[String]) -> Vec<serde_json::Value> {
    let answers = ask(program, &serde_json::to_vec(texts).expect("strings"));
    serde_json::from_slice(&answers).expect("a JSON answer")
}

/// The program of `tests/oracle`, which asks sigs.k8s.io/yaml.
fn go() -> Option<Command> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle");
    go_program(folder, env!("CARGO_TARGET_TMPDIR"), "go-yaml")
}

/// What Go reads in each text: JSON, or nothing where it refuses.
fn go_reads(program: &mut Command, texts: &[String]) -> Vec<Option<Value>> {
    let answers = answers(program, texts);
    assert_eq!(answers.len(), texts.len());
    let value = |answer: serde_json::Value| {
        let json = answer.get("json")?.as_str()?;
        let is_read = answer.get("error")?.as_str()?.is_empty();
        is_read.then(|| serde_json::from_str(json).expect("JSON"))
    };
    answers.into_iter().map(value).collect()
}

/// A thousand values from a fixed seed, and what is written for each.
fn samples() -> (Vec<Value>, Vec<String>) {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = value();
    let values: Vec<Value> = (0..1000)
        .map(|_| strategy.new_tree(&mut runner).expect("a value").current())
        .collect();
    let texts = values.iter().map(narae_yaml::write).collect();
    (values, texts)
}

#[test]
fn a_yaml_1_1_reader_reads_the_same_strings() {
    const SCRIPT: &str = "
import json, sys, yaml
def read(text):
    strings = []
    def walk(node):
        if isinstance(node, str): strings.append(node)
        elif isinstance(node, list):
            for item in node: walk(item)
        elif isinstance(node, dict):
            for key, value in node.items(): walk(key); walk(value)
    walk(yaml.safe_load(text))
    return strings
json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
";
    let python = std::env::var_os("NARAE_PYTHON").unwrap_or_else(|| "python3".into());
    let installed = Command::new(&python)
        .args(["-c", "import yaml"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !installed {
        skip(
            "PyYAML in the Python of NARAE_PYTHON, or in python3",
            "what a YAML 1.1 reader reads of what is written",
        );
        return;
    }
    let (values, texts) = samples();
    let answers = answers(Command::new(python).args(["-c", SCRIPT]), &texts);
    assert_eq!(answers.len(), texts.len());
    for ((value, text), answer) in values.iter().zip(&texts).zip(&answers) {
        let mut strings = Vec::new();
        strings_of(value, &mut strings);
        assert_eq!(answer, &serde_json::json!(strings), "{text}");
    }
}

#[test]
fn go_reads_the_values_that_were_written() {
    let Some(mut go) = go() else { return };
    let (values, texts) = samples();
    for ((value, text), read) in values.iter().zip(&texts).zip(go_reads(&mut go, &texts)) {
        assert_eq!(read.as_ref(), Some(value), "{text}");
    }
}

#[test]
fn go_reads_every_literal_as_recorded() {
    let Some(mut go) = go() else { return };
    let rows = crate::literals::rows();
    let texts: Vec<String> = rows
        .iter()
        .map(|row| format!("v: {}\n", row.literal))
        .collect();
    let mut wrong = Vec::new();
    for (row, read) in rows.iter().zip(go_reads(&mut go, &texts)) {
        let read = read.and_then(|read| read.get("v").cloned());
        // The one line that differs from Go on purpose, as the table says.
        if read != row.kubernetes && row.literal != "!!binary gICA" {
            wrong.push(format!(
                "{}: {read:?}, recorded {:?}",
                row.literal, row.kubernetes
            ));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Shapes near those of numbers, words, dates and tags: whatever Go makes of them, we do.
#[test]
fn go_reads_random_literals_as_we_do() {
    let Some(mut go) = go() else { return };
    let digits = "[+-]?[0-9_]{1,5}[.]?[0-9_]{0,3}([eE][+-]?[0-9_]{0,3})?";
    let literal = prop_oneof![
        digits,
        "[+-]?0[xXoObB]?[0-9a-fA-F_]{0,6}[.]?[0-9]{0,2}",
        "[+-]?[.](inf|Inf|INF|nan|NaN|NAN|iNf|[0-9_]{0,4}([eE][0-9+-]{0,3})?)",
        "[yYnN]|[yY][eE][sS]|[nN][oO]|[oO][nN]|[oO][fF][fF]|[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[nN][uU][lL][lL]",
        "[0-9]{1,4}[-:][0-9]{1,2}([-:][0-9]{1,2})?([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2})?Z?)?",
        "(!!str|!!int|!!float|!!bool|!!null|!x) [0-9a-z.~]{1,4}",
        "[-+0-9_.eExob:,a-f]{1,8}",
        "[1-9][0-9]{17,20}",
    ];
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let texts: Vec<String> = (0..4000)
        .map(|_| literal.new_tree(&mut runner).expect("a literal").current())
        .flat_map(|literal| [format!("v: {literal}\n"), format!("{literal}: v\n")])
        .collect();
    let mut wrong = Vec::new();
    for (text, theirs) in texts.iter().zip(go_reads(&mut go, &texts)) {
        let ours = narae_yaml::read_one(text);
        // Where a tag does not fit its scalar we refuse what Go guesses at.
        let refused = ours.is_err() && text.contains("!!");
        if ours.as_ref().ok() != theirs.as_ref() && !refused {
            wrong.push(format!("{text:?}: {ours:?}, Go {theirs:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Block scalars of up to three lines, with and without a line break at the end of the source. A last
/// line of blanks without one is the documented difference (JEF9, L24T).
#[test]
fn go_reads_blocks_at_the_end_as_we_do() {
    let Some(mut go) = go() else { return };
    let lines = ["", " ", "  ", "   ", "  x", "   y z"];
    let mut bodies = vec![String::new()];
    let mut texts = Vec::new();
    for _ in 0..3 {
        bodies = bodies
            .iter()
            .flat_map(|body| lines.map(|line| format!("{body}\n{line}")))
            .collect();
        for header in ["|", "|-", "|+", ">", ">-", ">+", "|2", ">1+"] {
            let heads = ["v: ", "- "].map(|start| format!("{start}{header}"));
            texts.extend(heads.iter().flat_map(|head| {
                bodies
                    .iter()
                    .flat_map(move |body| ["", "\n"].map(|end| format!("{head}{body}{end}")))
            }));
        }
    }
    let mut wrong = Vec::new();
    for (text, theirs) in texts.iter().zip(go_reads(&mut go, &texts)) {
        let ours = narae_yaml::read_one(text).ok();
        if ours != theirs && !text.ends_with(' ') {
            wrong.push(format!("{text:?}: {ours:?}, Go {theirs:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}: {:#?}",
        wrong.len(),
        texts.len(),
        wrong.get(..30.min(wrong.len()))
    );
}

/// `go.txt` has every case of the suite in which Go and this crate part, and how.
#[test]
fn go_reads_the_suite_as_recorded() {
    let Some(mut go) = go() else { return };
    let cases = suite::cases();
    let texts: Vec<String> = cases.iter().map(|case| case.yaml.clone()).collect();
    let mut got = Vec::new();
    for (case, theirs) in cases.iter().zip(go_reads(&mut go, &texts)) {
        // Go reads the first document only.
        let ours = narae_yaml::read(&case.yaml).map(|values| values.into_iter().next());
        let how = match (ours, theirs) {
            (Err(_), None) => continue,
            (Ok(ours), Some(theirs)) if ours.clone().unwrap_or_default() == theirs => continue,
            (Ok(_), Some(_)) => "differs",
            (Ok(_), None) => "refused by Go",
            (Err(_), Some(_)) => "read by Go",
        };
        got.push(format!("{}\t{how}", case.id));
    }
    let recorded: Vec<&str> = include_str!("../data/yaml-test-suite/go.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert_eq!(got, recorded);
}
