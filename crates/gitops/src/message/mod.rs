//! Commit messages: a subject, a wrapped body, and trailers that git reads back.
//!
//! A message is data that people and programs read: the subject in one line, the body for people,
//! the trailers (`Key: value`, the last paragraph) for programs. Every part is checked as it is
//! added, so that no value can forge a trailer or cut the message short:
//!
//! - a subject or a trailer's value has one line and no control characters;
//! - a body's line is wrapped at 72 columns unless it is indented, as code and lists are;
//! - a body whose own last paragraph reads as trailers is refused;
//! - the lines that end a message for git (`---`, the scissors line) are indented by one space.

pub mod key;
mod trailers;

use std::fmt;

pub use trailers::{MAX_KEY_BYTES, MAX_VALUE_BYTES, Trailer, TrailerError, Trailers};

/// Most characters of a subject, and the column a body is wrapped at: what `git log` shows whole.
pub const MAX_SUBJECT_CHARS: usize = 72;
/// Most bytes of a body.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A commit message.
///
/// ```
/// use narae_gitops::message::{Message, key};
///
/// let message = Message::new("shop: deliver 3f2a9c1 to prod")?
///     .with_trailer(key::APP, "shop")?
///     .with_trailer(key::ENVIRONMENT, "prod")?;
/// assert_eq!(
///     message.to_string(),
///     "shop: deliver 3f2a9c1 to prod\n\nNarae-App: shop\nNarae-Environment: prod\n",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    subject: String,
    body: String,
    trailers: Trailers,
}

impl Message {
    /// A message of one line.
    ///
    /// # Errors
    ///
    /// When `subject` is empty, longer than [`MAX_SUBJECT_CHARS`], has a control character, or
    /// begins with `#`, which makes it a comment to git.
    pub fn new(subject: &str) -> Result<Self, MessageError> {
        let subject = subject.trim();
        let length = subject.chars().count();
        if subject.is_empty() {
            return Err(MessageError::EmptySubject);
        }
        if length > MAX_SUBJECT_CHARS {
            return Err(MessageError::LongSubject { length });
        }
        if subject.starts_with('#') {
            return Err(MessageError::CommentSubject);
        }
        if subject.chars().any(trailers::breaks_line) {
            return Err(MessageError::ControlCharacter { part: "subject" });
        }
        Ok(Self {
            subject: subject.to_owned(),
            body: String::new(),
            trailers: Trailers::new(),
        })
    }

    /// Sets the body: paragraphs of text, wrapped here.
    ///
    /// # Errors
    ///
    /// When `body` is longer than [`MAX_BODY_BYTES`], has a control character other than tab and
    /// newline, or ends in a paragraph that git would read as trailers.
    pub fn with_body(mut self, body: &str) -> Result<Self, MessageError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(MessageError::LongBody { length: body.len() });
        }
        let body = body.replace("\r\n", "\n");
        if body
            .chars()
            .any(|character| !matches!(character, '\n' | '\t') && trailers::breaks_line(character))
        {
            return Err(MessageError::ControlCharacter { part: "body" });
        }
        let body = wrapped(&body);
        if !Trailers::parse(&format!("{}\n\n{body}\n", self.subject)).is_empty() {
            return Err(MessageError::BodyReadsAsTrailers);
        }
        self.body = body;
        Ok(self)
    }

    /// Adds a trailer. The same key may be given again: both stand.
    ///
    /// # Errors
    ///
    /// When the key or the value is not one ([`Trailers::push`]).
    pub fn with_trailer(mut self, key: &str, value: &str) -> Result<Self, TrailerError> {
        self.trailers.push(key, value)?;
        Ok(self)
    }

    /// The first line.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The body as wrapped, without a final newline; empty when there is none.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The trailers in the order they were added.
    #[must_use]
    pub fn trailers(&self) -> &Trailers {
        &self.trailers
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.subject)?;
        if !self.body.is_empty() {
            writeln!(f, "\n{}", self.body)?;
        }
        if !self.trailers.is_empty() {
            write!(f, "\n{}", self.trailers)?;
        }
        Ok(())
    }
}

/// Why a text cannot be part of a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// Nothing but white space.
    #[error("commit subject is empty")]
    EmptySubject,
    /// Longer than `git log` shows.
    #[error("commit subject has {length} characters: at most 72, the rest belongs in the body")]
    LongSubject {
        /// Characters found.
        length: usize,
    },
    /// Begins with `#`.
    #[error("commit subject begins with `#`, which git takes for a comment")]
    CommentSubject,
    /// More than [`MAX_BODY_BYTES`].
    #[error("commit body has {length} bytes: at most 65536")]
    LongBody {
        /// Bytes found.
        length: usize,
    },
    /// A control character, such as a newline in a subject.
    #[error("commit {part} has a control character or a line break")]
    ControlCharacter {
        /// `subject` or `body`.
        part: &'static str,
    },
    /// The body would add trailers of its own.
    #[error("the last paragraph of the commit body reads as trailers: add them as trailers")]
    BodyReadsAsTrailers,
}

/// The body as it stands in the message: long lines wrapped, runs of blank lines made one.
fn wrapped(body: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in body.lines().map(str::trim_end) {
        if line.is_empty() {
            if lines.last().is_some_and(|last| !last.is_empty()) {
                lines.push(String::new());
            }
        } else if line.starts_with([' ', '\t']) || line.chars().count() <= MAX_SUBJECT_CHARS {
            lines.push(harmless(line));
        } else {
            wrap_into(&mut lines, line);
        }
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.join("\n")
}

fn wrap_into(lines: &mut Vec<String>, line: &str) {
    let mut current = String::new();
    let mut width = 0;
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > MAX_SUBJECT_CHARS {
            lines.push(harmless(&current));
            current.clear();
            width = 0;
        }
        if width > 0 {
            current.push(' ');
            width += 1;
        }
        current.push_str(word);
        width += length;
    }
    lines.push(harmless(&current));
}

/// A line that git would end the message at, indented: `---` begins a patch, and `# ---` may be
/// the scissors line.
fn harmless(line: &str) -> String {
    if line.starts_with("---") || line.starts_with("# --") {
        format!(" {line}")
    } else {
        line.to_owned()
    }
}
