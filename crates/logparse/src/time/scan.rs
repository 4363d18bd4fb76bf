//! Takes a written time apart, piece by piece; every method gives `None` where the text does not go on like that.

use super::Context;
use super::civil::{four, offset, two};

/// What is left of the text.
pub(super) struct Scan<'a>(pub(super) &'a [u8]);

/// Hour, minute, second and nanoseconds.
pub(super) struct Clock {
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) nanoseconds: u32,
}

impl<'a> Scan<'a> {
    pub(super) fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (chunk, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*chunk)
    }

    pub(super) fn two(&mut self) -> Option<i64> {
        two(self.chunk()?)
    }

    pub(super) fn four(&mut self) -> Option<i64> {
        four(self.chunk()?)
    }

    /// A day of the month, the first digit possibly a space.
    pub(super) fn padded_day(&mut self) -> Option<i64> {
        match self.chunk()? {
            [b' ', ones] => two([b'0', ones]),
            digits => two(digits),
        }
    }

    /// One of these bytes.
    pub(super) fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        bytes.contains(byte).then_some(())?;
        self.0 = rest;
        Some(*byte)
    }

    /// An English month, three letters.
    pub(super) fn month(&mut self) -> Option<i64> {
        month(self.chunk()?)
    }

    /// `hh:mm:ss`, and a fraction of up to nine digits after a point or a comma if there is one.
    pub(super) fn clock(&mut self) -> Option<Clock> {
        let [h1, h2, b':', m1, m2, b':', s1, s2] = self.chunk()? else {
            return None;
        };
        Some(Clock {
            hour: two([h1, h2])?,
            minute: two([m1, m2])?,
            second: two([s1, s2])?,
            nanoseconds: self.fraction()?,
        })
    }

    fn fraction(&mut self) -> Option<u32> {
        let Some((b'.' | b',', rest)) = self.0.split_first() else {
            return Some(0);
        };
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (fraction, rest) = rest.split_at_checked(digits)?;
        self.0 = rest;
        let scale = 10_u32.pow(9_u32.checked_sub(u32::try_from(digits).ok()?)?);
        let value = fraction
            .iter()
            .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
        (digits > 0).then_some(value * scale)
    }

    /// Seconds east of UTC: nothing (the context says), `Z`, `±hh`, `±hhmm`, `±hh:mm` or a name, perhaps after a space.
    /// Takes all that is left.
    pub(super) fn zone(&mut self, context: &Context) -> Option<i64> {
        let text = std::mem::take(&mut self.0);
        let text = text.strip_prefix(b" ").unwrap_or(text);
        match *text {
            [] => Some(context.offset_seconds()),
            [b'Z' | b'z'] => Some(0),
            [sign @ (b'+' | b'-'), h1, h2] => offset(sign, [h1, h2], *b"00"),
            [sign @ (b'+' | b'-'), h1, h2, m1, m2]
            | [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => offset(sign, [h1, h2], [m1, m2]),
            _ => context.named_offset(std::str::from_utf8(text).ok()?),
        }
    }

    pub(super) fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

pub(super) const fn month(name: [u8; 3]) -> Option<i64> {
    Some(match &name {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}
