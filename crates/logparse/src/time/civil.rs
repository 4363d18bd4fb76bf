//! Calendar arithmetic and fixed-width digits.

use super::Timestamp;

pub(super) const SECONDS_PER_DAY: i64 = 86_400;

/// A date and time of day as written, with the offset that leads to UTC.
#[derive(Debug, Clone, Copy)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) nanoseconds: u32,
    pub(super) offset_seconds: i64,
}

impl Civil {
    /// The moment, if the date and the time of day exist.
    pub(super) fn timestamp(self) -> Option<Timestamp> {
        let in_range = (1..=12).contains(&self.month)
            && self.day >= 1
            && self.day <= days_in_month(self.year, self.month)
            && self.hour <= 23
            && self.minute <= 59
            && self.second <= 60;
        if !in_range {
            return None;
        }
        let days = days_from_civil(self.year, self.month, self.day);
        let of_day = self.hour * 3600 + self.minute * 60 + self.second;
        let seconds = days * SECONDS_PER_DAY + of_day - self.offset_seconds;
        if self.second == 60 && !starts_a_month(seconds) {
            return None;
        }
        Some(Timestamp {
            seconds,
            nanoseconds: self.nanoseconds,
        })
    }
}

/// Whether a leap second counted as the next one lands on the first of a month, 00:00:00 UTC.
fn starts_a_month(seconds: i64) -> bool {
    let (_, _, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
    seconds.rem_euclid(SECONDS_PER_DAY) == 0 && day == 1
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01. The year is taken to begin in March, so that the leap day is its last.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`].
pub(super) const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// Two ASCII digits.
#[inline]
pub(super) fn two(digits: [u8; 2]) -> Option<i64> {
    let [tens, ones] = digits.map(|digit| digit.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| i64::from(tens) * 10 + i64::from(ones))
}

/// Four ASCII digits.
#[inline]
pub(super) fn four(digits: [u8; 4]) -> Option<i64> {
    let [a, b, c, d] = digits;
    Some(two([a, b])? * 100 + two([c, d])?)
}

/// Seconds of an offset `±hh` `mm`.
#[inline]
pub(super) fn offset(sign: u8, hours: [u8; 2], minutes: [u8; 2]) -> Option<i64> {
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let seconds = (hours <= 23 && minutes <= 59).then_some(hours * 3600 + minutes * 60)?;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}
