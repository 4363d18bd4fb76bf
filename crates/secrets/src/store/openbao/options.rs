//! Options of a connection, and their checks.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Url};
use vaultrs::api::EndpointMiddleware;

use super::transport::Transport;
use crate::SecretBytes;
use crate::store::MountPath;

/// Longest wait for a connection, unless told otherwise.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for a whole answer, unless told otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest answer, in bytes, unless told otherwise. A secret of 1 MiB in JSON fits.
pub const DEFAULT_MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// How to reach a server, and as whom.
#[derive(Debug)]
pub struct Options {
    address: String,
    token: SecretBytes,
    namespace: Option<String>,
    connect_timeout: Duration,
    timeout: Duration,
    ca_pem: Option<Vec<u8>>,
    mounts: Vec<MountPath>,
    max_answer_bytes: usize,
    plain_http: bool,
}

/// What checked options become.
pub(super) struct Checked {
    pub(super) transport: Transport,
    pub(super) middleware: EndpointMiddleware,
    pub(super) mounts: Vec<MountPath>,
}

impl Options {
    /// A server's address (`https://bao.example:8200`, a path prefix is kept) and a token. White space
    /// around the token is dropped: token files end with a newline.
    #[must_use]
    pub fn new(address: impl Into<String>, token: SecretBytes) -> Self {
        Self {
            address: address.into(),
            token,
            namespace: None,
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            timeout: DEFAULT_TIMEOUT,
            ca_pem: None,
            mounts: Vec::new(),
            max_answer_bytes: DEFAULT_MAX_ANSWER_BYTES,
            plain_http: false,
        }
    }

    /// The namespace to work in.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Longest wait for a connection.
    #[must_use]
    pub fn with_connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Longest wait for a whole answer, connecting included.
    #[must_use]
    pub fn with_timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Trusts exactly the certificate authorities in this PEM file, instead of the system's.
    #[must_use]
    pub fn with_ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_pem = Some(pem.into());
        self
    }

    /// Names a mount of more than one segment (`team-a/kv`). Without any, the first segment of a path is its
    /// mount.
    #[must_use]
    pub fn with_mount(mut self, mount: MountPath) -> Self {
        self.mounts.push(mount);
        self
    }

    /// Largest answer to read, in bytes.
    #[must_use]
    pub fn with_max_answer_bytes(mut self, limit: usize) -> Self {
        self.max_answer_bytes = limit;
        self
    }

    /// Allows an `http://` address of another machine: token and secrets cross the network in the clear.
    #[must_use]
    pub fn with_plain_http_to_other_machines(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// Everything that can be wrong without asking the server.
    pub(super) fn check(self) -> Result<Checked, String> {
        let Address {
            base,
            prefix,
            https,
        } = self.address()?;
        let http = self.client(https)?;
        let version = if prefix.is_empty() {
            "v1".to_owned()
        } else {
            format!("{prefix}/v1")
        };
        let middleware = EndpointMiddleware {
            token: self.header("token", self.token.expose())?,
            version,
            wrap: None,
            namespace: match &self.namespace {
                Some(namespace) => Some(self.header("namespace", namespace.as_bytes())?),
                None => None,
            },
        };
        let limits = (self.connect_timeout, self.timeout);
        let transport = Transport::new(http, base, limits, self.max_answer_bytes);
        Ok(Checked {
            transport,
            middleware,
            mounts: self.mounts,
        })
    }

    fn address(&self) -> Result<Address, String> {
        // The address is not quoted where it may hold credentials.
        let url = Url::parse(self.address.trim()).map_err(|error| {
            format!("the address is not a URL: {error}; write https://host:8200")
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the address holds credentials; give the token as an option".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("the address {url} has a query or a fragment"));
        }
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            other => return Err(format!("the address has scheme `{other}`; http or https")),
        };
        if !https && !self.plain_http && !is_this_machine(&url) {
            return Err(format!(
                "{url} would carry token and secrets in the clear; use https, or allow plain HTTP by name"
            ));
        }
        let prefix = url.path().trim_matches('/').to_owned();
        let mut base = url;
        base.set_path("");
        Ok(Address {
            base: base.as_str().trim_end_matches('/').to_owned(),
            prefix,
            https,
        })
    }

    fn client(&self, https: bool) -> Result<Client, String> {
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(self.connect_timeout)
            .timeout(self.timeout)
            .tls_backend_rustls();
        if let Some(pem) = &self.ca_pem {
            // A file without any certificate parses as an empty list, which would trust nobody and say so late.
            let authorities = Certificate::from_pem_bundle(pem).unwrap_or_default();
            if authorities.is_empty() {
                return Err("the CA certificate option holds no PEM certificate".to_owned());
            }
            builder = builder.tls_certs_only(authorities);
        } else if !https {
            // Loading the system's authorities takes a while and would serve nothing.
            builder = builder.tls_certs_only(Vec::new());
        }
        builder
            .build()
            .map_err(|_| "the HTTP client cannot be built with these options".to_owned())
    }

    fn header(&self, name: &str, bytes: &[u8]) -> Result<String, String> {
        let text = std::str::from_utf8(bytes).map_or("", str::trim);
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "the {name} is empty or has characters other than printable ASCII within it"
            ));
        }
        Ok(text.to_owned())
    }
}

struct Address {
    base: String,
    prefix: String,
    https: bool,
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}
