//! What a plain scalar means.
//!
//! [`Schema::Kubernetes`] is the reading of sigs.k8s.io/yaml 1.6 (go.yaml.in/yaml/v2 2.4
//! `resolve.go`, then JSON), which kubectl, Helm, Argo CD and the API server share: YAML 1.1's
//! words, but base 60 and dates stay strings, and Go's number syntax. [`Schema::Core`] is YAML
//! 1.2.2 §10.3.2. The table in `tests/data/literals.txt` records both, line by line.

use crate::{Number, Value};

/// Which reading decides what plain scalars mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schema {
    /// As kubectl, Helm and the API server read: `yes` is true, `0444` is 292, `1_000` is 1000.
    /// Infinities and not-a-number are refused, because their JSON has no form for them.
    #[default]
    Kubernetes,
    /// As the YAML 1.2 core schema says: `yes`, `0444` (444) and `1_000` are not special.
    Core,
}

impl Schema {
    /// The value of a plain, untagged scalar; `None` if it is the string it looks like.
    pub(crate) fn resolve(self, text: &str) -> Option<Value> {
        // Nearly every scalar of a manifest is a word that cannot be anything else.
        let first = *text.as_bytes().first().unwrap_or(&b'~');
        match first {
            b'0'..=b'9' | b'+' | b'-' | b'.' => self.number(text).map(Value::Number),
            b'~' | b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O'
                if text.len() <= 5 =>
            {
                self.word(text)
            }
            _ => None,
        }
    }

    fn word(self, text: &str) -> Option<Value> {
        Some(match text {
            "" | "~" | "null" | "Null" | "NULL" => Value::Null,
            "true" | "True" | "TRUE" => Value::Bool(true),
            "false" | "False" | "FALSE" => Value::Bool(false),
            _ if self == Self::Core => return None,
            "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Value::Bool(true),
            "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Value::Bool(false),
            _ => return None,
        })
    }

    fn number(self, text: &str) -> Option<Number> {
        match text {
            ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN.into()),
            ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
                return Some(f64::INFINITY.into());
            }
            "-.inf" | "-.Inf" | "-.INF" => return Some(f64::NEG_INFINITY.into()),
            _ => {}
        }
        match self {
            Self::Kubernetes => go_number(text),
            Self::Core => core_number(text),
        }
    }
}

/// Go's reading: underscores are dropped, then `strconv.ParseInt` and `ParseUint` with base 0, then
/// a decimal float, then `0b` with a sign inside. A float too large for `f64` stays a string.
fn go_number(text: &str) -> Option<Number> {
    if text.starts_with('.') {
        // The one place where Go wants digits around each underscore.
        let stands_between_digits = text.as_bytes().windows(3).all(|three| {
            !matches!(three, [before, b'_', after] if !(before.is_ascii_digit() && after.is_ascii_digit()))
        });
        let placed = stands_between_digits && !text.ends_with('_') && !text.starts_with("._");
        return placed
            .then(|| decimal(&without_underscores(text)))?
            .filter(Number::is_finite);
    }
    let text = without_underscores(text);
    if let Some(number) = go_integer(&text) {
        return Some(number);
    }
    if let Some(number) = decimal(&text) {
        return Some(number).filter(Number::is_finite);
    }
    text.strip_prefix("0b")
        .and_then(|digits| i64::from_str_radix(digits, 2).ok())
        .map(Number::from)
}

/// An integer with Go's base prefixes: `0x`, `0o`, `0b` in either case, and `0` for octal.
fn go_integer(text: &str) -> Option<Number> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, unsigned.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, unsigned.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, unsigned.get(2..)?),
        [b'0', _, ..] => (8, unsigned.get(1..)?),
        _ => (10, unsigned),
    };
    integer(negative, digits, radix)
}

/// YAML 1.2.2 §10.3.2: decimal with a sign, `0o` and `0x` without, floats. An integer too large
/// for 64 bits is the nearest float.
fn core_number(text: &str) -> Option<Number> {
    if let Some(digits) = text.strip_prefix("0o") {
        return integer(false, digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return integer(false, digits, 16);
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    integer(negative, digits, 10).or_else(|| decimal(text))
}

fn integer(negative: bool, digits: &str, radix: u32) -> Option<Number> {
    // `from_str_radix` would take another sign.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    match negative {
        false => Some(Number::from(magnitude)),
        true => 0i64.checked_sub_unsigned(magnitude).map(Number::from),
    }
}

/// `[-+]? ( "." digit+ | digit+ ( "." digit* )? ) ( [eE] [-+]? digit+ )?`
fn decimal(text: &str) -> Option<Number> {
    let digits = |text: &'_ [u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let bytes = text.as_bytes();
    let mut rest = bytes
        .strip_prefix(b"-")
        .or_else(|| bytes.strip_prefix(b"+"))
        .unwrap_or(bytes);
    let whole = digits(rest);
    rest = rest.get(whole..)?;
    let mut fraction = 0;
    if let Some(after) = rest.strip_prefix(b".") {
        fraction = digits(after);
        rest = after.get(fraction..)?;
    }
    if whole + fraction == 0 {
        return None;
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let exponent = exponent
            .strip_prefix(b"-")
            .or_else(|| exponent.strip_prefix(b"+"))
            .unwrap_or(exponent);
        rest = exponent.get(digits(exponent).max(1)..)?;
    }
    if !rest.is_empty() {
        return None;
    }
    text.parse::<f64>().ok().map(Number::from)
}

fn without_underscores(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('_') {
        text.replace('_', "").into()
    } else {
        text.into()
    }
}
