//! The command line.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser};
use hyper::Uri;
use hyper::http::uri::Authority;
use narae_routing::{Backends, Weight};

const EXAMPLE: &str = "\
Example: nine requests in ten to a, one to b, exactly:
  router --backend a=http://127.0.0.1:9001@90 --backend b=http://127.0.0.1:9002@10

What it does to a request:
  Host is passed on as the client sent it (of an absolute target, its authority).
  X-Forwarded-For gets the client's address appended, X-Forwarded-Proto and Via are set.
  Connection, everything it names, Keep-Alive, Proxy-Connection, TE, Transfer-Encoding and
  Upgrade end here (RFC 9110, 7.6.1): no WebSocket. Bodies stream both ways.
  A backend that fails is not replaced by another, so shares stay exact. A request is sent
  again only when a kept connection turns out closed and repeating it is harmless.

What a client gets when it cannot be served:
  400 no or an ambiguous Host    408 its body stalled    431 its header section is too large
  501 CONNECT                    502 the backend failed  503 the backend is at --max-requests
  504 the backend did not connect or answer in time

Stdout has one line when ready, `router listening on http://ADDRESS`, then the access log: the
combined format, the backend, and the seconds until the last byte. What is not HTTP is answered
and not logged.

SIGTERM and SIGINT stop accepting, finish the requests that run, and end.
Exit codes: 0 stopped and drained, 1 error or connections cut, 2 usage.";

/// Divides HTTP requests between backends exactly by weight.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// A backend, as NAME=http://HOST:PORT@WEIGHT; repeat for each. WEIGHT defaults to 1, and 0
    /// drains
    #[arg(long = "backend", value_name = "BACKEND", required = true)]
    pub(crate) backend: Vec<BackendAddress>,

    /// Longest wait for a connection to a backend
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    pub(crate) connect_timeout: Duration,

    /// Longest wait for a response to begin, once the request is sent
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) response_timeout: Duration,

    /// Longest a body may stand still, in either direction
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) stall_timeout: Duration,

    /// Longest wait for a client's header section
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) header_timeout: Duration,

    /// Longest an unused connection to a backend is kept; stay below the backends' own limit
    #[arg(long, value_name = "SECONDS", default_value = "4", value_parser = seconds)]
    pub(crate) keep_alive: Duration,

    /// Longest wait for running requests after SIGTERM
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) drain_timeout: Duration,

    /// Largest header section, of requests and of responses
    #[arg(long, value_name = "BYTES", default_value = "32768", value_parser = clap::value_parser!(u32).range(1024..=1_048_576))]
    pub(crate) max_header_bytes: u32,

    /// Most client connections at once; more wait in the listen queue
    #[arg(long, value_name = "COUNT", default_value = "4096")]
    pub(crate) max_connections: NonZeroU32,

    /// Most requests at once per backend; more get 503
    #[arg(long, value_name = "COUNT", default_value = "1024")]
    pub(crate) max_requests: NonZeroU32,
}

impl Arguments {
    /// Names and weights; ends the process with a usage error if they cannot be picked from.
    pub(crate) fn backends(&self) -> Backends<String> {
        let listed = self.backend.iter().map(|b| (b.name.clone(), b.weight));
        Backends::new(listed).unwrap_or_else(|error| {
            let message = format!("--backend: {error}");
            Self::command()
                .error(ErrorKind::ValueValidation, message)
                .exit()
        })
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

/// Seconds above zero, up to a day, as `5` or `0.25`.
fn seconds(text: &str) -> Result<Duration, &'static str> {
    text.parse()
        .ok()
        .filter(|seconds| (0.001..=86_400.0).contains(seconds))
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or("seconds from 0.001 to 86400")
}
