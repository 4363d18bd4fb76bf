//! Values, and the types they turn into when asked.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::{Escaping, Text};
use crate::time::Timestamp;

/// What a field holds.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// Nothing: JSON's `null`, an access log's `-`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, exactly as written.
    Number(Number<'a>),
    /// A text.
    Text(Text<'a>),
    /// A moment that the format itself defines.
    Time(Timestamp),
    /// Several values of one field, such as the upstreams a request was passed to.
    List(Vec<Value<'a>>),
    /// A JSON array, or an object that was not flattened, exactly as written.
    Json(Cow<'a, str>),
}

impl<'a> Value<'a> {
    pub(crate) fn text(raw: &'a [u8], escaping: Escaping) -> Self {
        Self::Text(Text::borrowed(raw, escaping))
    }

    /// The text meant, if it is a text and UTF-8.
    pub fn to_str(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => text.to_str().ok(),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The value as an integer type, if it is a number, or a text that is one, and fits exactly.
    ///
    /// ```
    /// use narae_logparse::{Format, Value};
    /// let record = Format::Json.parse(br#"{"status":"200","big":18446744073709551616}"#)?;
    /// assert_eq!(record.get("status").and_then(Value::as_integer::<u16>), Some(200));
    /// assert_eq!(record.get("big").and_then(Value::as_integer::<u64>), None);
    /// assert_eq!(record.get("big").and_then(Value::as_integer::<u128>), Some(1 << 64));
    /// # Ok::<(), narae_logparse::ParseError>(())
    /// ```
    pub fn as_integer<T: std::str::FromStr + TryFrom<u64>>(&self) -> Option<T> {
        match self {
            Self::Number(number) => number.as_integer(),
            Self::Text(_) => self.to_str()?.parse().ok(),
            _ => None,
        }
    }

    /// The nearest floating point value, if it is a number or a text that is a finite one.
    pub fn as_f64(&self) -> Option<f64> {
        let value = match self {
            Self::Number(number) => number.as_f64(),
            Self::Text(_) => self.to_str()?.parse().ok()?,
            _ => return None,
        };
        value.is_finite().then_some(value)
    }

    /// The value as a length of time in `unit`, if it is a number, or a text that is one, not negative and
    /// written without exponent. Digits past the nanosecond are dropped.
    pub fn as_duration(&self, unit: Unit) -> Option<Duration> {
        match self {
            Self::Number(number) => unit.duration(&number.literal()),
            Self::Text(_) => unit.duration(&self.to_str()?),
            _ => None,
        }
    }

    /// The moment, if it is one or a text in RFC 3339 or the Common Log Format.
    pub fn as_time(&self) -> Option<Timestamp> {
        match self {
            Self::Time(time) => Some(*time),
            Self::Text(text) => {
                let text = text.decode();
                Timestamp::from_rfc3339(&text).or_else(|| Timestamp::from_clf(&text))
            }
            _ => None,
        }
    }

    /// The address, if it is a text that is an IPv4 or IPv6 address without port.
    pub fn as_address(&self) -> Option<IpAddr> {
        self.to_str()?.parse().ok()
    }

    /// The same, owning its bytes.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(number) => Value::Number(number.into_owned()),
            Self::Text(text) => Value::Text(text.into_owned()),
            Self::Time(time) => Value::Time(time),
            Self::List(values) => Value::List(values.into_iter().map(Value::into_owned).collect()),
            Self::Json(json) => Value::Json(Cow::Owned(json.into_owned())),
        }
    }
}

/// A number that is never rounded: the literal of the line, or an integer the format defines.
#[derive(Debug, Clone, PartialEq)]
pub struct Number<'a>(Repr<'a>);

#[derive(Debug, Clone, PartialEq)]
enum Repr<'a> {
    /// INVARIANT: a number of the JSON grammar.
    Literal(Cow<'a, str>),
    Unsigned(u64),
}

impl<'a> Number<'a> {
    /// The caller has checked the JSON grammar.
    pub(crate) const fn from_json(literal: &'a str) -> Self {
        Self(Repr::Literal(Cow::Borrowed(literal)))
    }

    /// A decimal of the formats, as [`decimal`](Self::decimal) has it.
    pub(crate) fn from_decimal(raw: &'a [u8]) -> Option<Self> {
        Self::decimal(raw).map(Self::from_json)
    }

    /// The literal of a decimal of the formats: an optional minus, digits, and perhaps a point and digits. Leading zeros, which
    /// JSON has not, are left out.
    pub(crate) fn decimal(raw: &'a [u8]) -> Option<&'a str> {
        let digits = raw.strip_prefix(b"-").unwrap_or(raw);
        let mut rest = digits;
        while let [b'0'..=b'9', after @ ..] = rest {
            rest = after;
        }
        let whole = digits.len() - rest.len();
        let well_formed = match rest {
            [] => true,
            [b'.', tail @ ..] => !tail.is_empty() && tail.iter().all(u8::is_ascii_digit),
            _ => false,
        };
        (well_formed && whole > 0).then_some(())?;
        let literal = match digits {
            [b'0', _, ..] => {
                let zeros = digits.iter().take(whole - 1);
                match zeros.take_while(|byte| **byte == b'0').count() {
                    0 => raw,
                    _ if digits.len() < raw.len() => return None,
                    zeros => raw.get(zeros..)?,
                }
            }
            _ => raw,
        };
        std::str::from_utf8(literal).ok()
    }

    /// The number as a JSON number literal, as the line has it.
    pub fn literal(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Literal(literal) => Cow::Borrowed(literal),
            Repr::Unsigned(value) => Cow::Owned(value.to_string()),
        }
    }

    /// The integer, if it is written as one and fits.
    pub fn as_integer<T: std::str::FromStr + TryFrom<u64>>(&self) -> Option<T> {
        match &self.0 {
            Repr::Literal(literal) => literal.parse().ok(),
            Repr::Unsigned(value) => T::try_from(*value).ok(),
        }
    }

    /// The nearest floating point value; infinite if it is beyond them all.
    pub fn as_f64(&self) -> f64 {
        self.literal().parse().unwrap_or(f64::NAN)
    }

    fn into_owned(self) -> Number<'static> {
        Number(match self.0 {
            Repr::Literal(literal) => Repr::Literal(Cow::Owned(literal.into_owned())),
            Repr::Unsigned(value) => Repr::Unsigned(value),
        })
    }
}

