//! Durations of the Gateway API (GEP-2257): a small, unambiguous part of what Go reads.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// A duration as routes write it: one to four times a number of one to five digits and a unit of
/// `h`, `m`, `s` or `ms`, like `1h30m` or `500ms`. At most 99,999 hours four times over.
///
/// ```
/// use narae_routing::gateway::ApiDuration;
/// use std::time::Duration;
///
/// let wait: ApiDuration = "1m30s".parse()?;
/// assert_eq!(Duration::from(wait), Duration::from_secs(90));
/// assert!("1.5s".parse::<ApiDuration>().is_err());
/// # Ok::<(), narae_routing::gateway::ApiDurationError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct ApiDuration(Duration);

impl From<ApiDuration> for Duration {
    fn from(duration: ApiDuration) -> Self {
        duration.0
    }
}

impl TryFrom<String> for ApiDuration {
    type Error = ApiDurationError;

    fn try_from(text: String) -> Result<Self, ApiDurationError> {
        text.parse()
    }
}

impl FromStr for ApiDuration {
    type Err = ApiDurationError;

    fn from_str(text: &str) -> Result<Self, ApiDurationError> {
        let mut rest = text;
        let mut total = Duration::ZERO;
        for _ in 0..4 {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, unit) = rest.split_at(digits);
            if !(1..=5).contains(&digits) {
                return Err(ApiDurationError(()));
            }
            let number: u64 = number.parse().map_err(|_| ApiDurationError(()))?;
            let (part, after) = if let Some(after) = unit.strip_prefix("ms") {
                (Duration::from_millis(number), after)
            } else if let Some(after) = unit.strip_prefix('s') {
                (Duration::from_secs(number), after)
            } else if let Some(after) = unit.strip_prefix('m') {
                (Duration::from_secs(60 * number), after)
            } else if let Some(after) = unit.strip_prefix('h') {
                (Duration::from_secs(3600 * number), after)
            } else {
                return Err(ApiDurationError(()));
            };
            total += part;
            rest = after;
            if rest.is_empty() {
                return Ok(Self(total));
            }
        }
        Err(ApiDurationError(()))
    }
}

impl fmt::Display for ApiDuration {
    /// Canonical: the largest units first, each at most once, `0s` for nothing. Above 99,999 hours
    /// the hours have more digits than the API takes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let parts = [
            (seconds / 3600, "h"),
            (seconds / 60 % 60, "m"),
            (seconds % 60, "s"),
            (u64::from(self.0.subsec_millis()), "ms"),
        ];
        if parts.iter().all(|(number, _)| *number == 0) {
            return f.write_str("0s");
        }
        parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .try_for_each(|(number, unit)| write!(f, "{number}{unit}"))
    }
}

/// A text that is not an [`ApiDuration`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a duration is one to four of a number up to 99999 and h, m, s or ms, like 1m30s or 500ms")]
pub struct ApiDurationError(());
