//! Why an edit is refused.

use crate::{Error, ErrorKind, Path, Position};

/// Why an edit was refused. Nothing is changed then.
///
/// Each kind is answered differently: some by another path, some by editing the file by hand once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The text cannot be read, or readers disagree about it (a duplicate key).
    #[error(transparent)]
    Read(#[from] Error),
    /// The text is a template (`{{`) and not YAML yet: edit its values instead.
    #[error("{position}: `{{{{` makes this a template; edit the values it takes instead")]
    Template {
        /// Where reading stopped, or where the scalar with the braces begins.
        position: Position,
    },
    /// There are fewer documents.
    #[error("there is no document {document} (counted from 0), only {documents}")]
    NoDocument {
        /// The document asked for.
        document: usize,
        /// How many there are.
        documents: usize,
    },
    /// The path leads nowhere.
    #[error("`{path}` is not there")]
    NotFound {
        /// The first part of the path that is missing.
        path: Path,
    },
    /// The path goes through an alias: an edit would change, or unlink, other places.
    #[error(
        "{position}: `{path}` is the alias `*{name}`; edit what stands at its anchor `&{name}` instead"
    )]
    Alias {
        /// The part of the path that is an alias.
        path: Path,
        /// The alias' name.
        name: String,
        /// Where the alias stands.
        position: Position,
    },
    /// The path goes through an entry that a merge key brought in.
    #[error(
        "{position}: `{path}` comes from a merge key; edit it where it is written, or override it by hand once"
    )]
    Merged {
        /// The part of the path that is merged.
        path: Path,
        /// Where the entry is written.
        position: Position,
    },
    /// The path leads to a mapping or a sequence.
    #[error("{position}: `{path}` is {kind}, not a scalar; name a place inside it")]
    NotScalar {
        /// The path.
        path: Path,
        /// What stands there.
        kind: &'static str,
        /// Where.
        position: Position,
    },
    /// The path leads to a block scalar (`|` or `>`).
    #[error("{position}: `{path}` is a block scalar; write it in quotes once to have it edited")]
    BlockScalar {
        /// The path.
        path: Path,
        /// Where it stands.
        position: Position,
    },
    /// The new value is a mapping or a sequence.
    #[error("the new value is {kind}, and only scalars can be set")]
    NewNotScalar {
        /// What it is.
        kind: &'static str,
    },
    /// No comment can stand there: in brackets, behind a block scalar or nothing at all, or where something else follows on
    /// the line.
    #[error("{position}: no comment can stand behind `{path}`; write it on a line of its own once")]
    NoComment {
        /// The path.
        path: Path,
        /// Where it stands.
        position: Position,
    },
    /// The new comment is none.
    #[error("the new comment is none: `#` and what follows on one line, or nothing")]
    NewNotComment,
    /// Something stands already where an entry should be inserted.
    #[error("{position}: `{path}` is there already; replace it instead")]
    Exists {
        /// The path.
        path: Path,
        /// Where what it leads to stands.
        position: Position,
    },
    /// Nothing can be inserted there: no mapping for a key, no sequence for an index.
    #[error("{position}: `{path}` is {kind}, where nothing can be inserted by that name")]
    NotCollection {
        /// The path of what should hold the new entry.
        path: Path,
        /// What it is.
        kind: &'static str,
        /// Where it stands.
        position: Position,
    },
    /// The path is the whole document, which can be neither inserted nor removed.
    #[error("the path is the whole document; name a place inside it")]
    Root,
    /// What should be removed carries an anchor that something else refers to.
    #[error("{position}: the alias `*{name}` needs what stands at `{path}`")]
    AnchorInUse {
        /// The path.
        path: Path,
        /// The anchor's name.
        name: String,
        /// Where the alias stands.
        position: Position,
    },
    /// The text that would result does not read as intended: a tag that does not fit the new value,
    /// or a layout in which no safe place was found.
    #[error(
        "{position}: `{path}` cannot be edited so without changing anything else; edit it by hand"
    )]
    Unsafe {
        /// The path.
        path: Path,
        /// Where it stands, or what should hold it.
        position: Position,
    },
}

/// The refusal of a text that cannot be read: most often because it is a template.
pub(super) fn unreadable(source: &str, error: Error) -> EditError {
    let structural = matches!(error.kind(), ErrorKind::Syntax(_) | ErrorKind::Key(_));
    match error.position() {
        Some(position) if structural && source.contains("{{") => EditError::Template { position },
        _ => EditError::Read(error),
    }
}
