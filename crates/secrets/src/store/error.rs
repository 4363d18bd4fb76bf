//! Why a store did not answer: a kind to branch on, the store, the path, and what to try.
//!
//! No variant holds a value of a secret, a token, or text a server sent: servers echo what they
//! were given.

use std::time::Duration;

use thiserror::Error;

use super::path::SecretPath;
use super::secret::Version;

/// A store's refusal or failure.
///
/// `Display` is one line: store, path, what happened, what to try.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}{}{}", self.shown_place(), self.0.kind, self.shown_hint())]
pub struct StoreError(Box<Facts>);

/// Behind a pointer, so that a `Result` stays small.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Facts {
    kind: StoreErrorKind,
    store: String,
    path: Option<String>,
    hint: Option<String>,
}

/// What happened. Each is a fact a caller can answer differently.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The path holds no secret, or the mount does not exist and the server does not say which.
    #[error("there is no secret here")]
    NotFound,
    /// No engine is mounted at the path's mount.
    #[error("nothing is mounted at `{mount}`")]
    MountNotFound {
        /// The mount that was asked.
        mount: String,
    },
    /// The namespace does not exist.
    #[error("the namespace `{namespace}` does not exist")]
    NamespaceNotFound {
        /// The namespace that was asked.
        namespace: String,
    },
    /// The path exists, the version does not (never written, or dropped as too old).
    #[error("there is no version {version}")]
    VersionNotFound {
        /// The version that was asked for.
        version: Version,
    },
    /// The version is deleted; its number stays taken.
    #[error("version {version} is deleted")]
    Deleted {
        /// The deleted version.
        version: Version,
        /// When, as the server writes it (RFC 3339); `None` where no times are kept.
        at: Option<String>,
    },
    /// The version is destroyed; its data is gone for good.
    #[error("version {version} is destroyed")]
    Destroyed {
        /// The destroyed version.
        version: Version,
    },
    /// Another version than the expected one is the newest. Nothing was written.
    #[error("{}", mismatch(*.current, *.expected))]
    CasMismatch {
        /// The newest version; `None` when there is none, or the caller may not know.
        current: Option<Version>,
        /// What the write expected; `None` for "no version".
        expected: Option<Version>,
    },
    /// The data cannot be stored: too large, or a key that cannot be kept.
    #[error("cannot hold this: {reason}")]
    Refused {
        /// Which limit or rule.
        reason: String,
    },
    /// The store cannot do this at all.
    #[error("{operation} is not supported by this store")]
    Unsupported {
        /// What was asked.
        operation: &'static str,
    },
    /// The caller may not do this.
    #[error("permission denied: nothing allows `{capability}` on `{path}`")]
    PermissionDenied {
        /// What is missing, as policies say it: `read`, `update`, `list`….
        capability: &'static str,
        /// Where, as policies say it: `secret/data/shop`.
        path: String,
    },
    /// The login was refused: a wrong name, password, role, secret id or JWT.
    #[error("the server does not accept the credentials")]
    InvalidCredentials,
    /// A login by browser did not come to its end.
    #[error("the login by browser ended without one: {reason}")]
    Browser {
        /// How it ended.
        reason: BrowserFailure,
    },
    /// The server does not know the token: wrong, expired or revoked.
    #[error("the server does not accept the token")]
    TokenRefused,
    /// No connection could be made.
    #[error("cannot connect to {address}")]
    Unreachable {
        /// The server's address.
        address: String,
    },
    /// The connection was made but is not to be trusted, or TLS failed.
    #[error("cannot make a trusted connection to {address}")]
    Untrusted {
        /// The server's address.
        address: String,
    },
    /// The server did not answer in time.
    #[error("no answer from {address} within {limit:?}")]
    Timeout {
        /// The server's address.
        address: String,
        /// The limit that passed.
        limit: Duration,
    },
    /// The server answered with a redirect, which is never followed: it would carry the token along.
    #[error("the server redirects elsewhere (status {status}), which is not followed")]
    Redirected {
        /// The HTTP status.
        status: u16,
    },
    /// The server is sealed.
    #[error("the server is sealed")]
    Sealed,
    /// The server waits for another one to fail, or to be elected.
    #[error("the server is a standby that cannot answer")]
    Standby,
    /// The server asks for fewer requests.
    #[error("the server is rate limiting")]
    RateLimited,
    /// The lease has ended, was revoked, or never was.
    #[error("there is no such lease")]
    LeaseNotFound,
    /// The lease or token cannot be renewed.
    #[error("it cannot be renewed")]
    NotRenewable,
    /// The wrapping token was opened before, has ended, never was, or wraps something else.
    #[error("the wrapping token opens nothing")]
    WrapInvalid,
    /// A ciphertext, signature or HMAC is not one of this key, or was changed.
    #[error("the key does not accept this")]
    CiphertextRefused,
    /// The answer is larger than allowed.
    #[error("the answer is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit_bytes: usize,
    },
    /// The answer is not what the API promises.
    #[error("the answer cannot be understood: {reason}")]
    UnexpectedAnswer {
        /// What was wrong with its shape.
        reason: &'static str,
    },
    /// The server failed or refused in a way that has no kind of its own.
    #[error("the server answered status {status}")]
    Server {
        /// The HTTP status.
        status: u16,
    },
    /// The store's options cannot work.
    #[error("{reason}")]
    Configuration {
        /// Which option, and why.
        reason: String,
    },
    /// Called from within an asynchronous runtime, where blocking would stall it.
    #[error("blocking store called from within an asynchronous runtime")]
    InsideRuntime,
    /// A file could not be read or written.
    #[error("cannot {action} {file}: {reason}")]
    Io {
        /// What was tried: `read`, `write`, `lock`….
        action: &'static str,
        /// The file.
        file: String,
        /// The operating system's words.
        reason: String,
    },
    /// The file is already there and would have been overwritten.
    #[error("{file} already exists")]
    AlreadyExists {
        /// The file.
        file: String,
    },
    /// Others may read or write the file.
    #[error("{file} is open to others (mode {mode:04o})")]
    OpenPermissions {
        /// The file.
        file: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The key does not belong to the store file.
    #[error("the key in {key_file} is not the key of {store_file}")]
    WrongKey {
        /// The store's file.
        store_file: String,
        /// The key's file.
        key_file: String,
    },
    /// The passphrase does not open the store file, which may have a key file instead.
    #[error("the passphrase is not the one of {store_file}")]
    WrongPassphrase {
        /// The store's file.
        store_file: String,
    },
    /// The file is not a store or key of this kind, or was damaged or changed.
    #[error("{file} {reason}")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
}

