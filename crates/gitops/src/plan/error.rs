//! Why a plan could not be made or applied.

use std::fmt;

use crate::change;
use crate::edit::EditError;
use crate::repository::TreePath;

/// Why a plan could not be made or applied.
#[derive(Debug)]
#[non_exhaustive]
pub enum PlanError<E> {
    /// There is no such file.
    NoFile {
        /// The file.
        file: TreePath,
    },
    /// An edit is refused.
    Edit {
        /// The file.
        file: TreePath,
        /// Why, and where in it.
        source: Box<EditError>,
    },
    /// The file could not be read.
    Read(E),
}

impl<E: fmt::Display> fmt::Display for PlanError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFile { file } => write!(f, "there is no file `{file}`"),
            Self::Edit { file, source } => f.write_str(&change::placed(file, source)),
            Self::Read(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for PlanError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The causes' words are in this error's own; what lies behind them is next.
        match self {
            Self::Edit { source, .. } => source.source(),
            Self::Read(_) | Self::NoFile { .. } => None,
        }
    }
}
