//! An Argo CD `Application`, as far as it is looked at (`pkg/apis/application/v1alpha1/types.go`). Unknown fields
//! are passed over, missing ones are empty: Argo CD leaves out what it has nothing to say about.

use std::fmt;

use serde::{Deserialize, Deserializer};

use crate::handover::error::shown;
use crate::handover::{Address, Error, ErrorKind};

/// Most objects whose words are repeated.
const MAX_SAID: usize = 5;

/// Which application: its name, and where Argo CD keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationName {
    name: String,
    namespace: Option<String>,
    project: Option<String>,
}

impl ApplicationName {
    /// An application in Argo CD's own namespace.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] when it is not a name of Kubernetes.
    pub fn new(name: &str) -> Result<Self, Error> {
        Ok(Self {
            name: checked("application", name)?,
            namespace: None,
            project: None,
        })
    }

    /// An application in another namespace.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`].
    pub fn in_namespace(self, namespace: &str) -> Result<Self, Error> {
        Ok(Self {
            namespace: Some(checked("namespace", namespace)?),
            ..self
        })
    }

    /// Its project. With it, Argo CD says of an application that does not exist that it does not; without, that
    /// one may not see it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`].
    pub fn of_project(self, project: &str) -> Result<Self, Error> {
        Ok(Self {
            project: Some(checked("project", project)?),
            ..self
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    pub(super) fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    pub(super) fn path(&self) -> String {
        format!("/api/v1/applications/{}", Address::escape(&self.name))
    }

    /// The rest of what names it, as a query that begins with `first`; empty when there is none.
    pub(super) fn query(&self, first: &str) -> String {
        let mut query = String::new();
        let fields = [
            ("appNamespace", &self.namespace),
            ("project", &self.project),
        ];
        for (field, value) in fields {
            if let Some(value) = value {
                let and = if query.is_empty() { first } else { "&" };
                query.push_str(&format!("{and}{field}={}", Address::escape(value)));
            }
        }
        query
    }
}

impl fmt::Display for ApplicationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

fn checked(what: &str, name: &str) -> Result<String, Error> {
    let is_name = (1..=253).contains(&name.len())
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
        })
        && name.starts_with(|first: char| first.is_ascii_alphanumeric());
    if is_name {
        return Ok(name.to_owned());
    }
    let message = format!("`{}` is not the name of an {what}", shown(name));
    Err(Error::new(ErrorKind::Invalid, message).hint("lower-case letters, digits, `-` and `.`"))
}

/// What Argo CD knows of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
#[non_exhaustive]
pub struct Application {
    /// Whether an operation is asked for that has not begun.
    pub is_requested: bool,
    /// What it compared the cluster with.
    pub sync: Sync,
    /// How its objects are.
    pub health: Health,
    /// The operation that runs, or the last one.
    pub operation: Option<OperationState>,
    /// What is wrong with it.
    pub conditions: Vec<Condition>,
}

/// Whether the cluster is as the repository says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Sync {
    /// `Synced`, `OutOfSync` or `Unknown`.
    pub status: String,
    /// The commit it was compared with; empty with several sources.
    pub revision: String,
    /// With several sources, one for each.
    #[serde(deserialize_with = "or_empty")]
    pub revisions: Vec<String>,
}

/// How something is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Health {
    /// `Healthy`, `Progressing`, `Degraded`, `Suspended`, `Missing` or `Unknown`.
    pub status: String,
    /// Why.
    pub message: String,
}

/// A sync, under way or over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct OperationState {
    /// `Running`, `Terminating`, `Failed`, `Error` or `Succeeded`.
    pub phase: String,
    /// How it goes, or went.
    pub message: String,
    /// What it applied; absent when it failed before that.
    pub sync_result: Option<SyncResult>,
    #[serde(rename = "operation")]
    asked: Asked,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Asked {
    sync: Sync,
}

/// What a sync applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SyncResult {
    /// The commit.
    pub revision: String,
    /// With several sources, one for each.
    #[serde(deserialize_with = "or_empty")]
    pub revisions: Vec<String>,
    /// What became of each object.
    #[serde(deserialize_with = "or_empty")]
    pub resources: Vec<Resource>,
}