/// How a login by browser ended without a token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BrowserFailure {
    /// The caller's function could not open one.
    #[error("no browser could be opened")]
    NotOpened,
    /// The user did nothing, or the provider does not come back here.
    #[error("nothing came back within {limit:?}")]
    NoAnswer {
        /// The limit that passed.
        limit: Duration,
    },
    /// The connection was shut down meanwhile.
    #[error("it was cancelled")]
    Cancelled,
    /// What came back belongs to another login, or was made up by somebody else.
    #[error("what came back is not of this login")]
    WrongState,
    /// The identity provider, or the user there, said no.
    #[error("the identity provider answers `{code}`")]
    Refused {
        /// The code of RFC 6749 (4.1.2.1) or OpenID Connect (3.1.2.6); `other` for one that is not theirs.
        code: &'static str,
    },
    /// What came back has neither a code nor an error.
    #[error("what came back holds no code")]
    NoCode,
}

impl StoreError {
    /// An error of `kind` from the store named `store`, about `path` if there is one.
    ///
    /// The hint of [`Display`](std::fmt::Display) is chosen by kind.
    #[must_use]
    pub fn new(kind: StoreErrorKind, store: &str, path: Option<&SecretPath>) -> Self {
        let hint = hint(&kind).map(str::to_owned);
        Self(Box::new(Facts {
            kind,
            store: store.to_owned(),
            path: path.map(ToString::to_string),
            hint,
        }))
    }

