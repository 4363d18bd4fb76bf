//! The error of this crate: what went wrong, where, and what to try.

use std::fmt;

use narae_yaml::{Path, Position};

use crate::origin::Origin;

/// What went wrong, where, and what to try.
///
/// Displays as one line that says what and where, followed where it helps by the line of the file
/// with a marker under the place, and by notes:
///
/// ```text
/// templates/deployment.yaml:12:20: value `image.tga` is not set
///    |
/// 12 |           image: {{image.tga}}
///    |                    ^
///    = did you mean `image.tag` (values/base.yaml:3:8)
/// ```
///
/// A line shown is always a line of a template or a policy, which people write and review; the
/// content of a value is never part of a message, because a value may be a secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(Box<Report>);

/// What to do about two keys of one name.
pub(crate) const DUPLICATE: &str = "remove one of them, or give them different names";

/// What the caller can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file is not what its kind must be: YAML that cannot be read, a template whose tags do not
    /// match, an expression that does not parse. Fix the file at the place named.
    Syntax,
    /// A template names a value that no layer sets. Set it, correct the name, or say that it may
    /// be absent with `default` or `defined`.
    MissingValue,
    /// A value has a type that cannot stand where it is used.
    WrongType,
    /// Two layers, or two assignments, say things that cannot both hold.
    Conflict,
    /// A template names a helper, a partial or a variable that does not exist.
    UnknownName,
    /// The rendered text is not YAML, or a value was inserted where YAML has no place for one.
    Structure,
    /// A named limit was reached.
    Limit,
    /// A document is not a Kubernetes object.
    Object,
    /// A document asks for something that this crate does not do, and that must not be ignored.
    Unsupported,
}

impl Error {
    /// What the caller can do.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Where it stands: the file, and the position in it when there is one.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.0.origin.as_ref()
    }

    /// The position in the file named by [`origin`](Self::origin).
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.0.origin.as_ref().and_then(Origin::position)
    }

    /// The path in the values that was looked for or that does not fit.
    #[must_use]
    pub fn value_path(&self) -> Option<&Path> {
        self.0.value_path.as_ref()
    }

    /// The sentence alone, without place, excerpt and notes.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to try, and the other places involved.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.0.notes
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Report {
            kind,
            origin: None,
            message: message.into(),
            excerpt: None,
            notes: Vec::new(),
            value_path: None,
        }))
    }

    pub(crate) fn at(mut self, origin: Origin) -> Self {
        self.0.origin = Some(origin);
        self
    }

    /// Shows the line of `text` at which the error stands.
    pub(crate) fn showing(mut self, text: &str) -> Self {
        if let Some(origin) = &self.0.origin
            && let (Some(line), Some(column)) = (origin.line(), origin.column())
        {
            self.0.excerpt = Excerpt::of(text, line, column);
        }
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.0.notes.push(note.into());
        self
    }

    pub(crate) fn notes_of(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.0.notes.extend(notes);
        self
    }

    pub(crate) fn about(mut self, path: Path) -> Self {
        self.0.value_path = Some(path);
        self
    }
}

impl From<narae_yaml::Error> for Error {
    /// A file that the YAML reader refused.
    fn from(refusal: narae_yaml::Error) -> Self {
        let kind = match refusal.kind() {
            narae_yaml::ErrorKind::Limit { .. } => ErrorKind::Limit,
            _ => ErrorKind::Syntax,
        };
        let mut error = Self::new(kind, refusal.kind().to_string());
        if let narae_yaml::ErrorKind::DuplicateKey { .. } = refusal.kind() {
            error = error.note(DUPLICATE);
        }
        match (refusal.source_name(), refusal.position()) {
            (Some(name), Some(position)) => error.at(Origin::at(name.into(), position)),
            (Some(name), None) => error.at(Origin::named(name.into())),
            (None, _) => error,
        }
    }
}

#[derive(Debug)]
struct Report {
    kind: ErrorKind,
    origin: Option<Origin>,
    message: String,
    excerpt: Option<Excerpt>,
    notes: Vec<String>,
    value_path: Option<Path>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        f.write_str(&self.message)?;
        let margin = self
            .excerpt
            .as_ref()
            .map_or(1, |excerpt| excerpt.line.to_string().len());
        if let Some(excerpt) = &self.excerpt {
            let line = excerpt.line;
            write!(f, "\n{:margin$} |\n{line} | {}", "", excerpt.text)?;
            write!(f, "\n{:margin$} | {}^", "", excerpt.indent())?;
        }
        for note in &self.notes {
            write!(f, "\n{:margin$} = {note}", "")?;
        }
        Ok(())
    }
}

/// One line of a file, cut to what fits a terminal around the place it is shown for.
#[derive(Debug)]
struct Excerpt {
    line: usize,
    text: String,
    /// Characters before the marker, in `text`.
    before: usize,
}

/// Characters of a line that are shown, so that a one-line file stays readable.
const EXCERPT_CHARS: usize = 120;

impl Excerpt {
    fn of(text: &str, line: usize, column: usize) -> Option<Self> {
        let full = text.lines().nth(line.checked_sub(1)?)?;
        let column = column.saturating_sub(1);
        let skipped = column.saturating_sub(EXCERPT_CHARS / 2);
        let shown: String = full
            .chars()
            .skip(skipped)
            .take(EXCERPT_CHARS)
            // A control character would move the marker, or the terminal.
            .map(|c| {
                if c.is_control() && c != '\t' {
                    '\u{fffd}'
                } else {
                    c
                }
            })
            .collect();
        Some(Self {
            line,
            text: shown,
            before: column - skipped,
        })
    }

    /// What aligns the marker: tabs stay tabs, so that it stands right at any tab width.
    fn indent(&self) -> String {
        self.text
            .chars()
            .take(self.before)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect()
    }
}
