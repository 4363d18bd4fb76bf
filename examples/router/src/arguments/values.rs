//! Flags whose value has a form of its own: `--as`, `--listen`, `--backend`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use hyper::Uri;
use hyper::http::uri::Authority;
use narae_routing::Weight;

/// One `--as`.
#[derive(Clone, Debug)]
pub(crate) enum Client {
    /// Who has a password.
    User(String),
    /// Who has a token, by the file with its claims.
    Claims(PathBuf),
}

impl FromStr for Client {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.strip_prefix("user:") {
            Some("") => Err("write user:NAME, or a file"),
            Some(user) => Ok(Self::User(user.to_owned())),
            None => Ok(Self::Claims(text.into())),
        }
    }
}

/// One `--listen`.
#[derive(Clone, Debug)]
pub(crate) struct Listen {
    /// The gateway's port it is for.
    pub(super) port: Option<u16>,
    pub(super) address: SocketAddr,
}

impl FromStr for Listen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const SHAPE: &str = "write it as IP:PORT, or GATEWAYPORT=IP:PORT";
        let (port, address) = match text.split_once('=') {
            Some((port, address)) => (Some(port.parse().map_err(|_| SHAPE)?), address),
            None => (None, text),
        };
        let address = address.parse().map_err(|_| SHAPE)?;
        Ok(Self { port, address })
    }
}

/// One `--backend`.
#[derive(Clone, Debug)]
pub(crate) struct BackendAddress {
    pub(crate) name: String,
    /// `HOST:PORT`, to connect to.
    pub(crate) address: String,
    pub(crate) weight: Weight,
}

impl FromStr for BackendAddress {
    type Err = BackendAddressError;

    fn from_str(text: &str) -> Result<Self, BackendAddressError> {
        let (name, rest) = text.split_once('=').ok_or(BackendAddressError::Shape)?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(BackendAddressError::Name);
        }
        let (url, weight) = match rest.rsplit_once('@') {
            Some((url, weight)) => (url, weight.parse()?),
            None => (rest, Weight::ONE),
        };
        let uri: Uri = url.parse().map_err(|_| BackendAddressError::Url)?;
        let bare = uri.path() == "/" && uri.query().is_none();
        match uri.authority() {
            Some(authority) if uri.scheme_str() == Some("http") && bare => Ok(Self {
                name: name.to_owned(),
                address: address(authority)?,
                weight,
            }),
            _ => Err(BackendAddressError::Url),
        }
    }
}

fn address(authority: &Authority) -> Result<String, BackendAddressError> {
    let userinfo = authority.as_str().contains('@');
    let port = authority.port_u16();
    let port_is_readable = port.is_some() || authority.port().is_none();
    if userinfo || authority.host().is_empty() || port == Some(0) || !port_is_readable {
        return Err(BackendAddressError::Url);
    }
    Ok(format!("{}:{}", authority.host(), port.unwrap_or(80)))
}

/// A `--backend` that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackendAddressError {
    #[error("write it as NAME=http://HOST:PORT@WEIGHT")]
    Shape,
    #[error("a name has letters, digits, `-`, `_` and `.`")]
    Name,
    #[error("the address is http://HOST:PORT, without user or path")]
    Url,
    #[error("{0}")]
    Weight(#[from] narae_routing::WeightError),
}
