//! Where a file stands in a repository's tree.

use std::fmt;
use std::str::FromStr;

/// Longest accepted path in bytes: `PATH_MAX` of Linux, past which a clone cannot write the file.
pub const MAX_PATH_BYTES: usize = 4095;
/// Longest accepted component in bytes: `NAME_MAX` of Linux.
pub const MAX_COMPONENT_BYTES: usize = 255;
/// Most components a path may have; bounds the recursion over trees.
pub const MAX_PATH_DEPTH: usize = 128;

/// A relative path with `/` between its components, safe to write on any machine that clones.
///
/// Refused: empty paths and components, `.`, `..`, a leading or trailing `/`, backslashes, control
/// characters, and every spelling that some file system takes for `.git` (git's own
/// `core.protectHFS` and `core.protectNTFS` rules), so that no path can reach a clone's hooks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(String);

impl TreePath {
    /// Reads a path.
    ///
    /// # Errors
    ///
    /// When the path is not one that can be written safely; the error says which rule it breaks.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let wrong = |reason| {
            Err(PathError {
                path: shown(text),
                reason,
            })
        };
        if text.is_empty() {
            return wrong("it is empty");
        }
        if text.starts_with('/') {
            return wrong("it is absolute: paths are relative to the repository");
        }
        if text.len() > MAX_PATH_BYTES {
            return wrong("it is longer than 4095 bytes");
        }
        if text.split('/').count() > MAX_PATH_DEPTH {
            return wrong("it has more than 128 components");
        }
        match text.split('/').find_map(component_fault) {
            Some(reason) => wrong(reason),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of `name` within this directory; `name` may have several components.
    ///
    /// # Errors
    ///
    /// When `name` is not a path by itself, or the whole becomes too long.
    pub fn join(&self, name: &str) -> Result<Self, PathError> {
        Self::parse(name)?;
        Self::parse(&format!("{}/{name}", self.0))
    }

    /// The directory this stands in; none at the repository's root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0
            .rsplit_once('/')
            .map(|(parent, _)| Self(parent.to_owned()))
    }

    /// The last component.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// The components in order; at least one.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// Whether this is `directory` itself or stands anywhere below it.
    #[must_use]
    pub fn starts_with(&self, directory: &Self) -> bool {
        self.0
            .strip_prefix(directory.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for TreePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for TreePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

/// A path that must not be written to a repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("path `{path}` cannot stand in a repository: {reason}")]
pub struct PathError {
    path: String,
    reason: &'static str,
}

fn component_fault(component: &str) -> Option<&'static str> {
    if component.is_empty() {
        Some("it has an empty component")
    } else if component == "." || component == ".." {
        Some("it has a `.` or `..` component")
    } else if component.len() > MAX_COMPONENT_BYTES {
        Some("a component is longer than 255 bytes")
    } else if component.contains('\\') {
        Some("it has a backslash, which Windows takes for a separator")
    } else if component.chars().any(char::is_control) {
        Some("it has a control character")
    } else if is_dot_git(component) {
        Some("some file systems take a component for `.git`")
    } else {
        None
    }
}

/// `.git` as HFS+ (ignorable characters, any case) or NTFS (trailing dots and spaces, streams,
/// the short name `GIT~1`) would see it.
fn is_dot_git(component: &str) -> bool {
    let seen: String = component
        .chars()
        .filter(|character| !is_ignored_by_hfs(*character))
        .flat_map(char::to_lowercase)
        .collect();
    let before_stream = seen.split(':').next().unwrap_or_default();
    let name = before_stream.trim_end_matches(['.', ' ']);
    name == ".git" || name == "git~1"
}

/// The code points HFS+ drops when it compares names; the list is git's (`utf8.c`).
fn is_ignored_by_hfs(character: char) -> bool {
    matches!(character,
        '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

fn shown(text: &str) -> String {
    const MAX_SHOWN: usize = 120;
    let mut shown: String = text
        .chars()
        .take(MAX_SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}