impl From<u64> for Number<'_> {
    fn from(value: u64) -> Self {
        Self(Repr::Unsigned(value))
    }
}

impl fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Literal(literal) => f.write_str(literal),
            Repr::Unsigned(value) => value.fmt(f),
        }
    }
}

/// What one of a number counts, for [`Value::as_duration`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the decimal units of time that logs use, down to the precision kept"
)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Thousandths of a second.
    Milliseconds,
    /// Millionths of a second.
    Microseconds,
    /// Billionths of a second.
    Nanoseconds,
}

impl Unit {
    /// In integers throughout: `0.1` seconds are exactly 100 ms.
    pub(crate) fn duration(self, literal: &str) -> Option<Duration> {
        let (whole, fraction) = literal.split_once('.').unwrap_or((literal, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let digits: u32 = match self {
            Self::Seconds => 9,
            Self::Milliseconds => 6,
            Self::Microseconds => 3,
            Self::Nanoseconds => 0,
        };
        let scale = 10_u128.pow(digits);
        let tail = fraction
            .bytes()
            .chain(std::iter::repeat(b'0'))
            .take(digits as usize);
        let below = tail.fold(0, |sum, digit| sum * 10 + u128::from(digit - b'0'));
        let nanoseconds = whole
            .parse::<u128>()
            .ok()?
            .checked_mul(scale)?
            .checked_add(below)?;
        let seconds = u64::try_from(nanoseconds / 1_000_000_000).ok()?;
        let below = u32::try_from(nanoseconds % 1_000_000_000).ok()?;
        Some(Duration::new(seconds, below))
    }
}
