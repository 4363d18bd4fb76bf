//! A file's change as people read it: git's unified diff.

use serde::Serialize;
use similar::TextDiff;

use crate::repository::TreePath;

/// A file before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileDiff {
    /// The file.
    pub path: TreePath,
    /// Its text.
    pub before: String,
    /// Its text afterwards.
    pub after: String,
}

impl FileDiff {
    /// The change with three lines around it, as `git diff` shows it and `git apply` takes it.
    #[must_use]
    pub fn unified(&self) -> String {
        let names = (format!("a/{}", self.path), format!("b/{}", self.path));
        TextDiff::from_lines(&self.before, &self.after)
            .unified_diff()
            .context_radius(3)
            .header(&names.0, &names.1)
            .to_string()
    }
}

impl Serialize for FileDiff {
    /// The path and the unified diff: a plan's reader wants the change, not the file.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut out = serializer.serialize_struct("FileDiff", 2)?;
        out.serialize_field("path", &self.path)?;
        out.serialize_field("diff", &self.unified())?;
        out.end()
    }
}
