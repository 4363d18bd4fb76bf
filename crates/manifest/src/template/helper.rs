//! The helpers: typed values in, typed values out, none of them impure.
//!
//! | helper | gives |
//! |---|---|
//! | `defined value` | whether the value is set; the only way to ask for one that may be absent, besides `default` |
//! | `default value fallback` | the value, or the fallback when it is absent or null |
//! | `required value "message"` | the value; absent or null is an error with that message |
//! | `eq a b`, `ne a b` | whether two values are (not) equal, type included: `"1"` is not `1` |
//! | `and a b …`, `or a b …`, `not a` | a boolean; `and` and `or` stop where the answer is known |
//! | `lookup container key` | the element of a mapping or list |
//! | `concat a b …` | the texts of scalars, one behind the other |
//! | `join list separator` | the texts of a list's scalars with a separator between them |
//! | `lower text`, `upper text` | the text in lower or upper case, as Unicode has it |
//! | `toJson value` | compact JSON, keys in their order |
//! | `b64enc text` | Base64 with padding (RFC 4648 §4), as a Secret's `data` wants it |

use base64::Engine as _;
use narae_yaml::Value;

/// How a helper is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arity {
    pub(super) usage: &'static str,
    least: usize,
    most: usize,
}

impl Arity {
    pub(super) fn accepts(self, given: usize) -> bool {
        (self.least..=self.most).contains(&given)
    }
}

/// Name, usage, fewest and most arguments. Sorted by name, which messages rely on.
const HELPERS: &[(&str, &str, usize, usize)] = &[
    ("and", "and a b …", 2, MANY),
    ("b64enc", "b64enc text", 1, 1),
    ("concat", "concat a b …", 1, MANY),
    ("default", "default value fallback", 2, 2),
    ("defined", "defined value", 1, 1),
    ("eq", "eq a b", 2, 2),
    ("join", "join list separator", 2, 2),
    ("lookup", "lookup container key", 2, 2),
    ("lower", "lower text", 1, 1),
    ("ne", "ne a b", 2, 2),
    ("not", "not a", 1, 1),
    ("or", "or a b …", 2, MANY),
    ("required", "required value \"message\"", 2, 2),
    ("toJson", "toJson value", 1, 1),
    ("upper", "upper text", 1, 1),
];

const MANY: usize = usize::MAX;

pub(super) fn arity(name: &str) -> Option<Arity> {
    HELPERS
        .iter()
        .find(|(known, ..)| *known == name)
        .map(|&(_, usage, least, most)| Arity { usage, least, most })
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    HELPERS.iter().map(|(name, ..)| *name)
}

pub(super) fn list() -> String {
    names()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Calls a helper whose arguments are all there and all evaluated. The others (`and`, `default`,
/// `defined`, `lookup`, `or`, `required`) decide what to evaluate and are part of the evaluator.
///
/// # Errors
///
/// What is wrong with the arguments, in words that follow the helper's name.
pub(super) fn call(name: &str, arguments: &[&Value]) -> Result<Value, String> {
    match (name, arguments) {
        ("eq", [a, b]) => Ok(Value::Bool(a == b)),
        ("ne", [a, b]) => Ok(Value::Bool(a != b)),
        ("not", [value]) => Ok(Value::Bool(!is_truthy(value, false))),
        ("concat", parts) => {
            let parts: Result<Vec<String>, String> = parts.iter().map(|part| text(part)).collect();
            Ok(Value::String(parts?.concat()))
        }
        ("join", [Value::Sequence(list), separator]) => {
            let parts: Result<Vec<String>, String> = list.iter().map(text).collect();
            Ok(Value::String(parts?.join(&text(separator)?)))
        }
        ("join", [other, _]) => Err(format!("takes a list, found {}", other.kind())),
        ("lower", [value]) => Ok(Value::String(text(value)?.to_lowercase())),
        ("upper", [value]) => Ok(Value::String(text(value)?.to_uppercase())),
        ("toJson", [value]) => serde_json::to_string(value)
            .map(Value::String)
            .map_err(|_| "takes a value that JSON can hold, found NaN or an infinity".to_owned()),
        ("b64enc", [value]) => Ok(Value::String(
            base64::engine::general_purpose::STANDARD.encode(text(value)?),
        )),
        _ => Err(format!("cannot take {} arguments", arguments.len())),
    }
}

/// The text of a scalar, as it stands inside a word. Null has none: an empty text in its place
/// would be `name-` where a name was meant.
pub(super) fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(format!("takes text, found {}", other.kind())),
    }
}

/// What `#if` takes for true, as handlebars has it: false, null, zero, and everything empty is not.
pub(super) fn is_truthy(value: &Value, include_zero: bool) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => {
            let float = number.as_f64();
            !float.is_nan() && (include_zero || float != 0.0)
        }
        Value::String(text) => !text.is_empty(),
        Value::Sequence(list) => !list.is_empty(),
        Value::Mapping(map) => !map.is_empty(),
    }
}
