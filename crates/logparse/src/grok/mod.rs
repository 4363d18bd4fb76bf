//! Grok: regular expressions out of named pieces, as Logstash has them, in time linear in the line.
//!
//! ```text
//! %{NAME}  %{NAME:field}  %{NAME:[a][b]:int}  (?<field>…)       types: int, float, string
//! ```
//!
//! [`Patterns`] holds the pieces: the stock ones of either spelling, and your own. [`Patterns::compile`] makes a [`Grok`] of
//! them, and [`Groks`] tries several on a line, the first that matches wins. A match may begin anywhere unless the pattern
//! says otherwise, as in Logstash; named fields only; empty ones are left out; a name that occurs twice is kept twice;
//! `[a][b]` is the field `a.b`. What does not match says how far it came and in which piece ([`Mismatch`]).
//!
//! **Same matches as Oniguruma**, which Logstash uses, for the regular part of its syntax: the same choices are tried in
//! the same order. `\d`, `\w`, `\s`, `\b` and POSIX brackets are ASCII. What is not regular (back-references, possessive repetition, atomic
//! groups around more than fixed text) is refused when compiling; the stock pieces that use it are written
//! without. **Linear**: a choice that failed at a place is not made there again, so the time is at most instructions ×
//! bytes; a line that would need more than 64 MiB of memory to decide is refused as too long. **Fast** where nothing is ambiguous: what is followed by
//! other characters only is taken in one go and never given back, alternatives are chosen by the next byte, and `.*` and quoted texts are searched for their end.
//!
//! The stock pieces are those of Logstash's files `grok-patterns`, `httpd`, `haproxy`, `java`, `linux-syslog`, `mongodb`,
//! `postgresql`, `redis`, `ruby` and `squid`. The other files (aws, bacula, bind, bro, exim, firewalls, junos, maven,
//! mcollective, nagios, rails, zeek) are not there yet.

mod class;
mod line;
mod lookahead;
mod machine;
mod node;
mod program;
mod set;
mod stock;
mod syntax;
mod text;

use std::collections::BTreeMap;
use std::fmt;

use crate::format::Format;
use crate::record::{Escaping, Field, Number, Record, Value, push};
use machine::{Outcome, Scratch};
use program::Program;
use syntax::{Capture, Parser};

/// How the stock pieces name their fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "Logstash has these two")]
pub enum Spelling {
    /// `clientip`, `response`: Logstash without ECS compatibility.
    Legacy,
    /// `[source][address]`, `[http][response][status_code]:int`: the Elastic Common Schema.
    Ecs,
}

/// What a field's text is turned into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conversion {
    Text,
    Int,
    Float,
}

/// Named pieces to build patterns from.
#[derive(Debug, Clone, Default)]
pub struct Patterns {
    definitions: BTreeMap<String, String>,
}

impl Patterns {
    /// No pieces.
    pub fn new() -> Self {
        Self::default()
    }

    /// The stock pieces.
    pub fn stock(spelling: Spelling) -> Self {
        let mut patterns = Self::new();
        for (name, pattern) in stock::definitions(spelling) {
            patterns.define(name, pattern);
        }
        patterns
    }

    /// Defines a piece, anew if there is one of that name.
    pub fn define(&mut self, name: &str, pattern: &str) {
        self.definitions.insert(name.to_owned(), pattern.to_owned());
    }

    /// The pieces' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.definitions.keys().map(String::as_str)
    }

    /// The pattern of a piece.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.definitions.get(name).map(String::as_str)
    }

    /// Makes a pattern ready to match.
    ///
    /// ```
    /// use narae_logparse::grok::{Patterns, Spelling};
    ///
    /// let mut patterns = Patterns::stock(Spelling::Legacy);
    /// patterns.define("ORDER", r"o-\d+");
    /// let mut grok = patterns.compile("^%{LOGLEVEL:level} %{ORDER:order} took %{NUMBER:ms:float} ms$")?;
    ///
    /// let record = grok.parse(b"WARN o-17 took 12.5 ms")?;
    /// assert_eq!(record.get("ms").and_then(|ms| ms.as_f64()), Some(12.5));
    /// let error = grok.parse(b"WARN 17 took 12.5 ms").unwrap_err();
    /// assert_eq!(error.to_string(), "no match: ORDER stopped at byte 5");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The pattern or a piece of it is not well formed, not regular, not known or too large.
    pub fn compile(&self, pattern: &str) -> Result<Grok, PatternError> {
        let mut parser = Parser::new(self);
        let node = parser.parse(pattern)?;
        let too_large = || PatternError {
            problem: Problem::TooLarge,
            offset: 0,
            within: None,
        };
        let program = program::compile(&node).ok_or_else(too_large)?;
        Ok(Grok {
            program,
            captures: parser.captures,
            names: parser.names,
            scratch: Scratch::default(),
        })
    }
}

/// A pattern ready to match.
#[derive(Debug, Clone)]
pub struct Grok {
    program: Program,
    captures: Vec<Capture>,
    names: Vec<String>,
    /// Reused from line to line.
    scratch: Scratch,
}

