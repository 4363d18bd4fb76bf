//! OpenBao and Vault: KV version 2, read.
//!
//! Endpoints, middleware and addresses are vaultrs' own; its client is not used, because as it comes it
//! follows redirects and sends the token along, waits for ever, reads answers of any size, panics on a token with a
//! newline and prints tokens. Here:
//!
//! - redirects are never followed; connecting and the whole request have time limits; an answer has a size
//!   limit ([`Options`]);
//! - the token is trimmed and checked before it becomes a header, and wiped on drop;
//! - plain HTTP is refused unless the server is on this machine or it is allowed by name;
//! - no environment is read ([`Environment`] reads through a function the caller gives), no proxy is taken from it;
//! - paths cannot leave their mount ([`SecretPath`]);
//! - errors carry kinds, never text from the server or bytes of an answer.
//!
//! The façade blocks on a private current-thread runtime. Called from within an asynchronous runtime it
//! answers [`StoreErrorKind::InsideRuntime`] instead of stalling it.
//!
//! Values that are strings become their bytes; numbers, booleans and structures become their JSON text, as the
//! server wrote it.
//! A key whose value is null is not there.
//!
//! What cannot be done: buffers within the HTTP and TLS libraries are theirs and are not wiped. With the
//! log level of `rustify` at INFO or below, paths of secrets are logged, never values or tokens.

mod answer;
mod environment;
mod options;
mod transport;

use std::fmt;

use rustify::Endpoint;
use tokio::runtime::{Builder, Handle, Runtime};
use vaultrs::api::EndpointMiddleware;
use vaultrs::api::kv2::requests::ReadSecretRequest;
use vaultrs::api::token::requests::LookupTokenSelfRequest;
use zeroize::Zeroize as _;

pub use environment::Environment;
pub use options::{DEFAULT_CONNECT_TIMEOUT, DEFAULT_MAX_ANSWER_BYTES, DEFAULT_TIMEOUT, Options};

use self::answer::Answer;
use self::transport::Transport;
use super::{MountPath, Secret, SecretPath, Store, StoreError, StoreErrorKind, Version};

/// A connection to a server, as a [`Store`].
///
/// ```no_run
/// use narae_secrets::SecretBytes;
/// use narae_secrets::store::{Store as _, openbao::{OpenBao, Options}};
///
/// let token = SecretBytes::from("s.…".to_owned());
/// let store = OpenBao::connect("main", Options::new("https://bao.example:8200", token))?;
/// let secret = store.read(&"secret/shop/db".parse()?, None)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct OpenBao {
    name: String,
    transport: Transport,
    middleware: EndpointMiddleware,
    mounts: Vec<MountPath>,
    /// `None` only while dropping.
    runtime: Option<Runtime>,
}

impl OpenBao {
    /// Checks the options and prepares the client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Configuration`] naming the option that cannot work.
    pub fn connect(name: impl Into<String>, options: Options) -> Result<Self, StoreError> {
        let name = name.into();
        let build = || {
            let options::Checked {
                transport,
                middleware,
                mounts,
            } = options.check()?;
            let runtime = Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| format!("no runtime for network requests: {error}"))?;
            Ok((transport, middleware, mounts, runtime))
        };
        match build() {
            Ok((transport, middleware, mounts, runtime)) => Ok(Self {
                name,
                transport,
                middleware,
                mounts,
                runtime: Some(runtime),
            }),
            Err(reason) => Err(StoreError::new(
                StoreErrorKind::Configuration { reason },
                &name,
                None,
            )),
        }
    }

    /// The server's address.
    #[must_use]
    pub fn address(&self) -> &str {
        self.transport.address()
    }

    /// Mount and path within it: the longest configured mount, else the first segment.
    fn split<'a>(&'a self, path: &'a SecretPath) -> Option<(&'a str, &'a str)> {
        let configured = self
            .mounts
            .iter()
            .filter_map(|mount| Some((mount.as_str(), path.within(mount)?)))
            .max_by_key(|(mount, _)| mount.len());
        let (mount, rest) = configured.or_else(|| path.as_str().split_once('/'))?;
        (!rest.is_empty()).then_some((mount, rest))
    }

    fn block_on<T>(
        &self,
        work: impl Future<Output = Result<T, StoreErrorKind>>,
    ) -> Result<T, StoreErrorKind> {
        if Handle::try_current().is_ok() {
            return Err(StoreErrorKind::InsideRuntime);
        }
        match &self.runtime {
            Some(runtime) => runtime.block_on(work),
            None => Err(StoreErrorKind::InsideRuntime),
        }
    }

    async fn read_kv2(
        &self,
        mount: &str,
        path: &str,
        version: Option<Version>,
    ) -> Result<Secret, StoreErrorKind> {
        match self.ask_kv2(mount, path, version).await? {
            Answer::Secret(secret) => Ok(secret),
            Answer::Refused(kind) => Err(kind),
            Answer::Forbidden => Err(self.forbidden().await),
            // The server answers the same for a missing path and a missing version.
            Answer::Missing => match version {
                None => Err(StoreErrorKind::NotFound),
                Some(version) => Err(match self.ask_kv2(mount, path, None).await? {
                    Answer::Missing => StoreErrorKind::NotFound,
                    _ => StoreErrorKind::VersionNotFound { version },
                }),
            },
        }
    }

    async fn ask_kv2(
        &self,
        mount: &str,
        path: &str,
        version: Option<Version>,
    ) -> Result<Answer, StoreErrorKind> {
        let request = ReadSecretRequest {
            mount: mount.to_owned(),
            path: path.to_owned(),
            version: version.map(Version::get),
        };
        let (status, body) = self.send(request).await?;
        let namespace = self.middleware.namespace.as_deref();
        Ok(answer::of_read(status, &body, mount, namespace))
    }

    /// What a 403 means. The server says it alike for a token it does not know and for a policy that
    /// does not allow the path; whether the token may look at itself tells them apart.
    async fn forbidden(&self) -> StoreErrorKind {
        match self.send(LookupTokenSelfRequest::default()).await {
            Ok((403, body)) if answer::is_unknown_token(&body) => StoreErrorKind::TokenRefused,
            Ok(_) => StoreErrorKind::PermissionDenied,
            Err(kind) => kind,
        }
    }

    async fn send(&self, request: impl Endpoint) -> Result<(u16, answer::Body), StoreErrorKind> {
        let result = request
            .with_middleware(&self.middleware)
            .exec(&self.transport)
            .await;
        self.transport.outcome(result)
    }
}

impl Store for OpenBao {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&self, path: &SecretPath, version: Option<Version>) -> Result<Secret, StoreError> {
        let error = |kind| StoreError::new(kind, &self.name, Some(path));
        let Some((mount, rest)) = self.split(path) else {
            let hint = "this names a mount only; write mount/path";
            return Err(error(StoreErrorKind::NotFound).with_hint(hint));
        };
        self.block_on(self.read_kv2(mount, rest, version))
            .map_err(error)
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        self.middleware.token.zeroize();
        // A runtime that is simply dropped waits, and panics within another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for OpenBao {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenBao")
            .field("name", &self.name)
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}
