//! OpenBao and Vault: KV versions 1 and 2, transit, dynamic credentials, response wrapping, namespaces.
//!
//! A thin client of its own over reqwest and rustls, because what the usual one does by default is not safe: redirects are
//! followed and the token sent along, requests wait for ever, answers of any size are read, tokens are printed. Here:
//!
//! - redirects are never followed; connecting, the whole answer and all attempts together have time limits; requests and
//!   answers have size limits ([`Options`]);
//! - a token is trimmed and checked before it becomes a header, and wiped on drop;
//! - plain HTTP is refused unless the server is on this machine or it is allowed by name;
//! - no environment is read ([`Environment`] reads through a function the caller gives), no proxy is taken from it;
//! - paths cannot leave their mount ([`SecretPath`]);
//! - what may have had an effect is not sent twice ([`Retries`]);
//! - errors carry kinds, never text from the server or bytes of an answer.
//!
//! [`OpenBao`] is a [`Store`](super::Store), and cheap to clone: clones share connections, the token, its renewal in the background, and
//! the budget of retries. [`OpenBao::shutdown`] gives the token back. Everything blocks; called from within an asynchronous
//! runtime it answers [`StoreErrorKind::InsideRuntime`] instead of stalling it.
//!
//! Values that are strings become their bytes; numbers, booleans and structures become their JSON text, as the
//! server wrote it. A key whose value is null is not there. What is written must be UTF-8: JSON has no other text.
//!
//! # What is wiped
//!
//! The token, also as a header; the body of a request, one piece of memory for all attempts; the answer's body, where it is read
//! together; values, which are taken from that without a copy between. What cannot be: hyper's buffers, in which it puts the head of a
//! request together and through which answers come in, those of rustls, and the text of a value with escapes (`\"`, `\n`), while
//! serde_json undoes them.

pub mod answer;
mod auth;
mod browser;
mod connection;
mod environment;
mod health;
mod kv;
mod lease;
mod namespace;
mod options;
mod request;
mod retry;
mod session;
mod transit;
mod transport;
mod wrapping;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use auth::{Auth, SERVICE_ACCOUNT_TOKEN};
pub use browser::{Browser, DEFAULT_BROWSER_TIMEOUT, DEFAULT_CALLBACK_PORT};
pub use environment::Environment;
pub use health::{Health, ServerState};
pub use kv::{Changes, Entry, KvVersion};
pub use lease::{Lease, Leased};
pub use options::{DEFAULT_CONNECT_TIMEOUT, DEFAULT_MAX_ANSWER_BYTES, DEFAULT_TIMEOUT, Options};
pub use retry::Retries;
pub use transit::{Ciphertext, DataKey, KeyType, TransitKey};
pub use wrapping::Wrapped;

use self::answer::Answer;
use self::connection::Connection;
use self::kv::Mount;
use self::request::Request;
use super::{SecretPath, StoreError, StoreErrorKind};

/// A connection to a server, as a [`Store`](super::Store).
///
/// ```no_run
/// use narae_secrets::SecretBytes;
/// use narae_secrets::store::{Store as _, openbao::{Auth, OpenBao, Options}};
///
/// let secret_id = SecretBytes::from("…".to_owned());
/// let options = Options::new("https://bao.example:8200", Auth::app_role("shop", secret_id));
/// let store = OpenBao::connect("main", options)?;
/// let secret = store.read(&"secret/shop/db".parse()?, None)?;
/// store.shutdown()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct OpenBao {
    name: String,
    connection: Arc<Connection>,
    namespace: Option<String>,
    /// Those configured, and those the server told of.
    mounts: Arc<Mutex<Vec<Mount>>>,
}

impl OpenBao {
    /// Checks the options and prepares the client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Configuration`] naming the option that cannot work.
    pub fn connect(name: impl Into<String>, options: Options) -> Result<Self, StoreError> {
        let name = name.into();
        let checked = match options.check() {
            Ok(checked) => checked,
            Err(kind) => return Err(StoreError::new(kind, &name, None)),
        };
        let mounts = checked.mounts.into_iter();
        let mounts = mounts.map(|(mount, version)| Mount::kv(mount.as_str(), version));
        Ok(Self {
            name,
            namespace: checked.connection.namespace.clone(),
            connection: Arc::new(checked.connection),
            mounts: Arc::new(Mutex::new(mounts.collect())),
        })
    }

    /// The server's address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.connection.transport.base
    }

    /// Ends the renewal in the background and, if the token was got by a login, revokes it and with it its leases. All
    /// clones are of no use afterwards. Without it, the token lives on to its end.
    ///
    /// # Errors
    ///
    /// When the server cannot be told.
    pub fn shutdown(&self) -> Result<(), StoreError> {
        let Some(held) = self.connection.session.shut() else {
            return Ok(());
        };
        let nothing = std::collections::BTreeMap::<&str, &str>::new();
        let revoke = || {
            let request = Request::post(&["auth/token/revoke-self"], &nothing)?.repeatable();
            let namespace = self.connection.namespace();
            let answer = self
                .connection
                .send_as(namespace, Some(&held.secret), &request)?;
            match answer.check(&self.connection.asked(namespace, &request)) {
                // It had ended already.
                Err(StoreErrorKind::PermissionDenied { .. }) if answer.is_unknown_token() => Ok(()),
                checked => checked,
            }
        };
        revoke().map_err(|kind| self.error(kind, None))
    }

    /// Sends it; what comes back is no refusal.
    fn send(&self, mount: &str, request: &Request) -> Result<Answer, StoreErrorKind> {
        let answer = self.try_send(request)?;
        self.check(mount, request, &answer)?;
        Ok(answer)
    }

    /// Sends it, whatever comes of it.
    fn try_send(&self, request: &Request) -> Result<Answer, StoreErrorKind> {
        self.connection.send(self.namespace.as_deref(), request)
    }

    fn check(&self, mount: &str, request: &Request, answer: &Answer) -> Result<(), StoreErrorKind> {
        let asked = self.connection.asked(self.namespace.as_deref(), request);
        answer.check(&answer::Asked { mount, ..asked })
    }

    fn mounts(&self) -> MutexGuard<'_, Vec<Mount>> {
        // Only ever grows by whole entries.
        self.mounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, kind: StoreErrorKind, path: Option<&SecretPath>) -> StoreError {
        StoreError::new(kind, &self.name, path)
    }
}

impl fmt::Debug for OpenBao {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenBao")
            .field("name", &self.name)
            .field("address", &self.address())
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
