//! What can go wrong with a server that is told or asked something, and what the caller can do about it.

use std::fmt;
use std::time::Duration;

/// Most characters of a server's words that are shown.
pub const MAX_WORDS: usize = 2000;

/// What a caller can branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The address is not one that can be used.
    Address,
    /// What was to be sent cannot be: a name, a title, a template.
    Invalid,
    /// The server cannot be reached: name, network, port, TLS. Try again later.
    Unreachable,
    /// The server's certificate is not one that is trusted.
    Untrusted,
    /// The server does not take this token.
    Unauthorized,
    /// The token's owner may not do this.
    Forbidden,
    /// There is no such thing, or this token may not see it.
    NotFound,
    /// The server says no, in the words of the message.
    Refused,
    /// It is there already.
    Exists,
    /// Something else is being done to it. Try again later.
    Busy,
    /// The server cannot serve now (429, 5xx). Try again later.
    Unavailable,
    /// The connection ended early. What was asked for may or may not have been done.
    Interrupted,
    /// What the server answered is not what it is documented to.
    Protocol,
    /// A limit of this crate is exceeded; the message names it.
    TooLarge,
    /// The time is up. What was asked for may or may not have been done.
    TimedOut,
    /// Argo CD could not apply the commit, in its own words.
    SyncFailed,
    /// The commit is applied, and what it changed does not work, in Argo CD's own words.
    Degraded,
}

/// A server could not be told or asked something, or what it was waited for did not happen.
#[derive(Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    retry_after: Option<Duration>,
}

impl Error {
    /// An error of a [`Transport`](super::Transport) of one's own.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
        }
    }

    pub(super) fn hint(mut self, hint: &str) -> Self {
        self.message.push_str("\n  try: ");
        self.message.push_str(hint);
        self
    }

    pub(super) fn with_retry_after(mut self, after: Option<Duration>) -> Self {
        self.retry_after = after;
        self
    }

    /// The same with what was being done before it.
    pub(super) fn during(mut self, doing: impl fmt::Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// What happened, to branch on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// How long the server wants to be left alone, when it said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether the same may work a little later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Unreachable
                | ErrorKind::Unavailable
                | ErrorKind::Interrupted
                | ErrorKind::TimedOut
                | ErrorKind::Busy
        )
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

/// A server's words, on one line and bounded.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text
        .trim()
        .chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .take(MAX_WORDS)
        .collect();
    if text.trim().chars().nth(MAX_WORDS).is_some() {
        shown.push('…');
    }
    shown
}
