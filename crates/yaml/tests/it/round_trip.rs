//! What is written reads back the same: here, in a YAML 1.2 reader, in a YAML 1.1 reader, in Go's.

use std::io::Write as _;
use std::process::{Command, Stdio};

use narae_yaml::{Mapping, Number, Path, Reader, Schema, Segment, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

/// Strings that some reader takes for something else, or whose writing some reader gets wrong.
fn nasty() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a",
        "b",
        "0",
        "1",
        "_",
        "-",
        "+",
        ".",
        ":",
        " ",
        "  ",
        "\n",
        "\n\n",
        "\t",
        "#",
        " #",
        ": ",
        "- ",
        "? ",
        "'",
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&",
        "*",
        "!",
        "|",
        ">",
        "%",
        "@",
        "`",
        "=",
        "<<",
        "~",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "true",
        "null",
        "0x",
        "0o",
        "0b",
        "e",
        "E",
        "e+",
        ".inf",
        ".nan",
        "---",
        "...",
        "{{",
        "}}",
        "\r",
        "\r\n",
        "\u{0}",
        "\u{7}",
        "\u{1b}",
        "\u{7f}",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{2029}",
        "\u{feff}",
        "\u{fffe}",
        "\u{3000}",
        "é",
        "한",
        "😀",
        "\u{10ffff}",
        "2001-01-01",
        "12:30",
        "1_000",
        "\u{200b}",
    ]);
    prop::collection::vec(pieces, 0..6).prop_map(|pieces| pieces.concat())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => nasty(), 1 => any::<String>(), 1 => "[a-z]{1,12}"]
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        any::<f64>()
            .prop_filter("finite", |x| x.is_finite())
            .prop_map(Number::from),
        (-1000..1000i32).prop_map(|n| Number::from(f64::from(n) / 8.0)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        2 => number().prop_map(Value::from),
        6 => text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Sequence),
            prop::collection::vec((text(), inner), 0..6)
                .prop_map(|entries| Value::Mapping(entries.into_iter().collect::<Mapping>())),
        ]
    })
}

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
fn ask(program: &mut Command, texts: &[String]) -> Vec<serde_json::Value> {
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program to start");
    let input = serde_json::to_vec(texts).expect("strings");
    let mut stdin = child.stdin.take().expect("its input");
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("its answer");
    writer
        .join()
        .expect("the writer")
        .expect("its input to be read");
    assert!(output.status.success(), "{program:?} failed");
    serde_json::from_slice(&output.stdout).expect("a JSON answer")
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_value_reads_back(value in value()) {
        let written = narae_yaml::write(&value);
        let read = narae_yaml::read_one(&written);
        prop_assert_eq!(read.as_ref(), Ok(&value), "{}", written);
        let core = Reader::new().with_schema(Schema::Core).read_one(&written).map(|d| d.into_value());
        prop_assert_eq!(core.as_ref(), Ok(&value), "{}", written);
        prop_assert_eq!(narae_yaml::write(&value), written);
    }

    #[test]
    fn a_stream_reads_back(values in prop::collection::vec(value(), 0..5)) {
        let written = narae_yaml::write_all(&values);
        let read = narae_yaml::read(&written);
        prop_assert_eq!(read.as_ref(), Ok(&values), "{}", written);
    }

    #[test]
    fn a_yaml_1_2_reader_reads_the_same_strings(text in text()) {
        let value = Value::from(Mapping::from([(text.clone(), Value::from(vec![text.clone()])), (format!("{text}!"), text.clone().into())]));
        let written = narae_yaml::write(&value);
        let theirs: serde_json::Value = yaml_serde::from_str(&written).map_err(|e| TestCaseError::fail(format!("{e}\n{written}")))?;
        prop_assert_eq!(theirs, serde_json::to_value(&value).unwrap(), "{}", written);
    }

    #[test]
    fn json_and_back(value in value()) {
        let json = serde_json::to_string(&value).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Value>(&json).unwrap(), &value);
        // JSON in ASCII is YAML, too: every reader of Kubernetes' relies on it.
        prop_assert_eq!(&narae_yaml::to_value(&value).unwrap(), &value);
        prop_assert_eq!(&narae_yaml::from_value::<Value>(value.clone()).unwrap(), &value);
    }

    #[test]
    fn a_path_reads_back(segments in prop::collection::vec(prop_oneof![text().prop_map(Segment::Key), any::<usize>().prop_map(Segment::Index)], 0..6)) {
        let path: Path = segments.into_iter().collect();
        prop_assert_eq!(path.to_string().parse::<Path>(), Ok(path));
    }

    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![text(), any::<String>(), prop::collection::vec(text(), 0..20).prop_map(|t| t.join("\n"))]) {
        // With places or without, the reading is one.
        let places = Reader::new().read(&text);
        let values = places.map(|documents| documents.into_iter().map(narae_yaml::Document::into_value).collect());
        prop_assert_eq!(&narae_yaml::read(&text), &values);
        let _ = text.parse::<Path>();
    }
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
    let installed = Command::new("python3")
        .args(["-c", "import yaml"])
        .output()
        .is_ok_and(|o| o.status.success());
    if !installed {
        eprintln!("skipped PyYAML: python3 with the module `yaml` is not installed");
        return;
    }
    let (values, texts) = samples();
    let answers = ask(Command::new("python3").args(["-c", SCRIPT]), &texts);
    for ((value, text), answer) in values.iter().zip(&texts).zip(&answers) {
        let mut strings = Vec::new();
        strings_of(value, &mut strings);
        assert_eq!(answer, &serde_json::json!(strings), "{text}");
    }
}

#[test]
fn go_reads_the_same_values() {
    let Some(program) = std::env::var_os("NARAE_GO_YAML") else {
        eprintln!(
            "skipped sigs.k8s.io/yaml: NARAE_GO_YAML does not name the program of tests/oracle"
        );
        return;
    };
    let (values, texts) = samples();
    let answers = ask(&mut Command::new(program), &texts);
    for ((value, text), answer) in values.iter().zip(&texts).zip(&answers) {
        assert_eq!(answer["error"], "", "{text}");
        let read: Value = serde_json::from_str(answer["json"].as_str().unwrap()).unwrap();
        assert_eq!(&read, value, "{text}");
    }
}
