//! Paths that cannot escape.
//!
//! URL libraries drop `.` and `..` silently, so `secret` + `../../sys/mounts` becomes a request to
//! another mount, and no server can see that it did. A [`SecretPath`] cannot hold such a segment.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Longest path accepted, in bytes. Servers refuse far shorter ones in practice.
pub const MAX_PATH_BYTES: usize = 512;

/// Where a secret is within its store: segments joined by `/`, the first ones naming the mount
/// where a store has mounts (`secret/shop/prod/database`).
///
/// Never empty, at most 512 bytes, no empty, `.` or `..` segment, no control character, no
/// backslash, no leading or trailing white space in a segment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretPath(String);

/// Where an engine is mounted (`secret`, `team-a/kv`). The same rules as [`SecretPath`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MountPath(String);

/// Why some text is not a path.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("path {shown} {reason}")]
pub struct PathError {
    shown: String,
    reason: &'static str,
}

impl SecretPath {
    /// The path as text, without a leading or trailing `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments in order; there is at least one.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Whether this path is `other` or lies below it, by whole segments.
    #[must_use]
    pub fn starts_with(&self, other: &SecretPath) -> bool {
        let rest = self.0.strip_prefix(&other.0);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl MountPath {
    /// The mount as text, without a leading or trailing `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(text: &str) -> Result<(), PathError> {
    let refuse = |reason| {
        // What is shown is cut and escaped: a hostile path must not fill or garble a terminal.
        let shown: String = text.chars().take(80).collect();
        Err(PathError {
            shown: format!("{shown:?}"),
            reason,
        })
    };
    if text.is_empty() {
        return refuse("is empty; write mount/path");
    }
    if text.len() > MAX_PATH_BYTES {
        return refuse("is longer than 512 bytes");
    }
    if text.chars().any(|c| c.is_control() || c == '\\') {
        return refuse("has a control character or a backslash");
    }
    for segment in text.split('/') {
        if segment.is_empty() {
            return refuse("has an empty segment; drop the leading, trailing or doubled `/`");
        }
        if segment == "." || segment == ".." {
            return refuse("has a `.` or `..` segment; a path cannot leave its mount");
        }
        if segment.trim() != segment {
            return refuse("has a segment with white space at its start or end");
        }
    }
    Ok(())
}

impl FromStr for SecretPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        check(text).map(|()| Self(text.to_owned()))
    }
}

impl FromStr for MountPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        check(text).map(|()| Self(text.to_owned()))
    }
}

impl fmt::Display for SecretPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for MountPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
