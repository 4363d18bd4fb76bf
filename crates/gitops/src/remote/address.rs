//! Where a repository is: the addresses `git clone` takes, read without surprises.
//!
//! Refused, rather than guessed: addresses with a password in them (they end up in logs), hosts and
//! users that a program could take for an option, control characters, and schemes that run commands.

use std::fmt;
use std::path::PathBuf;

/// The address of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Address {
    /// On this machine.
    Path(PathBuf),
    /// `git://host[:port]/path`
    Daemon {
        host: String,
        port: u16,
        path: String,
    },
    /// `ssh://[user@]host[:port]/path` or `[user@]host:path`
    Ssh {
        user: Option<String>,
        host: String,
        port: Option<u16>,
        path: String,
    },
    /// `https://host[:port]/path`, `http://…`
    Http {
        secure: bool,
        user: Option<String>,
        /// With the port, if it is not the usual one.
        authority: String,
        path: String,
    },
}

/// An address that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("repository address `{address}`: {reason}")]
pub(super) struct AddressError {
    address: String,
    reason: &'static str,
}

/// The port of `git daemon`.
const DAEMON_PORT: u16 = 9418;

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, AddressError> {
        Self::read(text).map_err(|reason| AddressError {
            address: redacted(text),
            reason,
        })
    }

    fn read(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("it is empty");
        }
        if text.chars().any(char::is_control) {
            return Err("it has a control character");
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Self::without_scheme(text);
        };
        match scheme {
            "file" if rest.starts_with('/') => Ok(Self::Path(rest.into())),
            "file" => Err("expected file:///path"),
            "git" => {
                let (host, path) = split(rest)?;
                let host = Host::read(host)?;
                if host.user.is_some() {
                    return Err("git:// has no users");
                }
                Ok(Self::Daemon {
                    port: host.port.unwrap_or(DAEMON_PORT),
                    host: host.name,
                    path: path.to_owned(),
                })
            }
            "ssh" | "git+ssh" | "ssh+git" => {
                let (host, path) = split(rest)?;
                let host = Host::read(host)?;
                // `/~user/…` is relative to that user's home, as git has it.
                let path = match path.strip_prefix("/~") {
                    Some(_) => path.trim_start_matches('/'),
                    None => path,
                };
                Ok(Self::Ssh {
                    user: host.user,
                    host: host.name,
                    port: host.port,
                    path: path.to_owned(),
                })
            }
            "https" | "http" => {
                let (host, path) = split(rest)?;
                if path.contains(['?', '#']) {
                    return Err("it has a query or a fragment");
                }
                let host = Host::read(host)?;
                let name = host.name;
                let authority = match host.port {
                    Some(port) => format!("{name}:{port}"),
                    None => name,
                };
                Ok(Self::Http {
                    secure: scheme == "https",
                    user: host.user,
                    authority,
                    path: path.trim_end_matches('/').to_owned(),
                })
            }
            _ => Err("expected https://, ssh://, git://, file:// or a path"),
        }
    }

    /// A path, or `[user@]host:path` when a colon stands before the first slash.
    fn without_scheme(text: &str) -> Result<Self, &'static str> {
        let Some((host, path)) = text.split_once(':').filter(|(host, _)| !host.contains('/'))
        else {
            return Ok(Self::Path(text.into()));
        };
        if path.starts_with(':') {
            return Err("a transport that runs commands is not used");
        }
        if path.is_empty() {
            return Err("it has no path");
        }
        if path.starts_with('-') {
            return Err("its path could be taken for an option");
        }
        let host = Host::read(host)?;
        Ok(Self::Ssh {
            user: host.user,
            host: host.name,
            port: None,
            path: path.to_owned(),
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |user: &Option<String>| match user {
            Some(user) => format!("{user}@"),
            None => String::new(),
        };
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Daemon { host, port, path } => write!(f, "git://{host}:{port}{path}"),
            Self::Ssh {
                user,
                host,
                port,
                path,
            } => {
                let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                let slash = if path.starts_with('/') { "" } else { "/" };
                write!(f, "ssh://{}{host}{port}{slash}{path}", at(user))
            }
            Self::Http {
                secure,
                authority,
                path,
                // Forges take a token in this place.
                user: _,
            } => {
                let scheme = if *secure { "https" } else { "http" };
                write!(f, "{scheme}://{authority}{path}")
            }
        }
    }
}

/// `user@name:port`
struct Host {
    user: Option<String>,
    name: String,
    port: Option<u16>,
}

impl Host {
    fn read(text: &str) -> Result<Self, &'static str> {
        let (user, rest) = match text.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, text),
        };
        if let Some(user) = user {
            if user.contains(':') {
                return Err("a password does not belong in an address: give it as a credential");
            }
            if user.is_empty() || !is_plain(user) {
                return Err("it has an odd user name");
            }
        }
        // The colons of an IPv6 address stand in brackets.
        let end = rest.rfind(']').map_or(0, |end| end + 1);
        let (name, port) = match rest.get(end..).and_then(|tail| tail.rfind(':')) {
            Some(colon) => {
                let (name, port) = rest.split_at(end + colon);
                let port = port.trim_start_matches(':').parse();
                (name, Some(port.map_err(|_| "its port is not a number")?))
            }
            None => (rest, None),
        };
        let plain = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .unwrap_or(name);
        if plain.is_empty() || !is_plain(plain) {
            return Err("it has no host name, or an odd one");
        }
        Ok(Self {
            user: user.map(str::to_owned),
            name: name.to_owned(),
            port,
        })
    }
}

/// Nothing a shell, a program's options or a web server's log would read as something else.
fn is_plain(text: &str) -> bool {
    !text.starts_with('-')
        && text.chars().all(|character| {
            character.is_alphanumeric() || matches!(character, '-' | '.' | '_' | ':' | '%' | '+')
        })
}

fn split(rest: &str) -> Result<(&str, &str), &'static str> {
    let slash = rest.find('/').ok_or("it has no path")?;
    let (host, path) = rest.split_at(slash);
    if path.len() < 2 {
        return Err("it has no path");
    }
    Ok((host, path))
}

/// The address without a password that somebody wrote into it.
fn redacted(text: &str) -> String {
    const MAX_SHOWN_CHARS: usize = 200;
    let shown = match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => text.to_owned(),
    };
    // Nor a token in a query.
    let shown = shown.split(['?', '#']).next().unwrap_or_default();
    shown
        .chars()
        .take(MAX_SHOWN_CHARS)
        .flat_map(char::escape_debug)
        .collect()
}
