//! The words of a line, masked.
//!
//! A word is what stands between white space. In a word, each stretch of letters and digits with a digit in it becomes the
//! mask; letters before nothing but digits stay (`eth0`). Masks with one separator between them become one, and a sign before a mask belongs
//! to it. A byte that is not ASCII counts as a letter.

use super::MAX_WORD_BYTES;

/// Stands for what was masked. A line that holds this byte has it masked as well.
pub(super) const MASK: u8 = 1;

/// What is shown for it.
pub(super) const SHOWN: &str = "<*>";

/// A line's words, one after the other; kept between lines so that reading allocates nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    bytes: Vec<u8>,
    /// The end of each word in `bytes`, and its hash.
    ends: Vec<(usize, u64)>,
    hash: u64,
}

/// One word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'w> {
    pub(super) hash: u64,
    pub(super) bytes: &'w [u8],
}

impl Word<'_> {
    /// Whether nothing of it is left.
    pub(super) fn is_mask(&self) -> bool {
        matches!(self.bytes, [MASK] | [MASK, b',' | b';'])
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Space,
    Digit,
    Letter,
    Other,
}

const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Other; 256];
    let mut byte = 0_usize;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let value = byte as u8;
        #[expect(clippy::indexing_slicing, reason = "below 256")]
        {
            kinds[byte] = match value {
                b' ' | b'\t'..=b'\r' => Kind::Space,
                b'0'..=b'9' | MASK => Kind::Digit,
                b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => Kind::Letter,
                _ => Kind::Other,
            };
        }
        byte += 1;
    }
    kinds
};

fn kind(byte: u8) -> Kind {
    KINDS.get(usize::from(byte)).copied().unwrap_or(Kind::Other)
}

impl Words {
    /// Reads a line of a log.
    pub(super) fn read(&mut self, line: &[u8], max_words: usize) {
        self.clear();
        let mut rest = line;
        loop {
            let start = rest.iter().position(|byte| kind(*byte) != Kind::Space);
            let Some((_, word)) = start.and_then(|start| rest.split_at_checked(start)) else {
                return self.end();
            };
            if self.ends.len() >= max_words {
                self.push(|out| out.push(MASK));
                return self.end();
            }
            let mut has_digit = false;
            let end = word.iter().position(|byte| match kind(*byte) {
                Kind::Space => true,
                Kind::Digit => {
                    has_digit = true;
                    false
                }
                _ => false,
            });
            let (word, tail) = word
                .split_at_checked(end.unwrap_or(word.len()))
                .unwrap_or((word, b""));
            if has_digit {
                self.push(|out| mask(word, out));
            } else {
                self.push(|out| out.extend_from_slice(word));
            }
            rest = tail;
        }
    }

    /// Reads a form as [`Miner::forms`](super::Miner::forms) writes it.
    pub(super) fn read_form(&mut self, text: &str, max_words: usize) {
        self.clear();
        for word in text.split_whitespace().take(max_words + 1) {
            let from = self.bytes.len();
            let mut rest = word;
            while let Some((before, after)) = rest.split_once(SHOWN) {
                self.bytes.extend_from_slice(before.as_bytes());
                self.bytes.push(MASK);
                rest = after;
            }
            self.bytes.extend_from_slice(rest.as_bytes());
            self.close(from);
        }
        self.end();
    }

    pub(super) const fn len(&self) -> usize {
        self.ends.len()
    }

    /// A hash of them all.
    pub(super) const fn hash(&self) -> u64 {
        self.hash
    }

