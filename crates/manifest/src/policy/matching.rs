//! Which objects a policy is for.
//!
//! A policy names resources by their plural, an object has a kind. The plural follows from the kind
//! by Kubernetes' own guess (`meta.UnsafeGuessKindToResource`): lower case, `y` after a consonant
//! becomes `ies`, `s`, `x`, `ch` and `sh` get `es`, everything else `s`. The API servers' resources
//! that do not follow it are listed.

use narae_yaml::Value;

use crate::object::ObjectId;

#[derive(Debug)]
pub(super) struct Applies {
    pub(super) versions: Versions,
    pub(super) rules: Vec<Rule>,
    /// All must hold of the object's labels.
    pub(super) requirements: Vec<Requirement>,
}

/// What the versions of a rule mean: `matchPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Versions {
    /// `Equivalent`: an object of another version of the group is matched as well. An API server
    /// would convert it; the versions of a group hold the same objects.
    Any,
    /// `Exact`.
    Listed,
}

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) groups: Vec<String>,
    pub(super) versions: Vec<String>,
    pub(super) operations: Vec<String>,
    pub(super) resources: Vec<String>,
    /// Empty: any name.
    pub(super) names: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Requirement {
    pub(super) key: String,
    pub(super) operator: Operator,
    pub(super) values: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl Applies {
    pub(super) fn matches(&self, id: &ObjectId, object: &Value) -> bool {
        let labels = object
            .get("metadata")
            .and_then(|metadata| metadata.get("labels"));
        let label = |key: &str| {
            labels
                .and_then(|labels| labels.get(key))
                .and_then(Value::as_str)
        };
        self.rules
            .iter()
            .any(|rule| rule.matches(id, self.versions))
            && self
                .requirements
                .iter()
                .all(|requirement| requirement.holds(label(&requirement.key)))
    }
}

impl Rule {
    fn matches(&self, id: &ObjectId, versions: Versions) -> bool {
        let plural = plural(&id.kind);
        let named = |list: &[String], name: &str| list.iter().any(|one| one == "*" || one == name);
        named(&self.groups, id.group())
            && (versions == Versions::Any || named(&self.versions, id.version()))
            // An object that is delivered is created or updated; which of them, only a cluster knows.
            && (named(&self.operations, "CREATE") || named(&self.operations, "UPDATE"))
            && self.resources.iter().any(|resource| covers(resource, &plural))
            && (self.names.is_empty() || self.names.contains(&id.name))
    }
}

impl Requirement {
    /// As Kubernetes has it: `NotIn` also holds of an object without the label.
    fn holds(&self, label: Option<&str>) -> bool {
        let listed = label.is_some_and(|label| self.values.iter().any(|value| value == label));
        match self.operator {
            Operator::In => listed,
            Operator::NotIn => !listed,
            Operator::Exists => label.is_some(),
            Operator::DoesNotExist => label.is_none(),
        }
    }
}

/// Whether a resource of a rule stands for objects of a plural themselves. As in the API server,
/// `deployments/*` does, and `deployments/scale` is for the subresource alone.
fn covers(resource: &str, plural: &str) -> bool {
    let (name, subresource) = resource.split_once('/').unwrap_or((resource, "*"));
    (name == "*" || name == plural) && subresource == "*"
}

/// Kinds that API servers have by themselves, and those of the Gateway API: what is most often
/// written in the singular by mistake.
const KINDS: &[&str] = &[
    "ClusterRole",
    "ClusterRoleBinding",
    "ConfigMap",
    "ControllerRevision",
    "CronJob",
    "CustomResourceDefinition",
    "DaemonSet",
    "Deployment",
    "EndpointSlice",
    "Endpoints",
    "Event",
    "GRPCRoute",
    "Gateway",
    "GatewayClass",
    "HTTPRoute",
    "HorizontalPodAutoscaler",
    "Ingress",
    "IngressClass",
    "Job",
    "Lease",
    "LimitRange",
    "Namespace",
    "NetworkPolicy",
    "Node",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Pod",
    "PodDisruptionBudget",
    "PriorityClass",
    "ReferenceGrant",
    "ReplicaSet",
    "ReplicationController",
    "ResourceQuota",
    "Role",
    "RoleBinding",
    "SealedSecret",
    "Secret",
    "Service",
    "ServiceAccount",
    "StatefulSet",
    "StorageClass",
];

/// The resource that was meant by a kind in lower case, `deployments` for `deployment`; none for
/// what is no kind of [`KINDS`], or is its own plural.
pub(super) fn plural_of(singular: &str) -> Option<String> {
    let kind = KINDS
        .iter()
        .find(|kind| kind.eq_ignore_ascii_case(singular))?;
    Some(plural(kind)).filter(|plural| plural != singular)
}

/// The resource name of a kind.
fn plural(kind: &str) -> String {
    /// Kinds whose plural is not what the rule makes of them.
    const IRREGULAR: &[(&str, &str)] = &[
        ("Endpoints", "endpoints"),
        ("NodeMetrics", "nodes"),
        ("PodMetrics", "pods"),
    ];
    if let Some((_, plural)) = IRREGULAR.iter().find(|(irregular, _)| *irregular == kind) {
        return (*plural).to_owned();
    }
    let mut plural = kind.to_lowercase();
    let vowel_before_y = plural
        .strip_suffix('y')
        .is_some_and(|stem| stem.ends_with(['a', 'e', 'i', 'o', 'u']));
    if ["s", "x", "ch", "sh"]
        .iter()
        .any(|end| plural.ends_with(end))
    {
        plural.push_str("es");
    } else if plural.ends_with('y') && !vowel_before_y {
        plural.pop();
        plural.push_str("ies");
    } else {
        plural.push('s');
    }
    plural
}

#[cfg(test)]
mod tests {
    use super::plural;

    #[test]
    fn kinds_have_the_plurals_that_api_servers_use() {
        for (kind, resource) in [
            ("Deployment", "deployments"),
            ("Ingress", "ingresses"),
            ("IngressClass", "ingressclasses"),
            ("NetworkPolicy", "networkpolicies"),
            ("Gateway", "gateways"),
            ("GatewayClass", "gatewayclasses"),
            ("HTTPRoute", "httproutes"),
            ("Endpoints", "endpoints"),
            ("EndpointSlice", "endpointslices"),
            ("StorageClass", "storageclasses"),
            ("PodDisruptionBudget", "poddisruptionbudgets"),
            ("HorizontalPodAutoscaler", "horizontalpodautoscalers"),
            ("ResourceQuota", "resourcequotas"),
            ("PriorityClass", "priorityclasses"),
        ] {
            assert_eq!(plural(kind), resource);
        }
    }
}
