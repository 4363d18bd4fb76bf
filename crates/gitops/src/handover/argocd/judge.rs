//! What an application's state means for one commit.
//!
//! *Done* is: compared with this very commit, `Synced`, `Healthy`, and no operation under way. Argo CD decides
//! `Synced` and `Healthy` in one look at the cluster, and calls a Deployment `Progressing` until its controller
//! has seen the change, so both together speak of the commit's own objects. An operation need not have applied
//! it: a commit that changes nothing of this application is `Synced` at once.
//!
//! *Failed* is an operation of this commit that ended so (one that is retried is still `Running`), whatever stands
//! then: hooks take no part in the comparison, so a commit whose `PostSync` hook fails is `Synced` and `Healthy` all the
//! same (`controller/sync.go`, `controller/state.go`), and `argocd app sync` calls it failed as well. The operation's commit is
//! what it came to apply (`syncResult.revision`); what it was asked for may be a branch.

use super::application::{Application, OperationState};

/// What there is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The commit is what runs.
    Done,
    /// Not yet; where it stands.
    Waiting(String),
    /// It differs from the commit, and no operation is under way or has been: somebody has to ask for one, unless
    /// it is synced automatically.
    OutOfSync(String),
    /// Argo CD could not apply it, in its words.
    SyncFailed(String),
    /// Argo CD cannot compare it: the manifests, the repository or the application are wrong, in its words. May be
    /// about an earlier commit, or pass.
    Unclear(String),
    /// It is applied, and what it changed does not work, in Argo CD's words. May pass.
    Degraded(String),
}

/// What `application` says about the commits for which `is_wanted` (40 hexadecimal digits).
pub fn judge(application: &Application, is_wanted: impl Fn(&str) -> bool) -> Verdict {
    let sync = &application.sync;
    let is_compared = sync.revisions().any(&is_wanted);
    let state = || state(application);
    if application.is_requested {
        return Verdict::Waiting(state());
    }
    if let Some(operation) = &application.operation {
        let is_ours = operation.revisions().any(&is_wanted);
        match operation.phase.as_str() {
            "Running" | "Terminating" => return Verdict::Waiting(state()),
            "Failed" | "Error" if is_ours => return Verdict::SyncFailed(failure(operation)),
            _ => {}
        }
    }
    let wrong = |kinds: &[&str]| {
        let mut conditions = application.conditions.iter();
        let found = conditions.find(|condition| kinds.contains(&condition.kind.as_str()));
        found.map(|condition| format!("{}: {}", condition.kind, condition.message))
    };
    if sync.status == "Unknown" || !is_compared {
        return match wrong(&["ComparisonError", "InvalidSpecError", "UnknownError"]) {
            Some(words) => Verdict::Unclear(words),
            None => Verdict::Waiting(state()),
        };
    }
    match (sync.status.as_str(), application.health.status.as_str()) {
        ("Synced", "Healthy") => Verdict::Done,
        ("Synced", "Degraded") => Verdict::Degraded(application.health.message.clone()),
        ("OutOfSync", _) => match wrong(&["SyncError"]) {
            Some(words) => Verdict::SyncFailed(words),
            None => Verdict::OutOfSync(state()),
        },
        _ => Verdict::Waiting(state()),
    }
}

fn failure(operation: &OperationState) -> String {
    let mut words = vec![operation.message.clone()];
    if let Some(result) = &operation.sync_result {
        words.extend(result.failures());
    }
    words.retain(|text| !text.is_empty());
    words.join("; ")
}

/// `OutOfSync at 3f2a9c1, Progressing, operation Running: waiting for …`
fn state(application: &Application) -> String {
    let sync = &application.sync;
    let or_unknown = |text: &str| {
        if text.is_empty() {
            "Unknown".to_owned()
        } else {
            text.to_owned()
        }
    };
    let mut text = or_unknown(&sync.status);
    for revision in sync.revisions().filter(|revision| !revision.is_empty()) {
        let short: String = revision.chars().take(7).collect();
        text.push_str(&format!(" at {short}"));
    }
    let health = &application.health;
    text.push_str(&format!(", {}", or_unknown(&health.status)));
    if !health.message.is_empty() {
        text.push_str(&format!(" ({})", health.message));
    }
    if let Some(operation) = &application.operation {
        text.push_str(&format!(", operation {}", operation.phase));
        if !operation.message.is_empty() {
            text.push_str(&format!(": {}", operation.message));
        }
    }
    text
}
