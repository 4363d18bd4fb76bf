//! How the new value is written where the old one stood.

use crate::write::{can_single_quote, is_plain, push_double_quoted, push_single_quoted};
use crate::{ScalarStyle, Value};

/// What ends a plain scalar inside brackets or braces. The question mark does so for readers of
/// YAML 1.1 only, Go's among them.
const SPECIAL_IN_FLOW: [char; 6] = [',', '[', ']', '{', '}', '?'];

/// Spells `new` in the style found, as far as that style can say it.
pub(super) fn spell(new: &Value, found: ScalarStyle, in_flow: bool) -> String {
    let mut out = String::new();
    match new {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
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
        // `replace` refuses both before it comes here.
        Value::Sequence(_) | Value::Mapping(_) => {}
    }
    out
}
