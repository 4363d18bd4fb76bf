//! How a new value is written where it is put.

use crate::write::{can_single_quote, is_plain, push_double_quoted, push_single_quoted};
use crate::{ScalarStyle, Value};

/// What ends a plain scalar inside brackets or braces. The question mark does so for readers of
/// YAML 1.1 only, Go's among them.
const SPECIAL_IN_FLOW: [char; 6] = [',', '[', ']', '{', '}', '?'];

/// Spells the scalar `new` in the style found, as far as that style can say it.
pub(super) fn scalar(new: &Value, found: ScalarStyle, in_flow: bool) -> String {
    let mut out = String::new();
    match new {
        Value::String(text) => match found {
            ScalarStyle::Plain
                if is_plain(text) && !(in_flow && text.contains(SPECIAL_IN_FLOW)) =>
            {
                out.push_str(text);
            }
            ScalarStyle::SingleQuoted if can_single_quote(text) => {
                push_single_quoted(&mut out, text)
            }
            _ => push_double_quoted(&mut out, text),
        },
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::Sequence(_) => out.push_str("[]"),
        Value::Mapping(_) => out.push_str("{}"),
    }
    out
}

/// Spells any value on one line, its strings in the style given.
pub(super) fn flow(value: &Value, style: ScalarStyle) -> String {
    match value {
        Value::Sequence(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(item, style)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Mapping(mapping) => {
            let entries: Vec<String> = mapping
                .iter()
                .map(|(key, value)| flow_entry(key, value, style))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        value => scalar(value, style, true),
    }
}

/// Spells an entry on one line, its strings in the style given.
pub(super) fn flow_entry(key: &str, value: &Value, style: ScalarStyle) -> String {
    let key = scalar(&key.into(), style, true);
    format!("{key}: {}", flow(value, style))
}