    /// The first word's hash, if nothing of it is masked.
    pub(super) fn first(&self) -> Option<u64> {
        let first = self.iter().next()?;
        (!first.bytes.contains(&MASK)).then_some(first.hash)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Word<'_>> {
        let mut from = 0;
        self.ends.iter().map(move |&(end, hash)| {
            let bytes = self.bytes.get(from..end).unwrap_or_default();
            from = end;
            Word { hash, bytes }
        })
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Adds a word, unless it is a mask behind a mask.
    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let from = self.bytes.len();
        write(&mut self.bytes);
        if self.bytes.len() - from > MAX_WORD_BYTES {
            self.bytes.truncate(from);
            self.bytes.push(MASK);
        }
        let added = Word {
            hash: 0,
            bytes: self.bytes.get(from..).unwrap_or_default(),
        };
        let last = match self.ends.as_slice() {
            [.., (before, _), (end, _)] => self.bytes.get(*before..*end),
            [(end, _)] => self.bytes.get(..*end),
            [] => None,
        };
        let last = last.map(|bytes| Word { hash: 0, bytes });
        if added.is_mask() && last.is_some_and(|last| last.is_mask()) {
            self.bytes.truncate(from);
        } else {
            self.close(from);
        }
    }

    fn close(&mut self, from: usize) {
        let hash = hash(self.bytes.get(from..).unwrap_or_default());
        self.ends.push((self.bytes.len(), hash));
    }

    fn end(&mut self) {
        self.hash = self
            .ends
            .iter()
            .fold(self.ends.len() as u64, |sum, (_, hash)| mix(sum, *hash));
    }
}

/// Masks a word that has a digit.
fn mask(mut word: &[u8], out: &mut Vec<u8>) {
    let from = out.len();
    // Where the last mask ended, to join the next one to it.
    let mut last_mask = None;
    while let Some(&byte) = word.first() {
        if kind(byte) == Kind::Other {
            out.push(byte);
            word = word.get(1..).unwrap_or_default();
            continue;
        }
        let end = word.iter().position(|byte| kind(*byte) == Kind::Other);
        let (stretch, rest) = word
            .split_at_checked(end.unwrap_or(word.len()))
            .unwrap_or((word, b""));
        word = rest;
        let is_next = last_mask.is_some_and(|end| out.len() <= end + 1);
        let digits = stretch.iter().position(|byte| kind(*byte) == Kind::Digit);
        match digits {
            // Part of a UUID or the like that happens to have no digit.
            None if is_next && stretch.len() >= 4 && stretch.iter().all(u8::is_ascii_hexdigit) => {}
            None => {
                out.extend_from_slice(stretch);
                continue;
            }
            Some(letters @ 3..) if is_name(stretch, letters) => {
                out.extend_from_slice(stretch.get(..letters).unwrap_or_default());
                out.push(MASK);
                last_mask = Some(out.len());
                continue;
            }
            Some(_) => {}
        }
        match last_mask.filter(|_| is_next) {
            Some(end) => out.truncate(end),
            None => {
                drop_sign(out, from);
                out.push(MASK);
            }
        }
        last_mask = Some(out.len());
    }
}

/// Letters and then nothing but digits.
fn is_name(stretch: &[u8], letters: usize) -> bool {
    let tail = stretch.get(letters..).unwrap_or_default();
    tail.iter().all(|byte| kind(*byte) == Kind::Digit)
}

/// A sign belongs to the number behind it unless it joins it to a name.
fn drop_sign(out: &mut Vec<u8>, from: usize) {
    let word = out.get(from..).unwrap_or_default();
    let is_sign = match word {
        [.., before, b'-' | b'+'] => kind(*before) == Kind::Other,
        [b'-' | b'+'] => true,
        _ => false,
    };
    if is_sign {
        out.pop();
    }
}

/// Fast and the same everywhere; who finds two texts with one hash gains nothing, as words are compared, too.
fn hash(word: &[u8]) -> u64 {
    let mut chunks = word.chunks_exact(8);
    let sum = chunks.by_ref().fold(word.len() as u64, |sum, chunk| {
        let chunk = chunk.first_chunk::<8>().copied().unwrap_or_default();
        mix(sum, u64::from_le_bytes(chunk))
    });
    let tail = chunks.remainder().iter();
    mix(sum, tail.fold(0, |tail, byte| tail << 8 | u64::from(*byte)))
}

const fn mix(sum: u64, more: u64) -> u64 {
    let mixed = (sum.rotate_left(5) ^ more).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 29)
}
