//! Hostnames of listeners and routes: exact, or everything below a domain.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::Ipv4Addr;

/// Which hosts a listener or a route is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the API's three")]
pub enum Hostname {
    /// Every host.
    Any,
    /// All below a domain at any depth, but not the domain: `*.example.com` is `.example.com`.
    Below(String),
    /// One host.
    Exact(String),
}

impl Hostname {
    /// Reads a hostname as the API writes it; empty is [`Hostname::Any`]. `None` for an address, a
    /// wildcard anywhere but in front, or what no domain name looks like.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::Any);
        }
        let name = text.to_ascii_lowercase();
        let domain = name.strip_prefix("*.").unwrap_or(&name);
        let label = |label: &str| {
            let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            (1..=63).contains(&label.len())
                && label.bytes().all(inner)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let sound = name.len() <= 253
            && domain.split('.').all(label)
            && domain.parse::<Ipv4Addr>().is_err();
        sound.then(|| match name.strip_prefix('*') {
            Some(below) => Self::Below(below.to_owned()),
            None => Self::Exact(name),
        })
    }

    /// The hosts that are in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Any, both) | (both, Self::Any) => Some(both.clone()),
            (Self::Exact(host), pattern) | (pattern, Self::Exact(host)) => {
                pattern.matches(host).then(|| Self::Exact(host.clone()))
            }
            (Self::Below(one), Self::Below(two)) => {
                let (long, short) = if one.len() < two.len() {
                    (two, one)
                } else {
                    (one, two)
                };
                long.ends_with(short.as_str())
                    .then(|| Self::Below(long.clone()))
            }
        }
    }

    /// Whether a host, in lower case and without port, is one of these.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => exact == host,
            Self::Below(below) => host.len() > below.len() && host.ends_with(below.as_str()),
        }
    }

    /// What precedence counts: characters of a hostname without wildcard, then characters.
    pub(super) fn specificity(&self) -> (usize, usize) {
        match self {
            Self::Any => (0, 0),
            Self::Below(below) => (0, below.len() + 1),
            Self::Exact(exact) => (exact.len(), exact.len()),
        }
    }
}

/// The host of a `Host` header, as hostnames compare it: without port, in lower case, without the
/// root's dot.
pub(super) fn host_of(authority: &str) -> Cow<'_, str> {
    let host = without_port(authority);
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

/// The authority without its port; brackets stay.
pub(super) fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port))
            if port.bytes().all(|b| b.is_ascii_digit())
                && (!host.contains(':') || host.ends_with(']')) =>
        {
            host
        }
        _ => authority,
    }
}

/// The port written in an authority.
pub(super) fn port_of(authority: &str) -> Option<u16> {
    authority
        .get(without_port(authority).len() + 1..)?
        .parse()
        .ok()
}

/// One `T` per hostname, found from the most to the least specific that matches.
#[derive(Debug)]
pub(super) struct HostMap<T> {
    exact: HashMap<String, T>,
    below: HashMap<String, T>,
    any: Option<T>,
}

impl<T> Default for HostMap<T> {
    fn default() -> Self {
        Self {
            exact: HashMap::new(),
            below: HashMap::new(),
            any: None,
        }
    }
}

impl<T: Default> HostMap<T> {
    pub(super) fn entry(&mut self, hostname: &Hostname) -> &mut T {
        match hostname {
            Hostname::Any => self.any.get_or_insert_default(),
            Hostname::Below(below) => self.below.entry(below.clone()).or_default(),
            Hostname::Exact(exact) => self.exact.entry(exact.clone()).or_default(),
        }
    }
}

impl<T> HostMap<T> {
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.exact
            .values_mut()
            .chain(self.below.values_mut())
            .chain(&mut self.any)
    }

    /// Every entry with its hostname as the API writes it, `*` for any.
    pub(super) fn entries(&self) -> impl Iterator<Item = (String, &T)> {
        let exact = self.exact.iter().map(|(host, entry)| (host.clone(), entry));
        let below = self.below.iter();
        let below = below.map(|(domain, entry)| (format!("*{domain}"), entry));
        let any = self.any.iter().map(|entry| ("*".to_owned(), entry));
        exact.chain(below).chain(any)
    }

    /// Every entry whose hostname matches, most specific first.
    pub(super) fn matching<'a>(&'a self, host: &'a str) -> impl Iterator<Item = &'a T> {
        let below = (!self.below.is_empty()).then(|| {
            host.match_indices('.')
                // A host that begins with a dot is no host below anything.
                .filter(|(at, _)| *at > 0)
                .filter_map(|(at, _)| self.below.get(host.get(at..)?))
        });
        self.exact
            .get(host)
            .into_iter()
            .chain(below.into_iter().flatten())
            .chain(&self.any)
    }
}
