//! Why there is no answer, sorted by what the caller can do.

use std::error::Error as StdError;
use std::io;
use std::io::ErrorKind as Io;
use std::iter::successors;

/// A request that got no answer, or not all of it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// Without the address, which may be a secret.
    pub(crate) words: String,
}

/// What it failed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Unreachable,
    Untrusted,
    /// The connection ended early.
    Interrupted,
    /// What was answered is no HTTP.
    Other,
}

impl Failure {
    pub(super) fn new(kind: Kind, words: impl Into<String>) -> Self {
        Self {
            kind,
            words: words.into(),
        }
    }

    pub(super) fn of(error: &reqwest::Error) -> Self {
        let causes: Vec<&Cause> = successors(error.source(), |&cause| below(cause)).collect();
        // What stands above the last says that something was sent, and where.
        let words = match causes.last() {
            Some(cause) => cause.to_string(),
            None => "the answer cannot be read".to_owned(),
        };
        Self::new(kind(error, &causes), words)
    }
}

type Cause = dyn StdError + 'static;

fn kind(error: &reqwest::Error, causes: &[&Cause]) -> Kind {
    let first = |of: fn(&Cause) -> Option<Kind>| causes.iter().find_map(|cause| of(*cause));
    let found = first(of_tls)
        .or_else(|| first(of_socket))
        .or_else(|| first(of_http));
    match found {
        // The authorities of the operating system cannot be read.
        _ if error.is_builder() => Kind::Untrusted,
        Some(kind) => kind,
        // A name that nobody knows, a proxy that does not let us through.
        None if error.is_connect() => Kind::Unreachable,
        None => Kind::Other,
    }
}

fn below(cause: &Cause) -> Option<&Cause> {
    // An I/O error names the cause of what is within it as its own, and not that itself.
    match cause.downcast_ref().and_then(io::Error::get_ref) {
        Some(within) => Some(within),
        None => cause.source(),
    }
}

fn of_tls(cause: &Cause) -> Option<Kind> {
    cause.downcast_ref().map(|error| match error {
        rustls::Error::InvalidCertificate(_) => Kind::Untrusted,
        _ => Kind::Unreachable,
    })
}

fn of_socket(cause: &Cause) -> Option<Kind> {
    match cause.downcast_ref::<io::Error>()?.kind() {
        Io::ConnectionRefused
        | Io::HostUnreachable
        | Io::NetworkUnreachable
        | Io::AddrNotAvailable
        | Io::NotFound => Some(Kind::Unreachable),
        Io::ConnectionReset
        | Io::ConnectionAborted
        | Io::BrokenPipe
        | Io::NotConnected
        | Io::UnexpectedEof
        // A socket's own patience is not the operation's.
        | Io::TimedOut => Some(Kind::Interrupted),
        _ => None,
    }
}

fn of_http(cause: &Cause) -> Option<Kind> {
    let error = cause.downcast_ref::<hyper::Error>()?;
    let ended = error.is_incomplete_message() || error.is_closed() || error.is_canceled();
    ended.then_some(Kind::Interrupted)
}