impl Grok {
    /// The fields of the first match in the line.
    ///
    /// # Errors
    ///
    /// The pattern matches nowhere in the line.
    pub fn parse<'a>(&mut self, line: &'a [u8]) -> Result<Record<'a>, Mismatch> {
        match machine::search(&self.program, line, self.captures.len(), &mut self.scratch) {
            Outcome::Match => Ok(Record::new(Format::Plain, None, self.fields(line))),
            Outcome::TooLong => Err(Mismatch {
                reached: line.len(),
                piece: None,
                too_long: true,
            }),
            Outcome::Mismatch {
                reached,
                instruction,
            } => {
                let name = self.program.names.get(instruction).copied().flatten();
                let piece = name.and_then(|name| self.names.get(name)).cloned();
                Err(Mismatch {
                    reached,
                    piece,
                    too_long: false,
                })
            }
        }
    }

    /// Whether the pattern matches somewhere in the line.
    pub fn is_match(&mut self, line: &[u8]) -> bool {
        let found = machine::search(&self.program, line, self.captures.len(), &mut self.scratch);
        found == Outcome::Match
    }

    fn fields<'a>(&self, line: &'a [u8]) -> Vec<Field<'a>> {
        let slots = self.scratch.slots.chunks_exact(2);
        let mut fields = Vec::with_capacity(self.captures.len());
        for (capture, slots) in self.captures.iter().zip(slots) {
            let &[Some(from), Some(to)] = slots else {
                continue;
            };
            if let Some(raw) = line.get(from..to).filter(|raw| !raw.is_empty()) {
                push(
                    &mut fields,
                    || capture.name.clone(),
                    || value(raw, capture.conversion),
                );
            }
        }
        fields
    }
}

/// A number where one is asked for and stands there exactly; otherwise the text.
#[inline]
fn value(raw: &[u8], conversion: Conversion) -> Value<'_> {
    let number = raw.strip_prefix(b"+").unwrap_or(raw);
    let found = match conversion {
        Conversion::Text => return Value::text(raw, Escaping::None),
        Conversion::Int => Number::from_decimal(number).filter(|_| !number.contains(&b'.')),
        Conversion::Float => Number::from_decimal(number),
    };
    found.map_or_else(|| Value::text(raw, Escaping::None), Value::Number)
}

/// Several patterns, tried in order.
#[derive(Debug, Clone, Default)]
pub struct Groks {
    patterns: Vec<Grok>,
}

impl Groks {
    /// Tries these, the first first.
    pub fn new(patterns: impl IntoIterator<Item = Grok>) -> Self {
        Self {
            patterns: patterns.into_iter().collect(),
        }
    }

    /// The fields of the first pattern that matches, with its number from 0.
    ///
    /// # Errors
    ///
    /// None does; every pattern's reason, in order.
    pub fn parse<'a>(&mut self, line: &'a [u8]) -> Result<(usize, Record<'a>), Vec<Mismatch>> {
        let mut mismatches = Vec::new();
        for (number, pattern) in self.patterns.iter_mut().enumerate() {
            match pattern.parse(line) {
                Ok(record) => return Ok((number, record)),
                Err(mismatch) => mismatches.push(mismatch),
            }
        }
        Err(mismatches)
    }
}

/// Why a pattern does not match a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    reached: usize,
    piece: Option<String>,
    too_long: bool,
}

impl Mismatch {
    /// The byte that did not fit, in the try that came furthest.
    pub const fn reached(&self) -> usize {
        self.reached
    }

    /// The innermost piece that it did not fit; `None` if it is the pattern's own text.
    pub fn piece(&self) -> Option<&str> {
        self.piece.as_deref()
    }

    /// Whether the line was too long to decide within the memory limit.
    pub const fn is_too_long(&self) -> bool {
        self.too_long
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.too_long {
            return f.write_str("the line is too long to decide whether it matches");
        }
        let piece = self.piece.as_deref().unwrap_or("the pattern");
        write!(f, "no match: {piece} stopped at byte {}", self.reached)
    }
}

impl std::error::Error for Mismatch {}

/// Why a pattern cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} (byte {offset} of {})", .within.as_deref().unwrap_or("the pattern"))]
pub struct PatternError {
    problem: Problem,
    offset: usize,
    within: Option<String>,
}

impl PatternError {
    /// What is wrong.
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Where, in bytes from the start of the pattern or piece.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The piece it is wrong in; `None` if it is the pattern itself.
    pub fn within(&self) -> Option<&str> {
        self.within.as_deref()
    }
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// No piece has this name.
    #[error("there is no pattern {0:?}")]
    UnknownPattern(String),
    /// A piece contains itself.
    #[error("the pattern {0:?} contains itself")]
    Circular(String),
    /// Not `int`, `float` or `string`.
    #[error("expected :int, :float or :string in {0:?}")]
    BadType(String),
    /// A bracket or parenthesis has no partner.
    #[error("a bracket or parenthesis is missing its partner")]
    Unbalanced,
    /// Nothing to repeat, or a number of times out of range.
    #[error("a repetition of nothing, or of too many")]
    BadRepetition,
    /// Back-references, possessive repetition, atomic groups and look-around of unbounded length.
    #[error(
        "not regular: rewrite it without back-reference, possessive repetition, atomic group or unbounded look-around"
    )]
    NotRegular,
    /// A construct of Oniguruma that is regular but not read here.
    #[error("this construct is not supported")]
    Unsupported,
    /// Groups or pieces inside each other too deep.
    #[error("nested too deep")]
    TooDeep,
    /// The pattern expands to too much.
    #[error("the pattern is too large")]
    TooLarge,
}
