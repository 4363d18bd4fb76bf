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
            "byte" => Self::Bytes,
            "date-time" => Self::DateTime,
            "date" => Self::Date,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "cidr" => Self::Cidr,
            "uuid" => Self::Uuid,
            _ => Self::Any,
        }
    }

    /// What is expected, in words, when a text is not of the format.
    pub(super) fn refusal(self, text: &str) -> Option<&'static str> {
        let (holds, expected) = match self {
            Self::Any | Self::Int32 | Self::Int64 | Self::Quantity => return None,
            Self::Bytes => (STANDARD.decode(text).is_ok(), "base64 with padding"),
            Self::DateTime => (
                is_date_time(text),
                "a time such as 2026-11-21T08:00:00Z (RFC 3339)",
            ),
            Self::Date => (is_date(text), "a date such as 2026-11-21"),
            Self::Ipv4 => (text.parse::<Ipv4Addr>().is_ok(), "an IPv4 address"),
            Self::Ipv6 => (text.parse::<Ipv6Addr>().is_ok(), "an IPv6 address"),
            Self::Cidr => (is_cidr(text), "an address range such as 10.0.0.0/8"),
            Self::Uuid => (is_uuid(text), "a UUID"),
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

fn is_uuid(text: &str) -> bool {
    let sizes = text.split('-').map(str::len);
    sizes.eq([8, 4, 4, 4, 12])
        && text
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}
