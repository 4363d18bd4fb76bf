//! What a source may cost.
//!
//! Each limit is counted before the work it bounds is done: the bytes before the first event, an
//! alias before it is expanded, a level before it is entered.

/// The most a reader accepts of one source. Crossing one is an [`Error`](crate::Error) that names it.
///
/// The defaults take any real manifest (a stream of thousands of documents, the largest custom
/// resource definitions) and bound a hostile one to well under a second and a few hundred megabytes.
///
/// ```
/// use narae_yaml::{Limits, Reader};
///
/// let reader = Reader::new().with_limits(Limits::default().with_max_depth(4));
/// let error = reader.read("[[[[[1]]]]]").unwrap_err();
/// assert_eq!(error.to_string(), "1:5: nested deeper than max_depth = 4 allows");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(crate) max_bytes: usize,
    pub(crate) max_depth: usize,
    pub(crate) max_nodes: usize,
    pub(crate) max_alias_nodes: usize,
    pub(crate) max_documents: usize,
}

impl Limits {
    /// The deepest nesting that can be asked for. What this crate does with a value recurses once
    /// per level, and this many levels fit any thread's stack.
    pub const DEEPEST: usize = 512;

    /// Bytes of source text. 32 MiB unless told.
    #[must_use]
    pub const fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Collections inside collections, counted after aliases are expanded. 128 unless told, and
    /// [`Limits::DEEPEST`] at most.
    #[must_use]
    pub const fn with_max_depth(mut self, levels: usize) -> Self {
        self.max_depth = if levels < Self::DEEPEST {
            levels
        } else {
            Self::DEEPEST
        };
        self
    }

    /// Nodes made for one source: those written, those aliases stand for, and the copies kept of
    /// anchored ones. 1,000,000 unless told.
    #[must_use]
    pub const fn with_max_nodes(mut self, nodes: usize) -> Self {
        self.max_nodes = nodes;
        self
    }

    /// Nodes that aliases stand for, in one source. 100,000 unless told.
    #[must_use]
    pub const fn with_max_alias_nodes(mut self, nodes: usize) -> Self {
        self.max_alias_nodes = nodes;
        self
    }

    /// Documents in one source. 10,000 unless told.
    #[must_use]
    pub const fn with_max_documents(mut self, documents: usize) -> Self {
        self.max_documents = documents;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 32 << 20,
            max_depth: 128,
            max_nodes: 1_000_000,
            max_alias_nodes: 100_000,
            max_documents: 10_000,
        }
    }
}