/// What became of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Resource {
    /// `Deployment`.
    pub kind: String,
    /// Empty for those of the whole cluster.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `Synced`, `SyncFailed`, `Pruned`, `PruneSkipped`.
    pub status: String,
    /// Of a hook: `Failed`, `Error`, `Succeeded`, …
    pub hook_phase: String,
    /// Why.
    pub message: String,
    /// How it is, where that is known.
    pub health: Option<Health>,
}

/// Something that is wrong with an application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Condition {
    /// `ComparisonError`, `SyncError`, `InvalidSpecError`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// What.
    pub message: String,
}

impl OperationState {
    /// The commits it applied, or was to apply.
    pub(super) fn revisions(&self) -> impl Iterator<Item = &str> {
        let asked = &self.asked.sync;
        // One that failed before it compared anything has a result without a commit.
        let has_commit =
            |result: &&SyncResult| !result.revision.is_empty() || !result.revisions.is_empty();
        let (one, many) = match self.sync_result.as_ref().filter(has_commit) {
            Some(result) => (&result.revision, &result.revisions),
            None => (&asked.revision, &asked.revisions),
        };
        std::iter::once(one).chain(many).map(String::as_str)
    }
}

impl Sync {
    /// The commits it was compared with.
    pub(super) fn revisions(&self) -> impl Iterator<Item = &str> {
        let one = std::iter::once(&self.revision);
        one.chain(&self.revisions).map(String::as_str)
    }
}

impl SyncResult {
    /// The objects that could not be applied, and the hooks that failed, in Argo CD's words.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let has_failed = |resource: &&Resource| {
            resource.status == "SyncFailed"
                || matches!(resource.hook_phase.as_str(), "Failed" | "Error")
        };
        let failed = self.resources.iter().filter(has_failed);
        failed
            .map(|resource| resource.says(&resource.message))
            .take(MAX_SAID)
            .collect()
    }
}

impl Resource {
    fn says(&self, what: &str) -> String {
        let place = if self.namespace.is_empty() {
            String::new()
        } else {
            format!("{}/", self.namespace)
        };
        format!("{} {place}{}: {}", self.kind, self.name, shown(what))
    }
}

/// Every object of an application and what they made in turn.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tree {
    #[serde(deserialize_with = "or_empty")]
    nodes: Vec<Resource>,
}

impl Tree {
    /// The objects that are not healthy, in Argo CD's words, the worst first.
    pub(super) fn unhealthy(&self) -> Vec<String> {
        let said = |statuses: &'static [&'static str]| {
            self.nodes.iter().filter_map(move |node| {
                let health = node.health.as_ref()?;
                let is_so = statuses.contains(&health.status.as_str());
                is_so.then_some((node, health))
            })
        };
        let or_status = |(node, health): (&Resource, &Health)| {
            let has_none = health.message.is_empty();
            node.says(if has_none {
                &health.status
            } else {
                &health.message
            })
        };
        // Each new pod is on its way; only why tells something.
        let why = |(node, health): (&Resource, &Health)| {
            (!health.message.is_empty()).then(|| node.says(&health.message))
        };
        let bad = said(&["Degraded", "Missing"]).map(or_status);
        let said = bad.chain(said(&["Progressing"]).filter_map(why));
        said.take(MAX_SAID).collect()
    }
}

/// As Argo CD has it.
#[derive(Deserialize)]
struct Wire {
    /// Every object has it: what has not is not an application.
    #[serde(rename = "metadata")]
    _metadata: serde::de::IgnoredAny,
    operation: Option<serde::de::IgnoredAny>,
    status: Option<Status>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    sync: Sync,
    health: Health,
    operation_state: Option<OperationState>,
    #[serde(deserialize_with = "or_empty")]
    conditions: Vec<Condition>,
}

impl From<Wire> for Application {
    fn from(wire: Wire) -> Self {
        let status = wire.status.unwrap_or_default();
        Self {
            is_requested: wire.operation.is_some(),
            sync: status.sync,
            health: status.health,
            operation: status.operation_state,
            conditions: status.conditions,
        }
    }
}

/// Go writes an empty list as `null`.
fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(deserializer).map(Option::unwrap_or_default)
}
