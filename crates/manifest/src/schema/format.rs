//! Formats of texts: what both Kubernetes and JSON Schema check of them, by syntax alone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::node::Format;

impl Format {
    /// The format of a schema's `format` keyword; unknown ones are notes for people.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "int32" => Self::Int32,
            "int64" => Self::Int64,
            "byte" => Self::Base64,
            "date-time" | "datetime" => Self::DateTime,
            "date" => Self::Date,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "cidr" => Self::Cidr,
            "uuid" => Self::Uuid,
            "duration" => Self::Duration,
            "hostname" => Self::Hostname,
            "email" => Self::Email,
            "uri" => Self::Uri,
            "mac" => Self::Mac,
            "k8s-short-name" => Self::ShortName,
            "k8s-long-name" => Self::LongName,
            _ => Self::Any,
        }
    }

    /// What is expected, in words, when a text is not of the format.
    pub(super) fn refusal(self, text: &str) -> Option<&'static str> {
        let (holds, expected) = match self {
            Self::Any | Self::Int32 | Self::Int64 | Self::Quantity => return None,
            Self::Base64 => (
                !text.is_empty() && STANDARD.decode(text).is_ok(),
                "base64 with padding",
            ),
            Self::Bytes => (STANDARD.decode(text).is_ok(), "base64 with padding"),
            Self::DateTime => (
                is_date_time(text),
                "a time such as 2026-11-21T08:00:00Z (RFC 3339)",
            ),
            Self::Time => (
                is_time(text),
                "a time such as 2026-11-21T08:00:00Z (RFC 3339)",
            ),
            Self::MicroTime => (
                is_time(text) && has_six_digits(text),
                "a time with microseconds such as 2026-11-21T08:00:00.000000Z",
            ),
            Self::Date => (is_date(text), "a date such as 2026-11-21"),
            Self::Ipv4 => (text.parse::<Ipv4Addr>().is_ok(), "an IPv4 address"),
            Self::Ipv6 => (text.parse::<Ipv6Addr>().is_ok(), "an IPv6 address"),
            Self::Cidr => (is_cidr(text), "an address range such as 10.0.0.0/8"),
            Self::Uuid => (is_uuid(text), "a UUID"),
            Self::Duration => (is_duration(text), "a duration such as 90s or 1h30m"),
            Self::IsoDuration => (
                is_iso_duration(text),
                "a duration such as P3D or PT1H30M (ISO 8601)",
            ),
            Self::Hostname => (is_hostname(text), "a host name"),
            Self::Email => (is_email(text), "an email address"),
            Self::Uri => (is_uri(text), "a URI, or a path that begins with `/`"),
            Self::Mac => (is_mac(text), "a hardware address such as 00:00:5e:00:53:01"),
            Self::ShortName => (
                is_label(text),
                "small letters, digits and `-`, at most 63, neither beginning nor ending with `-`",
            ),
            Self::LongName => (
                text.len() <= 253 && text.split('.').all(is_part),
                "names of small letters, digits and `-`, with `.` between, at most 253",
            ),
        };
        (!holds).then_some(expected)
    }
}

/// `full-date` of RFC 3339, without looking at the length of the month beyond 31.
fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let (Some(year), Some(month), Some(day), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    number(year, 4, 9999).is_some()
        && number(month, 2, 12).is_some_and(|month| month > 0)
        && number(day, 2, 31).is_some_and(|day| day > 0)
}

/// `date-time` of RFC 3339.
fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once(['T', 't']) else {
        return false;
    };
    let (clock, offset) = match time.find(['Z', 'z', '+', '-']) {
        Some(place) => time.split_at(place),
        None => return false,
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let offset = match offset.strip_prefix(['+', '-']) {
        Some(clock) => is_clock(&format!("{clock}:00")),
        None => offset.eq_ignore_ascii_case("z"),
    };
    let digits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    is_date(date) && is_clock(clock) && digits && offset
}

/// `HH:MM:SS`, with a leap second.
fn is_clock(text: &str) -> bool {
    let mut parts = text.split(':');
    let (Some(hour), Some(minute), Some(second), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    number(hour, 2, 23).is_some()
        && number(minute, 2, 59).is_some()
        && number(second, 2, 60).is_some()
}

fn number(text: &str, digits: usize, most: u32) -> Option<u32> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| plain && *number <= most)
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else {
        return false;
    };
    let most = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    number(bits, bits.len(), most).is_some()
}

