//! One spelling of one value: plain, base64 at one of three alignments, or hexadecimal.
//!
//! Spellings are computed from the value as they are compared, never stored. Of base64, a needle has the
//! characters that the value decides alone, whatever stands before and after it (RFC 4648).

use super::anchors::WINDOW;
use super::finding::Form;

/// How a value is spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    Plain,
    /// Without what stands before lines.
    Lines,
    /// `bit`: the first bit of the value that begins a character of its own.
    Base64 {
        bit: usize,
        url: bool,
    },
    Hex {
        upper: bool,
    },
}

/// A value's number and its spelling.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needle {
    pub(super) value: usize,
    pub(super) spelling: Spelling,
}

impl Spelling {
    /// Every spelling that differs from the others for this value.
    pub(super) fn all(value: &[u8], has_lines: bool) -> Vec<Self> {
        let mut all = vec![if has_lines { Self::Lines } else { Self::Plain }];
        all.extend([false, true].map(|upper| Self::Hex { upper }));
        for bit in [0, 4, 2] {
            let standard = Self::Base64 { bit, url: false };
            all.push(standard);
            if standard
                .units(value)
                .any(|unit| matches!(unit, b'+' | b'/'))
            {
                all.push(Self::Base64 { bit, url: true });
            }
        }
        all
    }

    /// The spelling's bytes.
    pub(super) fn units(self, value: &[u8]) -> impl Iterator<Item = u8> {
        (0..self.len(value)).map(move |index| self.unit(value, index))
    }

    /// How many bytes the spelling has.
    pub(super) fn len(self, value: &[u8]) -> usize {
        match self {
            Self::Plain | Self::Lines => value.len(),
            Self::Hex { .. } => 2 * value.len(),
            Self::Base64 { bit, .. } => (8 * value.len() - bit) / 6,
        }
    }

    /// The window at a place; `None` when there are fewer bytes.
    pub(super) fn window(self, value: &[u8], place: usize) -> Option<[u8; WINDOW]> {
        let is_whole = place + WINDOW <= self.len(value);
        is_whole.then(|| std::array::from_fn(|index| self.unit(value, place + index)))
    }

    /// What a finding calls it.
    pub(super) fn form(self, plain: Form) -> Form {
        match self {
            Self::Plain | Self::Lines => plain,
            Self::Base64 { .. } => Form::Base64,
            Self::Hex { .. } => Form::Hex,
        }
    }

    fn unit(self, value: &[u8], index: usize) -> u8 {
        let byte = |index: usize| value.get(index).copied().unwrap_or_default();
        match self {
            Self::Plain | Self::Lines => byte(index),
            Self::Hex { upper } => {
                let shift = if index.is_multiple_of(2) { 4 } else { 0 };
                let digit = byte(index / 2) >> shift & 15;
                let ten = if upper { b'A' } else { b'a' };
                if digit < 10 {
                    b'0' + digit
                } else {
                    ten + digit - 10
                }
            }
            Self::Base64 { bit, url } => {
                let bit = bit + 6 * index;
                let pair = u16::from_be_bytes([byte(bit / 8), byte(bit / 8 + 1)]);
                let [_, six] = (pair >> (10 - bit % 8) & 63).to_be_bytes();
                match (six, url) {
                    (0..26, _) => b'A' + six,
                    (26..52, _) => b'a' + six - 26,
                    (52..62, _) => b'0' + six - 52,
                    (62, false) => b'+',
                    (62, true) => b'-',
                    (_, false) => b'/',
                    (_, true) => b'_',
                }
            }
        }
    }
}
