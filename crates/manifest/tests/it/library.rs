//! Every row of the helpers' documentation is true.

use std::collections::BTreeSet;
use std::process::Command;

use narae_manifest::{ErrorKind, Layer, TemplateSet, Values, template::library};
use narae_testservers::{is_missing, program};
use narae_yaml::Value;

const VALUES: &str = "{image: {tag: v1}, ports: [80, 443], none: [null]}";

/// The table of calls as Helm has them.
const FROM_HELM: &str = "\n## From Helm\n";

fn cells(line: &str) -> Vec<String> {
    let line = line.replace("\\|", "\u{1}");
    let cells = line.trim_matches('|').split('|');
    cells
        .map(|cell| cell.trim().replace('\u{1}', "|"))
        .collect()
}

fn code(cell: &str) -> String {
    cell.trim_matches('`').to_owned()
}

struct Row {
    /// The first words of its usages.
    names: Vec<String>,
    example: String,
    result: String,
    error: String,
}

fn rows() -> Vec<Row> {
    let text = include_str!("../../src/template/library.md");
    let (text, _) = text.split_once(FROM_HELM).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("| `"));
    let row = |line: &str| {
        let cells = cells(line);
        let [usage, _, example, result, error] = cells.as_slice() else {
            panic!("not five cells: {line}");
        };
        let names = usage.split("`, `").map(|usage| {
            let usage = code(usage);
            usage.split(' ').next().unwrap_or_default().to_owned()
        });
        Row {
            names: names.collect(),
            example: code(example),
            result: code(result),
            error: code(error),
        }
    };
    lines.map(row).collect()
}

