//! The manifests of the `logship` example are what the schemas of Kubernetes allow.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../logship/deploy");

/// Checks what comes out of these values and settings, and gives each object by its kind.
fn checked(values: &[&str], set: &[&str]) -> BTreeMap<String, Value> {
    let templates = format!("{DEPLOY}/templates");
    let files: Vec<String> = values
        .iter()
        .map(|name| format!("{DEPLOY}/{name}"))
        .collect();
    let mut arguments = vec!["--templates", &templates, "--check", "-o", "json"];
    files.iter().for_each(|file| arguments.extend(["-f", file]));
    set.iter().for_each(|set| arguments.extend(["--set", set]));
    let run = Sandbox::new().render(&arguments);
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (Some(0), ""),
        "{}",
        run.stdout
    );
    let list: Value = serde_json::from_str(&run.stdout).unwrap();
    let items = list["items"].as_array().unwrap().iter();
    let kind = |item: &Value| item["kind"].as_str().unwrap().to_owned();
    items.map(|item| (kind(item), item.clone())).collect()
}

/// Whether the logs' reader is told to ask the API server.
fn asks(set: &Value) -> bool {
    let arguments = set["spec"]["template"]["spec"]["containers"][0]["args"].as_array();
    arguments.unwrap().contains(&json!("--kubernetes"))
}

#[test]
fn a_daemonset_reads_what_the_kubelet_writes() {
    let objects = checked(&["values.yaml"], &[]);
    let set = &objects["DaemonSet"];
    let container = &set["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["args"][0], "/var/log/pods/*/*/*.log*");
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz");
    assert_eq!(container["volumeMounts"][0]["readOnly"], true);
}

#[test]
fn a_daemonset_may_list_and_watch_pods_and_knows_its_node() {
    let objects = checked(&["values.yaml"], &[]);
    let set = &objects["DaemonSet"];
    let pod = &set["spec"]["template"]["spec"];
    assert!(asks(set) && pod["automountServiceAccountToken"] == true);
    let account = &objects["ServiceAccount"]["metadata"];
    assert_eq!(pod["serviceAccountName"], account["name"]);
    let environment = pod["containers"][0]["env"].as_array().unwrap();
    let node =
        json!({"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}});
    assert!(environment.contains(&node), "{environment:?}");
    let rules = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}]);
    assert_eq!(objects["ClusterRole"]["rules"], rules);
    let binding = &objects["ClusterRoleBinding"];
    assert_eq!(
        binding["roleRef"]["name"],
        objects["ClusterRole"]["metadata"]["name"]
    );
    let subject = &binding["subjects"][0];
    let of = [&account["name"], &account["namespace"]];
    assert_eq!([&subject["name"], &subject["namespace"]], of);

    // Who does not want that gives it no right.
    let objects = checked(&["values.yaml"], &["kubernetes=false"]);
    let kinds: Vec<&str> = objects.keys().map(String::as_str).collect();
    assert_eq!(kinds, ["DaemonSet", "ServiceAccount"]);
    let set = &objects["DaemonSet"];
    let pod = &set["spec"]["template"]["spec"];
    assert!(!asks(set) && pod["automountServiceAccountToken"] == false);
}

#[test]
fn a_sidecar_ends_after_its_application() {
    let objects = checked(&["values.yaml", "sidecar.yaml"], &[]);
    let kinds: Vec<&str> = objects.keys().map(String::as_str).collect();
    assert_eq!(kinds, ["Deployment"]);
    let deployment = &objects["Deployment"];
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["initContainers"][0]["restartPolicy"], "Always");
    assert_eq!(pod["initContainers"][0]["args"][0], "/var/log/shop/*.log*");
}
