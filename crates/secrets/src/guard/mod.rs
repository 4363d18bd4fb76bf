//! Refuses to let a secret leave in an output: a file, a git object, a diff, a log, a terminal.
//!
//! A [`Guard`] knows the plaintexts that were resolved and looks for them in every byte: as they are, in
//! base64 (any alignment, either alphabet, wrapped or not), in hexadecimal, with `\` escapes (JSON,
//! double-quoted YAML, JSON within JSON) or `%` escapes, and for values of several lines at any indentation. It also knows what
//! secrets look like: see [`Shape`]. Findings say where and what, by name; never the value.
//!
//! | you have | use |
//! |---|---|
//! | bytes that are about to be written | [`Guard::check`] |
//! | an output that comes in pieces | [`Guard::scanner`] |
//! | something that writes | [`Guard::writer`] |
//!
//! Other crates take a plain function `Fn(&str, &[u8]) -> Result<(), E>`, which [`Guard::check`] is.
//!
//! **How.** One pass. Windows of six bytes are looked up in a bitmap; the few that pass are compared byte
//! for byte with the value's spelling, computed on the way, through readers that undo the encoding. Where an escape runs through a window, it is
//! read only if what the escape stands for is among the first bytes of some value. Tokens and
//! keys are found by their prefixes (Teddy). Nothing depends on how the output comes in pieces.
//!
//! **What it cannot see.** Values that are [too weak](KnownValues) to be told from ordinary words; values that are
//! compressed, encrypted, cut into parts, or in an encoding not named above, such as base64 of base64; base64 wrapped at less than 24
//! characters; a value with a `'` where that is doubled, as within YAML's single quotes (`'it''s'`), or written as the shell's `'\\''`; one with
//! blanks where they are `+`, as forms are sent. A token that has no prefix, as Gitea's, is found by value only.
//!
//! **Memory.** The values are held once, as [`SecretBytes`](crate::SecretBytes); beside them the first bytes of each
//! spelling. Both are wiped on drop, and so are the buffers.

mod anchors;
mod finding;
mod known;
mod matching;
mod needle;
mod roll;
mod scan;
mod scanner;
mod shape;
mod units;
mod wrap;
mod writer;

use std::fmt;
use std::io::Write;

pub use finding::{Finding, Form, Leak, Shape, What};
pub use known::{KnownValues, MAX_MATCHED_BYTES, MIN_VALUE_BYTES, MIN_WORD_BYTES};
pub use scanner::{MAX_FINDINGS, Scanner};
pub use writer::GuardedWriter;

/// Looks for known values and for what looks like a secret.
///
/// ```
/// use narae_secrets::SecretBytes;
/// use narae_secrets::guard::{Guard, KnownValues};
///
/// let mut known = KnownValues::new();
/// known.insert("ref+vault://main/secret/shop#/password", &SecretBytes::from("pa55word".to_owned()));
/// let guard = Guard::new(known);
///
/// assert!(guard.check("values.yaml", b"replicas: 3\n").is_ok());
/// let leak = guard.check("values.yaml", b"url: postgres://shop:pa55word@db\n").unwrap_err();
/// assert_eq!(
///     leak.to_string(),
///     "values.yaml:1:14: a password in a URL
/// values.yaml:1:22: the value of ref+vault://main/secret/shop#/password"
/// );
/// ```
pub struct Guard {
    matcher: Option<matching::Matcher>,
    shapes: Option<shape::Shapes>,
    passed_over: Vec<String>,
}

impl Guard {
    /// A guard that looks for these values and for every shape.
    #[must_use]
    pub fn new(mut known: KnownValues) -> Self {
        Self {
            passed_over: known.take_passed_over(),
            matcher: matching::Matcher::new(known),
            shapes: Some(shape::Shapes::new()),
        }
    }

    /// The same without shapes: only known values are found.
    #[must_use]
    pub fn without_shapes(mut self) -> Self {
        self.shapes = None;
        self
    }

    /// The names of the values that are not looked for: they are too weak (see [`KnownValues`]).
    #[must_use]
    pub fn passed_over(&self) -> &[String] {
        &self.passed_over
    }

    /// Looks at a whole output, which findings call `output`.
    ///
    /// # Errors
    ///
    /// A [`Leak`] with everything that was found.
    pub fn check(&self, output: &str, bytes: &[u8]) -> Result<(), Leak> {
        let findings = scanner::findings(self, bytes);
        if findings.is_empty() {
            return Ok(());
        }
        Err(Leak {
            output: output.to_owned(),
            findings,
        })
    }

    /// Looks at an output that comes in pieces.
    #[must_use]
    pub fn scanner(&self) -> Scanner<'_> {
        Scanner::new(self)
    }

    /// Writes to `inner` what is not secret; findings call it `output`.
    pub fn writer<W: Write>(&self, output: impl Into<String>, inner: W) -> GuardedWriter<'_, W> {
        GuardedWriter::new(self, output.into(), inner)
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spellings = self.matcher.as_ref().map_or(0, matching::Matcher::needles);
        f.debug_struct("Guard")
            .field("spellings", &spellings)
            .field("shapes", &self.shapes.is_some())
            .field("passed_over", &self.passed_over)
            .finish()
    }
}
