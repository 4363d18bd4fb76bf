//! What differs between the versions of Kubernetes in the table, against the Go types of each: the
//! table is made from the API specification, this is read from the source of the types.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use narae_manifest::{Rule, Schemas};
use narae_testservers::{go_program, skip};

use crate::yaml;

const TABLE: &str = include_str!("../../../schemas/kubernetes.txt");

/// Versions by type and field.
type Fields<'t> = BTreeMap<(&'t str, &'t str), BTreeSet<String>>;

/// The fields of the table that not all versions have in which their type is, and all its types.
fn table() -> (Fields<'static>, BTreeSet<&'static str>) {
    let versions: Vec<&str> = Schemas::kubernetes_versions().collect();
    let (mut fields, mut types) = (Fields::new(), BTreeMap::new());
    let mut name = "";
    for line in TABLE.lines() {
        let (line, marked) = line.split_once(" @").unwrap_or((line, "1.33-"));
        if let Some(of) = line.strip_prefix("type ") {
            name = of;
        } else if let Some(field) = line.strip_prefix(' ') {
            let field = field.split([' ', '!']).next().unwrap();
            let here = versions.iter().filter(|version| {
                marked.split(',').any(|range| {
                    let (first, last) = range.split_once('-').unwrap();
                    first <= **version && (last.is_empty() || **version <= last)
                })
            });
            let here: BTreeSet<String> = here.map(ToString::to_string).collect();
            types
                .entry(name)
                .or_insert_with(BTreeSet::new)
                .extend(here.clone());
            fields
                .entry((name, field))
                .or_insert_with(BTreeSet::new)
                .extend(here);
        }
    }
    fields.retain(|(name, _), versions| types.get(name) != Some(versions));
    (fields, types.into_keys().collect())
}

fn compare(source: &str) {
    let (ours, types) = table();
    let lines = source.lines().filter(|line| !line.is_empty());
    let theirs: Fields<'_> = lines
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let [name, field, versions] = words.try_into().unwrap();
            (
                (name, field),
                versions.split(',').map(str::to_owned).collect(),
            )
        })
        .filter(|((name, _), _)| types.contains(name))
        .collect();
    assert!(theirs.len() > 40, "the fields were read");
    assert_eq!(ours, theirs);
}

#[test]
fn a_field_is_in_the_versions_whose_types_have_it() {
    compare(include_str!("../../data/field-versions.txt"));
}

#[test]
fn the_types_of_every_version_say_what_was_recorded() {
    let made = TABLE.lines().next().unwrap();
    let releases = made
        .rsplit_once("Kubernetes ")
        .unwrap()
        .1
        .split_once(" (")
        .unwrap()
        .0;
    let folder = |module: &str, release: &str| {
        let module = format!("k8s.io/{module}@v0.{}", release.strip_prefix("1.").unwrap());
        let output = Command::new("go")
            .args(["mod", "download", "-json", &module])
            .output()
            .ok()?;
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
        Some(found.get("Dir")?.as_str()?.to_owned())
    };
    let mut arguments = vec!["fields".to_owned()];
    for release in releases.split(", ") {
        let modules = [
            ("api", ""),
            ("apiextensions-apiserver", "/pkg/apis"),
            ("kube-aggregator", "/pkg/apis"),
        ];
        let folders: Option<Vec<String>> = modules
            .iter()
            .map(|(module, inside)| Some(folder(module, release)? + inside))
            .collect();
        let Some(folders) = folders else {
            return skip("Go modules of k8s.io", "the types of every version");
        };
        let version = release.rsplit_once('.').unwrap().0;
        arguments.push(format!("{version}={}", folders.join(",")));
    }
    let oracle = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle");
    let Some(mut oracle) = go_program(oracle, env!("CARGO_TARGET_TMPDIR"), "oracle-fields") else {
        return;
    };
    let output = oracle.args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, include_str!("../../data/field-versions.txt"));
    compare(&text);
}

#[test]
fn a_check_for_a_version_knows_the_fields_of_that_version() {
    let (fields, _) = table();
    let mut count = 0;
    for ((_, field), versions) in fields
        .iter()
        .filter(|((name, _), _)| *name == "core.v1.PodSpec")
    {
        let head = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a}]";
        let pod = yaml(&format!("{head}, {field}: {{}}}}\n"));
        for version in Schemas::kubernetes_versions() {
            let findings = Schemas::kubernetes(version).unwrap().check(&[&pod]);
            let unknown = findings.iter().find(|one| one.rule == Rule::UnknownField);
            assert_eq!(
                unknown.is_none(),
                versions.contains(version),
                "{field} in {version}"
            );
            if let Some(unknown) = unknown {
                let when = unknown.suggestion.as_deref().unwrap_or_default();
                assert!(
                    when.contains("Kubernetes 1."),
                    "{field} in {version}: {unknown}"
                );
            }
            count += 1;
        }
    }
    assert!(count >= 12, "{count}");
}
