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
    let mut writer = Writer { out: String::new() };
    writer.document(value);
    writer.out
}

/// Writes a stream of documents, with `---` between them.
pub fn write_all(values: &[Value]) -> String {
    let mut writer = Writer { out: String::new() };
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            writer.out.push_str("---\n");
        }
        writer.document(value);
    }
    writer.out
}

struct Writer {
    out: String,
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
        // Under a key the dashes stand where the key does.
        let indent = if after == After::Key {
            indent.saturating_sub(2)
        } else {
            indent
        };
        for (place, item) in items.iter().enumerate() {
            self.lead(place, indent, after);
            self.out.push('-');
            self.value(item, indent + 2, After::Dash);
        }
    }

    fn mapping(&mut self, mapping: &Mapping, indent: usize, after: After) {
        for (place, (key, value)) in mapping.iter().enumerate() {
            self.lead(place, indent, after);
            self.key(key, indent);
            self.value(value, indent + 2, After::Key);
        }
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
            Value::Number(number) => self.out.push_str(&number.to_string()),
            Value::String(text) => match block::header(text, after == After::Nothing) {
                Some(header) => {
                    let indent = if after == After::Nothing { 2 } else { indent };
                    block::push(&mut self.out, header, text, indent);
                }
                None => self.line(text),
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
        self.out.extend(std::iter::repeat_n(' ', columns));
    }
}
