//! New paths and addresses: `URLRewrite` and `RequestRedirect`.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::hostname::{Hostname, without_port};
use super::path::{MAX_PATH, has_path_characters};
use super::request::Request;
use crate::gateway::{PathModifier, PathModifierType, RedirectFilter};

/// A change of path, checked.
#[derive(Debug)]
pub(super) enum PathChange {
    Full(String),
    /// What stands in for the matched prefix, without trailing slash.
    Prefix(String),
}

impl PathChange {
    /// `prefix` is whether the rule has exactly one match, of a prefix.
    pub(super) fn new(modifier: &PathModifier, prefix: bool) -> Result<Self, &'static str> {
        let (change, text) = match modifier.kind {
            PathModifierType::ReplaceFullPath => {
                let full = modifier.replace_full_path.as_deref();
                let full = full.ok_or("ReplaceFullPath needs replaceFullPath")?;
                (Self::Full(rooted(full)), full)
            }
            PathModifierType::ReplacePrefixMatch if !prefix => {
                return Err("ReplacePrefixMatch needs exactly one match, of a PathPrefix");
            }
            PathModifierType::ReplacePrefixMatch => {
                let prefix = modifier.replace_prefix_match.as_deref();
                let prefix = prefix.ok_or("ReplacePrefixMatch needs replacePrefixMatch")?;
                let bare = prefix.strip_suffix('/').unwrap_or(prefix);
                let bare = if bare.is_empty() {
                    String::new()
                } else {
                    rooted(bare)
                };
                (Self::Prefix(bare), prefix)
            }
        };
        if text.len() > MAX_PATH || !(text.is_empty() || has_path_characters(text)) {
            return Err("a path is at most 1024 bytes of a URL's path, escapes included");
        }
        Ok(change)
    }

    /// The new path for one that matched `prefix` (without trailing slash).
    fn applied(&self, path: &str, prefix: &str) -> String {
        match self {
            Self::Full(full) => full.clone(),
            Self::Prefix(replacement) => {
                let rest = path.strip_prefix(prefix).unwrap_or(path);
                match format!("{replacement}{rest}") {
                    empty if empty.is_empty() => "/".to_owned(),
                    new => new,
                }
            }
        }
    }

    /// The new path with the query of the old.
    pub(super) fn target(&self, old: &str, prefix: &str) -> String {
        let (path, query) = old.split_at(old.find('?').unwrap_or(old.len()));
        let mut new = self.applied(path, prefix);
        new.push_str(query);
        new
    }
}

fn rooted(path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    }
}

/// A hostname to put in place of another: an exact one.
pub(super) fn replacement_host(hostname: &str) -> Result<String, &'static str> {
    match Hostname::parse(hostname) {
        Some(Hostname::Exact(host)) => Ok(host),
        _ => Err("a new hostname is one host's name"),
    }
}

/// A redirect, checked.
#[derive(Debug)]
pub(super) struct Redirect {
    pub(super) status: u16,
    scheme: Option<&'static str>,
    hostname: Option<String>,
    port: Option<u16>,
    path: Option<PathChange>,
}

impl Redirect {
    pub(super) fn new(filter: &RedirectFilter, prefix: bool) -> Result<Self, &'static str> {
        let scheme = match filter.scheme.as_deref() {
            None => None,
            Some("http") => Some("http"),
            Some("https") => Some("https"),
            Some(_) => return Err("scheme is http or https"),
        };
        let status = filter.status_code.unwrap_or(302);
        if ![301, 302, 303, 307, 308].contains(&status) {
            return Err("statusCode is 301, 302, 303, 307 or 308");
        }
        Ok(Self {
            status,
            scheme,
            hostname: filter
                .hostname
                .as_deref()
                .map(replacement_host)
                .transpose()?,
            port: filter.port,
            path: filter
                .path
                .as_ref()
                .map(|path| PathChange::new(path, prefix))
                .transpose()?,
        })
    }

    /// The new address of a request that came to `port` of a listener of `scheme`: absolute, or a path
    /// if nobody names a host and it stays where it is. `None` if it needs a host and has none.
    pub(super) fn location(
        &self,
        request: &Request<'_>,
        scheme: &str,
        port: u16,
        prefix: &str,
    ) -> Option<String> {
        let target = match &self.path {
            Some(change) => Cow::Owned(change.target(request.target, prefix)),
            None => Cow::Borrowed(request.target),
        };
        let host = match &self.hostname {
            Some(hostname) => hostname.as_str(),
            None => without_port(request.host),
        };
        let mut location = String::new();
        if host.is_empty() {
            // Relative to wherever the client is. A path of two slashes would name a host.
            if self.scheme.is_some() || self.port.is_some() {
                return None;
            }
            if target.starts_with("//") {
                location.push_str("/.");
            }
            push_visible(&mut location, &target);
            return Some(location);
        }
        // A new scheme brings its own port; otherwise the client stays on the listener's.
        let port = match (self.port, self.scheme) {
            (Some(port), _) => Some(port),
            (None, Some(_)) => None,
            (None, None) => Some(port),
        };
        let scheme = self.scheme.unwrap_or(scheme);
        let port = port.filter(|port| !matches!((scheme, port), ("http", 80) | ("https", 443)));
        location.push_str(scheme);
        location.push_str("://");
        push_visible(&mut location, host);
        if let Some(port) = port {
            let _ = write!(location, ":{port}");
        }
        if !target.starts_with('/') {
            location.push('/');
        }
        push_visible(&mut location, &target);
        Some(location)
    }
}

/// Whatever a client sent, a `Location` is one line of visible ASCII.
fn push_visible(location: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_graphic() {
            location.push(char::from(byte));
        } else {
            let _ = write!(location, "%{byte:02X}");
        }
    }
}
