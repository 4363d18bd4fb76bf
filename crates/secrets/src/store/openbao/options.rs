//! Options of a connection, and their checks.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Identity, Url};
use zeroize::Zeroizing;

use super::auth::{self, Auth, Method};
use super::connection::Connection;
use super::kv::KvVersion;
use super::retry::{Budget, Retries};
use super::session::Session;
use super::transport::Transport;
use crate::SecretBytes;
use crate::network::Waiting;
use crate::store::{MountPath, StoreErrorKind};

/// Longest wait for a connection, unless told otherwise.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for a whole answer, unless told otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest answer, in bytes, unless told otherwise. A secret of 1 MiB in JSON fits.
pub const DEFAULT_MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// How to reach a server, and as whom.
#[derive(Debug)]
pub struct Options {
    address: Given,
    auth: Auth,
    namespace: Option<String>,
    connect_timeout: Duration,
    timeout: Duration,
    ca_pem: Option<Vec<u8>>,
    client_certificate: Option<(Vec<u8>, SecretBytes)>,
    mounts: Vec<(MountPath, KvVersion)>,
    max_answer_bytes: usize,
    plain_http: bool,
    retries: Retries,
    renews_given: bool,
}

/// What checked options become.
pub(super) struct Checked {
    pub(super) connection: Connection,
    pub(super) mounts: Vec<(MountPath, KvVersion)>,
}

impl Options {
    /// A server's address (`https://bao.example:8200`, a path prefix is kept) and who the client is: an [`Auth`], or a
    /// token as [`SecretBytes`].
    #[must_use]
    pub fn new(address: impl Into<String>, auth: impl Into<Auth>) -> Self {
        Self {
            address: Given(address.into()),
            auth: auth.into(),
            namespace: None,
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            timeout: DEFAULT_TIMEOUT,
            ca_pem: None,
            client_certificate: None,
            mounts: Vec::new(),
            max_answer_bytes: DEFAULT_MAX_ANSWER_BYTES,
            plain_http: false,
            retries: Retries::default(),
            renews_given: false,
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

    /// Shows this certificate (PEM, with its chain) to the server, and proves it by the key (PEM).
    #[must_use]
    pub fn with_client_certificate(
        mut self,
        chain_pem: impl Into<Vec<u8>>,
        key_pem: SecretBytes,
    ) -> Self {
        self.client_certificate = Some((chain_pem.into(), key_pem));
        self
    }

    /// Says where a KV engine of which version is mounted (`team-a/kv`), so that the server is not asked. Otherwise it is,
    /// once for each mount; where it does not say, the first segment of a path is taken for a mount of version 2.
    #[must_use]
    pub fn with_mount(mut self, mount: MountPath, version: KvVersion) -> Self {
        self.mounts.push((mount, version));
        self
    }

    /// How failed requests are repeated.
    #[must_use]
    pub fn with_retries(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }

    /// Renews a token that was given, too, in the background. One that a login yields always is.
    #[must_use]
    pub fn with_renewal_of_given_token(mut self) -> Self {
        self.renews_given = true;
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
    pub(super) fn check(self) -> Result<Checked, StoreErrorKind> {
        let configuration = |reason| StoreErrorKind::Configuration { reason };
        let Address { base, is_https } = self.address().map_err(configuration)?;
        let client = self.client(is_https).map_err(configuration)?;
        let waiting = Waiting::new()
            .map_err(|error| configuration(format!("no runtime for network requests: {error}")))?;
        match &self.auth.method {
            Method::Token(token) => drop(auth::checked("the token", token)?),
            Method::AppRoleWrapped { wrapping_token, .. } => {
                drop(auth::checked("the wrapping token", wrapping_token)?);
            }
            Method::Userpass { user, .. } => drop(auth::segment("the user", user)?),
            _ => {}
        }
        if let Some(namespace) = &self.namespace {
            check_namespace(namespace)?;
        }
        Ok(Checked {
            connection: Connection {
                transport: Transport {
                    client,
                    waiting,
                    base,
                    connect_timeout: self.connect_timeout,
                    timeout: self.timeout,
                    max_answer_bytes: self.max_answer_bytes,
                },
                session: Session::new(self.auth, self.renews_given),
                retries: self.retries,
                budget: Budget::new(),
                namespace: self.namespace,
            },
            mounts: self.mounts,
        })
    }

    fn address(&self) -> Result<Address, String> {
        // The address is not quoted where it may hold credentials.
        let url = Url::parse(self.address.0.trim()).map_err(|error| {
            format!("the address is not a URL: {error}; write https://host:8200")
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the address holds credentials; give them as an option".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(
                "the address has a query or a fragment; write https://host:8200".to_owned(),
            );
        }
        let is_https = match url.scheme() {
            "https" => true,
            "http" => false,
            other => return Err(format!("the address has scheme `{other}`; http or https")),
        };
        if !is_https && !self.plain_http && !is_this_machine(&url) {
            return Err(format!(
                "{url} would carry token and secrets in the clear; use https, or allow plain HTTP by name"
            ));
        }
        let base = url.as_str().trim_end_matches('/').to_owned();
        Ok(Address { base, is_https })
    }

    fn client(&self, is_https: bool) -> Result<Client, String> {
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            // What may be sent twice is decided here, not there.
            .retry(reqwest::retry::never())
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
        } else if !is_https {
            // Loading the system's authorities takes a while and would serve nothing.
            builder = builder.tls_certs_only(Vec::new());
        }
        if let Some((chain, key)) = &self.client_certificate {
            let size = chain.len() + key.len() + 1;
            let mut both = Zeroizing::new(Vec::with_capacity(size));
            for part in [key.expose(), b"\n", chain] {
                both.extend_from_slice(part);
            }
            // The cause may quote the key.
            let identity = Identity::from_pem(&both).map_err(|_| {
                "the client certificate option is no PEM certificate with its PEM key".to_owned()
            })?;
            builder = builder.identity(identity);
        }
        builder
            .build()
            .map_err(|_| "the HTTP client cannot be built with these options".to_owned())
    }
}

/// An address as it was given. It may hold credentials: it is printed without them.
struct Given(String);

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        shown(&self.0).fmt(f)
    }
}

/// An address without what may be credentials in it; `None` for one that is no URL.
pub(super) fn shown(address: &str) -> Option<String> {
    let mut url = Url::parse(address.trim()).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    // What has no host has neither.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.has_host().then(|| url.into())
}

/// A namespace is a path: `team-a/dev`.
pub(super) fn check_namespace(namespace: &str) -> Result<(), StoreErrorKind> {
    let sound = namespace.bytes().all(|byte| byte.is_ascii_graphic());
    match namespace.trim_matches('/').parse::<MountPath>() {
        Ok(_) if sound => Ok(()),
        _ => Err(StoreErrorKind::Configuration {
            reason: format!("the namespace {namespace:?} is not a path of printable ASCII"),
        }),
    }
}

struct Address {
    base: String,
    is_https: bool,
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}
