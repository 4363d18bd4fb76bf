//! How a client shows who it is: a token that is given, or a login that yields one.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;
use zeroize::Zeroizing;

use super::browser::Browser;
use super::request::Request;
use crate::SecretBytes;
use crate::store::{MountPath, StoreErrorKind};

/// Where Kubernetes puts a pod's token.
pub const SERVICE_ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
/// Largest token or JWT file read, in bytes.
const MAX_TOKEN_FILE_BYTES: u64 = 64 * 1024;

/// Who the client is.
///
/// White space around a token, also one in a file, is dropped: token files end with a newline. What a method logs in
/// with is kept, to log in again when the token ends; once the server has refused it, it is not sent again until
/// its file changes, since servers lock those out who go on trying.
pub struct Auth {
    pub(super) method: Method,
    /// Where the method is mounted, below `auth/`.
    pub(super) mount: Option<MountPath>,
}

pub(super) enum Method {
    Token(SecretBytes),
    TokenFile(PathBuf),
    AppRole {
        role_id: String,
        secret_id: SecretBytes,
    },
    AppRoleWrapped {
        role_id: String,
        wrapping_token: SecretBytes,
    },
    Userpass {
        user: String,
        password: SecretBytes,
    },
    Kubernetes {
        role: String,
        jwt_file: PathBuf,
    },
    Jwt {
        role: Option<String>,
        jwt: SecretBytes,
    },
    JwtFile {
        role: Option<String>,
        jwt_file: PathBuf,
    },
    Oidc {
        role: Option<String>,
        browser: Browser,
    },
    Certificate {
        role: Option<String>,
    },
}

impl Auth {
    fn of(method: Method) -> Self {
        Self {
            method,
            mount: None,
        }
    }

    /// A token as it is.
    #[must_use]
    pub fn token(token: SecretBytes) -> Self {
        Self::of(Method::Token(token))
    }

    /// A token in a file, read again whenever the file changes: an agent may put a new one there.
    #[must_use]
    pub fn token_file(file: impl Into<PathBuf>) -> Self {
        Self::of(Method::TokenFile(file.into()))
    }

    /// A role and its secret id.
    #[must_use]
    pub fn app_role(role_id: impl Into<String>, secret_id: SecretBytes) -> Self {
        let role_id = role_id.into();
        Self::of(Method::AppRole { role_id, secret_id })
    }

    /// A role and a token that wraps its secret id. It is unwrapped at the first login, once it is seen to come from the
    /// AppRole engine: a token that somebody else made, to put a secret id of theirs in its place, is refused.
    #[must_use]
    pub fn app_role_wrapped(role_id: impl Into<String>, wrapping_token: SecretBytes) -> Self {
        Self::of(Method::AppRoleWrapped {
            role_id: role_id.into(),
            wrapping_token,
        })
    }

    /// A user's name and password.
    #[must_use]
    pub fn userpass(user: impl Into<String>, password: SecretBytes) -> Self {
        let user = user.into();
        Self::of(Method::Userpass { user, password })
    }

    /// A pod's service account. The file is read again at each login, since Kubernetes renews it; the usual one is
    /// [`SERVICE_ACCOUNT_TOKEN`].
    #[must_use]
    pub fn kubernetes(role: impl Into<String>, jwt_file: impl Into<PathBuf>) -> Self {
        Self::of(Method::Kubernetes {
            role: role.into(),
            jwt_file: jwt_file.into(),
        })
    }

    /// A JWT of an identity provider; without a role, the engine's default one.
    #[must_use]
    pub fn jwt(role: Option<String>, jwt: SecretBytes) -> Self {
        Self::of(Method::Jwt { role, jwt })
    }

    /// As [`jwt`](Self::jwt), in a file that is read again at each login.
    #[must_use]
    pub fn jwt_file(role: Option<String>, jwt_file: impl Into<PathBuf>) -> Self {
        Self::of(Method::JwtFile {
            role,
            jwt_file: jwt_file.into(),
        })
    }

    /// A user at an identity provider (OpenID Connect), who logs in by a browser when the token is first needed; without
    /// a role, the engine's default one. The token is renewed as any other. When it has ended for good, nobody is asked
    /// again: requests are refused as with a token that was given.
    #[must_use]
    pub fn oidc(role: Option<String>, browser: Browser) -> Self {
        Self::of(Method::Oidc { role, browser })
    }

    /// The client certificate of the connection ([`Options::with_client_certificate`](super::Options::with_client_certificate));
    /// without a role, whichever fits.
    #[must_use]
    pub fn certificate(role: Option<String>) -> Self {
        Self::of(Method::Certificate { role })
    }

    /// Where the method is mounted below `auth/`, if not at its usual place (`approle`, `userpass`, `kubernetes`, `jwt`, `oidc`, `cert`).
    #[must_use]
    pub fn with_mount(mut self, mount: MountPath) -> Self {
        self.mount = Some(mount);
        self
    }

    pub(super) fn mount(&self) -> &str {
        let usual = match &self.method {
            Method::Token(_) | Method::TokenFile(_) => "token",
            Method::AppRole { .. } | Method::AppRoleWrapped { .. } => "approle",
            Method::Userpass { .. } => "userpass",
            Method::Kubernetes { .. } => "kubernetes",
            Method::Jwt { .. } | Method::JwtFile { .. } => "jwt",
            Method::Oidc { .. } => "oidc",
            Method::Certificate { .. } => "cert",
        };
        self.mount.as_ref().map_or(usual, MountPath::as_str)
    }

