//! Tags that some YAML reader takes for something other than a text: `tests/data/tags.txt`, through every kind of edit.
//!
//! A tag of seven hexadecimal digits is a number one time in eighteen. What is written has to be that text to whoever reads it:
//! readers of YAML 1.1 and 1.2, Go's (Kubernetes), Python's, libyaml's.

use std::process::Command;

use narae_gitops::edit::{self, Image, Setting};
use narae_testservers::{ask, go_program, skip};
use narae_yaml::{Reader, Schema, Value};
use serde_json::Value as Json;

/// A line of the table.
struct Tag {
    text: &'static str,
    needs: Needs,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Needs {
    /// Every reader takes it for a text.
    Nothing,
    /// A reader that is asked here takes it for something else.
    Quotes,
    /// A reader might, by its specification or by its shape.
    Caution,
}

fn tags() -> Vec<Tag> {
    let lines = include_str!("../data/tags.txt").lines();
    let tags: Vec<Tag> = lines
        .filter(|line| !line.starts_with("# "))
        .map(|line| {
            let (text, needs) = line.split_once('\t').unwrap();
            let needs = match needs {
                "plain" => Needs::Nothing,
                "quoted" => Needs::Quotes,
                "cautious" => Needs::Caution,
                other => panic!("{text}: {other}"),
            };
            Tag { text, needs }
        })
        .collect();
    assert!(tags.len() > 150, "only {}", tags.len());
    tags
}

/// A selector, a file with `OLD` in the place of the tag, and how a tag stands there: plain, in single or in double quotes.
/// What is not there yet is named by where it should come.
const EDITS: [(&str, &str, char); 21] = [
    ("value:v", "v: OLD # c\n", 'p'),
    ("value:v", "v: 'OLD'\n", 's'),
    ("value:v", "w: 1\nv: \"OLD\"  # c\n", 'd'),
    ("value:v", "v: 1.20\n", 'p'),
    ("value:v", "v: true # c\n", 'p'),
    ("value:v", "v: # c\n", 'p'),
    ("value:v[1]", "v: [a, OLD, b]\n", 'p'),
    ("value:#1:v", "--- 1\n--- {v: OLD, w: x}\n", 'p'),
    ("value:v", "{v: 'OLD'}\n", 's'),
    ("tag:v", "v: OLD\n", 'p'),
    ("tag:v", "v: \"OLD\"\n", 'd'),
    (
        "marker:n:p",
        "v: OLD # {\"$imagepolicy\": \"n:p:tag\"}\n",
        'p',
    ),
    (
        "marker:n:p",
        "v: [\n  'OLD', # {\"$imagepolicy\": \"n:p:tag\"}\n]\n",
        's',
    ),
    (
        "kustomize:web",
        "images:\n- name: web\n  newTag: OLD\n",
        'p',
    ),
    (
        "kustomize:web",
        "images:\n- {name: web, newTag: \"OLD\"}\n",
        'd',
    ),
    ("kustomize:web", "images:\n- name: web\nlast: 1\n", 'p'),
    ("kustomize:web", "images: [{name: web}]\n", 'p'),
    ("helm:v", "v:\n  repository: web\n  tag: OLD\n", 'p'),
    ("helm:v", "v: {repository: web, tag: 'OLD'}\n", 's'),
    ("helm:v", "v:\n  repository: web\n", 'p'),
    ("helm:v", "v:\n  tag:\n", 'p'),
];

/// Every edit of the table with what came of it.
fn edited(tag: &Tag) -> impl Iterator<Item = (String, &'static str, char)> {
    EDITS.iter().map(|(selector, source, style)| {
        let selector: edit::Selector = selector.parse().unwrap();
        let setting = match selector.is_image() {
            true => {
                let mut image = Image::default();
                image.tag = Some(tag.text.to_owned());
                Setting::Image(image)
            }
            false => Setting::Value(tag.text.into()),
        };
        let edited = edit::set(&source.replace("OLD", "3f2a9c1"), &selector, &setting);
        let edited = edited.unwrap_or_else(|error| panic!("{}: {error}: {source}", tag.text));
        (edited.text, *source, *style)
    })
}

#[test]
fn every_kind_of_edit_quotes_what_has_to_be_quoted_and_nothing_else() {
    let mut wrong = std::collections::BTreeSet::new();
    for tag in tags() {
        let text = tag.text;
        for (edited, source, style) in edited(&tag) {
            let spelt = match (style, tag.needs) {
                ('s', _) => format!("'{text}'"),
                ('p', Needs::Nothing) => text.to_owned(),
                _ => format!("\"{text}\""),
            };
            if source.contains("OLD") {
                let quoted = ["'OLD'", "\"OLD\"", "OLD"];
                let old = quoted.iter().find(|old| source.contains(**old)).unwrap();
                if edited != source.replacen(old, &spelt, 1) {
                    wrong.insert(format!("{text}: {:?}: {edited}", tag.needs));
                }
            } else if !edited.contains(&format!(": {spelt}")) {
                wrong.insert(format!("{text}: {:?}: {edited}", tag.needs));
            }
            for schema in [Schema::Kubernetes, Schema::Core] {
                let read = Reader::new().with_schema(schema).read(&edited).unwrap();
                let read: Vec<_> = read
                    .into_iter()
                    .map(narae_yaml::Document::into_value)
                    .collect();
                let read = read
                    .iter()
                    .any(|value| has_text(&serde_json::to_value(value).unwrap(), text));
                assert!(read, "{text}: {schema:?}: {edited}");
            }
            assert!(
                libyaml_reads(&edited)
                    .iter()
                    .any(|value| has_text(value, text)),
                "{text}: {edited}"
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_reader_takes_what_is_written_for_the_text_that_was_meant() {
    let tags = tags();
    let all: Vec<(&Tag, String)> = tags
        .iter()
        .flat_map(|tag| edited(tag).map(move |(edited, ..)| (tag, edited)))
        .filter(|(_, edited)| !edited.starts_with("---"))
        .collect();
    let texts: Vec<&str> = all.iter().map(|(_, edited)| edited.as_str()).collect();
    for (reader, read) in others(&texts) {
        for ((tag, edited), read) in all.iter().zip(read) {
            assert!(
                has_text(&read, tag.text),
                "{}: {reader}: {read}: {edited}",
                tag.text
            );
        }
    }
}

/// The table says why there are quotes: without them a reader takes the tag for something else, or none of these does.
#[test]
fn quotes_are_there_for_a_reader() {
    let tags = tags();
    let texts: Vec<String> = tags
        .iter()
        .map(|tag| format!("v: {}\n", tag.text))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut mistaken: Vec<Vec<&str>> = vec![Vec::new(); tags.len()];
    let ours = |schema: Schema| {
        let read = move |text: &&str| {
            let document = Reader::new().with_schema(schema).read_one(text).ok();
            document.map_or(Json::Null, |document| {
                serde_json::to_value(document.to_value()).unwrap()
            })
        };
        texts.iter().map(read).collect::<Vec<Json>>()
    };
    let libyaml = texts
        .iter()
        .map(|text| libyaml_reads(text).pop().unwrap_or_default());
    let mut answers = vec![
        ("Kubernetes", ours(Schema::Kubernetes)),
        ("YAML 1.2", ours(Schema::Core)),
        ("libyaml", libyaml.collect()),
    ];
    let others = others(&texts);
    let all_asked = others.len() == 3;
    answers.extend(others);
    for (reader, read) in answers {
        for ((tag, read), mistaken) in tags.iter().zip(read).zip(&mut mistaken) {
            if !has_text(&read, tag.text) {
                mistaken.push(reader);
            }
        }
    }
    let mut wrong = Vec::new();
    for (tag, mistaken) in tags.iter().zip(&mistaken) {
        let is_right = match tag.needs {
            Needs::Quotes => !mistaken.is_empty() || !all_asked,
            Needs::Nothing | Needs::Caution => mistaken.is_empty(),
        };
        if !is_right {
            wrong.push(format!(
                "{}: {:?}, mistaken by {mistaken:?}",
                tag.text, tag.needs
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn has_text(value: &Json, wanted: &str) -> bool {
    match value {
        Json::String(text) => text == wanted,
        Json::Array(items) => items.iter().any(|item| has_text(item, wanted)),
        Json::Object(entries) => entries.values().any(|value| has_text(value, wanted)),
        _ => false,
    }
}

fn libyaml_reads(text: &str) -> Vec<Json> {
    use serde::Deserialize as _;
    let documents = serde_yaml::Deserializer::from_str(text);
    let read = documents.map(|document| {
        let value = serde_yaml::Value::deserialize(document).ok()?;
        serde_json::to_value(value).ok()
    });
    // After an error it would say the same for ever.
    read.collect::<Option<_>>().unwrap_or_default()
}

/// What readers of other languages make of texts; those that are not there are named as skipped.
fn others(texts: &[&str]) -> Vec<(&'static str, Vec<Json>)> {
    const SCRIPT: &str = "
import json, sys, yaml
def texts(value):
    if isinstance(value, list): return [texts(item) for item in value]
    if isinstance(value, dict): return {str(key): texts(item) for key, item in value.items()}
    return value if isinstance(value, str) else None
def read(text):
    try: return texts(yaml.safe_load(text))
    except (yaml.YAMLError, ValueError): return None
json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
";
    let question = serde_json::to_vec(texts).unwrap();
    let answer = |program: &mut Command| -> Vec<Json> {
        let answers = serde_json::from_slice::<Vec<Json>>(&ask(program, &question)).unwrap();
        assert_eq!(answers.len(), texts.len());
        answers
    };
    let mut all = Vec::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../yaml/tests/oracle");
    if let Some(mut go) = go_program(folder, env!("CARGO_TARGET_TMPDIR"), "go-yaml") {
        let parsed = |answer: &Json, field: &str| {
            let json = answer.get(field).and_then(Json::as_str).unwrap_or_default();
            serde_json::from_str(json).unwrap_or_default()
        };
        let answers = answer(&mut go);
        let of = |field: &str| answers.iter().map(|answer| parsed(answer, field)).collect();
        all.push(("Go's yaml.v2", of("json")));
        all.push(("Go's yaml.v3", of("v3")));
    }
    let python = std::env::var_os("NARAE_PYTHON").unwrap_or_else(|| "python3".into());
    let has_yaml = Command::new(&python).args(["-c", "import yaml"]).output();
    match has_yaml.is_ok_and(|output| output.status.success()) {
        true => all.push(("PyYAML", answer(Command::new(python).args(["-c", SCRIPT])))),
        false => skip(
            "PyYAML in the Python of NARAE_PYTHON, or in python3",
            "what it makes of tags",
        ),
    }
    all
}

#[test]
fn a_number_that_is_meant_stays_one() {
    let set = |source: &str| {
        let edited = edit::set(
            source,
            &"value:v".parse().unwrap(),
            &Setting::Value(Value::from(12)),
        );
        edited.unwrap().text
    };
    assert_eq!(set("v: 3 # c\n"), "v: 12 # c\n");
    assert_eq!(set("v: '3'\n"), "v: 12\n");
}
