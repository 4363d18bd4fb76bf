//! Why nothing was edited.

use narae_yaml::Position;

use crate::image::ParseError;

/// Why a value could not be found or set. Nothing is changed then.
///
/// A message begins with `line:column` of the file where there is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The text cannot be read, or not be edited without touching anything else.
    #[error(transparent)]
    Refused(#[from] narae_yaml::edit::EditError),
    /// The file is not text.
    #[error("not UTF-8 at byte {offset}")]
    NotUtf8 {
        /// The first byte that is not UTF-8, counted from 0.
        offset: usize,
    },
    /// Nothing stands where the selector looks.
    #[error("`{place}` is not there")]
    NotFound {
        /// What was looked for.
        place: String,
    },
    /// Several places are meant where one is expected.
    #[error("{second}: `{place}` is here and at {first}; name the document or the element")]
    Ambiguous {
        /// What was looked for.
        place: String,
        /// The first place.
        first: Position,
        /// The second place.
        second: Position,
    },
    /// The places of one selector hold different images.
    #[error("{position}: the {part} is `{found}` here and `{other}` elsewhere under `{selector}`")]
    Disagree {
        /// The selector.
        selector: String,
        /// What differs: `name`, `tag`, `digest` or `value`.
        part: &'static str,
        /// What stands here.
        found: String,
        /// What stands at an earlier place.
        other: String,
        /// Where.
        position: Position,
    },
    /// What stands there is not an image reference.
    #[error("{position}: {source}")]
    NotImage {
        /// Where.
        position: Position,
        /// What is wrong with it.
        source: ParseError,
    },
    /// A marker comment that no value belongs to.
    #[error("{position}: {reason}")]
    Marker {
        /// Where the comment stands.
        position: Position,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file has a place for a part that the image does not have.
    #[error("{position}: a {part} belongs here, and the image has none")]
    NoPart {
        /// `name`, `tag` or `digest`.
        part: &'static str,
        /// Where.
        position: Position,
    },
    /// A chart's `registry` that holds more than a host, and another name is to be written.
    #[error(
        "{position}: `registry` has a path, and where that ends in another name cannot be known\n  try: the host alone in `registry`, and its path in `repository`"
    )]
    RegistryPath {
        /// Where the registry stands.
        position: Position,
    },
    /// An image where a value is selected, or the reverse.
    #[error("`{selector}` selects {selected}, and {given} was given")]
    Kind {
        /// The selector.
        selector: String,
        /// `an image` or `a value`.
        selected: &'static str,
        /// `an image` or `a value`.
        given: &'static str,
    },
}

impl From<narae_yaml::Error> for EditError {
    fn from(error: narae_yaml::Error) -> Self {
        Self::Refused(error.into())
    }
}
