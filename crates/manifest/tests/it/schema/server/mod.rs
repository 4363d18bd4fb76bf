//! The check against a real API server of the same version. Every object and every change of it is
//! sent to be created, in a dry run with strict validation; both must take it, or both refuse it
//! and name the same field. What only we refuse may be something that the server refuses when the
//! object is applied, such as two items of one key. `tests/data/server/README.md` says where the
//! objects come from.
#![expect(
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "JSON that lacks a field has null there; how many agreed is for people to see"
)]

mod cluster;
mod mutation;
mod tally;
mod verdict;

use std::fs;
use std::path::{Path, PathBuf};

use cluster::Cluster;
use mutation::mutations;
use narae_manifest::Schemas;
use narae_yaml::Value;
use tally::Tally;

/// The version that `.ci/servers` builds.
const VERSION: &str = "1.36";

#[test]
fn objects_are_judged_as_an_api_server_judges_them() {
    let Some(mut cluster) = Cluster::start("schemas against an API server: objects") else {
        return;
    };
    let schemas = Schemas::kubernetes(VERSION).unwrap();
    let mut tally = Tally::default();
    for (name, object) in files("objects").iter().flat_map(|file| documents(file)) {
        tally.compare(&name, &schemas, &mut cluster, &object, None);
        // Real ones are plain copies of a few; changing each of them shows nothing new.
        if name.starts_with("real") {
            continue;
        }
        for changed in mutations(&object) {
            let name = format!("{name}: {}", changed.name);
            tally.compare(&name, &schemas, &mut cluster, &changed.object, None);
        }
    }
    judge(&tally, 5000);
}

/// What people write for a field: misspelt quantities, numbers in quotes, ports of two protocols.
#[test]
fn fields_are_judged_as_an_api_server_judges_them() {
    let Some(mut cluster) = Cluster::start("schemas against an API server: fields") else {
        return;
    };
    let schemas = Schemas::kubernetes(VERSION).unwrap();
    let mut tally = Tally::default();
    let text = include_str!("../../../data/server/changes.yaml");
    let [object, changes] = narae_yaml::read(text).unwrap().try_into().unwrap();
    let changes = changes.as_sequence().unwrap().iter();
    for (path, value) in changes.flat_map(|change| change.as_mapping().unwrap().iter()) {
        let mut changed = object.clone();
        *changed.at_mut(&path.parse().unwrap()).unwrap() = value.clone();
        tally.compare(path, &schemas, &mut cluster, &changed, None);
    }
    judge(&tally, 50);
}

#[test]
fn custom_resources_are_judged_as_an_api_server_judges_them() {
    let Some(mut cluster) = Cluster::start("schemas against an API server: custom resources")
    else {
        return;
    };
    let mut schemas = Schemas::kubernetes(VERSION).unwrap();
    let mut tally = Tally::default();
    for file in files("definitions") {
        schemas
            .add_definitions(
                &file.display().to_string(),
                &fs::read_to_string(&file).unwrap(),
            )
            .unwrap();
        for (name, object) in documents(&file) {
            let kind = object.get("kind").and_then(Value::as_str);
            if kind == Some("CustomResourceDefinition") {
                tally.compare(&name, &schemas, &mut cluster, &object, None);
                cluster.define(&object);
                continue;
            }
            tally.compare(&name, &schemas, &mut cluster, &object, Some(UNDECIDED));
            // The others are about one thing each.
            if !name.ends_with(" full") {
                continue;
            }
            for changed in mutations(&object) {
                let name = format!("{name}: {}", changed.name);
                let object = &changed.object;
                tally.compare(&name, &schemas, &mut cluster, object, Some(UNDECIDED));
            }
        }
    }
    judge(&tally, 1000);
}

/// What is decided of custom resources by code, or by rules that [`Schemas::skipped`] names.
const UNDECIDED: &[(&str, &str)] = &[
    ("a valid label must be", "the form of labels"),
    (
        "may have mixed case, but should",
        "the form of an embedded kind",
    ),
    (
        "unexpected GroupVersion string",
        "the form of an embedded API version",
    ),
    (
        "factor MultipleOf declared",
        "a factor below one that it cuts to none",
    ),
    ("not old", "a rule about the object as it was"),
    (
        "ports are sorted",
        "a rule with a function that is not known here",
    ),
    (
        "after 2020",
        "a rule with a function that is not known here",
    ),
    (
        "below an hour",
        "a rule with a function that is not known here",
    ),
    (
        "https only",
        "a rule with a function that is not known here",
    ),
    (
        "below a gibi",
        "a rule with a function that is not known here",
    ),
    ("most is not below least", "a rule that compares durations"),
    ("from is before to", "a rule that compares times"),
    ("a and b", "a rule that compares sets"),
    ("IPv4", "a rule with a function that is not known here"),
    (
        "has 10.0.0.1",
        "a rule with a function that is not known here",
    ),
    (
        "Invalid value: \"A-1\": strings",
        "a rule with a function that is not known here",
    ),
    (
        "Invalid value: sum",
        "a rule with a function that is not known here",
    ),
];

fn judge(tally: &Tally, least: usize) {
    eprintln!("{tally}");
    assert!(
        tally.total() >= least,
        "the objects were not found: {tally}"
    );
    assert!(
        tally.wrong.is_empty(),
        "{} disagreements\n{tally}\n{}",
        tally.wrong.len(),
        tally.wrong.join("\n")
    );
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/server")
        .join(folder);
    let mut all: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    all.sort();
    all
}

/// The objects of a file, each called by its file, kind and name.
fn documents(file: &Path) -> Vec<(String, Value)> {
    let text = fs::read_to_string(file).unwrap();
    let documents =
        narae_yaml::read(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let name = |object: &Value| {
        let file = file.file_stem().unwrap().display();
        let kind = object
            .get("kind")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let name = object
            .get("metadata")
            .and_then(|metadata| metadata.get("name"));
        format!(
            "{file} {kind} {}",
            name.and_then(Value::as_str).unwrap_or_default()
        )
    };
    let objects = documents.into_iter().filter(|object| !object.is_null());
    objects.map(|object| (name(&object), object)).collect()
}
