//! Sets of characters, made ready to be run over: one look into a table for a byte of ASCII, or a search for what ends the run.

use super::class::{Class, decode};

#[derive(Clone)]
pub(super) struct Set {
    class: Class,
    /// Of each byte, whether it is a member; those beyond ASCII are looked at more closely.
    ascii: [bool; 256],
    /// The only bytes that end a run.
    ends: Option<[u8; 3]>,
}

impl std::fmt::Debug for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.class.fmt(f)
    }
}

/// Where a run ends, and after how many characters.
pub(super) struct End {
    pub(super) at: usize,
    pub(super) count: u32,
}

impl Set {
    pub(super) fn new(class: &Class) -> Self {
        let mut ascii = [false; 256];
        for (byte, member) in (0..128_u8).zip(&mut ascii) {
            *member = class.has_ascii(byte);
        }
        Self {
            class: class.clone(),
            ascii,
            ends: class.ends(),
        }
    }

    #[inline]
    fn has(&self, byte: u8) -> bool {
        self.ascii.get(usize::from(byte)).copied().unwrap_or(false)
    }

    /// How long the character here is, if it is a member.
    #[inline]
    pub(super) fn member(&self, text: &[u8], at: usize) -> Option<usize> {
        let byte = *text.get(at)?;
        if byte.is_ascii() {
            return self.has(byte).then_some(1);
        }
        let (length, character) = decode(text, at)?;
        self.class.has_wide(character).then_some(length)
    }

    /// Where the members that stand here end.
    #[inline]
    pub(super) fn run(&self, text: &[u8], mut at: usize) -> usize {
        let rest = text.get(at..).unwrap_or_default();
        if let Some([first, second, third]) = self.ends {
            return at + memchr::memchr3(first, second, third, rest).unwrap_or(rest.len());
        }
        loop {
            let rest = text.get(at..).unwrap_or_default();
            let plain = rest.iter().position(|byte| !self.has(*byte));
            at += plain.unwrap_or(rest.len());
            // What is left is no member, or beyond ASCII.
            match self.member(text, at) {
                Some(length) => at += length,
                None => return at,
            }
        }
    }

    /// The same, of so many characters at most.
    #[inline]
    pub(super) fn run_of(&self, text: &[u8], mut at: usize, max: u32) -> End {
        let mut count = 0;
        while count < max
            && let Some(length) = self.member(text, at)
        {
            at += length;
            count += 1;
        }
        End { at, count }
    }
}
