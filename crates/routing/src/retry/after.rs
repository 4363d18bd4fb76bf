//! `Retry-After` (RFC 9110, 10.2.3): seconds, or a date in any of HTTP's three forms (5.6.7).

use std::time::Duration;

/// How long a server asks to wait: `value` is the field's, `now` the time since the Unix epoch, needed for
/// dates. A date that is over is no wait. `None` for what is neither; then the field is best ignored.
///
/// Weekdays are not held against the date. A year of two digits that seems more than 50 years ahead is
/// the one a century earlier. Leap seconds (`:60`) are the next second.
///
/// ```
/// use narae_routing::retry::retry_after;
/// use std::time::Duration;
///
/// let now = Duration::from_secs(784_111_767);
/// assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
/// assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(10)));
/// assert_eq!(retry_after("soon", now), None);
/// ```
#[must_use]
pub fn retry_after(value: &str, now: Duration) -> Option<Duration> {
    let value = value.trim_matches([' ', '\t']);
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than a number holds is longer than anybody waits.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let now = i64::try_from(now.as_secs()).ok()?;
    let wait = http_date(value, now)?.checked_sub(now)?.max(0);
    Some(Duration::from_secs(u64::try_from(wait).ok()?))
}

/// Seconds since the Unix epoch.
fn http_date(text: &str, now: i64) -> Option<i64> {
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let (day, month, year, time) = match words[..] {
        // Sun, 06 Nov 1994 08:49:37 GMT
        [weekday, day, month, year, time, "GMT"] if weekday.ends_with(',') => {
            (digits(day, 2)?, month, digits(year, 4)?, time)
        }
        // Sunday, 06-Nov-94 08:49:37 GMT
        [weekday, date, time, "GMT"] if weekday.ends_with(',') => {
            let mut parts = date.split('-');
            let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
            let year = 2000 + digits(year, 2)?;
            let this_year = 1970 + now.div_euclid(31_556_952);
            let year = if year > this_year + 50 {
                year - 100
            } else {
                year
            };
            (digits(day, 2)?, month, year, time)
        }
        // Sun Nov  6 08:49:37 1994
        [_, month, day, time, year] => {
            let width = day.len().min(2);
            (digits(day, width)?, month, digits(year, 4)?, time)
        }
        _ => return None,
    };
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = i64::try_from(months.iter().position(|m| *m == month)?).ok()? + 1;
    let mut parts = time.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    let sound = (1..=days_in(month, year)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60
        && parts.next().is_none();
    sound.then(|| days_since_epoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

fn digits(text: &str, width: usize) -> Option<i64> {
    let plain = text.len() == width && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

fn days_in(month: i64, year: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, counting years from March so that leap days come last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468
}
