//! What a decision is asked about: a request, and where it came in.

use std::borrow::Cow;
use std::time::Duration;

use super::access::Presented;
use super::hostname;
use crate::gateway::ObjectName;

/// A request as far as routing looks at it. All parts as received.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The method, upper case as HTTP has it.
    pub method: &'a str,
    /// The `Host` header or `:authority`, with or without a port.
    pub host: &'a str,
    /// The path with its query, if any (origin form).
    pub target: &'a str,
    /// Names in any letter case, and values, in order, repeated ones separately. `Host` need not be here.
    pub headers: &'a [(&'a str, &'a str)],
    /// Time since the Unix epoch, for sessions with a lifetime.
    pub now: Duration,
    /// What came of verifying who the client is.
    pub presented: Presented<'a>,
}

impl<'a> Request<'a> {
    /// A request at time zero.
    #[must_use]
    pub const fn new(
        method: &'a str,
        host: &'a str,
        target: &'a str,
        headers: &'a [(&'a str, &'a str)],
    ) -> Self {
        Self {
            method,
            host,
            target,
            headers,
            now: Duration::ZERO,
            presented: Presented::Nothing,
        }
    }

    /// The same request at a time since the Unix epoch.
    #[must_use]
    pub const fn at(mut self, now: Duration) -> Self {
        self.now = now;
        self
    }

    /// The same request of a client that was, or could not be, verified.
    #[must_use]
    pub const fn presenting(mut self, presented: Presented<'a>) -> Self {
        self.presented = presented;
        self
    }

    /// The same request with other headers.
    pub(super) fn with_headers<'r>(&self, headers: &'r [(&'r str, &'r str)]) -> Request<'r>
    where
        'a: 'r,
    {
        Request { headers, ..*self }
    }

    /// The target up to its query; `/` for an empty one.
    pub(super) fn path(&self) -> &'a str {
        match self.target.split_once('?').map_or(self.target, |(p, _)| p) {
            "" => "/",
            path => path,
        }
    }

    /// From the question mark on, or empty.
    pub(super) fn query_with_mark(&self) -> &'a str {
        let at = self.target.find('?').unwrap_or(self.target.len());
        self.target.get(at..).unwrap_or_default()
    }

    /// The host as hostnames compare it.
    pub(super) fn host(&self) -> Cow<'a, str> {
        hostname::host_of(self.host)
    }

    /// The values of a header, in order.
    pub(super) fn header(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(written, _)| written.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }
}

/// Where a request came in; what is not said is not narrowed down.
///
/// Of several gateways, or ports of one, that are left, the first with a rule for the request
/// decides: the port its `Host` names before port 80 before the rest in their order.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Arrival {
    /// The gateway.
    pub gateway: Option<ObjectName>,
    /// The listener, by name. For HTTP it stands for its port, since a connection to a port says
    /// nothing about which of its listeners is meant; for HTTPS it is the one TLS chose by its SNI.
    pub listener: Option<String>,
    /// The port.
    pub port: Option<u16>,
}

impl Arrival {
    /// Nothing narrowed down.
    pub const ANYWHERE: Self = Self {
        gateway: None,
        listener: None,
        port: None,
    };

    /// At this gateway.
    #[must_use]
    pub fn at_gateway(mut self, gateway: ObjectName) -> Self {
        self.gateway = Some(gateway);
        self
    }

    /// At this listener.
    #[must_use]
    pub fn at_listener(mut self, listener: impl Into<String>) -> Self {
        self.listener = Some(listener.into());
        self
    }

    /// At this port.
    #[must_use]
    pub fn at_port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }
}
