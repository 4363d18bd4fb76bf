//! The forms times are written in, one reader each.

use super::civil::Civil;
use super::scan::{Clock, Scan};
use super::{Context, Timestamp};
use crate::record::Unit;

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeForm {
    /// RFC 3339, nothing less.
    Rfc3339,
    /// `10/Oct/2000:13:55:36`, perhaps with a fraction and ` -0700`: access logs, HAProxy.
    Clf,
    /// `2026-11-21 04:44:44,123 KST`: year, month and day joined by `-` or `/`, `T` or a space, `.` or `,` before the
    /// fraction, and any zone or none. log4j, Logback, Spring Boot, nginx error log, Apache with ISO times, PostgreSQL.
    Iso,
    /// `Wed Oct 11 14:32:52.123456 2000`: C's `asctime`, Apache error log. The name of the day is not checked.
    Asctime,
    /// `Oct 11 22:14:15.003`, perhaps with the year after the day: syslog, RFC 3164 and Cisco.
    Syslog,
    /// `1121 04:44:44.123456`: month and day in digits, klog and glog.
    Klog,
    /// `04:44:44.123`: a time of day, Logback's default. Dated to the nearest such time.
    TimeOfDay,
    /// A decimal number of this unit since the Unix epoch.
    Unix(Unit),
}

/// What a well-written time says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "it says when, or it leaves out the date"
)]
pub enum Reading {
    /// A moment.
    Moment(Timestamp),
    /// It has no year or no date, and the context no reference to find it by.
    Undated,
}

impl Reading {
    /// The moment, if it is one.
    pub const fn moment(self) -> Option<Timestamp> {
        match self {
            Self::Moment(time) => Some(time),
            Self::Undated => None,
        }
    }
}

impl TimeForm {
    /// Reads a text that is a time in this form and nothing else. `None` if it is not, or names a moment that does not exist.
    pub fn parse(self, text: &[u8], context: &Context) -> Option<Reading> {
        let mut scan = Scan(text);
        let dated = |time: Option<Timestamp>| time.map(Reading::Moment);
        match self {
            Self::Rfc3339 => dated(Timestamp::from_rfc3339(text)),
            Self::Unix(unit) => dated(unix(text, unit)),
            Self::Clf => dated(clf(&mut scan, context)),
            Self::Iso => dated(iso(&mut scan, context)),
            Self::Asctime => dated(asctime(&mut scan, context)),
            Self::Syslog => syslog(&mut scan, context),
            Self::Klog => klog(&mut scan, context),
            Self::TimeOfDay => time_of_day(&mut scan, context),
        }
    }
}

fn clf(scan: &mut Scan<'_>, context: &Context) -> Option<Timestamp> {
    let day = scan.two()?;
    scan.one_of(b"/")?;
    let month = scan.month()?;
    scan.one_of(b"/")?;
    let year = scan.four()?;
    scan.one_of(b":")?;
    let clock = scan.clock()?;
    civil(year, month, day, &clock, scan.zone(context)?).timestamp()
}

fn iso(scan: &mut Scan<'_>, context: &Context) -> Option<Timestamp> {
    let year = scan.four()?;
    let separator = scan.one_of(b"-/")?;
    let month = scan.two()?;
    scan.one_of(&[separator])?;
    let day = scan.two()?;
    scan.one_of(b"Tt ")?;
    let clock = scan.clock()?;
    civil(year, month, day, &clock, scan.zone(context)?).timestamp()
}

fn asctime(scan: &mut Scan<'_>, context: &Context) -> Option<Timestamp> {
    let name: [u8; 3] = scan.chunk()?;
    let days: [&[u8; 3]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    days.contains(&&name).then_some(())?;
    scan.one_of(b" ")?;
    let month = scan.month()?;
    scan.one_of(b" ")?;
    let day = scan.padded_day()?;
    scan.one_of(b" ")?;
    let clock = scan.clock()?;
    scan.one_of(b" ")?;
    let year = scan.four()?;
    scan.end()?;
    civil(year, month, day, &clock, context.offset_seconds()).timestamp()
}

fn syslog(scan: &mut Scan<'_>, context: &Context) -> Option<Reading> {
    let month = scan.month()?;
    scan.one_of(b" ")?;
    let day = scan.padded_day()?;
    scan.one_of(b" ")?;
    let year = match scan.0 {
        [_, _, b':', ..] => None,
        _ => {
            let year = scan.four()?;
            scan.one_of(b" ")?;
            Some(year)
        }
    };
    let clock = scan.clock()?;
    scan.end()?;
    let offset_seconds = context.offset_seconds();
    match year {
        Some(year) => civil(year, month, day, &clock, offset_seconds)
            .timestamp()
            .map(Reading::Moment),
        None => without_year(civil(0, month, day, &clock, offset_seconds), context),
    }
}

fn klog(scan: &mut Scan<'_>, context: &Context) -> Option<Reading> {
    let (month, day) = (scan.two()?, scan.two()?);
    scan.one_of(b" ")?;
    let clock = scan.clock()?;
    scan.end()?;
    without_year(
        civil(0, month, day, &clock, context.offset_seconds()),
        context,
    )
}

fn time_of_day(scan: &mut Scan<'_>, context: &Context) -> Option<Reading> {
    let clock = scan.clock()?;
    scan.end()?;
    let any_day = civil(1970, 1, 1, &clock, context.offset_seconds());
    if clock.second < 60 {
        any_day.timestamp()?;
    }
    reading(context.on_nearest_day(any_day), context)
}

fn without_year(civil: Civil, context: &Context) -> Option<Reading> {
    if context.reference().is_none() {
        // In a leap year every date exists that there is.
        let leap_year = Civil {
            year: 2000,
            ..civil
        };
        leap_year.timestamp()?;
    }
    reading(context.in_nearest_year(civil), context)
}

fn reading(found: Option<Timestamp>, context: &Context) -> Option<Reading> {
    match (found, context.reference()) {
        (Some(time), _) => Some(Reading::Moment(time)),
        (None, None) => Some(Reading::Undated),
        (None, Some(_)) => None,
    }
}

const fn civil(year: i64, month: i64, day: i64, clock: &Clock, offset_seconds: i64) -> Civil {
    Civil {
        year,
        month,
        day,
        hour: clock.hour,
        minute: clock.minute,
        second: clock.second,
        nanoseconds: clock.nanoseconds,
        offset_seconds,
    }
}

fn unix(text: &[u8], unit: Unit) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    Timestamp::from_unix(unit.duration(text)?)
}