/// With or without dashes, as `strfmt` reads it.
fn is_uuid(text: &str) -> bool {
    let mut digits = 0;
    for byte in text.bytes() {
        match byte {
            b'-' if matches!(digits, 8 | 12 | 16 | 20) => {}
            _ if byte.is_ascii_hexdigit() => digits += 1,
            _ => return false,
        }
    }
    digits == 32 && !text.contains("--")
}

/// Lenient: Go's durations, and those of `strfmt` with words (`3 days`).
fn is_duration(text: &str) -> bool {
    let amount = text.trim_start_matches(['+', '-', ' ']);
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ' ' | 'µ' | 'μ');
    amount.starts_with(|c: char| c.is_ascii_digit() || c == '.') && amount.chars().all(known)
}

/// Weeks alone, or parts in their order, of which those of the clock stand behind a `T`. The last
/// may have a fraction, which RFC 3339 leaves out.
fn is_iso_duration(text: &str) -> bool {
    let Some(parts) = text.strip_prefix('P') else {
        return false;
    };
    let (date, time) = match parts.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (parts, None),
    };
    let weeks = date.strip_suffix('W').filter(|_| time.is_none());
    match (weeks, time) {
        (Some(weeks), _) => is_amount(weeks),
        (None, None) => !date.is_empty() && are_parts(date, "YMD"),
        (None, Some(time)) => are_parts(date, "YMD") && !time.is_empty() && are_parts(time, "HMS"),
    }
}

/// Amounts with units, in the order of the units.
fn are_parts(mut text: &str, units: &str) -> bool {
    for unit in units.chars() {
        if let Some((amount, rest)) = text.split_once(unit) {
            if !is_amount(amount) {
                return false;
            }
            text = rest;
        }
    }
    text.is_empty()
}

fn is_amount(text: &str) -> bool {
    let mut parts = text.split(['.', ',']);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.clone().count() <= 2 && parts.all(digits)
}

/// RFC 1123, letters of any case, and those of other languages, which `strfmt` takes.
fn is_hostname(text: &str) -> bool {
    let label = |label: &str| {
        let inner = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        !label.is_empty() && label.chars().all(inner)
    };
    text.len() <= 255 && text.trim_end_matches('.').split('.').all(label)
}

/// Something before and behind an `@`: what mail servers take is theirs to say.
fn is_email(text: &str) -> bool {
    let parts = text.rsplit_once('@');
    parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

/// A scheme or a `/` at the beginning, which `url.ParseRequestURI` asks for.
fn is_uri(text: &str) -> bool {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let mark = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let has_scheme =
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(mark);
    (text.starts_with('/') || has_scheme) && !text.contains(|c: char| c.is_ascii_control())
}

/// Pairs of digits with `:` or `-`, or fours with `.`, as `net.ParseMAC` reads them.
fn is_mac(text: &str) -> bool {
    let of = |sign: char, digits: usize, counts: [usize; 3]| {
        let mut parts = text.split(sign);
        counts.contains(&text.split(sign).count())
            && parts.all(|part| {
                part.len() == digits && part.bytes().all(|byte| byte.is_ascii_hexdigit())
            })
    };
    of(':', 2, [6, 8, 20]) || of('-', 2, [6, 8, 20]) || of('.', 4, [3, 4, 10])
}

fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_part(text)
}

fn is_part(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && !text.starts_with('-') && !text.ends_with('-') && text.bytes().all(known)
}

/// Go knows no leap second, no small `t` or `z`, and how long a month is.
fn is_time(text: &str) -> bool {
    let day = |text: &str| -> Option<u32> { text.get(8..10)?.parse().ok() };
    let (Some(year), Some(month), Some(day)) = (
        text.get(..4).and_then(|year| year.parse::<u32>().ok()),
        text.get(5..7),
        day(text),
    ) else {
        return false;
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        "02" => 28 + u32::from(is_leap),
        "04" | "06" | "09" | "11" => 30,
        _ => 31,
    };
    is_date_time(text)
        && day <= days
        && text.get(17..19) != Some("60")
        && !text.contains(['t', 'z'])
}

fn has_six_digits(text: &str) -> bool {
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    fraction.find(|c: char| !c.is_ascii_digit()) == Some(6)
}