    /// The same error with a hint of the store's own instead of the kind's.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    pub(crate) fn unsupported(store: &str, path: &SecretPath, operation: &'static str) -> Self {
        Self::new(StoreErrorKind::Unsupported { operation }, store, Some(path))
    }

    /// What happened.
    #[must_use]
    pub fn kind(&self) -> &StoreErrorKind {
        &self.0.kind
    }

    /// The name of the store; empty when the failure is not about a store yet (a key file).
    #[must_use]
    pub fn store(&self) -> &str {
        &self.0.store
    }

    /// The path that was asked for, if the failure is about one.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    /// Whether every other path of this store would fail the same way now.
    #[must_use]
    pub fn is_store_wide(&self) -> bool {
        use StoreErrorKind as K;
        matches!(
            self.0.kind,
            K::TokenRefused
                | K::InvalidCredentials
                | K::Browser { .. }
                | K::Standby
                | K::Unreachable { .. }
                | K::Untrusted { .. }
                | K::Timeout { .. }
                | K::Redirected { .. }
                | K::Sealed
                | K::RateLimited
                | K::NamespaceNotFound { .. }
                | K::Configuration { .. }
                | K::InsideRuntime
                | K::Io { .. }
                | K::OpenPermissions { .. }
                | K::WrongKey { .. }
                | K::WrongPassphrase { .. }
                | K::Damaged { .. }
        )
    }

    /// The same error, about the store rather than one path of it.
    pub(crate) fn without_path(mut self) -> Self {
        self.0.path = None;
        self
    }

    fn shown_place(&self) -> String {
        match (self.0.store.as_str(), &self.0.path) {
            ("", _) => String::new(),
            (store, None) => format!("store `{store}`: "),
            (store, Some(path)) => format!("store `{store}`, {path}: "),
        }
    }

    fn shown_hint(&self) -> String {
        self.0
            .hint
            .as_ref()
            .map_or_else(String::new, |hint| format!("; {hint}"))
    }
}

fn mismatch(current: Option<Version>, expected: Option<Version>) -> String {
    match (current, expected) {
        (Some(current), Some(expected)) => {
            format!("the newest version is {current}, not the expected {expected}")
        }
        (Some(current), None) => format!("there is a version already, {current} by now"),
        (None, Some(expected)) => format!("the newest version is not the expected {expected}"),
        (None, None) => "there is a version already".to_owned(),
    }
}

/// What to try, where there is one thing most people need.
fn hint(kind: &StoreErrorKind) -> Option<&'static str> {
    use StoreErrorKind as K;
    Some(match kind {
        K::NotFound => "check the path; the first segment is the mount",
        K::MountNotFound { .. } => "check the first segment of the path, or configure the mount",
        K::NamespaceNotFound { .. } => "check the namespace option",
        K::VersionNotFound { .. } => "drop `version=` to read the newest",
        K::Deleted { .. } => "undelete it, write a new version or pin another one",
        K::Destroyed { .. } => "write a new version or pin another one",
        K::CasMismatch { .. } => "read again and decide anew; nothing was written",
        K::PermissionDenied { .. } => "a policy of the token must",
        K::InvalidCredentials => "check them, and where the auth method is mounted",
        K::Browser { .. } => "begin again; the provider must be let come back to this machine",
        K::TokenRefused => "log in again: it may be wrong, expired or revoked",
        K::Unreachable { .. } => "check the address and that the server runs",
        K::Untrusted { .. } => "check the CA certificate option and the server's name",
        K::Timeout { .. } => "check the address, or raise the timeout option",
        K::Redirected { .. } => "use the address it points to, if you trust it",
        K::Sealed => "unseal it",
        K::Standby => "try again later, or use the address of the active one",
        K::RateLimited => "try again later",
        K::LeaseNotFound => "get new credentials",
        K::NotRenewable => "get a new one",
        K::WrapInvalid => "if nobody you know opened it, somebody else did: revoke what it held",
        K::CiphertextRefused => "check the key, its oldest allowed version and the associated data",
        K::InsideRuntime => "call it from `spawn_blocking` or a thread of its own",
        K::AlreadyExists { .. } => "open it instead, or choose another place",
        K::OpenPermissions { .. } => "make it readable by its owner only (chmod 600)",
        K::WrongKey { .. } => "give the key file this store was created with",
        _ => return None,
    })
}
