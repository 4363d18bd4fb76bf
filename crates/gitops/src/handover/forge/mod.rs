//! Merge requests (pull requests) of GitLab, GitHub, Gitea and Forgejo: open one, or find the one that is open.
//!
//! [`MergeRequest`] is what is asked for. [`Forge::open`] asks by the forge's API; where a push can ask for it,
//! [`MergeRequest::gitlab_push_options`] and [`MergeRequest::agit`] are what to push with, and no API and no token
//! besides git's own is needed.
//!
//! | | created by | there already | labels |
//! |---|---|---|---|
//! | GitLab (API v4) | `POST projects/…/merge_requests` | 409, then found among the open ones | with it; new ones are made |
//! | GitHub (REST, 2022-11-28) | `POST repos/…/pulls` | 422, likewise | by a second request; new ones are made |
//! | Gitea, Forgejo (API v1) | `POST repos/…/pulls` | 409, likewise | by a second request; must exist |

mod agit;
mod github;
mod gitlab;

use std::fmt;

pub use agit::{AgitPush, MAX_OPTION_BYTES};

use super::address::Address;
use super::client::Client;
use super::error::{Error, ErrorKind, shown};
use super::request::{Answer, Request, Transport};
use super::token::Token;

/// Longest accepted title, which is GitLab's limit.
pub const MAX_TITLE_CHARS: usize = 255;

/// What a merge request is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeRequest {
    source: String,
    target: String,
    title: String,
    description: String,
    labels: Vec<String>,
    removes_source: bool,
}

impl MergeRequest {
    /// To merge the branch `source` into `target`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] when a branch or the title is empty, or the title has more than one line or more
    /// than [`MAX_TITLE_CHARS`] characters.
    pub fn new(source: &str, target: &str, title: &str) -> Result<Self, Error> {
        let invalid = |what: &str| Err(Error::new(ErrorKind::Invalid, what));
        for branch in [source, target] {
            if branch.is_empty() || branch.chars().any(|c| c.is_whitespace() || c.is_control()) {
                return invalid(
                    "a merge request needs two branches, without spaces in their names",
                );
            }
        }
        if title.trim().is_empty() || title.chars().any(char::is_control) {
            return invalid("the title of a merge request is one line, and not empty");
        }
        if title.chars().count() > MAX_TITLE_CHARS {
            return invalid("the title of a merge request has at most 255 characters");
        }
        Ok(Self {
            source: source.to_owned(),
            target: target.to_owned(),
            title: title.to_owned(),
            description: String::new(),
            labels: Vec::new(),
            removes_source: false,
        })
    }

    /// Markdown, of any number of lines.
    #[must_use]
    pub fn with_description(self, description: impl Into<String>) -> Self {
        Self {
            description: description.into(),
            ..self
        }
    }

    /// One more label.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] when it is empty or has a comma, which separates labels for GitLab, or a line break.
    pub fn with_label(mut self, label: &str) -> Result<Self, Error> {
        if label.trim().is_empty() || label.contains(',') || label.chars().any(char::is_control) {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("`{}` cannot be a label", shown(label)),
            ));
        }
        self.labels.push(label.to_owned());
        Ok(self)
    }

    /// The source branch goes when it is merged. Only GitLab can be told.
    #[must_use]
    pub fn removing_source(self) -> Self {
        Self {
            removes_source: true,
            ..self
        }
    }
}

/// A merge request that is open.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Opened {
    /// Its number in the repository: `!7`, `#7`.
    pub number: u64,
    /// Where people see it.
    pub url: String,
    /// Whether it was open before. Its title, description and labels are as they were.
    pub was_open: bool,
    /// Why it has not got its labels: it is open all the same.
    pub unlabelled: Option<Error>,
}

/// Which API a forge speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// GitLab; the address is the server's: `https://gitlab.example.com`.
    GitLab,
    /// GitHub; the address is the API's: `https://api.github.com`, or `https://github.example.com/api/v3`.
    GitHub,
    /// Gitea or Forgejo; the address is the server's.
    Gitea,
}

/// A repository on a forge.
pub struct Forge<T = Client> {
    kind: Kind,
    address: Address,
    repository: String,
    token: Token,
    transport: T,
}

impl Forge {
    /// The repository `owner/name` (of GitLab also `group/subgroup/name`) of the forge at `address`, over HTTP.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] when `repository` is not a path of at least two names.
    pub fn new(
        kind: Kind,
        address: Address,
        repository: &str,
        token: Token,
    ) -> Result<Self, Error> {
        Self::with_transport(kind, address, repository, token, Client::new())
    }
}

impl<T: Transport> Forge<T> {
    /// The same, by a transport of one's own.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`].
    pub fn with_transport(
        kind: Kind,
        address: Address,
        repository: &str,
        token: Token,
        transport: T,
    ) -> Result<Self, Error> {
        let names: Vec<&str> = repository.split('/').collect();
        let is_name = |name: &&str| !name.is_empty() && !matches!(*name, "." | "..");
        let fits = names.len() == 2 || (kind == Kind::GitLab && names.len() > 2);
        if !fits || !names.iter().all(is_name) {
            let message = format!("`{}` is not a repository of a forge", shown(repository));
            return Err(Error::new(ErrorKind::Invalid, message).hint("owner/name"));
        }
        Ok(Self {
            kind,
            address,
            repository: repository.to_owned(),
            token,
            transport,
        })
    }

    /// Opens a merge request, or finds the one that is open from this source to this target.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unauthorized`], [`ErrorKind::Forbidden`], [`ErrorKind::NotFound`], [`ErrorKind::Refused`] with the
    /// forge's words, and whatever the network brings.
    pub fn open(&self, wanted: &MergeRequest) -> Result<Opened, Error> {
        let opened = match self.kind {
            Kind::GitLab => gitlab::open(self, wanted),
            Kind::GitHub | Kind::Gitea => github::open(self, wanted),
        };
        opened.map_err(|error| {
            let (source, target) = (&wanted.source, &wanted.target);
            error.during(format_args!(
                "merge request of {} from `{source}` to `{target}`",
                self.repository
            ))
        })
    }

    fn exchange(&self, request: Request) -> Result<Answer, Error> {
        let token = self.token.expose();
        let request = match self.kind {
            Kind::GitLab => request.with_header("private-token", token),
            Kind::GitHub => request
                .with_header("authorization", format!("Bearer {token}"))
                .with_header("x-github-api-version", "2022-11-28"),
            Kind::Gitea => request.with_header("authorization", format!("token {token}")),
        };
        self.transport.send(&request)
    }
}

impl<T> fmt::Debug for Forge<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forge")
            .field("kind", &self.kind)
            .field("address", &self.address)
            .field("repository", &self.repository)
            .finish_non_exhaustive()
    }
}

/// Said to be there, and then not to be found.
fn vanished() -> Error {
    Error::new(
        ErrorKind::Busy,
        "the forge says there is one already, and has none that is open between these two branches",
    )
}
