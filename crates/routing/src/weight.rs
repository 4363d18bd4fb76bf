//! How much traffic a backend is due, relative to the others beside it.

use std::fmt;
use std::str::FromStr;

/// A backend's part of the traffic, relative to the other weights of the same list.
///
/// A share is `weight / sum of weights`, so 9:1, 90:10 and 900:100 are the same split. Zero is a
/// weight like any other and means *drained*: listed, known, never picked.
///
/// ```
/// use narae_routing::Weight;
///
/// let weight: Weight = "90".parse()?;
/// assert_eq!(weight, Weight::new(90));
/// assert!("-1".parse::<Weight>().is_err());
/// # Ok::<(), narae_routing::WeightError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Weight(u32);

impl Weight {
    /// Drained: never picked.
    pub const ZERO: Weight = Weight(0);
    /// What a backend gets when nobody says otherwise.
    pub const ONE: Weight = Weight(1);
    /// The largest weight there is.
    pub const MAX: Weight = Weight(u32::MAX);

    /// Every `u32` is a weight.
    #[must_use]
    pub const fn new(weight: u32) -> Self {
        Self(weight)
    }

    /// The weight as a number.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }

    /// Whether a backend of this weight is drained.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl From<u32> for Weight {
    fn from(weight: u32) -> Self {
        Self(weight)
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Weight {
    type Err = WeightError;

    /// Reads decimal digits and nothing else: no sign, no space, no separator.
    fn from_str(text: &str) -> Result<Self, WeightError> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(weight) if digits => Ok(Self(weight)),
            _ => Err(WeightError(())),
        }
    }
}

/// A text that is not a [`Weight`]. The caller, who knows the text and where it stands, names it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a weight is a whole number from 0 to {max}", max = u32::MAX)]
pub struct WeightError(());
