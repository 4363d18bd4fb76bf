//! What scalars and tags mean.
//!
//! As Go reads them: an explicit core tag decides against the plain reading of the text (so
//! `!!int "0x10"` is 16), `!!binary` is its decoded text, local tags (`!vault`) are kept but do
//! not change the value. Stricter than Go: an unknown `!!` tag, a tag on the wrong kind of node and
//! binary data that is not text are refused instead of ignored.

use std::borrow::Cow;

use granit_parser::Tag;

use crate::document::Meaning;
use crate::error::ErrorKind;
use crate::{Number, ScalarStyle, Schema, Value};

/// The short form of a tag: `!!str`, `!local`, `tag:example.com,2000:x`.
pub(crate) fn short(tag: &Tag) -> Box<str> {
    let full = format!("{}{}", tag.handle(), tag.suffix());
    match full.strip_prefix("tag:yaml.org,2002:") {
        Some(core) => format!("!!{core}").into(),
        None => full.into(),
    }
}

impl From<granit_parser::ScalarStyle> for ScalarStyle {
    fn from(style: granit_parser::ScalarStyle) -> Self {
        use granit_parser::ScalarStyle as Parsed;
        match style {
            Parsed::Plain => Self::Plain,
            Parsed::SingleQuoted => Self::SingleQuoted,
            Parsed::DoubleQuoted => Self::DoubleQuoted,
            Parsed::Literal => Self::Literal,
            Parsed::Folded => Self::Folded,
        }
    }
}

/// What a scalar means.
pub(crate) fn meaning(
    schema: Schema,
    text: &str,
    style: ScalarStyle,
    tag: Option<&str>,
) -> Result<Meaning, ErrorKind> {
    let refuse = |problem| {
        Err(ErrorKind::Tag {
            tag: tag.unwrap_or_default().to_owned(),
            problem,
        })
    };
    let plain = || schema.resolve(text);
    let value = match tag {
        None if style == ScalarStyle::Plain => plain(),
        None | Some("!!str") => None,
        Some("!!null") => match plain() {
            Some(Value::Null) => Some(Value::Null),
            _ => return refuse("stands on something that is not null"),
        },
        Some("!!bool") => match plain() {
            Some(Value::Bool(truth)) => Some(Value::Bool(truth)),
            _ => return refuse("stands on something that is not a boolean"),
        },
        Some("!!int") => match plain() {
            Some(Value::Number(number)) if is_integer(text, number) => Some(Value::Number(number)),
            _ => return refuse("stands on something that is not an integer"),
        },
        Some("!!float") => match plain() {
            Some(Value::Number(number)) => Some(Value::Number(number)),
            _ => return refuse("stands on something that is not a number"),
        },
        Some("!!binary") => match decode_base64(text).map(String::from_utf8) {
            Some(Ok(decoded)) => return Ok(Meaning::Other(decoded.into())),
            Some(Err(_)) => {
                return refuse("holds bytes that are not text, which JSON has no form for");
            }
            None => return refuse("stands on something that is not base64"),
        },
        Some("!!timestamp") => None,
        Some("!!seq" | "!!map" | "!!set" | "!!omap" | "!!pairs") => {
            return refuse("cannot stand on a scalar");
        }
        Some(other) if other.starts_with("!!") => return refuse("is not known"),
        Some(_) => None,
    };
    Ok(match value {
        None | Some(Value::String(_) | Value::Sequence(_) | Value::Mapping(_)) => Meaning::Text,
        Some(Value::Null) => Meaning::Null,
        Some(Value::Bool(truth)) => Meaning::Bool(truth),
        Some(Value::Number(number)) => Meaning::Number(number),
    })
}

/// Refuses a tag that cannot stand on a sequence or a mapping.
pub(super) fn check_collection(tag: &str, kind: &'static str) -> Result<(), ErrorKind> {
    let problem = match (tag, kind) {
        ("!!seq" | "!!omap" | "!!pairs", "sequence") | ("!!map" | "!!set", "mapping") => {
            return Ok(());
        }
        ("!!str" | "!!int" | "!!float" | "!!bool" | "!!null" | "!!binary" | "!!timestamp", _) => {
            "can only stand on a scalar"
        }
        ("!!seq" | "!!omap" | "!!pairs", _) => "can only stand on a sequence",
        ("!!map" | "!!set", _) => "can only stand on a mapping",
        (tag, _) if tag.starts_with("!!") => "is not known",
        _ => return Ok(()),
    };
    Err(ErrorKind::Tag {
        tag: tag.to_owned(),
        problem,
    })
}

/// The string a key is for Kubernetes, if it is not its text.
pub(crate) fn key_name(
    text: &str,
    meaning: &Meaning,
) -> Result<Option<Cow<'static, str>>, ErrorKind> {
    match meaning {
        Meaning::Text | Meaning::Other(_) => Ok(None),
        Meaning::Null => Err(ErrorKind::Key("null")),
        Meaning::Bool(true) => Ok(Some("true".into())),
        Meaning::Bool(false) => Ok(Some("false".into())),
        Meaning::Number(number) if is_written_as_float(text) => {
            let name = go_float_name(number);
            // A number here has no negative zero, but Go's has.
            let sign = if text.starts_with('-') && name == "0" {
                "-"
            } else {
                ""
            };
            Ok(Some(format!("{sign}{name}").into()))
        }
        Meaning::Number(number) => match number.as_i64() {
            Some(integer) => Ok(Some(integer.to_string().into())),
            None if number.as_u64().is_some() => {
                Err(ErrorKind::Key("an integer beyond 64 signed bits"))
            }
            None => Ok(Some(go_float_name(number).into())),
        },
    }
}

/// Go's `strconv.FormatFloat(x, 'g', -1, 32)`, which sigs.k8s.io/yaml names float keys by.
pub(crate) fn go_float_name(number: &Number) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the reader this follows rounds to 32 bits"
    )]
    let x = number.as_f64() as f32;
    if x.is_nan() {
        return ".nan".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = format!("{x:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // Go switches to an exponent outside this range, and gives it two digits.
    if (-4..6).contains(&exponent) {
        return x.to_string();
    }
    format!(
        "{digits}e{}{:02}",
        if exponent < 0 { '-' } else { '+' },
        exponent.abs()
    )
}

/// Go takes `1e3` and `1.0` for floats, though JSON makes integers of them later.
fn is_written_as_float(text: &str) -> bool {
    text.contains('.') || (text.contains(['e', 'E']) && !text.contains(['x', 'X']))
}

fn is_integer(text: &str, number: Number) -> bool {
    !is_written_as_float(text) && (number.as_i64().is_some() || number.as_u64().is_some())
}

/// Standard base64 with padding; line breaks and blanks between are ignored, as Go ignores them.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut sextets = Vec::with_capacity(text.len());
    let mut padding = 0;
    for byte in text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
        let sextet = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            _ => return None,
        };
        if padding > 0 {
            return None;
        }
        sextets.push(sextet);
    }
    if padding > 2 || (sextets.len() + padding) % 4 != 0 {
        return None;
    }
    let mut bytes = Vec::with_capacity(sextets.len() / 4 * 3 + 2);
    for group in sextets.chunks(4) {
        let (a, b) = (*group.first()?, *group.get(1)?);
        bytes.push(a << 2 | b >> 4);
        if let Some(&c) = group.get(2) {
            bytes.push(b << 4 | c >> 2);
            if let Some(&d) = group.get(3) {
                bytes.push(c << 6 | d);
            }
        }
    }
    Some(bytes)
}
