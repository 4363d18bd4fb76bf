//! What becomes of a request.

use std::borrow::Cow;
use std::fmt;

use super::{Backend, Denied, Kept, Request, RouteKind};
use crate::gateway::{ObjectName, Retry, Timeouts};

/// What becomes of a request, and which rule says so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision<'a> {
    /// The listener that took it.
    pub listener: Option<ListenerName<'a>>,
    /// The rule that decided.
    pub rule: Option<RuleName<'a>>,
    /// What to do.
    pub outcome: Outcome<'a>,
    /// What to change about the response, in this order, whoever makes it.
    pub response_headers: Vec<HeaderChange<'a>>,
    /// Which policy kept the client out, and what it lacks. For people who run this, not for the client.
    pub denied: Option<Denied<'a>>,
}

/// A listener of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenerName<'a> {
    /// The gateway.
    pub gateway: &'a ObjectName,
    /// The listener's name.
    pub listener: &'a str,
}

/// A rule of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleName<'a> {
    /// The route's kind.
    pub kind: RouteKind,
    /// The route.
    pub route: &'a ObjectName,
    /// The rule's place in its list, from zero.
    pub index: usize,
    /// The rule's name, if it has one.
    pub name: Option<&'a str>,
}

/// What to do with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever carries it out must do each"
)]
pub enum Outcome<'a> {
    /// Send it on.
    Forward(Forward<'a>),
    /// Send the client elsewhere.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// A URL in visible ASCII: absolute, but for a request that names no host.
        location: String,
    },
    /// Answer it here.
    Respond {
        /// The status.
        status: u16,
        /// The body.
        body: &'a str,
    },
    /// Answer it here, because it cannot be served.
    Refuse(Refusal),
}

/// A request to send on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forward<'a> {
    /// Where to.
    pub backend: &'a Backend,
    /// The `Host` to send; as received unless rewritten.
    pub host: Cow<'a, str>,
    /// The path and query to send.
    pub target: Cow<'a, str>,
    /// What to change about the headers to send, in this order; see [`Forward::headers`].
    pub request_headers: Vec<HeaderChange<'a>>,
    /// Who gets a copy.
    pub mirrors: Vec<&'a Backend>,
    /// How long it may take; past that, answer 504.
    pub timeouts: Timeouts,
    /// Whether to try again.
    pub retry: Option<&'a Retry>,
    /// The session it belongs to or begins; its endpoint is kept as its backend is.
    pub session: Option<Kept>,
}

/// A change to the headers of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever carries it out must do each"
)]
pub enum HeaderChange<'a> {
    /// Replace what is there.
    Set(Cow<'a, str>, Cow<'a, str>),
    /// Append to what is there.
    Add(Cow<'a, str>, Cow<'a, str>),
    /// Take out.
    Remove(Cow<'a, str>),
}

/// Why a request cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No listener is for this host and place.
    #[error("no listener is for it")]
    NoListener,
    /// No rule matches.
    #[error("no rule matches")]
    NoRule,
    /// It came over a TLS connection made for another host.
    #[error("another listener of this port is for its host")]
    Misdirected,
    /// A redirect needs a host, and the request names none.
    #[error("it names no host")]
    NoHost,
    /// The rule names no backend.
    #[error("the rule names no backend")]
    NoBackend,
    /// Every backend of the rule has weight 0.
    #[error("all backends have weight 0")]
    AllDrained,
    /// The backend is of a kind that nobody here knows.
    #[error("only services are known")]
    BackendKind,
    /// The backend is not among the objects.
    #[error("no such service")]
    BackendNotFound,
    /// The backend is in another namespace, which grants no reference.
    #[error("no ReferenceGrant in its namespace allows this reference")]
    NotGranted,
    /// The backend's port is missing, or no TCP port of the service.
    #[error("the service has no such TCP port")]
    BackendPort,
    /// The service is an alias of a DNS name, which would pass by every grant.
    #[error("services of type ExternalName are not followed")]
    ExternalName,
    /// Nobody is ready behind the service.
    #[error("no endpoint is ready")]
    NoReadyEndpoint,
    /// Whoever it is, the route is only for known clients.
    #[error("it says not who its client is")]
    Unauthenticated,
    /// The token or password is wrong.
    #[error("its credentials are not valid")]
    InvalidCredentials,
    /// The client is not allowed to.
    #[error("its client may not do this")]
    Forbidden,
    /// Nobody can verify the client now.
    #[error("its credentials cannot be verified now")]
    Unverifiable,
    /// Servers read its path differently, and there are routes for some clients only.
    #[error("its path can be read in several ways")]
    Unclear,
    /// An access policy cannot be carried out.
    #[error("an access policy cannot be carried out")]
    Access,
    /// A filter cannot be carried out.
    #[error("a filter cannot be carried out")]
    Filter,
}

impl Refusal {
    /// The status the API says.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::NoListener | Self::NoRule => 404,
            Self::Misdirected => 421,
            Self::NoHost | Self::Unclear => 400,
            Self::Unauthenticated | Self::InvalidCredentials => 401,
            Self::Forbidden => 403,
            Self::NoReadyEndpoint | Self::Unverifiable => 503,
            _ => 500,
        }
    }
}

impl Decision<'_> {
    /// The status of an answer made here; `None` when it is the backend's to say.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match &self.outcome {
            Outcome::Forward(_) => None,
            Outcome::Redirect { status, .. } | Outcome::Respond { status, .. } => Some(*status),
            Outcome::Refuse(refusal) => Some(refusal.status()),
        }
    }
}

impl Forward<'_> {
    /// The headers to send for this request, repeated ones separately.
    #[must_use]
    pub fn headers(&self, request: &Request<'_>) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut headers = request.headers.iter().map(owned).collect();
        for change in &self.request_headers {
            change.apply(&mut headers);
        }
        headers
    }
}

impl<'a> RuleName<'a> {
    /// What makes it the same rule after its route has changed.
    pub(super) fn identity(self) -> (RouteKind, &'a ObjectName, Result<&'a str, usize>) {
        (self.kind, self.route, self.name.ok_or(self.index))
    }
}

impl fmt::Display for RuleName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} rule {}", self.kind, self.route, self.index)?;
        match self.name {
            Some(name) => write!(f, " ({name})"),
            None => Ok(()),
        }
    }
}
