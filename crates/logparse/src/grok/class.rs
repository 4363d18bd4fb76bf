//! Sets of characters.

/// A set of characters: any of ASCII, and all of the others but some, or some of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Class {
    ascii: u128,
    /// Whether characters beyond ASCII are in, but for `ranges`.
    wide: bool,
    ranges: Vec<(char, char)>,
}

impl Class {
    pub(super) const NONE: Self = Self {
        ascii: 0,
        wide: false,
        ranges: Vec::new(),
    };

    /// `.`
    pub(super) fn not_newline() -> Self {
        Self::one('\n').negated()
    }

    pub(super) fn one(character: char) -> Self {
        let mut class = Self::NONE;
        class.add(character, character);
        class
    }

    pub(super) fn ascii(wanted: impl Fn(u8) -> bool) -> Self {
        let mut class = Self::NONE;
        for byte in (0..128).filter(|byte| wanted(*byte)) {
            class.ascii |= 1 << byte;
        }
        class
    }

    pub(super) fn add(&mut self, first: char, last: char) {
        for byte in 0..128_u8 {
            if (first..=last).contains(&char::from(byte)) {
                self.ascii |= 1 << byte;
            }
        }
        if !last.is_ascii() {
            self.ranges.push((first.max('\u{80}'), last));
        }
    }

    /// Adds a set; `false` if the sum is no such set.
    pub(super) fn union(&mut self, other: &Self) -> bool {
        if self.wide != other.wide && !(self.ranges.is_empty() && other.ranges.is_empty()) {
            return false;
        }
        self.ascii |= other.ascii;
        self.wide |= other.wide;
        self.ranges.extend(&other.ranges);
        !self.wide || self.ranges.is_empty()
    }

    pub(super) fn negated(mut self) -> Self {
        self.ascii = !self.ascii;
        self.wide = !self.wide;
        self
    }

    /// With both cases of every ASCII letter in it.
    pub(super) fn folded(mut self) -> Self {
        for byte in b'a'..=b'z' {
            let both = 1_u128 << byte | 1_u128 << byte.to_ascii_uppercase();
            if self.ascii & both != 0 {
                self.ascii |= both;
            }
        }
        self
    }

    #[inline]
    pub(super) const fn has_ascii(&self, byte: u8) -> bool {
        self.ascii & (1 << (byte & 127)) != 0
    }

    /// Whether it has a character beyond ASCII, or a byte that is none (`None`).
    pub(super) fn has_wide(&self, character: Option<char>) -> bool {
        let listed = character.is_some_and(|character| {
            self.ranges
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&character))
        });
        self.wide != listed
    }

    /// The bytes that end a run of the set, if these are at most three and everything beyond ASCII goes on.
    pub(super) fn ends(&self) -> Option<[u8; 3]> {
        if !self.wide || !self.ranges.is_empty() {
            return None;
        }
        let mut bytes = (0..128_u8).filter(|byte| !self.has_ascii(*byte));
        let first = bytes.next()?;
        let (second, third) = (bytes.next().unwrap_or(first), bytes.next().unwrap_or(first));
        bytes.next().is_none().then_some([first, second, third])
    }

    /// The ASCII members as bits, and whether there may be others.
    pub(super) const fn summary(&self) -> (u128, bool) {
        (self.ascii, self.wide || !self.ranges.is_empty())
    }

    /// The only member, if there is one.
    pub(super) fn only(&self) -> Option<char> {
        match (self.single(), self.ranges.as_slice()) {
            (Some(byte), _) => Some(char::from(byte)),
            (None, [(first, last)]) if self.ascii == 0 && !self.wide && first == last => {
                Some(*first)
            }
            _ => None,
        }
    }

    /// The only member, if there is one and it is ASCII.
    pub(super) fn single(&self) -> Option<u8> {
        let only = self.ascii.count_ones() == 1 && !self.wide && self.ranges.is_empty();
        only.then(|| u8::try_from(self.ascii.trailing_zeros()).ok())?
    }
}

/// The next character at a place: how long it is, and what, or `None` for a byte that is not UTF-8.
#[inline]
pub(super) fn decode(text: &[u8], at: usize) -> Option<(usize, Option<char>)> {
    let rest = text.get(at..)?;
    match rest {
        [] => None,
        [0..=0x7F, ..] => rest.first().map(|byte| (1, Some(char::from(*byte)))),
        _ => Some(wide(rest)),
    }
}

fn wide(rest: &[u8]) -> (usize, Option<char>) {
    let most = rest.get(..4).unwrap_or(rest);
    let valid = match std::str::from_utf8(most) {
        Ok(text) => text,
        Err(error) => {
            let valid = most.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
    };
    match valid.chars().next() {
        Some(character) => (character.len_utf8(), Some(character)),
        None => (1, None),
    }
}

/// Where the character before a place begins.
pub(super) fn before(text: &[u8], at: usize) -> Option<usize> {
    let last = at.checked_sub(1)?;
    if text.get(last).is_some_and(u8::is_ascii) {
        return Some(last);
    }
    let found = (at.saturating_sub(4)..=last)
        .rev()
        .find(|start| decode(text, *start).is_some_and(|(length, _)| start + length == at));
    Some(found.unwrap_or(last))
}
