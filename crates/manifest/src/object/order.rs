//! The order in which a set of objects can be applied.

use narae_yaml::Value;

use super::ObjectId;

/// Kinds that others need to exist before them, in the order Helm and kustomize install them; what
/// is not listed comes after [`UNLISTED`], except that admission webhooks come last: one that is
/// applied before the workload behind it refuses everything after it.
const ORDER: &[&str] = &[
    "Namespace",
    "ResourceQuota",
    "LimitRange",
    "StorageClass",
    "CustomResourceDefinition",
    "PriorityClass",
    "IngressClass",
    "GatewayClass",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "SealedSecret",
    "Secret",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "StatefulSet",
    "Job",
    "CronJob",
    "HorizontalPodAutoscaler",
];

/// Rank of kinds that are in no list: custom resources, routes, ingresses.
const UNLISTED: u8 = 200;

/// Admission control comes after everything it could refuse.
const LAST: &[&str] = &[
    "APIService",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Where a kind stands when a set of objects is applied: lower goes first.
///
/// Kinds of equal rank do not need one another.
#[must_use]
pub fn apply_rank(kind: &str) -> u8 {
    let place = |list: &[&str]| {
        list.iter()
            .position(|listed| *listed == kind)
            .and_then(|index| u8::try_from(index).ok())
    };
    match (place(ORDER), place(LAST)) {
        (Some(index), _) => index,
        (None, Some(index)) => UNLISTED.saturating_add(1).saturating_add(index),
        (None, None) => UNLISTED,
    }
}

/// Sorts objects into the order of [`apply_rank`], then by kind, namespace and name, so that the
/// same set always has the same order. What has no address keeps its place at the end.
pub fn sort_for_apply(objects: &mut [Value]) {
    objects.sort_by_cached_key(|object| match ObjectId::of(object) {
        Ok(id) => (
            false,
            apply_rank(&id.kind),
            id.kind,
            id.namespace,
            id.name,
            id.api_version,
        ),
        Err(_) => (
            true,
            u8::MAX,
            String::new(),
            None,
            String::new(),
            String::new(),
        ),
    });
}
