//! Which container wrote this log: from the path or tag of the file to namespace, pod, container and a guess at the workload.
//!
//! | what names it | example | says |
//! |---|---|---|
//! | path of the kubelet | `/var/log/pods/shop_web-0_UID/web/0.log` | all but the container's id; also of rotated files (`0.log.20261121-044444.gz`) |
//! | link beside it | `/var/log/containers/web-0_shop_web-ID.log` | namespace, pod, container, id |
//! | tag of a collector | `kube.var.log.containers.web-0_shop_web-ID.log` | the same: slashes have become dots |
//!
//! Layout and the cut of the link's name to 255 bytes are the kubelet's (`pkg/kubelet/kuberuntime`). A name that was cut before
//! the container's name ended is refused ([`UnknownSource::Truncated`]): read the link and ask for its target. Names are checked as
//! Kubernetes does, so that a field never holds what no object can be called. Nothing here touches a file or an API server:
//! what only the API knows, a caller looks up ([`Source::describe`]).

mod owner;

use std::collections::BTreeMap;

pub use owner::{Owner, OwnerKind};

use crate::record::{Escaping, Field, Text, Value};

/// The longest file name of the kubelet's links, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// The container that a log file belongs to.
///
/// ```
/// use narae_logparse::kubernetes::{OwnerKind, Source};
///
/// let path = "/var/log/pods/shop_web-5d78c9869d-x7k2p_0a7c2b9e-8f3d-4c55-9e21-6b1f0d2a3c44/nginx/3.log";
/// let source = Source::from_path(path)?;
/// assert_eq!((source.namespace(), source.pod(), source.container()), ("shop", "web-5d78c9869d-x7k2p", "nginx"));
/// assert_eq!(source.restart(), Some(3));
/// let owner = source.owner().ok_or("no owner")?;
/// assert_eq!((owner.kind(), owner.name()), (OwnerKind::Deployment, "web"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    namespace: String,
    pod: String,
    uid: Option<String>,
    container: String,
    restart: Option<u32>,
    container_id: Option<String>,
}

/// Why a path or tag does not say which container it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownSource {
    /// It is laid out in another way.
    #[error(
        "not a container log: expected …/NAMESPACE_POD_UID/CONTAINER/RESTART.log or …POD_NAMESPACE_CONTAINER-ID.log"
    )]
    NotAContainerLog,
    /// The name was cut to 255 bytes and lost what is asked for; the target of the link has it.
    #[error("the name was cut to 255 bytes before its end: ask for the target of the link")]
    Truncated,
}

impl Source {
    /// Reads the path of a log file; of either directory, whatever it is mounted at.
    ///
    /// # Errors
    ///
    /// It is laid out in another way, or was cut too short.
    pub fn from_path(path: &str) -> Result<Self, UnknownSource> {
        let mut parts = path.rsplit(['/', '\\']);
        let file = parts.next().unwrap_or_default();
        match (parts.next(), parts.next()) {
            (Some(container), Some(pod)) if pod.contains('_') => {
                pod_file(pod, container, file).ok_or(UnknownSource::NotAContainerLog)
            }
            _ => link(file),
        }
    }

    /// Reads the tag that a collector makes of the path of a link: anything, then `containers.` and the link's name.
    ///
    /// # Errors
    ///
    /// It is laid out in another way, or was cut too short.
    pub fn from_tag(tag: &str) -> Result<Self, UnknownSource> {
        // A pod's name may contain dots and even `containers.`; the directory comes first.
        let (_, file) = tag
            .split_once("containers.")
            .ok_or(UnknownSource::NotAContainerLog)?;
        link(file)
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The pod's name.
    pub fn pod(&self) -> &str {
        &self.pod
    }

    /// The pod's uid; of a static pod, the hash of its manifest.
    pub fn uid(&self) -> Option<&str> {
        self.uid.as_deref()
    }

    /// The container's name.
    pub fn container(&self) -> &str {
        &self.container
    }

    /// How often the container had been restarted.
    pub const fn restart(&self) -> Option<u32> {
        self.restart
    }

    /// The container's id at its runtime; its beginning, if the name was cut.
    pub fn container_id(&self) -> Option<&str> {
        self.container_id.as_deref()
    }

    /// What probably made the pod, by the shape of its name.
    pub fn owner(&self) -> Option<Owner<'_>> {
        owner::guess(&self.pod)
    }

