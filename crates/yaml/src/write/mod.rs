//! From values to text.
//!
//! Block style, two spaces, sequences flush with their key, as kubectl prints. The promise: a YAML
//! 1.1 reader, a YAML 1.2 reader and Go's all read back the value that was written. So a string
//! stays plain only if none of them could take it for anything else (`plain`), a string of several
//! lines is a literal block only if a block says exactly it (`block`), and the rest is quoted with
//! escapes that all of them know (`quoted`).
//!
//! Numbers are written by value ([`Number`](crate::Number)'s `Display`), so `1.0` becomes `1`, as
//! in the JSON Kubernetes makes of it. Infinities and not-a-number become `.inf`, `-.inf`, `.nan`:
//! YAML, but refused by Kubernetes' reader and ours.

mod block;
mod plain;
mod quoted;

pub(crate) use plain::is_plain;
pub(crate) use quoted::{can_single_quote, push_double_quoted, push_single_quoted};

use std::fmt::Write as _;

use crate::{Mapping, Value};

/// Implicit keys may not be longer than this, says YAML; beyond it a key is written with `?`.
const LONGEST_IMPLICIT_KEY: usize = 1000;

/// Writes one document.
///
/// ```
/// let value = narae_yaml::read_one("{labels: {on: 'off'}, ports: [80, 443], note: \"a\\nb\\n\"}")?;
/// assert_eq!(
///     narae_yaml::write(&value),
///     "labels:\n  \"true\": \"off\"\nports:\n- 80\n- 443\nnote: |\n  a\n  b\n",
/// );
/// # Ok::<(), narae_yaml::Error>(())
/// ```
pub fn write(value: &Value) -> String {
    let mut writer = Writer::new(Indents::default());
    writer.document(value);
    writer.out
}

/// Writes a stream of documents, with `---` between them.
pub fn write_all(values: &[Value]) -> String {
    let mut writer = Writer::new(Indents::default());
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            writer.out.push_str("---\n");
        }
        writer.document(value);
    }
    writer.out
}

/// Writes one entry of a block mapping whose keys stand behind `indent` columns. Its first line has
/// no indentation of its own, its last one ends.
pub(crate) fn entry(key: &str, value: &Value, indent: usize, indents: Indents) -> String {
    let mut writer = Writer::new(indents);
    writer.entry(key, value, indent);
    writer.out
}

/// Writes one element of a block sequence whose dashes stand behind `indent` columns, as [`entry`].
pub(crate) fn element(value: &Value, indent: usize, indents: Indents) -> String {
    let mut writer = Writer::new(indents);
    writer.element(value, indent);
    writer.out
}

/// How far things stand inside the mapping they are in, and what may follow them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Indents {
    /// Columns from a key to the keys, or the text, below it.
    pub(crate) step: usize,
    /// Columns from a key to the dashes below it.
    pub(crate) dash: usize,
    /// Whether a block may keep several line breaks at its end: not where blank lines may follow,
    /// which would be its own then.
    pub(crate) may_keep: bool,
}

impl Default for Indents {
    fn default() -> Self {
        Self {
            step: 2,
            dash: 0,
            may_keep: true,
        }
    }
}

struct Writer {
    out: String,
    indents: Indents,
}

/// Where a value stands, which decides what may follow on the same line.
#[derive(Clone, Copy, PartialEq)]
enum After {
    /// Nothing: the start of a document.
    Nothing,
    /// `key:` or an explicit key's `:`.
    Key,
    /// `-`.
    Dash,
}

impl Writer {
    fn new(indents: Indents) -> Self {
        let out = String::new();
        Self { out, indents }
    }

    fn document(&mut self, value: &Value) {
        self.value(value, 0, After::Nothing);
    }

    /// Writes a value whose own lines, if it needs any, begin at `indent`.
    fn value(&mut self, value: &Value, indent: usize, after: After) {
        match value {
            Value::Sequence(items) if !items.is_empty() => self.sequence(items, indent, after),
            Value::Mapping(mapping) if !mapping.is_empty() => self.mapping(mapping, indent, after),
            _ => {
                if after != After::Nothing {
                    self.out.push(' ');
                }
                self.scalar(value, indent, after);
                self.out.push('\n');
            }
        }
    }

    fn sequence(&mut self, items: &[Value], indent: usize, after: After) {
        let Indents { step, dash, .. } = self.indents;
        let indent = match after {
            After::Key => indent.saturating_sub(step) + dash,
            After::Nothing | After::Dash => indent,
        };
        for (place, item) in items.iter().enumerate() {
            self.lead(place, indent, after);
            self.element(item, indent);
        }
    }

    fn element(&mut self, value: &Value, indent: usize) {
        self.out.push('-');
        self.value(value, indent + 2, After::Dash);
    }

    fn mapping(&mut self, mapping: &Mapping, indent: usize, after: After) {
        for (place, (key, value)) in mapping.iter().enumerate() {
            self.lead(place, indent, after);
            self.entry(key, value, indent);
        }
    }

    fn entry(&mut self, key: &str, value: &Value, indent: usize) {
        self.key(key, indent);
        self.value(value, indent + self.indents.step, After::Key);
    }

    /// Begins an entry: on the line of the dash it is the first under, or on a line of its own.
    fn lead(&mut self, place: usize, indent: usize, after: After) {
        match (place, after) {
            (0, After::Nothing) => {}
            (0, After::Dash) => self.out.push(' '),
            (0, After::Key) => {
                self.out.push('\n');
                self.indent(indent);
            }
            _ => self.indent(indent),
        }
    }

    fn key(&mut self, key: &str, indent: usize) {
        let start = self.out.len();
        self.line(key);
        if self.out.len() - start > LONGEST_IMPLICIT_KEY {
            self.out.insert_str(start, "? ");
            self.out.push('\n');
            self.indent(indent);
        }
        self.out.push(':');
    }

    fn scalar(&mut self, value: &Value, indent: usize, after: After) {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(truth) => self.out.push_str(if *truth { "true" } else { "false" }),
            // Writing to a `String` cannot fail.
            Value::Number(number) => drop(write!(self.out, "{number}")),
            Value::String(text) => match block::header(text, after == After::Nothing) {
                Some(header) if self.indents.may_keep || !header.keeps() => {
                    let (indent, step) = match after {
                        After::Nothing => (2, 2),
                        After::Dash => (indent, 2),
                        After::Key => (indent, self.indents.step),
                    };
                    block::push(&mut self.out, header, text, indent, step);
                }
                _ => self.line(text),
            },
            Value::Sequence(_) => self.out.push_str("[]"),
            Value::Mapping(_) => self.out.push_str("{}"),
        }
    }

    /// Writes a string on one line.
    fn line(&mut self, text: &str) {
        if is_plain(text) {
            self.out.push_str(text);
        } else if quoted::prefers_single(text) {
            push_single_quoted(&mut self.out, text);
        } else {
            push_double_quoted(&mut self.out, text);
        }
    }

    fn indent(&mut self, columns: usize) {
        push_blanks(&mut self.out, columns);
    }
}

fn push_blanks(out: &mut String, mut columns: usize) {
    const BLANKS: &str = "                                ";
    while columns > 0 {
        let blanks = BLANKS.get(..columns).unwrap_or(BLANKS);
        out.push_str(blanks);
        columns -= blanks.len();
    }
}
