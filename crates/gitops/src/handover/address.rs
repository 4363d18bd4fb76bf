//! Where a server is.

use std::fmt;

use zeroize::Zeroizing;

use super::error::{Error, ErrorKind, shown};

/// Longest accepted address.
const MAX_BYTES: usize = 2048;

/// `https://host[:port][/path]`. Only scheme, host and port are ever printed: the path of a webhook may be a
/// secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// `https://host:port`
    origin: String,
    /// Begins with a slash when it is not empty, and does not end with one.
    path: Zeroizing<String>,
}

impl Address {
    /// An `https://` address, or an `http://` one of this machine.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Address`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let address = Self::unencrypted(text)?;
        if address.is_encrypted() || is_this_machine(address.authority()) {
            return Ok(address);
        }
        let message = format!("{address}: tokens are not sent unencrypted to another machine");
        Err(Error::new(ErrorKind::Address, message).hint("an https:// address"))
    }

    /// Any `https://` or `http://` address: whoever sees the traffic has what is sent there. For servers
    /// reached within one cluster.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Address`].
    pub fn unencrypted(text: &str) -> Result<Self, Error> {
        // What is wrong may be a secret that stands in the wrong place: it is not repeated.
        let wrong = |why: &str| Err(Error::new(ErrorKind::Address, format!("address: {why}")));
        if text.len() > MAX_BYTES {
            return wrong("it is longer than 2048 bytes");
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return wrong("expected https://host/path");
        };
        if !matches!(scheme, "https" | "http") {
            return wrong("expected https:// or http://");
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return wrong("a password does not belong in it: give it as a token");
        }
        let is_plain = |character: char| {
            character.is_ascii_alphanumeric()
                || matches!(character, '-' | '.' | '_' | ':' | '[' | ']')
        };
        if authority.is_empty() || authority.starts_with(':') || !authority.chars().all(is_plain) {
            return wrong("it has no host name, or an odd one");
        }
        if path.contains('#') || !path.chars().all(|character| character.is_ascii_graphic()) {
            return wrong("it has a fragment, or characters that no address has");
        }
        Ok(Self {
            origin: format!("{scheme}://{}", authority.to_ascii_lowercase()),
            path: Zeroizing::new(path.trim_end_matches('/').to_owned()),
        })
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The whole of it, which may be a secret.
    pub(super) fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}{}", self.origin, self.path.as_str()))
    }

    /// The address of `path` below this one: `/api/v1/applications`. What is put into it must be
    /// [escaped](Address::escape).
    #[must_use]
    pub fn join(&self, path: &str) -> Self {
        Self {
            origin: self.origin.clone(),
            path: Zeroizing::new(format!("{}{path}", self.path.as_str())),
        }
    }

    /// One component of a path, or one value of a query, with everything escaped that means something there
    /// (RFC 3986, 2.3).
    #[must_use]
    pub fn escape(text: &str) -> String {
        let mut escaped = String::with_capacity(text.len());
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    escaped.push(char::from(byte));
                }
                _ => escaped.push_str(&format!("%{byte:02X}")),
            }
        }
        escaped
    }

    fn is_encrypted(&self) -> bool {
        self.origin.starts_with("https:")
    }

    fn authority(&self) -> &str {
        self.origin
            .split_once("://")
            .map_or("", |(_, authority)| authority)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.origin))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({}/…)", self.origin)
    }
}

fn is_this_machine(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
        _ => authority,
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}
