//! One scalar of a YAML file changed, every other byte of it kept.
//!
//! The edit itself is [`narae_yaml::edit`]'s: byte-minimal, checked by reading the result again, and
//! refused where it could not be. Here it meets a path, so that its errors say where.

use std::fmt;

use narae_yaml::edit::{self, EditError};

use super::Change;
use crate::repository::{CommitId, Error, Repository, TreePath};

impl Change {
    /// The file at `path`, which holds `source`, with the scalar at `selector` in its
    /// `document`th document (from 0) set to `value`.
    ///
    /// ```
    /// use narae_gitops::change::{Change, ChangeSet};
    ///
    /// let path = "apps/shop/values.yaml".parse()?;
    /// let source = b"image:\n  tag: abc1234   # set by CI\n";
    /// let change = Change::scalar(path, source, 0, &"image.tag".parse()?, &"12e4567".into())?;
    /// let changes: ChangeSet = [change].into_iter().collect();
    /// for (path, bytes) in &changes {
    ///     assert_eq!(path.as_str(), "apps/shop/values.yaml");
    ///     assert_eq!(bytes, Some(&b"image:\n  tag: \"12e4567\"   # set by CI\n"[..]));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the file is not UTF-8, or the edit is refused ([`EditError`]).
    pub fn scalar(
        path: TreePath,
        source: &[u8],
        document: usize,
        selector: &narae_yaml::Path,
        value: &narae_yaml::Value,
    ) -> Result<Self, ScalarError> {
        let text = match std::str::from_utf8(source) {
            Ok(text) => text,
            Err(error) => {
                return Err(ScalarError::NotUtf8 {
                    path,
                    offset: error.valid_up_to(),
                });
            }
        };
        match edit::replace(text, document, selector, value) {
            Ok(edited) => Ok(Self::write(path, edited)),
            Err(source) => Err(ScalarError::Refused { path, source }),
        }
    }
}

impl Repository {
    /// The change that sets a scalar of a file of `commit`; see [`Change::scalar`]. Nothing is
    /// written yet. When the scalar already has the value, the change falls away on commit.
    ///
    /// # Errors
    ///
    /// When there is no such file, it is not UTF-8, or the edit is refused; and those of
    /// [`Repository::read`].
    pub fn set_scalar(
        &self,
        commit: CommitId,
        path: &TreePath,
        document: usize,
        selector: &narae_yaml::Path,
        value: &narae_yaml::Value,
    ) -> Result<Change, ScalarError> {
        match self.read(commit, path)? {
            Some(source) => Change::scalar(path.clone(), &source, document, selector, value),
            None => Err(ScalarError::NoFile {
                path: path.clone(),
                commit,
            }),
        }
    }
}

/// Why a scalar could not be set.
#[derive(Debug)]
#[non_exhaustive]
pub enum ScalarError {
    /// There is no file at the path.
    NoFile {
        /// The path.
        path: TreePath,
        /// The commit that was looked at.
        commit: CommitId,
    },
    /// The file is not text.
    NotUtf8 {
        /// The file.
        path: TreePath,
        /// The first byte that is not UTF-8, counted from 0.
        offset: usize,
    },
    /// The edit could not be made without touching anything else.
    Refused {
        /// The file.
        path: TreePath,
        /// Why, and where in the file.
        source: EditError,
    },
    /// The file could not be read.
    Repository(Error),
}

impl fmt::Display for ScalarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFile { path, commit } => {
                write!(f, "there is no file `{path}` in commit {commit:.12}")
            }
            Self::NotUtf8 { path, offset } => write!(f, "{path}: not UTF-8 at byte {offset}"),
            Self::Refused { path, source } => f.write_str(&placed(path, source)),
            Self::Repository(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ScalarError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The causes' words are in this error's own; what lies behind them is next.
        match self {
            Self::Refused { source, .. } => source.source(),
            Self::Repository(error) => error.source(),
            Self::NoFile { .. } | Self::NotUtf8 { .. } => None,
        }
    }
}

impl From<Error> for ScalarError {
    fn from(error: Error) -> Self {
        Self::Repository(error)
    }
}

/// An edit's refusal in a file: `file:12:7: …` when it begins with its line and column.
pub(crate) fn placed(path: &TreePath, refusal: &impl ToString) -> String {
    let said = refusal.to_string();
    let space = match said.starts_with(|first: char| first.is_ascii_digit()) {
        true => "",
        false => " ",
    };
    format!("{path}:{space}{said}")
}
