//! Where something was written. Knows positions, not what stands there.

use std::fmt;
use std::sync::Arc;

use narae_yaml::Position;
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

/// Where something was written: a file and a position in it, or a name such as `--image`.
///
/// Displays as `values/prod.yaml:12:7`, or as the bare name where there is no position.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    source: Arc<str>,
    position: Option<Position>,
}

impl Origin {
    pub(crate) fn named(source: Arc<str>) -> Self {
        Self {
            source,
            position: None,
        }
    }

    pub(crate) fn at(source: Arc<str>, position: Position) -> Self {
        Self {
            source,
            position: Some(position),
        }
    }

    /// Another place of the same file.
    pub(crate) fn moved_to(&self, position: Position) -> Self {
        Self::at(Arc::clone(&self.source), position)
    }

    /// The file, or the name given for something that is not a file.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Where in the file, when it is one.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// The line, counted from one.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.position.map(|position| position.line)
    }

    /// The column in characters, counted from one.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        self.position.map(|position| position.column)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        match self.position {
            Some(position) => write!(f, ":{position}"),
            None => Ok(()),
        }
    }
}

/// `{source, line, column}`, the last two where there is a position.
impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Origin", 3)?;
        fields.serialize_field("source", self.source())?;
        match self.position {
            Some(position) => {
                fields.serialize_field("line", &position.line)?;
                fields.serialize_field("column", &position.column)?;
            }
            None => {
                fields.skip_field("line")?;
                fields.skip_field("column")?;
            }
        }
        fields.end()
    }
}
