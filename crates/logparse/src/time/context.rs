//! What a written time leaves out: the zone, and the date it is near.

use std::time::Duration;

use super::Timestamp;
use super::civil::{Civil, SECONDS_PER_DAY, civil_from_days};

/// What the reader of a log knows and its lines do not say. No clock is read: the caller passes what it goes by.
///
/// The default is UTC without a reference, so that times without a year are not dated.
///
/// **Year.** A date without a year is put into the year that brings it nearest to the reference among those in
/// which it exists and is at most `future` (24 hours unless told) after it. So a line of 31 December read
/// in January is of last year, and 29 February is of a leap year. Take the time the line was received, or
/// the file last written, as the reference.
///
/// ```
/// use narae_logparse::Timestamp;
/// use narae_logparse::time::{Context, Reading, TimeForm};
///
/// let received = Timestamp::from_rfc3339(b"2026-01-01T00:00:10+09:00").ok_or("not a time")?;
/// let context = Context::default().with_reference(received).with_offset_seconds(9 * 3600);
/// let read = |text: &[u8]| match TimeForm::Syslog.parse(text, &context) {
///     Some(Reading::Moment(time)) => Some(time.to_string()),
///     _ => None,
/// };
/// assert_eq!(read(b"Dec 31 23:59:59").as_deref(), Some("2025-12-31T14:59:59Z"));
/// assert_eq!(read(b"Jan  1 00:00:10").as_deref(), Some("2025-12-31T15:00:10Z"));
/// assert_eq!(read(b"Feb 29 00:00:00").as_deref(), Some("2024-02-28T15:00:00Z"));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    reference: Option<Timestamp>,
    offset_seconds: i64,
    future_seconds: i64,
    names: Vec<(String, i64)>,
}

/// In seconds; no more than half of the shortest year.
const HALF_A_YEAR: u64 = 182 * SECONDS_PER_DAY as u64;

impl Default for Context {
    fn default() -> Self {
        Self {
            reference: None,
            offset_seconds: 0,
            future_seconds: SECONDS_PER_DAY,
            names: Vec::new(),
        }
    }
}

impl Context {
    /// Sets the moment that dates without a year, and times without a date, are near.
    #[must_use]
    pub const fn with_reference(mut self, reference: Timestamp) -> Self {
        self.reference = Some(reference);
        self
    }

    /// Sets the zone of times that name none, in seconds east of UTC. A zone with summer time is two offsets: pass
    /// the one in force when the lines were written.
    #[must_use]
    pub const fn with_offset_seconds(mut self, seconds: i32) -> Self {
        self.offset_seconds = seconds as i64;
        self
    }

    /// Sets how far after the reference a date without a year may be.
    #[must_use]
    pub fn with_future(mut self, most: Duration) -> Self {
        self.future_seconds = i64::try_from(most.as_secs()).unwrap_or(i64::MAX);
        self
    }

    /// Says what a zone's abbreviation means, in seconds east of UTC; goes before the table of [`time`](crate::time).
    #[must_use]
    pub fn with_zone_name(mut self, name: impl Into<String>, seconds: i32) -> Self {
        self.names.push((name.into(), i64::from(seconds)));
        self
    }

    /// The moment that dates without a year are near, if there is one.
    pub const fn reference(&self) -> Option<Timestamp> {
        self.reference
    }

    pub(super) const fn offset_seconds(&self) -> i64 {
        self.offset_seconds
    }

    pub(super) fn named_offset(&self, name: &str) -> Option<i64> {
        let own = self.names.iter().find(|(known, _)| known == name);
        own.map(|(_, seconds)| *seconds).or_else(|| {
            let known = ZONES.iter().find(|(known, _)| *known == name);
            known.map(|(_, minutes)| minutes * 60)
        })
    }

    /// The moment of a date in the year that fits, as the type's documentation says; the year of `civil` is not looked at.
    pub(super) fn in_nearest_year(&self, civil: Civil) -> Option<Timestamp> {
        let reference = self.reference?;
        let days = (reference.unix_seconds() + civil.offset_seconds).div_euclid(SECONDS_PER_DAY);
        let (year, _, _) = civil_from_days(days);
        let latest = reference.unix_seconds().saturating_add(self.future_seconds);
        // Mostly it is this year, and no other is as near.
        if let Some(time) = (Civil { year, ..civil }).timestamp()
            && time.seconds.abs_diff(reference.seconds) < HALF_A_YEAR
            && time.seconds < latest
        {
            return Some(time);
        }
        // Leap years are up to eight years apart.
        let reach = if (civil.month, civil.day) == (2, 29) {
            8
        } else {
            1
        };
        (year - reach..=year + reach)
            .filter_map(|year| Civil { year, ..civil }.timestamp())
            .filter(|time| (time.seconds, time.nanoseconds) <= (latest, reference.nanoseconds))
            .min_by_key(|time| {
                time.unix_nanoseconds()
                    .abs_diff(reference.unix_nanoseconds())
            })
    }

    /// The moment of a time of day on the day that brings it nearest to the reference.
    pub(super) fn on_nearest_day(&self, clock: Civil) -> Option<Timestamp> {
        let reference = self.reference?;
        let today = (reference.unix_seconds() + clock.offset_seconds).div_euclid(SECONDS_PER_DAY);
        (today - 1..=today + 1)
            .filter_map(|days| {
                let (year, month, day) = civil_from_days(days);
                Civil {
                    year,
                    month,
                    day,
                    ..clock
                }
                .timestamp()
            })
            .min_by_key(|time| {
                time.unix_nanoseconds()
                    .abs_diff(reference.unix_nanoseconds())
            })
    }
}

/// Minutes east of UTC. Where a name means several zones it is the one in PostgreSQL's `Default` set, which is what
/// writes such names most.
const ZONES: &[(&str, i64)] = &[
    ("UTC", 0),
    ("GMT", 0),
    ("UCT", 0),
    ("WET", 0),
    ("WEST", 60),
    ("BST", 60),
    ("CET", 60),
    ("CEST", 120),
    ("SAST", 120),
    ("EET", 120),
    ("EEST", 180),
    ("IDT", 180),
    ("IST", 120),
    ("MSK", 180),
    ("PKT", 300),
    ("WIB", 420),
    ("HKT", 480),
    ("SGT", 480),
    ("AWST", 480),
    ("JST", 540),
    ("KST", 540),
    ("ACST", 570),
    ("AEST", 600),
    ("ACDT", 630),
    ("AEDT", 660),
    ("NZST", 720),
    ("NZDT", 780),
    ("BRT", -180),
    ("ART", -180),
    ("NST", -210),
    ("AST", -240),
    ("ADT", -180),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
    ("AKST", -540),
    ("AKDT", -480),
    ("HST", -600),
];
