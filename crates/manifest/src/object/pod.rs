//! The Pod in an object: a Pod itself, or the template of a workload that makes Pods. Knows where
//! it stands and where image references stand in it; what an image reference may be is the business
//! of `narae-gitops`.

use narae_yaml::{Path, Value};

/// Where the Pod's `spec` stands in an object, for the kinds that Kubernetes has.
#[must_use]
pub fn pod_spec(object: &Value) -> Option<(Path, &Value)> {
    let keys: &[&str] = match object.get("kind").and_then(Value::as_str)? {
        "Pod" => &["spec"],
        "PodTemplate" => &["template", "spec"],
        "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        "DaemonSet"
        | "Deployment"
        | "Job"
        | "ReplicaSet"
        | "ReplicationController"
        | "StatefulSet" => &["spec", "template", "spec"],
        _ => return None,
    };
    let path: Path = keys.iter().copied().collect();
    let spec = object.at(&path)?;
    Some((path, spec))
}

/// The image references of an object's Pod, each with its place: those of containers of all three
/// kinds, and of image volumes.
#[must_use]
pub fn images(object: &Value) -> Vec<(Path, &str)> {
    const LISTS: &[(&str, &[&str])] = &[
        ("initContainers", &["image"]),
        ("containers", &["image"]),
        ("ephemeralContainers", &["image"]),
        ("volumes", &["image", "reference"]),
    ];
    let Some((path, spec)) = pod_spec(object) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (list, keys) in LISTS {
        let items = spec.get(list).and_then(Value::as_sequence).unwrap_or(&[]);
        for (index, item) in items.iter().enumerate() {
            let inner: Path = keys.iter().copied().collect();
            if let Some(image) = item.at(&inner).and_then(Value::as_str) {
                let mut place = path.child(*list).child(index);
                place.extend(inner.segments().iter().cloned());
                found.push((place, image));
            }
        }
    }
    found
}
