//! Moments as the formats write them, to the nanosecond. Pure arithmetic: no clock, no zone database.
//!
//! | form | written as | of |
//! |---|---|---|
//! | [`Rfc3339`](TimeForm::Rfc3339) | `2026-11-21T04:44:44.123456789+09:00` | CRI, Docker, RFC 5424, Envoy, most JSON |
//! | [`Clf`](TimeForm::Clf) | `10/Oct/2000:13:55:36 -0700` | access logs, HAProxy |
//! | [`Iso`](TimeForm::Iso) | `2026-11-21 04:44:44,123 KST` | log4j, Spring Boot, nginx errors, PostgreSQL |
//! | [`Asctime`](TimeForm::Asctime) | `Wed Oct 11 14:32:52.123456 2000` | Apache errors |
//! | [`Syslog`](TimeForm::Syslog) | `Oct 11 22:14:15` | RFC 3164 |
//! | [`Klog`](TimeForm::Klog) | `1121 04:44:44.123456` | Kubernetes components |
//! | [`TimeOfDay`](TimeForm::TimeOfDay) | `04:44:44.123` | Logback's default |
//! | [`Unix`](TimeForm::Unix) | `1795236284.5` | GELF, journal, JSON |
//!
//! What a form leaves out (zone, year, date) is in the [`Context`], which the caller fills; nothing reads a clock.
//! Zone abbreviations are not unique: `IST` and `CST` mean what PostgreSQL's `Default` set says unless the context knows
//! better, and one that is not in the table is refused.
//!
//! Years 0000 to 9999 of the proleptic Gregorian calendar; days that do not exist are refused; offsets up to
//! ±23:59. More than nine digits of fraction are refused, not rounded.
//!
//! **Leap seconds.** `:60` is accepted only where one can be, in the last minute UTC of a month. Unix time has no
//! place for it: it becomes the first second of the next minute, as POSIX arithmetic has it, so order is kept
//! and one second is counted twice.
//!
//! Days are counted with Howard Hinnant's `days_from_civil`
//! (<https://howardhinnant.github.io/date_algorithms.html>).

mod civil;
mod clf;
mod context;
mod form;
mod rfc3339;
mod scan;

use std::fmt;

pub(crate) use clf::LENGTH as CLF_LENGTH;
pub use context::Context;
pub use form::{Reading, TimeForm};

use civil::{SECONDS_PER_DAY, civil_from_days};

/// A moment: seconds since 1970-01-01T00:00:00Z, and nanoseconds.
///
/// ```
/// use narae_logparse::Timestamp;
///
/// let time = Timestamp::from_clf(b"10/Oct/2000:13:55:36 -0700").ok_or("not a time")?;
/// assert_eq!(time.to_string(), "2000-10-10T20:55:36Z");
/// assert_eq!(Timestamp::from_rfc3339(b"2000-10-10T13:55:36-07:00"), Some(time));
/// assert_eq!(Timestamp::from_rfc3339(b"2001-02-29T00:00:00Z"), None);
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    /// INVARIANT: below one billion; counts forward even before 1970.
    nanoseconds: u32,
}

impl Timestamp {
    /// Reads RFC 3339; `T` and `Z` in either case, as it allows. `None` if it is anything else.
    pub fn from_rfc3339(text: &[u8]) -> Option<Self> {
        rfc3339::parse(text)
    }

    /// Reads the Common Log Format's `%t` without its brackets. `None` if it is anything else.
    pub fn from_clf(text: &[u8]) -> Option<Self> {
        clf::parse(text)
    }

    /// The moment so long after 1970-01-01T00:00:00Z. `None` if it is too far.
    pub fn from_unix(since: std::time::Duration) -> Option<Self> {
        Some(Self {
            seconds: i64::try_from(since.as_secs()).ok()?,
            nanoseconds: since.subsec_nanos(),
        })
    }

    /// The moment so many seconds after 1970-01-01T00:00:00Z; negative is before.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self {
            seconds,
            nanoseconds: 0,
        }
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn unix_seconds(&self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after [`unix_seconds`](Self::unix_seconds), below one billion.
    pub const fn subsecond_nanoseconds(&self) -> u32 {
        self.nanoseconds
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn unix_nanoseconds(&self) -> i128 {
        self.seconds as i128 * 1_000_000_000 + self.nanoseconds as i128
    }
}

/// RFC 3339 in UTC, with no fraction or as many of 3, 6 or 9 digits as it takes.
///
/// A moment that its offset pushes outside the years 0000 to 9999 is written with a sign or five digits,
/// as ISO 8601 extends years.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.seconds.div_euclid(SECONDS_PER_DAY));
        let second = self.seconds.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        match year {
            0..=9999 => write!(f, "{year:04}")?,
            _ => write!(f, "{year:+05}")?,
        }
        write!(f, "-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match self.nanoseconds {
            0 => {}
            n if n % 1_000_000 == 0 => write!(f, ".{:03}", n / 1_000_000)?,
            n if n % 1_000 == 0 => write!(f, ".{:06}", n / 1_000)?,
            n => write!(f, ".{n:09}")?,
        }
        f.write_str("Z")
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
