//! API versions that went, against the guide that Kubernetes publishes.

use std::collections::BTreeSet;

use narae_manifest::{Finding, Rule, Schemas, lint};

use crate::yaml;

fn check(version: &str, api_version: &str, kind: &str) -> Option<Finding> {
    let schemas = Schemas::kubernetes(version).unwrap();
    let object = yaml(&format!(
        "apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\n"
    ));
    let is_old = |finding: &Finding| matches!(finding.rule, Rule::RemovedApi | Rule::DeprecatedApi);
    let mut findings = schemas.check(&[&object]);
    findings.extend(lint::check(&[&object], &schemas));
    findings.into_iter().find(is_old)
}

#[test]
fn what_was_removed_is_named_with_its_release_and_what_replaces_it() {
    let guide = include_str!("../../data/deprecation-guide.txt").lines();
    let mut count = 0;
    for line in guide.filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        let [release, api_version, kinds, replacement] = words.try_into().unwrap();
        for kind in kinds.split(',') {
            count += 1;
            let found = check("1.36", api_version, kind).unwrap();
            let said =
                format!("`{api_version}` of {kind} is not served since Kubernetes {release}");
            assert_eq!((found.rule, found.message), (Rule::RemovedApi, said));
            let expected = match replacement {
                "-" => None,
                replacement => Some(format!("use `{replacement}`")),
            };
            assert_eq!(found.suggestion, expected, "for {api_version} {kind}");
        }
    }
    assert!(count > 40, "the guide was read");
}

/// What is suggested is served, for every version and every old kind there is.
#[test]
fn what_is_suggested_is_served() {
    let table = include_str!("../../../schemas/kubernetes.txt").lines();
    let old: BTreeSet<(&str, &str)> = (table.filter_map(|line| line.strip_prefix("old ")))
        .filter_map(|line| {
            line.split_once(' ')
                .map(|(api, rest)| (api, rest.split(' ').next().unwrap()))
        })
        .collect();
    assert!(old.len() > 70, "the table was read");
    for version in Schemas::kubernetes_versions() {
        let schemas = Schemas::kubernetes(version).unwrap();
        for (api_version, kind) in &old {
            let suggestion = check(version, api_version, kind).and_then(|found| found.suggestion);
            let Some(suggestion) = suggestion else {
                continue;
            };
            let words: Vec<&str> = suggestion.split('`').collect();
            let (kind, api_version) = match words.as_slice() {
                ["use ", api_version, ""] => (*kind, api_version),
                [other, api_version, ""] => (
                    other.trim_start_matches("use ").trim_end_matches(" of "),
                    api_version,
                ),
                _ => panic!("not a suggestion: {suggestion}"),
            };
            assert!(
                schemas.scope(api_version, kind).is_some(),
                "{version}: {suggestion}"
            );
        }
    }
}

#[test]
fn a_beta_that_is_going_is_named_where_it_is_served() {
    let of = |version, api, kind| {
        check(version, api, kind).map(|found| (found.rule, found.message, found.suggestion))
    };
    let old = ("storage.k8s.io/v1beta1", "VolumeAttributesClass");
    assert_eq!(
        of("1.33", old.0, old.1),
        None,
        "its successor is not there yet"
    );
    let (rule, message, suggestion) = of("1.34", old.0, old.1).unwrap();
    assert_eq!(rule, Rule::DeprecatedApi);
    assert_eq!(
        message,
        "`storage.k8s.io/v1beta1` of VolumeAttributesClass is deprecated since Kubernetes 1.34 and not served from 1.37 on"
    );
    assert_eq!(suggestion.unwrap(), "use `storage.k8s.io/v1`");
    let (rule, ..) = of(
        "1.34",
        "admissionregistration.k8s.io/v1beta1",
        "ValidatingAdmissionPolicy",
    )
    .unwrap();
    assert_eq!(rule, Rule::RemovedApi);
}
