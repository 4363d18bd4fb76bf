//! The webhook a forge sends when a branch moved, so that Argo CD (`POST …/api/webhook`) and whatever else
//! listens to forges reacts at once, also when the repository's own forge sends none.
//!
//! **The list of files** matters: Argo CD refreshes an application that has the annotation
//! `argocd.argoproj.io/manifest-generate-paths` only when one of the files is below those paths, and carries
//! the manifests of the others over to the new commit. Without a list it refreshes all.
//!
//! Only the fields that are read are sent (Argo CD 3.2, `util/webhook/webhook.go`, and the libraries it
//! parses with). Argo CD compares host and path of the repository's web address with those of the
//! applications' `repoURL`: `http`, `https` and `ssh` match, `git://` does not.

use serde_json::{Value, json};

use super::mac::{authenticated, hexadecimal};
use crate::handover::{Address, Error, ErrorKind, Request, Token};
use crate::repository::{ChangedFiles, CommitId, TreePath};

/// Whose event it looks like: what the receiver has a secret for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Style {
    /// `X-GitHub-Event: push`, signed `X-Hub-Signature-256`.
    GitHub,
    /// `X-Gitlab-Event: Push Hook`; the secret itself is sent, as `X-Gitlab-Token`.
    GitLab,
    /// `X-Gogs-Event: push`, signed `X-Gogs-Signature`: Gogs, Gitea, Forgejo.
    Gitea,
}

/// A branch moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushEvent {
    web_url: String,
    branch: String,
    default_branch: String,
    before: Option<CommitId>,
    after: CommitId,
    files: ChangedFiles,
}

impl PushEvent {
    /// `branch` of the repository with this web address (`https://git.example.com/shop/gitops`, a `.git` at its
    /// end is dropped) moved to `after`, and which files changed is not known. The branch is taken for the
    /// repository's default.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] when the address is not `http(s)://host/path`.
    pub fn new(web_url: &str, branch: &str, after: CommitId) -> Result<Self, Error> {
        let web_url = web_url.trim_end_matches('/');
        let web_url = web_url.strip_suffix(".git").unwrap_or(web_url);
        let has_path = Address::unencrypted(web_url).is_ok_and(|address| {
            let whole = address.expose();
            whole.len() > address.origin().len() + 1
        });
        if !has_path {
            return Err(Error::new(
                ErrorKind::Invalid,
                "the web address of a repository: expected https://host/path",
            ));
        }
        Ok(Self {
            web_url: web_url.to_owned(),
            branch: branch.to_owned(),
            default_branch: branch.to_owned(),
            before: None,
            after,
            files: ChangedFiles::default(),
        })
    }

    /// What moved it: the commit before, and the files that differ
    /// ([`Repository::changed_files`](crate::repository::Repository::changed_files)).
    #[must_use]
    pub fn with_changes(mut self, before: Option<CommitId>, files: ChangedFiles) -> Self {
        self.before = before;
        self.files = files;
        self
    }

    /// The branch that applications which follow `HEAD` follow.
    #[must_use]
    pub fn with_default_branch(mut self, branch: &str) -> Self {
        branch.clone_into(&mut self.default_branch);
        self
    }

    /// The request: to `https://argocd.example.com/api/webhook`, say. A receiver that has no secret takes
    /// what is not signed.
    #[must_use]
    pub fn request(&self, style: Style, to: &Address, secret: Option<&Token>) -> Request {
        let body = self.body(style).to_string().into_bytes();
        let signature =
            |secret: &Token| hexadecimal(&authenticated(secret.expose().as_bytes(), &[&body]));
        let signature = secret.map(signature);
        let request = Request::post(to.clone(), body);
        match style {
            Style::GitHub => {
                let request = request.with_header("x-github-event", "push");
                match signature {
                    Some(text) => {
                        request.with_header("x-hub-signature-256", format!("sha256={text}"))
                    }
                    None => request,
                }
            }
            Style::GitLab => {
                let request = request.with_header("x-gitlab-event", "Push Hook");
                match secret {
                    Some(secret) => request.with_header("x-gitlab-token", secret.expose()),
                    None => request,
                }
            }
            Style::Gitea => {
                let request = request
                    .with_header("x-gogs-event", "push")
                    .with_header("x-gitea-event", "push");
                match signature {
                    Some(text) => request
                        .with_header("x-gitea-signature", text.clone())
                        .with_header("x-gogs-signature", text),
                    None => request,
                }
            }
        }
    }

    fn body(&self, style: Style) -> Value {
        const NONE: &str = "0000000000000000000000000000000000000000";
        let texts =
            |paths: &[TreePath]| -> Vec<String> { paths.iter().map(ToString::to_string).collect() };
        let commits = if self.files.is_empty() {
            json!([])
        } else {
            json!([{
                "id": self.after.to_string(),
                "added": texts(&self.files.added),
                "modified": texts(&self.files.modified),
                "removed": texts(&self.files.removed),
            }])
        };
        let before = self.before.map_or(NONE.to_owned(), |id| id.to_string());
        let mut body = json!({
            "ref": format!("refs/heads/{}", self.branch),
            "before": before,
            "after": self.after.to_string(),
            "commits": commits,
        });
        let repository = match style {
            Style::GitLab => json!({
                "object_kind": "push",
                "project": {"web_url": self.web_url, "default_branch": self.default_branch},
            }),
            Style::GitHub | Style::Gitea => json!({
                "repository": {"html_url": self.web_url, "default_branch": self.default_branch},
            }),
        };
        if let (Value::Object(body), Value::Object(repository)) = (&mut body, repository) {
            body.extend(repository);
        }
        body
    }
}
