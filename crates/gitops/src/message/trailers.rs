//! Trailers: the `Key: value` lines that end a commit message.
//!
//! Reading follows git (`trailer.c`, as `git log --format=%(trailers)` applies it): the block is
//! the last paragraph and never the first; either every line of it is a trailer or the
//! continuation of one, or git itself wrote one of its lines (`Signed-off-by:`, `(cherry picked
//! from commit`) and trailers are at least a quarter. Writing is stricter than reading: one line
//! each, no control characters. Linear in the length of the message.

use std::fmt;

/// Longest key that can be written.
pub const MAX_KEY_BYTES: usize = 64;
/// Longest value that can be written.
pub const MAX_VALUE_BYTES: usize = 4096;

/// Lines that mark a paragraph as trailers even among prose, because git writes them itself.
const WRITTEN_BY_GIT: [&str; 2] = ["Signed-off-by: ", "(cherry picked from commit "];

/// One `Key: value` line.
///
/// Invariant: the key is ASCII letters, digits and dashes; the value is one line without white
/// space around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trailer {
    key: String,
    value: String,
}

impl Trailer {
    /// The key as written; keys are compared without regard to case.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value, unfolded.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// Trailers in the order of the message; a key may stand several times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trailers(Vec<Trailer>);

impl Trailers {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The trailers of any commit's message; none is not an error.
    ///
    /// ```
    /// use narae_gitops::message::Trailers;
    ///
    /// let trailers = Trailers::parse("shop: deliver\n\nWhy.\n\nNarae-App: shop\n");
    /// assert_eq!(trailers.get("narae-app"), Some("shop"));
    /// ```
    #[must_use]
    pub fn parse(message: &str) -> Self {
        let lines: Vec<&str> = message.lines().collect();
        let mut found: Vec<Trailer> = Vec::new();
        // Whether the line before was a trailer, which an indented line continues.
        let mut open = false;
        for line in block(&lines).iter().filter(|line| !is_comment(line)) {
            if line.starts_with([' ', '\t']) {
                if let (true, Some(last)) = (open, found.last_mut()) {
                    let more = line.trim();
                    if !last.value.is_empty() && !more.is_empty() {
                        last.value.push(' ');
                    }
                    last.value.push_str(more);
                }
                continue;
            }
            let read = split(line);
            open = read.is_some();
            found.extend(read);
        }
        Self(found)
    }

    /// Adds one at the end.
    ///
    /// # Errors
    ///
    /// When the key is not ASCII letters, digits and dashes, or the value is empty, too long, or
    /// has a line break or another control character. White space around the value is dropped.
    pub fn push(&mut self, key: &str, value: &str) -> Result<(), TrailerError> {
        let is_key = !key.is_empty() && key.len() <= MAX_KEY_BYTES && key.bytes().all(is_key_byte);
        if !is_key {
            return Err(TrailerError::Key {
                key: key
                    .chars()
                    .take(MAX_KEY_BYTES)
                    .flat_map(char::escape_debug)
                    .collect(),
            });
        }
        let wrong = |reason| {
            Err(TrailerError::Value {
                key: key.to_owned(),
                reason,
            })
        };
        let value = value.trim();
        if value.is_empty() {
            return wrong("it is empty");
        }
        if value.len() > MAX_VALUE_BYTES {
            return wrong("it is longer than 4096 bytes");
        }
        if value.chars().any(breaks_line) {
            return wrong("it has a line break or a control character");
        }
        self.0.push(Trailer {
            key: key.to_owned(),
            value: value.to_owned(),
        });
        Ok(())
    }

    /// The last value of a key, which is the one git takes to be in force.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|trailer| trailer.key.eq_ignore_ascii_case(key))
            .map(Trailer::value)
    }

    /// Every value of a key, in order.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |trailer| trailer.key.eq_ignore_ascii_case(key))
            .map(Trailer::value)
    }

    /// All of them, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Trailer> {
        self.0.iter()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Trailers {
    type Item = &'a Trailer;
    type IntoIter = std::slice::Iter<'a, Trailer>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Trailers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|trailer| writeln!(f, "{}: {}", trailer.key, trailer.value))
    }
}

/// Why a trailer cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrailerError {
    /// Not a key.
    #[error("trailer key `{key}`: expected 1 to 64 ASCII letters, digits and dashes")]
    Key {
        /// What was given, escaped.
        key: String,
    },
    /// Not a value. It is not shown: it may be anything.
    #[error("trailer `{key}` cannot have this value: {reason}")]
    Value {
        /// Whose value.
        key: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// Characters that some reader of a log takes for the end of a line, or a terminal for a command.
pub(super) fn breaks_line(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// The lines of the trailer block, from git's `find_trailer_start`.
fn block<'a, 'b>(lines: &'a [&'b str]) -> &'a [&'b str] {
    let Some(title_end) = lines
        .iter()
        .position(|line| !is_comment(line) && is_blank(line))
    else {
        return &[];
    };
    let (mut trailers, mut others, mut continuations) = (0_usize, 0_usize, 0_usize);
    let (mut by_git, mut below_text) = (false, true);
    for (index, line) in lines.iter().enumerate().skip(title_end).rev() {
        if is_comment(line) {
            others += std::mem::take(&mut continuations);
        } else if is_blank(line) {
            if below_text {
                continue;
            }
            others += continuations;
            let is_block = (by_git && trailers * 3 >= others) || (trailers > 0 && others == 0);
            return if is_block {
                lines.get(index + 1..).unwrap_or_default()
            } else {
                &[]
            };
        } else {
            below_text = false;
            if WRITTEN_BY_GIT.iter().any(|prefix| line.starts_with(prefix)) {
                trailers += 1;
                continuations = 0;
                by_git = true;
            } else if split(line).is_some() {
                trailers += 1;
                continuations = 0;
            } else if line.starts_with([' ', '\t']) {
                continuations += 1;
            } else {
                others += 1 + std::mem::take(&mut continuations);
            }
        }
    }
    &[]
}

fn split(line: &str) -> Option<Trailer> {
    let (key, value) = line.split_once(':')?;
    let key = key.trim_end_matches([' ', '\t']);
    let is_key = !key.is_empty() && key.bytes().all(is_key_byte);
    is_key.then(|| Trailer {
        key: key.to_owned(),
        value: value.trim().to_owned(),
    })
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn is_comment(line: &str) -> bool {
    line.starts_with('#')
}

fn is_blank(line: &str) -> bool {
    line.bytes()
        .all(|byte| byte.is_ascii_whitespace() || byte == 0x0b)
}
