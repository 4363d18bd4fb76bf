//! Kubernetes' `resource.Quantity`: `250m`, `1.5Gi`, `12e6`.
//!
//! A quantity is a whole number of billionths in an `i128`, so that comparing, adding and scaling
//! are exact: there is no floating point here, and what does not fit is an error, never a rounded
//! result. The grammar, the rounding of what is finer than a billionth (away from zero) and the
//! canonical form are those of `k8s.io/apimachinery/pkg/api/resource`; the differences are that a
//! number needs a digit (Go reads `+`, `.` and `m` as zero), and that what is larger than
//! [`MAX_WHOLE`] or has more than 38 digits is refused.
//!
//! Parsing is O(bytes); everything else is O(1).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// The largest whole number a quantity can be, in either direction; about 1.7e29.
pub const MAX_WHOLE: i128 = i128::MAX / NANOS;

/// An amount of a resource.
///
/// Two quantities are equal when they are the same amount, however they are written: `1` is
/// `1000m`. Displays in canonical form, which parses back to the same amount and form.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nanos: i128,
    form: Form,
}

/// How a quantity is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// Powers of 1000: `n`, `u`, `m`, none, `k`, `M`, `G`, `T`, `P`, `E`.
    Decimal,
    /// Powers of 1024: `Ki`, `Mi`, `Gi`, `Ti`, `Pi`, `Ei`.
    Binary,
    /// An exponent: `12e6`.
    Exponent,
}

/// Why a text is no quantity. It does not quote the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantityError {
    /// There is no number at the beginning.
    #[error("a quantity begins with a number, such as `500m` or `1.5Gi`")]
    NoNumber,
    /// What stands behind the number is no suffix.
    #[error(
        "unknown suffix `{suffix}`: expected one of n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or an exponent such as e6"
    )]
    Suffix {
        /// What stands there when that is up to three letters, and else `…`.
        suffix: String,
        /// What was probably meant.
        meant: Option<&'static str>,
    },
    /// The amount is larger than [`MAX_WHOLE`].
    #[error("larger than {MAX_WHOLE}")]
    TooLarge,
    /// The number has more digits than can be held exactly.
    #[error("more digits than can be held exactly")]
    TooPrecise,
}

impl QuantityError {
    /// What was probably meant, as a sentence's object: "`M` (1000²) or `Mi` (1024²)".
    #[must_use]
    pub fn suggestion(&self) -> Option<&'static str> {
        match self {
            Self::Suffix { meant, .. } => *meant,
            _ => None,
        }
    }
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self {
        nanos: 0,
        form: Form::Decimal,
    };

    /// The amount in billionths.
    #[must_use]
    pub fn nanos(&self) -> i128 {
        self.nanos
    }

    /// The amount in thousandths, rounded away from zero as Kubernetes does: `MilliValue`.
    #[must_use]
    pub fn millis(&self) -> i128 {
        divide_up(self.nanos, NANOS / 1000)
    }

    /// The amount as a whole number, rounded away from zero as Kubernetes does: `Value`.
    #[must_use]
    pub fn whole(&self) -> i128 {
        divide_up(self.nanos, NANOS)
    }

    /// How it is written.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// The same amount written another way.
    #[must_use]
    pub fn with_form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// The sum, in this one's form; in the other's when this one is zero. `None` when it is larger
    /// than a quantity can be.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let form = if self.nanos == 0 { other } else { self }.form;
        let nanos = bounded(self.nanos.checked_add(other.nanos)?)?;
        Some(Self { nanos, form })
    }

    /// The difference, in this one's form; in the other's when this one is zero. `None` when it is
    /// larger than a quantity can be.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        let nanos = -other.nanos;
        self.checked_add(Self { nanos, ..other })
    }

    /// The quantity so many times. `None` when it is larger than a quantity can be.
    #[must_use]
    pub fn checked_mul(self, times: i64) -> Option<Self> {
        let nanos = bounded(self.nanos.checked_mul(times.into())?)?;
        Some(Self { nanos, ..self })
    }
}

