//! The manifests of the `logship` example are what the schemas of Kubernetes allow.

use crate::sandbox::Sandbox;

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../logship/deploy");

/// Checks what comes out of these values, and gives it.
fn checked(values: &[&str]) -> serde_json::Value {
    let templates = format!("{DEPLOY}/templates");
    let files: Vec<String> = values
        .iter()
        .map(|name| format!("{DEPLOY}/{name}"))
        .collect();
    let mut arguments = vec!["--templates", &templates, "--check", "-o", "json"];
    files.iter().for_each(|file| arguments.extend(["-f", file]));
    let run = Sandbox::new().render(&arguments);
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (Some(0), ""),
        "{}",
        run.stdout
    );
    let list: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    list["items"][0].clone()
}

#[test]
fn a_daemonset_reads_what_the_kubelet_writes() {
    let set = checked(&["values.yaml"]);
    assert_eq!(set["kind"], "DaemonSet");
    let container = &set["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["args"][0], "/var/log/pods/*/*/*.log*");
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz");
    assert_eq!(container["volumeMounts"][0]["readOnly"], true);
}

#[test]
fn a_sidecar_ends_after_its_application() {
    let deployment = checked(&["values.yaml", "sidecar.yaml"]);
    assert_eq!(deployment["kind"], "Deployment");
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["initContainers"][0]["restartPolicy"], "Always");
    assert_eq!(pod["initContainers"][0]["args"][0], "/var/log/shop/*.log*");
}
