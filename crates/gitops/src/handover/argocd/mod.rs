//! Argo CD: refresh and sync an application, and wait until a commit is what runs.
//!
//! Argo CD's REST API (`server/application/application.proto`), tried with 3.2. [`Application`] holds the part of its
//! answers that is looked at; [`judge`] decides from it, purely; [`ArgoCd::wait`] asks until there is a verdict.
//!
//! The token goes to the server's address only and is never printed.

mod application;
mod judge;
mod wait;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::json;

pub use application::{
    Application, ApplicationName, Condition, Health, OperationState, Resource, Sync, SyncResult,
};
pub use judge::{Verdict, judge};
pub use wait::{DEFAULT_PATIENCE, DEFAULT_WAIT, POLL_INTERVAL, Wait};

use super::address::Address;
use super::client::Client;
use super::error::{Error, ErrorKind};
use super::request::{Answer, Request, Transport};
use super::token::Token;
use crate::repository::CommitId;
use application::Tree;

/// How thoroughly Argo CD looks again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refresh {
    /// Is there another commit?
    Normal,
    /// The same, and manifests are made anew, not taken from its cache.
    Hard,
}

/// An Argo CD server.
pub struct ArgoCd<T = Client> {
    address: Address,
    token: Option<Token>,
    transport: T,
}

impl ArgoCd {
    /// The server at `address`, over HTTP.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self::with_transport(address, Client::new())
    }
}

impl<T: Transport> ArgoCd<T> {
    /// The server at `address`, by a transport of one's own.
    pub fn with_transport(address: Address, transport: T) -> Self {
        Self {
            address,
            token: None,
            transport,
        }
    }

    /// Who we are: the token of an account (`argocd account generate-token`) or of a project's role.
    #[must_use]
    pub fn with_token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// What Argo CD knows of an application now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unauthorized`], [`ErrorKind::Forbidden`], [`ErrorKind::NotFound`] and whatever the network brings.
    pub fn application(&self, name: &ApplicationName) -> Result<Application, Error> {
        let query = name.query("?");
        self.read(name, self.get(&format!("{}{query}", name.path())))
    }

    /// Has Argo CD look at the repository and the cluster again, and returns what it found.
    ///
    /// # Errors
    ///
    /// Those of [`application`](Self::application); [`ErrorKind::TimedOut`] when its controller does not come to it.
    pub fn refresh(&self, name: &ApplicationName, how: Refresh) -> Result<Application, Error> {
        let how = match how {
            Refresh::Normal => "normal",
            Refresh::Hard => "hard",
        };
        let path = format!("{}?refresh={how}{}", name.path(), name.query("&"));
        self.read(name, self.get(&path))
    }

    /// Has Argo CD apply `commit` (`None`: the newest), for applications that are not synced automatically.
    ///
    /// # Errors
    ///
    /// Those of [`application`](Self::application); [`ErrorKind::Busy`] while another operation is in progress;
    /// [`ErrorKind::Refused`] with Argo CD's words, as for an automatically synced application that follows
    /// another revision.
    pub fn sync(
        &self,
        name: &ApplicationName,
        commit: Option<CommitId>,
    ) -> Result<Application, Error> {
        let commit = commit.map(|id| id.to_string());
        let fields = [
            ("name", Some(name.name())),
            ("revision", commit.as_deref()),
            ("appNamespace", name.namespace()),
            ("project", name.project()),
        ];
        let given = |(field, value): (&'static str, Option<&str>)| Some((field, value?.to_owned()));
        let body = json!(
            fields
                .into_iter()
                .filter_map(given)
                .collect::<BTreeMap<_, _>>()
        );
        let address = self.address.join(&format!("{}/sync", name.path()));
        self.read(name, Request::post(address, body.to_string().into_bytes()))
    }

    /// What Argo CD says of the objects that are not healthy, one after another.
    fn unhealthy(&self, name: &ApplicationName) -> Result<Vec<String>, Error> {
        let path = format!("{}/resource-tree{}", name.path(), name.query("?"));
        let tree: Tree = self.exchange(self.get(&path))?.json()?;
        Ok(tree.unhealthy())
    }

    fn get(&self, path: &str) -> Request {
        Request::get(self.address.join(path))
    }

    fn read(&self, name: &ApplicationName, request: Request) -> Result<Application, Error> {
        self.exchange(request)
            .and_then(|answer| answer.json())
            .map_err(|error| error.during(format_args!("Argo CD application `{name}`")))
    }

    fn exchange(&self, request: Request) -> Result<Answer, Error> {
        let request = match &self.token {
            Some(token) => {
                request.with_header("authorization", format!("Bearer {}", token.expose()))
            }
            None => request,
        };
        let answer = self.transport.send(&request)?;
        // gRPC's FailedPrecondition, which its gateway makes a 400 of.
        let is_busy = answer.status == 400
            && String::from_utf8_lossy(&answer.body).contains("operation is already in progress");
        answer.accepted().map_err(|error| {
            if is_busy {
                Error::new(ErrorKind::Busy, error.to_string())
            } else {
                error
            }
        })
    }
}

impl<T> fmt::Debug for ArgoCd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArgoCd")
            .field("address", &self.address)
            .field("has_token", &self.token.is_some())
            .finish_non_exhaustive()
    }
}
