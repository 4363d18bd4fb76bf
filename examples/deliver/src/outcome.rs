//! What a run has to say, as data: the report turns it into text, `--json` prints it as it is.

use serde::Serialize;

use crate::plan::Plan;

/// Everything one run found out and did.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) application: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) site: String,
    pub(crate) stage: String,
    pub(crate) repository: String,
    pub(crate) branch: String,
    /// Every image the objects run.
    pub(crate) images: Vec<String>,
    /// What was made on this first run: keys, stores, a repository.
    pub(crate) made: Vec<String>,
    /// What a person should look at, though it stops nothing.
    pub(crate) warnings: Vec<String>,
    /// What is most often meant, and worth a glance.
    pub(crate) notes: Vec<String>,
    pub(crate) secrets: Vec<SealedItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plan: Option<Plan>,
    pub(crate) result: Verdict,
}

/// One item of one secret.
#[derive(Debug, Serialize)]
pub(crate) struct SealedItem {
    /// `Secret shop-dev/shop-credentials`
    pub(crate) object: String,
    pub(crate) item: String,
    /// The reference it was read by.
    pub(crate) source: String,
    pub(crate) version: Option<u64>,
    /// `kept`, `sealed`, or why it was sealed again.
    pub(crate) outcome: String,
}

/// How the run ended.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// The branch moved to a new commit.
    Committed {
        commit: String,
        parent: Option<String>,
        message: String,
        argocd: Sync,
    },
    /// The branch holds all of it already.
    Unchanged { commit: Option<String> },
    /// `--dry-run`: the plan, and nothing else.
    Planned,
    /// A policy said no.
    Refused { violations: Vec<Refusal> },
}

/// What Argo CD does with the commit.
#[derive(Debug, Serialize)]
pub(crate) struct Sync {
    pub(crate) application: String,
    pub(crate) repository: String,
    pub(crate) path: String,
    pub(crate) revision: String,
    /// In the order they are applied: `+ Service shop-dev/shop`.
    pub(crate) objects: Vec<String>,
}

/// One policy's refusal.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Refusal {
    pub(crate) policy: String,
    pub(crate) message: String,
    pub(crate) object: String,
    pub(crate) field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) found: Option<String>,
    /// Where the value stands: `values/stages/dev.yaml:6:8`, or `--image`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) values: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) template: Option<String>,
    /// Where the rule stands.
    pub(crate) rule: String,
}
