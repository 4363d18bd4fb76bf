//! References to secrets, as they stand in manifests.
//!
//! ```text
//! ref+vault://STORE/mount/path?version=N&decode=base64#/key
//! ```
//!
//! STORE is a name the operator configured, never an address: a reference cannot send a token
//! anywhere. Parameters with which other tools' references do that (`address`, `token`, …) are
//! refused by name. The grammar is that of vals' `ref+vault://` with its first segment read as STORE.
//! Segments and key are percent-decoded; [`Display`](std::fmt::Display) writes the one canonical form, without white space.
//!
//! A reference is a whole value; [`Interpolation`] is a text with references in it, for those who ask for that.
//!
//! Errors name parameters, never their values: somebody may have written a token there.

mod foreign;
mod interpolation;

use std::fmt::{self, Write as _};
use std::str::FromStr;

use thiserror::Error;

pub use self::interpolation::{
    FillError, Interpolation, InterpolationError, InterpolationErrorKind, MAX_FILLED_BYTES,
    MAX_TEXT_BYTES,
};
use crate::store::{PathError, SecretPath, Version};

/// Longest reference accepted, in bytes of its canonical form pinned to any version.
pub const MAX_REFERENCE_BYTES: usize = 2048;

const SCHEME: &str = "ref+vault://";

/// Parameters of other tools that choose a server or a credential.
const FORBIDDEN: &[&str] = &[
    "address",
    "addr",
    "host",
    "proto",
    "token",
    "token_env",
    "token_file",
    "namespace",
    "auth_method",
    "role_id",
    "role_id_env",
    "secret_id",
    "secret_id_env",
    "role",
    "kubernetes_mount",
    "username",
    "username_env",
    "username_file",
    "password",
    "password_env",
    "password_file",
    "ca_cert",
    "tls_skip_verify",
];

/// A parsed reference.
///
/// ```
/// use narae_secrets::reference::Reference;
///
/// let reference: Reference = "ref+vault://main/secret/shop/db?version=3#/password".parse()?;
/// assert_eq!(reference.store(), "main");
/// assert_eq!(reference.path().as_str(), "secret/shop/db");
/// assert_eq!(reference.key(), "password");
/// assert_eq!(reference.to_string(), "ref+vault://main/secret/shop/db?version=3#/password");
///
/// let refused = "ref+vault://main/secret/shop?address=https://evil.example#/password";
/// assert!(refused.parse::<Reference>().is_err());
/// # Ok::<(), narae_secrets::reference::ReferenceError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    store: String,
    path: SecretPath,
    version: Option<Version>,
    decode: Decode,
    key: String,
}

/// How the stored value becomes the secret's bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Decode {
    /// The bytes as they are stored.
    #[default]
    Plain,
    /// The stored value is base64 (standard alphabet, padded; line breaks are ignored).
    Base64,
}

/// Why some text is not a reference.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// It does not begin with the scheme.
    #[error("not a reference; write ref+vault://STORE/mount/path#/key")]
    Scheme,
    /// It is longer than [`MAX_REFERENCE_BYTES`].
    #[error("longer than {MAX_REFERENCE_BYTES} bytes, escaped and with a version")]
    TooLong,
    /// The store's name is missing or has other characters than letters, digits, `-`, `_` and `.`.
    #[error("names no store; a store's name is letters, digits, `-`, `_` and `.`")]
    Store,
    /// The path is missing or not allowed.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The key is missing or empty.
    #[error("names no key; end it with #/key")]
    Key,
    /// A `%` is not followed by two hexadecimal digits, or what is encoded is not UTF-8.
    #[error("has a broken %-escape")]
    Escape,
    /// A parameter that would choose a server or a credential.
    #[error(
        "parameter `{0}` is refused: a reference names a configured store, it cannot choose a server or a credential"
    )]
    ForbiddenParameter(&'static str),
    /// A parameter that means nothing here. Its name is not repeated: it is free text.
    #[error("has an unknown parameter; known are `version` and `decode`")]
    UnknownParameter,
    /// A parameter given twice.
    #[error("parameter `{0}` is given twice")]
    RepeatedParameter(&'static str),
    /// A version that is not a number from 1.
    #[error("`version` must be a whole number from 1")]
    Version,
    /// A decoding that is not known.
    #[error("`decode` must be base64")]
    Decode,
    /// A placeholder in whose path `data` may be the API's or the path's own.
    #[error(
        "has `data` further on in its path, which may belong to the path or to the API behind a mount of several segments; write ref+vault://STORE/mount/path#/key"
    )]
    AmbiguousData,
}

impl Reference {
    /// Whether `text` means to be a reference, even a broken one or one for another tool.
    ///
    /// What this accepts and [`FromStr`] refuses must not be taken as a literal secret.
    #[must_use]
    pub fn is_reference(text: &str) -> bool {
        let Some((scheme, _)) = text.trim_start().split_once("://") else {
            return false;
        };
        scheme.strip_prefix("ref+").is_some_and(|backend| {
            !backend.is_empty()
                && backend
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_'))
        })
    }

    /// The configured store's name.
    #[must_use]
    pub fn store(&self) -> &str {
        &self.store
    }

