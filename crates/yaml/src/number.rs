//! Numbers as JSON has them: by value, not by spelling.

use std::fmt;
use std::hash::{Hash, Hasher};

/// An integer or a floating-point number.
///
/// Kubernetes passes every manifest through JSON, where `1`, `1.0` and `1e0` are one number; so
/// they are one number here, and equal. Every integral value from -2⁶³ to 2⁶⁴-1 is held exactly;
/// everything else is the nearest `f64`. `-0.0` is `0`. Infinities and not-a-number can be held
/// (YAML has them), are equal to themselves, and are refused when reading for Kubernetes.
///
/// ```
/// use narae_yaml::Number;
///
/// assert_eq!(Number::from(1.0), Number::from(1));
/// assert_eq!(Number::from(1e21).to_string(), "1.0e+21");
/// assert_eq!(Number::from(3).as_f64(), 3.0);
/// ```
#[derive(Clone, Copy)]
pub struct Number(Repr);

// INVARIANT: Negative holds only numbers below zero, and Float only those neither of the others
// can hold exactly. Each value has one representation, so equality needs no arithmetic.
#[derive(Clone, Copy)]
enum Repr {
    Unsigned(u64),
    Negative(i64),
    Float(f64),
}

impl Number {
    /// The value, if it is an integer that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Repr::Unsigned(n) => i64::try_from(n).ok(),
            Repr::Negative(n) => Some(n),
            Repr::Float(_) => None,
        }
    }

    /// The value, if it is an integer that fits.
    pub fn as_u64(&self) -> Option<u64> {
        match self.0 {
            Repr::Unsigned(n) => Some(n),
            Repr::Negative(_) | Repr::Float(_) => None,
        }
    }

    /// The nearest `f64`.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the nearest f64 is what is asked for"
    )]
    pub fn as_f64(&self) -> f64 {
        match self.0 {
            Repr::Unsigned(n) => n as f64,
            Repr::Negative(n) => n as f64,
            Repr::Float(x) => x,
        }
    }

    /// Whether this is neither an infinity nor not-a-number.
    pub fn is_finite(&self) -> bool {
        match self.0 {
            Repr::Unsigned(_) | Repr::Negative(_) => true,
            Repr::Float(x) => x.is_finite(),
        }
    }

    /// What equality and hashing look at.
    fn key(&self) -> (u8, u64) {
        match self.0 {
            Repr::Unsigned(n) => (0, n),
            Repr::Negative(n) => (1, n.cast_unsigned()),
            Repr::Float(x) => (2, x.to_bits()),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Number {
    /// The one spelling that every YAML reader and, for finite numbers, every JSON reader takes for
    /// this number. An exponent keeps a point and a sign, because YAML 1.1 takes `1e21` for a string.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Repr::Unsigned(n) => n.fmt(f),
            Repr::Negative(n) => n.fmt(f),
            Repr::Float(x) if x.is_nan() => f.write_str(".nan"),
            Repr::Float(x) if x.is_infinite() => {
                f.write_str(if x > 0.0 { ".inf" } else { "-.inf" })
            }
            Repr::Float(x) if (1e-5..1e16).contains(&x.abs()) => x.fmt(f),
            Repr::Float(x) => {
                let text = format!("{x:e}");
                let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let point = if digits.contains('.') { "" } else { ".0" };
                let sign = if exponent.starts_with('-') { "" } else { "+" };
                write!(f, "{digits}{point}e{sign}{exponent}")
            }
        }
    }
}

impl From<f64> for Number {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked first, and an integral f64 in it converts exactly"
    )]
    fn from(x: f64) -> Self {
        // 2⁶⁴ and -2⁶³ are exact as f64; every integral f64 between them fits an integer.
        const BEYOND_U64: f64 = 18_446_744_073_709_551_616.0;
        const LEAST_I64: f64 = -9_223_372_036_854_775_808.0;
        if x.is_nan() {
            Self(Repr::Float(f64::NAN))
        } else if x.fract() != 0.0 || !(LEAST_I64..BEYOND_U64).contains(&x) {
            Self(Repr::Float(x))
        } else if x < 0.0 {
            Self(Repr::Negative(x as i64))
        } else {
            Self(Repr::Unsigned(x as u64))
        }
    }
}

impl From<u64> for Number {
    fn from(n: u64) -> Self {
        Self(Repr::Unsigned(n))
    }
}

impl From<i64> for Number {
    fn from(n: i64) -> Self {
        Self(u64::try_from(n).map_or(Repr::Negative(n), Repr::Unsigned))
    }
}

macro_rules! from_smaller {
    ($($small:ty => $large:ty),*) => {$(
        impl From<$small> for Number {
            fn from(n: $small) -> Self {
                Self::from(<$large>::from(n))
            }
        }
    )*};
}

from_smaller!(u8 => u64, u16 => u64, u32 => u64, i8 => i64, i16 => i64, i32 => i64, f32 => f64);

impl From<usize> for Number {
    fn from(n: usize) -> Self {
        // No platform has a usize beyond 64 bits; saturating keeps this total without a panic.
        Self(Repr::Unsigned(u64::try_from(n).unwrap_or(u64::MAX)))
    }
}