    /// Whether the token was given rather than got by a login: it is not ours to revoke.
    pub(super) fn is_given(&self) -> bool {
        matches!(self.method, Method::Token(_) | Method::TokenFile(_))
    }

    /// What tells one state of the file that the method logs in with from another; `None` where there is no file.
    pub(super) fn seen(&self) -> Seen {
        match &self.method {
            Method::TokenFile(file) => seen(file),
            Method::Kubernetes { jwt_file, .. } | Method::JwtFile { jwt_file, .. } => {
                seen(jwt_file)
            }
            _ => None,
        }
    }

    /// The login, with the secret id if that had to be unwrapped first; `None` for a token that is given, and for a login
    /// of more than one request.
    pub(super) fn login(
        &self,
        unwrapped: Option<&SecretBytes>,
    ) -> Result<Option<Request>, StoreErrorKind> {
        #[derive(Serialize, Default)]
        struct Body<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            role_id: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            secret_id: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            password: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            role: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            jwt: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            name: Option<&'a str>,
        }
        let mut parts = vec!["auth", self.mount(), "login"];
        let read;
        let mut body = Body::default();
        match &self.method {
            Method::Token(_) | Method::TokenFile(_) | Method::Oidc { .. } => return Ok(None),
            Method::AppRole { role_id, secret_id } => {
                body.role_id = Some(role_id);
                body.secret_id = Some(text("the secret id", secret_id)?);
            }
            Method::AppRoleWrapped { role_id, .. } => {
                body.role_id = Some(role_id);
                let secret_id = unwrapped.ok_or(StoreErrorKind::WrapInvalid)?;
                body.secret_id = Some(text("the secret id", secret_id)?);
            }
            Method::Userpass { user, password } => {
                parts.push(segment("the user", user)?);
                body.password = Some(text("the password", password)?);
            }
            Method::Kubernetes { role, jwt_file } => {
                read = token_in(jwt_file)?;
                body.role = Some(role);
                body.jwt = Some(text("the service account's token", &read)?);
            }
            Method::Jwt { role, jwt } => {
                body.role = role.as_deref();
                body.jwt = Some(text("the JWT", jwt)?);
            }
            Method::JwtFile { role, jwt_file } => {
                read = token_in(jwt_file)?;
                body.role = role.as_deref();
                body.jwt = Some(text("the JWT", &read)?);
            }
            Method::Certificate { role } => body.name = role.as_deref(),
        }
        Request::post(&parts, &body).map(Some)
    }
}

impl From<SecretBytes> for Auth {
    fn from(token: SecretBytes) -> Self {
        Self::token(token)
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, detail) = match &self.method {
            Method::Token(_) => ("token", String::new()),
            Method::TokenFile(file) => ("token_file", file.display().to_string()),
            Method::AppRole { role_id, .. } => ("app_role", role_id.clone()),
            Method::AppRoleWrapped { role_id, .. } => ("app_role_wrapped", role_id.clone()),
            Method::Userpass { user, .. } => ("userpass", user.clone()),
            Method::Kubernetes { role, .. } => ("kubernetes", role.clone()),
            Method::Jwt { role, .. } => ("jwt", role.clone().unwrap_or_default()),
            Method::JwtFile { role, .. } => ("jwt_file", role.clone().unwrap_or_default()),
            Method::Oidc { role, .. } => ("oidc", role.clone().unwrap_or_default()),
            Method::Certificate { role } => ("certificate", role.clone().unwrap_or_default()),
        };
        write!(f, "Auth::{name}({detail:?}, …)")
    }
}

/// A token as it may stand in a header: trimmed, printable ASCII.
pub(super) fn checked(what: &str, bytes: &SecretBytes) -> Result<SecretBytes, StoreErrorKind> {
    let trimmed = bytes.expose().trim_ascii();
    if trimmed.is_empty() || !trimmed.iter().all(u8::is_ascii_graphic) {
        return Err(StoreErrorKind::Configuration {
            reason: format!(
                "{what} is empty or has characters other than printable ASCII within it"
            ),
        });
    }
    Ok(SecretBytes::copy_of(trimmed))
}

/// The token in a file.
pub(super) fn token_in(file: &Path) -> Result<SecretBytes, StoreErrorKind> {
    let io = |cause: std::io::Error| StoreErrorKind::Io {
        action: "read",
        file: file.display().to_string(),
        reason: cause.to_string(),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    let opened = File::open(file).map_err(io)?;
    opened
        .take(MAX_TOKEN_FILE_BYTES)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    let bytes = SecretBytes::new(std::mem::take(&mut *bytes));
    checked(&format!("the token in {}", file.display()), &bytes)
}

/// What tells one state of a file from another.
pub(super) type Seen = Option<(SystemTime, u64)>;

fn seen(file: &Path) -> Seen {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn text<'a>(what: &str, bytes: &'a SecretBytes) -> Result<&'a str, StoreErrorKind> {
    str::from_utf8(bytes.expose()).map_err(|_| StoreErrorKind::Configuration {
        reason: format!("{what} is not UTF-8"),
    })
}

/// A name that becomes one segment of a path.
pub(super) fn segment<'a>(what: &str, name: &'a str) -> Result<&'a str, StoreErrorKind> {
    let path: Result<MountPath, _> = name.parse();
    if path.is_err() || name.contains('/') {
        return Err(StoreErrorKind::Configuration {
            reason: format!("{what} {name:?} cannot be one segment of a path"),
        });
    }
    Ok(name)
}