    /// The path within the store, its mount first.
    #[must_use]
    pub fn path(&self) -> &SecretPath {
        &self.path
    }

    /// The version asked for; `None` for the newest.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        self.version
    }

    /// How the stored value becomes the secret's bytes.
    #[must_use]
    pub fn decode(&self) -> Decode {
        self.decode
    }

    /// The key within the secret.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The same reference for exactly this version: what was read, said so that it can be read again.
    #[must_use]
    pub fn pinned(&self, version: Version) -> Self {
        Self {
            version: Some(version),
            ..self.clone()
        }
    }

    /// What holds of every reference, however it was written.
    fn checked(self) -> Result<Self, ReferenceError> {
        if !is_store_name(&self.store) {
            return Err(ReferenceError::Store);
        }
        if self.key.is_empty() || self.key.chars().any(char::is_control) {
            return Err(ReferenceError::Key);
        }
        // Escaping makes text longer: what is accepted must also be accepted as it is written
        // again, pinned to whatever version.
        if self.pinned(Version::MAX).to_string().len() > MAX_REFERENCE_BYTES {
            return Err(ReferenceError::TooLong);
        }
        Ok(self)
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.len() > MAX_REFERENCE_BYTES {
            return Err(ReferenceError::TooLong);
        }
        let rest = text.strip_prefix(SCHEME).ok_or(ReferenceError::Scheme)?;
        let (rest, key) = rest.split_once("#/").ok_or(ReferenceError::Key)?;
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (store, path) = place.split_once('/').unwrap_or((place, ""));

        if !is_store_name(store) {
            return Err(ReferenceError::Store);
        }
        let path = read_path(path)?;
        let key = unescape(key)?;
        let Parameters { version, decode } = Parameters::parse(parameters)?;
        Self {
            store: store.to_owned(),
            path,
            version,
            decode: decode.unwrap_or_default(),
            key,
        }
        .checked()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/", self.store)?;
        write_path(f, &self.path)?;
        let mut mark = '?';
        if let Some(version) = self.version {
            write!(f, "{mark}version={version}")?;
            mark = '&';
        }
        if self.decode == Decode::Base64 {
            write!(f, "{mark}decode=base64")?;
        }
        f.write_str("#/")?;
        escape(f, &self.key)
    }
}

/// What stands between `?` and `#`.
#[derive(Default)]
struct Parameters {
    version: Option<Version>,
    decode: Option<Decode>,
}

impl Parameters {
    fn parse(text: &str) -> Result<Self, ReferenceError> {
        let mut parsed = Self::default();
        for parameter in text.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name {
                "version" => {
                    // `from_str` of an integer would also take `+1`.
                    let digits = value.chars().all(|c| c.is_ascii_digit());
                    let number = value.parse().ok().filter(|_| digits).and_then(Version::new);
                    let version = number.ok_or(ReferenceError::Version)?;
                    if parsed.version.replace(version).is_some() {
                        return Err(ReferenceError::RepeatedParameter("version"));
                    }
                }
                "decode" => {
                    if value != "base64" {
                        return Err(ReferenceError::Decode);
                    }
                    if parsed.decode.replace(Decode::Base64).is_some() {
                        return Err(ReferenceError::RepeatedParameter("decode"));
                    }
                }
                other => return Err(refusal(other)),
            }
        }
        Ok(parsed)
    }
}

fn refusal(name: &str) -> ReferenceError {
    // Decoded and folded first, so that `Token` or `%74oken` are refused by the same name.
    let name = unescape(name).unwrap_or_default().to_ascii_lowercase();
    match FORBIDDEN.iter().find(|forbidden| **forbidden == name) {
        Some(forbidden) => ReferenceError::ForbiddenParameter(forbidden),
        None => ReferenceError::UnknownParameter,
    }
}

/// Whether this can be a store's name.
pub(crate) fn is_store_name(text: &str) -> bool {
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.chars().all(named)
}

/// A path as it stands in a reference. Decoded per segment and checked after that: an escaped `/` or `..` is
/// refused like a plain one.
pub(crate) fn read_path(text: &str) -> Result<SecretPath, ReferenceError> {
    let segments: Vec<String> = text.split('/').map(unescape).collect::<Result<_, _>>()?;
    if segments.iter().any(|segment| segment.contains('/')) {
        return Err(ReferenceError::Escape);
    }
    Ok(segments.join("/").parse()?)
}

/// A path as it stands in a reference, without white space.
pub(crate) fn write_path(f: &mut fmt::Formatter<'_>, path: &SecretPath) -> fmt::Result {
    for (index, segment) in path.segments().enumerate() {
        if index > 0 {
            f.write_char('/')?;
        }
        escape(f, segment)?;
    }
    Ok(())
}

fn unescape(text: &str) -> Result<String, ReferenceError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(ReferenceError::Escape);
        };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| ReferenceError::Escape)?);
    }
    String::from_utf8(bytes).map_err(|_| ReferenceError::Escape)
}

fn escape(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for byte in text.bytes() {
        // RFC 3986 "unreserved", and the few others that read better plain and mean nothing here.
        if byte.is_ascii_alphanumeric() || b"-._~:@+,".contains(&byte) {
            f.write_char(char::from(byte))?;
        } else {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}