impl From<i64> for Quantity {
    fn from(whole: i64) -> Self {
        Self {
            nanos: i128::from(whole) * NANOS,
            form: Form::Decimal,
        }
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (digits, rest) = split_digits(unsigned);
        let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), split_digits);
        if digits.is_empty() && fraction.is_empty() {
            return Err(QuantityError::NoNumber);
        }
        let fraction = fraction.trim_end_matches('0');
        let suffix = Suffix::parse(suffix)?;
        let mut amount = 0_i128;
        for digit in digits.bytes().chain(fraction.bytes()) {
            let next = amount
                .checked_mul(10)
                .and_then(|ten| ten.checked_add((digit - b'0').into()));
            amount = next.ok_or(QuantityError::TooPrecise)?;
        }
        let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
        let (nanos, form) = match suffix {
            Suffix::Decimal(exponent) => (scale(amount, exponent + 9 - places)?, Form::Decimal),
            Suffix::Exponent(exponent) => {
                let exponent = exponent.saturating_add(9).saturating_sub(places);
                (scale(amount, exponent)?, Form::Exponent)
            }
            Suffix::Binary(bits) => {
                let scaled = amount.checked_mul(1 << bits);
                let nanos = match scaled.map(|scaled| scale(scaled, 9 - places)) {
                    Some(Ok(nanos)) => nanos.min(MAX_BINARY),
                    None if places > 0 => return Err(QuantityError::TooPrecise),
                    Some(Err(_)) | None => MAX_BINARY,
                };
                (nanos, Form::Binary)
            }
        };
        let form = match form {
            Form::Binary if nanos < NANOS => Form::Decimal,
            form => form,
        };
        let nanos = if text.starts_with('-') { -nanos } else { nanos };
        Ok(Self { nanos, form })
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        let is_whole = self.nanos % NANOS == 0;
        let is_small = self.nanos.abs() < 1024 * NANOS;
        match self.form {
            Form::Binary if is_whole && !is_small => {
                let (mantissa, times) = factor_out(self.nanos / NANOS, 1024, BINARY.len() - 1);
                write!(f, "{mantissa}{}", BINARY.get(times).unwrap_or(&""))
            }
            Form::Exponent => {
                let (mantissa, times) = factor_out(self.nanos, 1000, usize::MAX);
                match times {
                    3 => write!(f, "{mantissa}"),
                    times => write!(f, "{mantissa}e{}", (times as i64 - 3) * 3),
                }
            }
            Form::Decimal | Form::Binary => {
                let (mantissa, times) = factor_out(self.nanos, 1000, DECIMAL.len() - 1);
                write!(f, "{mantissa}{}", DECIMAL.get(times).unwrap_or(&""))
            }
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl Hash for Quantity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.nanos.hash(state);
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

const NANOS: i128 = 1_000_000_000;

/// Kubernetes caps amounts with a binary suffix, and only those.
const MAX_BINARY: i128 = (i64::MAX as i128) * NANOS;

/// By the power of 1000, from a billionth.
const DECIMAL: &[&str] = &["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
/// By the power of 1024.
const BINARY: &[&str] = &["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

enum Suffix {
    /// A power of ten.
    Decimal(i64),
    /// A power of two.
    Binary(u32),
    /// A power of ten, written as one.
    Exponent(i64),
}

impl Suffix {
    fn parse(text: &str) -> Result<Self, QuantityError> {
        let place = |list: &[&str]| list.iter().position(|known| *known == text);
        if let Some(place) = place(DECIMAL) {
            return Ok(Self::Decimal(place as i64 * 3 - 9));
        }
        if let Some(place) = place(BINARY) {
            return Ok(Self::Binary(u32::try_from(place * 10).unwrap_or(0)));
        }
        if let Some(exponent) = text.strip_prefix(['e', 'E'])
            && let Ok(exponent) = exponent.parse()
        {
            return Ok(Self::Exponent(exponent));
        }
        Err(QuantityError::Suffix {
            suffix: shown(text),
            meant: meant(text),
        })
    }
}

/// A suffix that may be meant for a unit. A longer text may be anything, and is not shown.
fn shown(suffix: &str) -> String {
    let unit = suffix.trim();
    let is_unit = unit.len() <= 3 && unit.bytes().all(|byte| byte.is_ascii_alphabetic());
    if is_unit { unit } else { "…" }.to_owned()
}

/// A suffix as people write it who think in bytes, or in the wrong case.
fn meant(suffix: &str) -> Option<&'static str> {
    match suffix
        .trim()
        .trim_end_matches(['b', 'B'])
        .to_ascii_lowercase()
        .as_str()
    {
        "k" => Some("`k` (1000) or `Ki` (1024)"),
        "m" => Some("`M` (1000²) or `Mi` (1024²)"),
        "g" => Some("`G` (1000³) or `Gi` (1024³)"),
        "t" => Some("`T` (1000⁴) or `Ti` (1024⁴)"),
        "p" => Some("`P` (1000⁵) or `Pi` (1024⁵)"),
        "ki" => Some("`Ki`"),
        "mi" => Some("`Mi`"),
        "gi" => Some("`Gi`"),
        "ti" => Some("`Ti`"),
        "pi" => Some("`Pi`"),
        "ei" => Some("`Ei`"),
        _ => None,
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

/// `amount` times a power of ten; a fraction is rounded up.
fn scale(amount: i128, exponent: i64) -> Result<i128, QuantityError> {
    let power = u32::try_from(exponent.unsigned_abs())
        .ok()
        .and_then(|e| 10_i128.checked_pow(e));
    match power {
        _ if amount == 0 => Ok(0),
        Some(power) if exponent < 0 => Ok(divide_up(amount, power)),
        None if exponent < 0 => Ok(1),
        power => power
            .and_then(|power| amount.checked_mul(power))
            .and_then(bounded)
            .ok_or(QuantityError::TooLarge),
    }
}

fn bounded(nanos: i128) -> Option<i128> {
    (nanos.abs() <= MAX_WHOLE * NANOS).then_some(nanos)
}

/// Rounded away from zero: who asks for some of a resource gets some.
fn divide_up(amount: i128, by: i128) -> i128 {
    amount / by + (amount % by).signum()
}

/// Divides as often as it leaves no rest, at most so many times.
fn factor_out(mut amount: i128, factor: i128, most: usize) -> (i128, usize) {
    let mut times = 0;
    while times < most && amount != 0 && amount % factor == 0 {
        amount /= factor;
        times += 1;
    }
    (amount, times)
}
