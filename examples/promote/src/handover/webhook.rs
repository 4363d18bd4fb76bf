//! Telling Argo CD that a branch moved and which files changed, as the webhook of a forge does.

use anyhow::Result;
use narae_gitops::handover::notify::{self, PushEvent, Style};
use narae_gitops::handover::{Address, Client, Error, ErrorKind, SystemClock, Token};
use narae_gitops::repository::CommitId;

use crate::cli::{self, UsageError, WebhookStyle};
use crate::place::Place;

/// Where Argo CD takes webhooks.
const PATH: &str = "/api/webhook";

/// Who is told, and of what repository.
pub(super) struct Webhook {
    to: Address,
    style: Style,
    secret: Option<Token>,
    web_url: String,
}

impl Webhook {
    /// `None` when nobody is to be told.
    pub(super) fn wanted(wanted: &cli::Handover, place: &Place) -> Result<Option<Self>> {
        let Some(address) = &wanted.argocd_webhook else {
            return Ok(None);
        };
        let server = Address::parse(address)
            .map_err(|error| UsageError(format!("--argocd-webhook: {error}")))?;
        let web_url = wanted.web_url.clone().or_else(|| place.web_url());
        let web_url = web_url.ok_or_else(|| {
            let message = "--argocd-webhook: --repo does not tell the address by which Argo CD knows the repository";
            UsageError(format!("{message}\n  try: --web-url https://host/path"))
        })?;
        // Refuses what is not one.
        let nothing: CommitId = "0".repeat(40).parse()?;
        PushEvent::new(&web_url, "main", nothing)
            .map_err(|error| UsageError(format!("--web-url: {error}")))?;
        Ok(Some(Self {
            to: server.join(PATH),
            style: match wanted.webhook_style {
                WebhookStyle::Github => Style::GitHub,
                WebhookStyle::Gitlab => Style::GitLab,
                WebhookStyle::Gitea => Style::Gitea,
            },
            secret: wanted
                .argocd_webhook_secret
                .as_ref()
                .map(|secret| Token::new(secret.0.clone())),
            web_url,
        }))
    }

    pub(super) fn tell(
        &self,
        place: &Place,
        branch: &str,
        before: Option<CommitId>,
        after: CommitId,
    ) -> Result<(), Error> {
        let files = place.objects().changed_files(before, after);
        let files = files.map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))?;
        let event = PushEvent::new(&self.web_url, branch, after)?
            .with_changes(before, files)
            .with_default_branch(place.branch());
        let request = event.request(self.style, &self.to, self.secret.as_ref());
        notify::send(&Client::new(), &SystemClock::new(), &request)
    }
}
