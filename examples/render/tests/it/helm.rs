//! The same objects as the real Helm makes of a chart with the same content.

use std::process::Command;

use narae_testservers::{is_missing, program};
use serde::Deserialize as _;

use crate::platform;
use crate::sandbox::Sandbox;

/// Documents as two readers see them, in the order of kind and name.
fn documents(text: &str) -> [Vec<serde_json::Value>; 2] {
    let ours = narae_yaml::read(text).unwrap();
    let ours = ours
        .iter()
        .map(|value| serde_json::to_value(value).unwrap());
    let theirs = yaml_serde::Deserializer::from_str(text)
        .map(|document| serde_json::Value::deserialize(document).unwrap());
    [ours.collect(), theirs.collect()].map(|mut all: Vec<serde_json::Value>| {
        all.retain(|document| !document.is_null());
        all.sort_by_key(|document| {
            format!("{} {}", document["kind"], document["metadata"]["name"])
        });
        all
    })
}

#[test]
fn rendered_objects_are_those_of_helm() {
    if is_missing(&["helm"], "rendered objects against those of Helm") {
        return;
    }
    for applications in [4, 100] {
        let sandbox = Sandbox::with(&[("values.yaml", &platform::values(applications))]);
        let folder = platform::folder();
        let helm = Command::new(program("helm").unwrap())
            .args(["template", "platform", "-f", "values.yaml"])
            .arg(folder.join("chart"))
            .current_dir(sandbox.path("."))
            .env("HOME", sandbox.path("."))
            .output()
            .unwrap();
        assert!(
            helm.status.success(),
            "{}",
            String::from_utf8_lossy(&helm.stderr)
        );
        let templates = folder.join("templates").display().to_string();
        let run = sandbox.render(&["--templates", &templates, "-f", "values.yaml", "--check"]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        let (ours, theirs) = (
            documents(&run.stdout),
            documents(&String::from_utf8(helm.stdout).unwrap()),
        );
        assert_eq!(ours[0].len(), applications * 5);
        for (ours, theirs) in ours[0].iter().zip(&theirs[0]) {
            assert_eq!(ours, theirs);
        }
        // Each text means the same to a reader that is not Kubernetes'.
        assert!(
            ours[1] == theirs[1] && ours == theirs,
            "{applications} applications"
        );
    }
}