    /// The fields to put beside each record of this log, as OpenTelemetry names them; `lookup` adds what only the API server
    /// knows. Of a pod that was not found the owner is guessed; one that was found without an owner has none.
    ///
    /// ```
    /// use narae_logparse::kubernetes::{Metadata, OwnerKind, Source};
    ///
    /// let source = Source::from_tag("kube.var.log.containers.web-0_shop_nginx-4f53.log")?;
    /// let web = Metadata::default().with_owner(OwnerKind::StatefulSet, "web").with_node("n1").with_label("app", "web");
    /// let fields = source.describe(|_| Some(web));
    /// let named = |name: &str| fields.iter().find(|f| f.name() == name).and_then(|f| f.value().to_str());
    /// assert_eq!(named("k8s.statefulset.name").as_deref(), Some("web"));
    /// assert_eq!(named("k8s.pod.label.app").as_deref(), Some("web"));
    /// assert_eq!(named("k8s.node.name").as_deref(), Some("n1"));
    /// # Ok::<(), narae_logparse::kubernetes::UnknownSource>(())
    /// ```
    pub fn describe(&self, lookup: impl FnOnce(&Self) -> Option<Metadata>) -> Vec<Field<'static>> {
        let found = lookup(self);
        let guess = match found {
            Some(_) => None,
            None => self.owner().map(|owner| (owner.kind(), owner.name())),
        };
        let found = found.unwrap_or_default();
        let mut fields = vec![
            text("k8s.namespace.name", &self.namespace),
            text("k8s.pod.name", &self.pod),
            text("k8s.container.name", &self.container),
        ];
        fields.extend(self.uid().map(|uid| text("k8s.pod.uid", uid)));
        fields.extend(self.container_id().map(|id| text("container.id", id)));
        fields.extend(self.restart.map(|count| {
            let count = Value::Number(u64::from(count).into());
            Field::new("k8s.container.restart_count", count)
        }));
        let owner = found.owner.as_ref().map(|(kind, name)| (*kind, &name[..]));
        fields.extend(
            owner
                .or(guess)
                .map(|(kind, name)| text(kind.attribute(), name)),
        );
        fields.extend(found.node.map(|node| text("k8s.node.name", &node)));
        let named = |kind: &'static str| {
            move |(name, value): (String, String)| text(format!("k8s.pod.{kind}.{name}"), &value)
        };
        fields.extend(found.labels.into_iter().map(named("label")));
        fields.extend(found.annotations.into_iter().map(named("annotation")));
        fields
    }
}

/// What a lookup found of a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    node: Option<String>,
    owner: Option<(OwnerKind, String)>,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

impl Metadata {
    /// The node it runs on.
    #[must_use]
    pub fn with_node(mut self, name: impl Into<String>) -> Self {
        self.node = Some(name.into());
        self
    }

    /// The workload it belongs to.
    #[must_use]
    pub fn with_owner(mut self, kind: OwnerKind, name: impl Into<String>) -> Self {
        self.owner = Some((kind, name.into()));
        self
    }

    /// Adds a label.
    #[must_use]
    pub fn with_label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// Adds an annotation.
    #[must_use]
    pub fn with_annotation(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.insert(name.into(), value.into());
        self
    }
}

fn text(name: impl Into<std::borrow::Cow<'static, str>>, value: &str) -> Field<'static> {
    let text = Text::new(value.as_bytes().to_vec(), Escaping::None);
    Field::new(name, Value::Text(text))
}

/// `NAMESPACE_POD_UID/CONTAINER/RESTART.log`, perhaps with the rotation's `.YYYYMMDD-HHMMSS` and `.gz` or `.tmp`.
fn pod_file(pod: &str, container: &str, file: &str) -> Option<Source> {
    let mut names = pod.split('_');
    let (namespace, pod, uid) = (names.next()?, names.next()?, names.next()?);
    let (restart, rotation) = file.split_once(".log")?;
    let is_uid = !uid.is_empty() && uid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let digits = !restart.is_empty() && restart.bytes().all(|b| b.is_ascii_digit());
    let known = names.next().is_none()
        && (is_label(namespace) && is_subdomain(pod) && is_label(container))
        && (is_uid && digits && (rotation.is_empty() || rotation.starts_with('.')));
    known.then_some(())?;
    Some(Source {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        uid: Some(uid.to_owned()),
        container: container.to_owned(),
        restart: Some(restart.parse().ok()?),
        container_id: None,
    })
}

/// `POD_NAMESPACE_CONTAINER-ID.log`, where what is before `.log` may have been cut.
fn link(file: &str) -> Result<Source, UnknownSource> {
    use UnknownSource::{NotAContainerLog, Truncated};
    let cut = file.len() >= MAX_NAME_BYTES;
    let otherwise = if cut { Truncated } else { NotAContainerLog };
    let stem = file.strip_suffix(".log").ok_or(NotAContainerLog)?;
    let mut names = stem.split('_');
    let (Some(pod), Some(namespace), Some(rest), None) =
        (names.next(), names.next(), names.next(), names.next())
    else {
        return Err(otherwise);
    };
    // What follows the last dash is the id. Of a cut name it may be the end of the container's: both are taken for it only
    // if it is as long as nothing but an id is.
    let (container, id) = rest.rsplit_once('-').ok_or(otherwise)?;
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if cut && !(is_id && id.len() >= 12) {
        return Err(Truncated);
    }
    if !(is_id && is_subdomain(pod) && is_label(namespace) && is_label(container)) {
        return Err(NotAContainerLog);
    }
    Ok(Source {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        uid: None,
        container: container.to_owned(),
        restart: None,
        container_id: Some(id.to_owned()),
    })
}

/// RFC 1123: letters and digits in lower case, dashes inside.
fn is_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn is_subdomain(name: &str) -> bool {
    // Each part of a pod's name may be as long as the whole, unlike in DNS.
    let is_part = |part: &str| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !part.is_empty()
            && part.bytes().all(inner)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_part)
}
