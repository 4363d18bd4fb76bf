//! RFC 3339 §5.6 `date-time`, with at most nine digits of fraction.

use super::Timestamp;
use super::civil::{Civil, four, offset, two};

#[inline]
pub(super) fn parse(text: &[u8]) -> Option<Timestamp> {
    let (date_time, rest) = text.split_first_chunk::<19>()?;
    let &[
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T' | b't',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
    ] = date_time
    else {
        return None;
    };
    let (nanoseconds, zone) = fraction(rest)?;
    let offset_seconds = match zone {
        [b'Z' | b'z'] => 0,
        &[sign, h1, h2, b':', m1, m2] => offset(sign, [h1, h2], [m1, m2])?,
        _ => return None,
    };
    Civil {
        year: four([y1, y2, y3, y4])?,
        month: two([m1, m2])?,
        day: two([d1, d2])?,
        hour: two([h1, h2])?,
        minute: two([n1, n2])?,
        second: two([s1, s2])?,
        nanoseconds,
        offset_seconds,
    }
    .timestamp()
}

/// Nanoseconds, and what follows them.
#[inline]
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some((b'.', mut rest)) = text.split_first() else {
        return Some((0, text));
    };
    let (mut nanoseconds, mut digits) = (0, 0);
    while let Some((&digit @ b'0'..=b'9', after)) = rest.split_first() {
        if digits == 9 {
            return None;
        }
        nanoseconds = nanoseconds * 10 + u32::from(digit - b'0');
        digits += 1;
        rest = after;
    }
    (digits > 0).then(|| (nanoseconds * 10_u32.pow(9 - digits), rest))
}