#[test]
fn every_helper_is_documented_and_every_example_is_true() {
    let mut failures = Vec::new();
    let mut documented = BTreeSet::new();
    for row in rows() {
        if !row.example.is_empty() {
            let expected = super::yaml(&row.result);
            let found = super::render(&format!("k: {{{{{}}}}}", row.example), VALUES);
            let found = found.map(|found| found[0].get("k").cloned());
            if !matches!(&found, Ok(Some(found)) if *found == expected) {
                failures.push(format!("{}: expected {expected:?}: {found:?}", row.example));
            }
        }
        if let Ok(found) = super::render(&format!("k: {{{{{}}}}}", row.error), VALUES) {
            failures.push(format!("{}: no error: {found:?}", row.error));
        }
        documented.extend(row.names);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let known: BTreeSet<String> = library::names().map(str::to_owned).collect();
    assert_eq!(documented, known);
    assert!(library::names().is_sorted(), "they are searched so");
}

#[test]
fn numbers_are_exact_or_refused() {
    for (example, expected) in [
        ("add 9007199254740993 0", "9007199254740993"),
        ("add 9223372036854775807 1", "9223372036854775808"),
        ("sub 9223372036854775808 1", "9223372036854775807"),
        ("max 9007199254740993 9007199254740992", "9007199254740993"),
        ("int '9007199254740993'", "9007199254740993"),
        ("int -1.9", "-1"),
        ("div -7 2", "-3"),
        ("mod -7 2", "-1"),
        ("div 7 2.0", "3"),
        ("div 7 2.5", "2.8"),
        ("divf 6 4", "1.5"),
        ("lt 9007199254740992 9007199254740993", "true"),
    ] {
        let found = super::rendered(&format!("k: {{{{{example}}}}}"), "{}");
        assert_eq!(found.get("k"), Some(&super::yaml(expected)), "{example}");
    }
    for example in [
        "add 18446744073709551615 1",
        "sub 0 9223372036854775808 1",
        "div -9223372036854775808 0",
        "int 1e30",
        "int 'inf'",
        "float 'nan'",
        "mul 1.0e308 10.0",
    ] {
        let found = super::render(&format!("k: {{{{{example}}}}}"), "{}");
        assert!(found.is_err(), "{example}: {found:?}");
    }
}

#[test]
fn a_program_adds_helpers() {
    let mut set = TemplateSet::new();
    let pick = |arguments: &[&Value]| match arguments {
        [Value::Mapping(map), keys @ ..] => {
            let keys = keys.iter().filter_map(|key| key.as_str());
            let found = keys.map(|key| match map.get(key) {
                Some(value) => Ok((key.to_owned(), value.clone())),
                None => Err(format!("finds no key `{key}`")),
            });
            let found: Result<Vec<_>, _> = found.collect();
            let mut picked = narae_yaml::Mapping::new();
            picked.extend(found?);
            Ok(Value::Mapping(picked))
        }
        _ => Err("takes a mapping".to_owned()),
    };
    set.add_helper("pick", 2..=9, pick).unwrap();
    for taken in ["pick", "trunc", "if x", ""] {
        let error = set.add_helper(taken, 0..=1, pick).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{taken}");
    }
    let template =
        "k: {{pick labels 'a' 'b'}}\n{{#each (pick labels 'a')}}\nl: {{this}}\n{{/each}}\n";
    set.add("t.yaml", template).unwrap();
    let layer = Layer::read("v.yaml", "labels: {a: 'yes', b: [1], c: 2}").unwrap();
    let values = Values::merge([layer]).unwrap();
    let objects = set.render(&values).unwrap().objects;
    assert_eq!(
        objects[0].value,
        super::yaml("{k: {a: 'yes', b: [1]}, l: 'yes'}")
    );
    // A value made by a helper belongs to what it was made of.
    let provenance = objects[0].provenance(&"k.a".parse().unwrap()).unwrap();
    assert_eq!(provenance.values[0].0.to_string(), "labels.a");

    for (template, expected) in [
        (
            "k: {{pick labels 'x'}}",
            "u.yaml:1:6: `pick` finds no key `x`",
        ),
        (
            "k: {{pick labels}}",
            "u.yaml:1:6: helper `pick` is used as `{{pick …}}` with 2 to 9 arguments, here with 1",
        ),
        (
            "k: {{pik labels 'a'}}",
            "u.yaml:1:6: there is no helper `pik`",
        ),
    ] {
        let mut set = set.clone();
        let error = match set.add("u.yaml", template) {
            Ok(()) => set.render(&values).unwrap_err(),
            Err(error) => error,
        };
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

/// Of each row of the table: Helm's call, ours, and what both give.
fn from_helm() -> Vec<[String; 3]> {
    let text = include_str!("../../src/template/library.md");
    let (_, table) = text.split_once(FROM_HELM).unwrap();
    let lines = table.lines().filter(|line| line.starts_with("| `"));
    let rows = lines.flat_map(|line| {
        let cells: Vec<Vec<String>> = (cells(line).iter())
            .map(|cell| cell.split("`, `").map(code).collect())
            .collect();
        let [helm, ours, gives] = cells.try_into().unwrap();
        (helm.into_iter().zip(ours).zip(gives)).map(|((helm, ours), gives)| [helm, ours, gives])
    });
    let rows: Vec<_> = rows.collect();
    assert!(rows.len() > 15, "the table was found");
    rows
}

#[test]
fn a_call_in_the_order_of_helm_is_an_error_that_shows_ours() {
    for [helm, ours, gives] in from_helm() {
        let found = super::rendered(&format!("k: {{{{{ours}}}}}"), VALUES);
        assert_eq!(found.get("k"), Some(&super::yaml(&gives)), "{ours}");
        let literal = helm.replace(".Values.", "");
        let error = super::render(&format!("k: {{{{{literal}}}}}"), VALUES);
        let Err(error) = error else {
            assert_eq!(literal, ours, "it means something else here");
            continue;
        };
        // A helper that is not there at all has advice of its own.
        if error.kind() != ErrorKind::UnknownName {
            assert_eq!(
                error.notes().last(),
                Some(&format!("did you mean `{ours}`")),
                "{error}"
            );
        }
    }
    // Told only when the values are there.
    let error = super::render("k: {{trunc (len ports) image.tag}}", VALUES).unwrap_err();
    assert_eq!(
        error.notes().last().unwrap(),
        "did you mean `trunc image.tag (len ports)`"
    );
    // What could be meant as it stands is.
    assert_eq!(
        super::rendered("k: {{repeat '=' ports.[0]}}", VALUES)
            .get("k")
            .unwrap()
            .as_str()
            .unwrap()
            .len(),
        80
    );
    assert_eq!(
        super::rendered("k: {{contains (concat 'v1,v2') image.tag}}", VALUES).get("k"),
        Some(&Value::Bool(true))
    );
}

#[test]
fn helm_gives_what_the_table_says() {
    if is_missing(&["helm"], "the table of Helm's calls") {
        return;
    }
    let chart = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(chart.path().join(name), text).unwrap();
    std::fs::create_dir(chart.path().join("templates")).unwrap();
    write(
        "Chart.yaml",
        "apiVersion: v2\nname: calls\nversion: 0.1.0\n",
    );
    write("values.yaml", VALUES);
    let rows = from_helm();
    let lines = rows
        .iter()
        .map(|[helm, ..]| format!("- {{{{ toJson ({helm}) }}}}\n"));
    let calls = format!("calls:\n{}", lines.collect::<String>());
    write("templates/calls.yaml", &calls);
    let output = Command::new(program("helm").unwrap())
        .args(["template", "calls"])
        .arg(chart.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let found = super::yaml(&String::from_utf8(output.stdout).unwrap());
    let expected = rows.iter().map(|[.., gives]| super::yaml(gives)).collect();
    assert_eq!(found.get("calls"), Some(&Value::Sequence(expected)));
}
