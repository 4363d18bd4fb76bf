//! What of the objects could not be taken as written, and where.

use std::fmt;

use crate::gateway::ObjectName;

/// Something that does not do what its author may have thought. None of them stops the others:
/// what an object's problem means for its traffic is said by [`Problem::effect`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The object's kind.
    pub kind: &'static str,
    /// The object.
    pub object: ObjectName,
    /// Where in it, like `spec.rules[0].backendRefs[1]`.
    pub path: String,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            object,
            path,
            problem,
        } = self;
        write!(
            f,
            "{kind} {object}: {path}: {problem}; {}",
            problem.effect()
        )
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// More entries than the API allows.
    #[error("{count} entries, and at most {limit} are allowed")]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Not a hostname.
    #[error("`{hostname}` is not a hostname (lower case, optionally `*.` in front, no address)")]
    Hostname {
        /// What is written.
        hostname: String,
    },
    /// Not a path a match may name.
    #[error("`{path}` is not a path (starts with `/`; no `//`, `/./`, `/../`, `%2f`, `#`)")]
    Path {
        /// What is written.
        path: String,
    },
    /// A path that is too long.
    #[error("a path of {bytes} bytes, and at most 1024 are allowed")]
    PathLength {
        /// How long it is.
        bytes: usize,
    },
    /// Not a regular expression, or one too large.
    #[error("`{expression}` is not a usable regular expression: {reason}")]
    Expression {
        /// What is written.
        expression: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Not one of the methods.
    #[error(
        "`{method}` is not a method (GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH)"
    )]
    Method {
        /// What is written.
        method: String,
    },
    /// A weight above the API's limit.
    #[error("a weight of {weight}, and at most 1000000 is allowed")]
    Weight {
        /// What is written.
        weight: u32,
    },
    /// A parent that is not among the objects.
    #[error("no gateway {gateway}")]
    NoGateway {
        /// The gateway referred to.
        gateway: ObjectName,
    },
    /// A parent that does not take the route.
    #[error("no listener of {gateway} takes this route: {reason}")]
    NotAccepted {
        /// The gateway referred to.
        gateway: ObjectName,
        /// What stands in the way at the listener that came closest.
        reason: Obstacle,
    },
    /// A backend that cannot be used.
    #[error("backend {backend}: {refusal}")]
    Backend {
        /// The backend referred to.
        backend: ObjectName,
        /// Why not.
        refusal: super::Refusal,
    },
    /// A mirror that cannot be used.
    #[error("mirror {backend}: {refusal}")]
    Mirror {
        /// The backend referred to.
        backend: ObjectName,
        /// Why not.
        refusal: super::Refusal,
    },
    /// A filter that cannot be carried out.
    #[error("filter {kind}: {reason}")]
    Filter {
        /// Its type.
        kind: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Filters that exclude each other.
    #[error("filter RequestRedirect: {reason}")]
    Incompatible {
        /// Which.
        reason: &'static str,
    },
    /// An access policy that cannot be carried out.
    #[error("{reason}")]
    Access {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An access policy about nothing.
    #[error("no {kind} {target} to guard")]
    AccessTarget {
        /// The kind referred to.
        kind: String,
        /// The object referred to.
        target: ObjectName,
    },
    /// A session that cannot be kept.
    #[error("session persistence: {reason}")]
    Session {
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// What stands between a route and a listener, the furthest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "the API's steps")]
pub enum Obstacle {
    /// No listener is the one that is meant.
    #[error("none has that name and port")]
    NoSuchListener,
    /// The listener is for other kinds of routes.
    #[error("routes of this kind are not allowed there")]
    Kind,
    /// The listener is for other namespaces.
    #[error("routes of this namespace are not allowed there")]
    Namespace,
    /// The listener is for other hosts.
    #[error("no hostname of the route is one of the listener's")]
    Hostname,
    /// A route of the other kind was there before it.
    #[error("an older route of the other kind is there for its hosts")]
    Rival,
}

impl Problem {
    /// What it means for requests.
    #[must_use]
    pub fn effect(&self) -> &'static str {
        match self {
            Self::NoGateway { .. } | Self::NotAccepted { .. } => "it is not attached there",
            Self::Backend { refusal, .. } => match refusal.status() {
                503 => "its share of requests gets 503",
                _ => "its share of requests gets 500",
            },
            Self::Access { .. } => "requests to its targets get 500",
            Self::AccessTarget { .. } => "nothing is guarded by this",
            Self::Mirror { .. } => "no copies are sent",
            Self::Filter { .. } | Self::Incompatible { .. } => "requests get 500",
            Self::Session { .. } => "sessions are not kept",
            _ => "the whole object takes no part",
        }
    }
}
