//! `10/Oct/2000:13:55:36 -0700`: 26 bytes, always.

use super::Timestamp;
use super::civil::{Civil, four, offset, two};
use super::scan::month;

/// The length of every time in this form.
pub(crate) const LENGTH: usize = 26;

#[inline]
pub(super) fn parse(text: &[u8]) -> Option<Timestamp> {
    let text: &[u8; LENGTH] = text.try_into().ok()?;
    let &[
        d1,
        d2,
        b'/',
        m1,
        m2,
        m3,
        b'/',
        y1,
        y2,
        y3,
        y4,
        b':',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        b' ',
        sign,
        oh1,
        oh2,
        om1,
        om2,
    ] = text
    else {
        return None;
    };
    Civil {
        year: four([y1, y2, y3, y4])?,
        month: month([m1, m2, m3])?,
        day: two([d1, d2])?,
        hour: two([h1, h2])?,
        minute: two([n1, n2])?,
        second: two([s1, s2])?,
        nanoseconds: 0,
        offset_seconds: offset(sign, [oh1, oh2], [om1, om2])?,
    }
    .timestamp()
}
