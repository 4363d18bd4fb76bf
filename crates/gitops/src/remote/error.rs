//! What can go wrong with a remote, and what the caller can do about it.

use std::error::Error as StdError;
use std::{fmt, io};

use super::pack::PackError;
use super::wire::WireError;
use crate::repository;

/// What a caller can branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The address is not one that can be used.
    Address,
    /// Not the name of a branch.
    InvalidBranch,
    /// The server cannot be reached: name, network, port, TLS. Try again later.
    Unreachable,
    /// The server's host key or certificate is not one that is trusted.
    Untrusted,
    /// Credentials are missing, or the server does not take them.
    Unauthorized,
    /// There is no such repository, or these credentials may not see it.
    NotFound,
    /// The server says no, in the words of the message: a protected branch, a hook, a quota.
    Refused,
    /// The server cannot serve now (429, 5xx). Try again later.
    Unavailable,
    /// The connection ended early. What was being pushed may or may not have arrived.
    Interrupted,
    /// What the server sent is not the git protocol.
    Protocol,
    /// The server cannot do what is needed.
    Unsupported,
    /// The server cannot move several branches as one; nothing was sent. Moving them one by one is up to the caller.
    NotAtomic,
    /// A limit of this crate is exceeded; the message names it.
    TooLarge,
    /// The deadline passed. What was being pushed may or may not have arrived.
    TimedOut,
    /// The caller cancelled. What was being pushed may or may not have arrived.
    Cancelled,
    /// A program this transport needs could not be run.
    NoProgram,
    /// Objects that were here a moment ago are gone. Try again.
    CacheLost,
    /// The repository on this machine failed.
    Repository(repository::ErrorKind),
}

/// A remote could not be read or written.
pub struct Error {
    kind: ErrorKind,
    message: String,
    refusals: Vec<Refusal>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What a server says about a branch that it does not move.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The branch, or where a proposal was to go.
    pub branch: String,
    /// The server's words about it. Of one that was held back since another was refused, git's own: `atomic push failure`.
    pub reason: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            refusals: Vec::new(),
            source: None,
        }
    }

    pub(crate) fn refusing(self, refusals: Vec<Refusal>) -> Self {
        Self { refusals, ..self }
    }

    pub(crate) fn hint(mut self, hint: &str) -> Self {
        self.message.push_str("\n  try: ");
        self.message.push_str(hint);
        self
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// The same with what was being done before it.
    pub(crate) fn during(mut self, doing: impl fmt::Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// The same for somebody else.
    pub(crate) fn again(&self) -> Self {
        Self::new(self.kind, self.message.clone()).refusing(self.refusals.clone())
    }

    /// Of [`ErrorKind::Refused`], when a push was: what the server said about each branch of it.
    #[must_use]
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// What happened, to branch on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        // The cause's words are part of the message: a chain printed whole must not say them twice.
        self.source.as_deref().and_then(StdError::source)
    }
}

impl From<repository::Error> for Error {
    fn from(error: repository::Error) -> Self {
        Self {
            kind: match error.kind() {
                repository::ErrorKind::InvalidBranch => ErrorKind::InvalidBranch,
                kind => ErrorKind::Repository(kind),
            },
            message: error.to_string(),
            refusals: Vec::new(),
            source: Some(Box::new(error)),
        }
    }
}

impl From<WireError> for Error {
    fn from(error: WireError) -> Self {
        let kind = match &error {
            WireError::Ended => ErrorKind::Interrupted,
            WireError::Said(_) => ErrorKind::Refused,
            WireError::TooMany { .. } | WireError::TooLong { .. } => ErrorKind::TooLarge,
            WireError::NotAtomic => ErrorKind::NotAtomic,
            WireError::Io(_) => match error {
                WireError::Io(error) => return error.into(),
                _ => ErrorKind::Interrupted,
            },
            _ => ErrorKind::Protocol,
        };
        Self {
            kind,
            message: error.to_string(),
            refusals: Vec::new(),
            source: Some(Box::new(error)),
        }
    }
}

impl From<io::Error> for Error {
    /// An error of this crate that went through a reader is itself again.
    fn from(error: io::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(own) => return own,
            Err(error) => error,
        };
        match error.downcast::<WireError>() {
            Ok(wire) => wire.into(),
            Err(error) => Self {
                kind: ErrorKind::Interrupted,
                message: format!("the connection failed: {error}"),
                refusals: Vec::new(),
                source: Some(Box::new(error)),
            },
        }
    }
}

impl From<PackError> for Error {
    fn from(error: PackError) -> Self {
        let kind = match error {
            PackError::Io(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Self::new(
                    ErrorKind::Protocol,
                    format!("an object of the pack is damaged: {error}"),
                );
            }
            PackError::Io(error) => return error.into(),
            PackError::Ended => ErrorKind::Interrupted,
            PackError::TooMany { .. } | PackError::TooLarge { .. } => ErrorKind::TooLarge,
            _ => ErrorKind::Protocol,
        };
        Self {
            kind,
            message: error.to_string(),
            refusals: Vec::new(),
            source: Some(Box::new(error)),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}
