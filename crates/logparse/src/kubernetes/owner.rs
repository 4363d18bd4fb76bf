//! What made a pod, by the shape of its name: a guess, for when nobody can ask the API server.
//!
//! | shape | made by |
//! |---|---|
//! | `NAME-HASH-xxxxx`, HASH 6 to 10 of `456789bcdf` | Deployment |
//! | `NAME-MINUTES-xxxxx`, MINUTES 8 digits | CronJob |
//! | `NAME-INDEX-xxxxx`, INDEX up to 4 digits | Job with indexes |
//! | `NAME-N`, N digits | StatefulSet |
//! | `NAME-xxxxx` | DaemonSet; as well a ReplicaSet or a Job |
//!
//! `xxxxx` is five of `bcdfghjklmnpqrstvwxz2456789`, from which the API server draws what it appends. A hash is a 32-bit number in
//! decimal whose digits are each written as one of ten of these, which is why so few letters occur. A CronJob's
//! minutes are those since 1970 and begin with 2 or 3 until 2046, so that they are no hash.

/// What runs pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum OwnerKind {
    /// By way of a ReplicaSet.
    Deployment,
    /// Of its own, without a Deployment.
    ReplicaSet,
    /// Numbered pods.
    StatefulSet,
    /// One on each node.
    DaemonSet,
    /// To an end.
    Job,
    /// By way of a Job.
    CronJob,
}

impl OwnerKind {
    /// The name of its name as an attribute in OpenTelemetry's conventions.
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::Deployment => "k8s.deployment.name",
            Self::ReplicaSet => "k8s.replicaset.name",
            Self::StatefulSet => "k8s.statefulset.name",
            Self::DaemonSet => "k8s.daemonset.name",
            Self::Job => "k8s.job.name",
            Self::CronJob => "k8s.cronjob.name",
        }
    }
}

/// What probably made a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner<'p> {
    kinds: &'static [OwnerKind],
    name: &'p str,
}

impl<'p> Owner<'p> {
    /// The likeliest kind.
    pub fn kind(&self) -> OwnerKind {
        self.kinds.first().copied().unwrap_or(OwnerKind::ReplicaSet)
    }

    /// Every kind that names pods so, the likeliest first.
    pub const fn kinds(&self) -> &'static [OwnerKind] {
        self.kinds
    }

    /// Its name.
    pub const fn name(&self) -> &'p str {
        self.name
    }
}

pub(super) fn guess(pod: &str) -> Option<Owner<'_>> {
    use OwnerKind::{CronJob, DaemonSet, Deployment, Job, ReplicaSet, StatefulSet};
    let (name, last) = pod.rsplit_once('-')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_random = last.len() == 5 && of(last, b"bcdfghjklmnpqrstvwxz2456789");
    let owner = |kinds, name| Some(Owner { kinds, name }).filter(|owner| !owner.name.is_empty());
    if is_random && let Some((name, middle)) = name.rsplit_once('-') {
        match middle.len() {
            8 if is_number(middle) && middle.starts_with(['2', '3']) => {
                return owner(&[CronJob], name);
            }
            6..=10 if of(middle, b"456789bcdf") => return owner(&[Deployment], name),
            1..=4 if is_number(middle) => return owner(&[Job, DaemonSet, ReplicaSet], name),
            _ => {}
        }
    }
    match last {
        _ if is_number(last) && !is_random => owner(&[StatefulSet], name),
        _ if is_number(last) => owner(&[StatefulSet, DaemonSet], name),
        _ if is_random => owner(&[DaemonSet, Job, ReplicaSet], name),
        _ => None,
    }
}

fn of(text: &str, alphabet: &[u8]) -> bool {
    text.bytes().all(|byte| alphabet.contains(&byte))
}
