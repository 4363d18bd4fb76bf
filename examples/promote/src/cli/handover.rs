//! What happens to a commit besides landing: a merge request in its place, or Argo CD told and waited for.

use clap::{Args, ValueEnum};

/// What happens after a commit has landed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Argo CD, after a commit")]
pub(crate) struct Handover {
    /// Tell the Argo CD at this address which files changed, as a forge's webhook does
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) argocd_webhook: Option<String>,

    /// Whose webhook it looks like: the one that Argo CD has a secret for
    #[arg(long, global = true, value_enum, value_name = "FORGE", default_value_t = WebhookStyle::Github)]
    pub(crate) webhook_style: WebhookStyle,

    /// The address by which Argo CD knows the repository [default: as --repo says, by https]
    #[arg(long, global = true, value_name = "URL", requires = "argocd_webhook")]
    pub(crate) web_url: Option<String>,

    /// What signs the webhook; only from the environment
    #[arg(skip = Secret::from_environment("ARGOCD_WEBHOOK_SECRET"))]
    pub(crate) argocd_webhook_secret: Option<Secret>,

    /// Wait until the commit, or a later one that holds it, is Synced and Healthy in the Argo CD at this address
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) wait_argocd: Option<String>,

    /// Argo CD's name of the application, or NAMESPACE/NAME; may be given again [default: APP]
    #[arg(long, global = true, value_name = "NAME", requires = "wait_argocd")]
    pub(crate) argocd_app: Vec<String>,

    /// Who we are to Argo CD; only from the environment, so that no process list shows it
    #[arg(skip = Secret::from_environment("ARGOCD_AUTH_TOKEN"))]
    pub(crate) argocd_auth_token: Option<Secret>,

    /// How long to wait for Argo CD
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 300)]
    pub(crate) wait_seconds: u64,
}

/// A webhook's form.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum WebhookStyle {
    /// Signed with `webhook.github.secret` of Argo CD
    Github,
    /// With `webhook.gitlab.secret`
    Gitlab,
    /// With `webhook.gogs.secret`: Gitea, Forgejo, Gogs
    Gitea,
}

/// A text that is not printed.
#[derive(Clone)]
pub(crate) struct Secret(pub(crate) String);

impl Secret {
    fn from_environment(name: &str) -> Option<Self> {
        let text = std::env::var(name).ok()?;
        (!text.is_empty()).then_some(Self(text))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// Where others agree to a change first.
#[derive(Debug, Args)]
#[command(next_help_heading = "Merge requests, in the place of a commit")]
pub(crate) struct MergeRequest {
    /// Commit to a branch of its own, or to none, and ask to have it merged
    #[arg(long, global = true, value_enum, value_name = "BY")]
    pub(crate) merge_request: Option<By>,

    /// The forge's API [default: as --repo says; GitHub's is that of github.com, or /api/v3]
    #[arg(long, global = true, value_name = "URL", requires = "merge_request")]
    pub(crate) forge_url: Option<String>,

    /// A branch for this change alone, or the topic; what it holds is replaced [default: promote/APP.ENV and
    /// the sites]
    #[arg(long, global = true, value_name = "NAME", requires = "merge_request")]
    pub(crate) source_branch: Option<String>,

    /// A label for the merge request; may be given again
    #[arg(
        long = "label",
        global = true,
        value_name = "NAME",
        requires = "merge_request"
    )]
    pub(crate) labels: Vec<String>,

    /// Who we are to the forge's API; only from the environment
    #[arg(skip = Secret::from_environment("NARAE_FORGE_TOKEN"))]
    pub(crate) forge_token: Option<Secret>,
}

/// How a merge request is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// By GitLab's API
    Gitlab,
    /// By GitHub's API
    Github,
    /// By the API of Gitea or Forgejo
    Gitea,
    /// By GitLab's push options: no token for the API is needed
    GitlabPush,
    /// By a push to `refs/for/…` of Gitea or Forgejo: no branch is made, and no token for the API is needed
    Agit,
}
