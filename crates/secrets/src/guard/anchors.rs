//! Where a value could be: a filter over windows of six bytes, and the needles behind each.
//!
//! The needles' first windows are known, and as many after the first as the shortest needle allows, at most
//! [`MAX_STEP`] of them: of a text, only every so many windows need be looked up. Windows are numbers multiplied by an odd constant (a bijection, so equal products are equal
//! windows). Their bits choose two bits of a bitmap that fits the processor's second cache; few positions
//! of a text pass it, and those are looked up in a sorted table. A pattern automaton over the same
//! needles would be tens of megabytes of plaintext in memory that nobody wipes; this is the values
//! themselves and a few bytes of each spelling, wiped on drop.

use zeroize::{Zeroize as _, Zeroizing};

/// Bytes of a window.
pub(super) const WINDOW: usize = 6;
/// Longest step from one window of a text to the next that is looked up.
pub(super) const MAX_STEP: usize = 7;

/// Windows looked up together.
pub(super) const TOGETHER: usize = 8;
/// Bytes that they are within.
pub(super) const SEEN: usize = 64;

const BITS: usize = 2;
const WORD_BITS: u32 = 14;
const BITMAP_WORDS: usize = 1 << WORD_BITS;
const BUCKET_BITS: u32 = 12;
const ODD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Hashes of windows to needles.
pub(super) struct Anchors {
    step: usize,
    /// The bytes that needles' windows have.
    begin: [bool; 256],
    bitmap: Box<[u64; BITMAP_WORDS]>,
    /// Where each bucket of `entries` begins.
    buckets: Zeroizing<Vec<u32>>,
    /// Sorted by hash.
    entries: Zeroizing<Vec<Entry>>,
}

/// A window's hash, its needle, and its place in the needle.
type Entry = (u64, (u32, u32));

/// A window's hash; equal for equal windows only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Hash(u64);

impl Hash {
    /// Of the six last bytes of `word`, which is little-endian.
    pub(super) fn of(word: u64) -> Self {
        Self((word & !0xFFFF).wrapping_mul(ODD))
    }

    /// Of the window at `at`, if two more bytes follow it: eight are read at once.
    #[inline]
    pub(super) fn of_window_at(bytes: &[u8], at: usize) -> Option<Self> {
        let word = bytes.get(at..)?.first_chunk()?;
        Some(Self::of(u64::from_le_bytes(*word) << 16))
    }

    pub(super) fn of_window(window: [u8; WINDOW]) -> Self {
        let [a, b, c, d, e, f] = window;
        Self::of(u64::from_le_bytes([0, 0, a, b, c, d, e, f]))
    }
}

impl Anchors {
    /// For needles `0..`, the shortest of which has `shortest` bytes; `window` gives a needle's window at a place.
    pub(super) fn new(
        needles: usize,
        shortest: usize,
        window: impl Fn(usize, usize) -> Option<[u8; WINDOW]>,
    ) -> Self {
        let step = shortest
            .saturating_add(1)
            .saturating_sub(WINDOW)
            .clamp(1, MAX_STEP);
        let mut entries = Zeroizing::new(Vec::with_capacity(needles * step));
        let mut bitmap = Box::new([0; BITMAP_WORDS]);
        let mut begin = [false; 256];
        for (needle, number) in (0..needles).zip(0_u32..) {
            for (place, offset) in (0..step).zip(0_u32..) {
                let Some(window) = window(needle, place) else {
                    continue;
                };
                for byte in window {
                    if let Some(begin) = begin.get_mut(usize::from(byte)) {
                        *begin = true;
                    }
                }
                let hash = Hash::of_window(window);
                let (word, bits) = bits_of(hash);
                if let Some(word) = bitmap.get_mut(word) {
                    *word |= bits.iter().fold(0, |all, bit| all | 1 << bit);
                }
                entries.push((hash.0, (number, offset)));
            }
        }
        // In place: a sort by merging would leave a copy behind.
        entries.sort_unstable();
        let starts = (0..=1_u64 << BUCKET_BITS).map(|bucket| {
            let start = entries.partition_point(|(hash, _)| hash >> (64 - BUCKET_BITS) < bucket);
            u32::try_from(start).unwrap_or(u32::MAX)
        });
        Self {
            step,
            begin,
            bitmap,
            buckets: Zeroizing::new(starts.collect()),
            entries,
        }
    }

    /// Every so many windows of a text are enough.
    pub(super) fn step(&self) -> usize {
        self.step
    }

    /// How far from its start a needle is recognised by: all windows of a text that are looked up for it are within.
    pub(super) fn reach(&self) -> usize {
        WINDOW + self.step - 1
    }

    /// Whether this byte is within some needle's [reach](Self::reach).
    pub(super) fn begin_with(&self, byte: u8) -> bool {
        self.begin
            .get(usize::from(byte))
            .is_some_and(|begin| *begin)
    }

    /// Whether some needle may have this window.
    #[inline]
    pub(super) fn may_have(&self, hash: Hash) -> bool {
        self.look_up(hash) & 1 == 1
    }

    /// Whether some needle may have one of [`TOGETHER`] windows, each `STEP` bytes after the one before.
    #[inline]
    pub(super) fn may_have_any<const STEP: usize>(&self, bytes: &[u8; SEEN]) -> bool {
        // All are looked up, come what may: the processor need not wait for one to begin with the next.
        let look_up = |number: usize| {
            let hash = Hash::of_window_at(bytes, number * STEP);
            hash.map_or(0, |hash| self.look_up(hash))
        };
        (0..TOGETHER).fold(0, |any, number| any | look_up(number)) & 1 == 1
    }

    /// The lowest bit says whether some needle may have this window; the others mean nothing.
    #[inline]
    fn look_up(&self, hash: Hash) -> u64 {
        let (word, bits) = bits_of(hash);
        let word = self.bitmap.get(word).copied().unwrap_or_default();
        bits.iter()
            .fold(word >> bits[0], |any, bit| any & word >> bit)
    }

    /// The needles that have this window, and where.
    pub(super) fn needles(&self, hash: Hash) -> impl Iterator<Item = (usize, usize)> {
        let bucket = usize::try_from(hash.0 >> (64 - BUCKET_BITS)).unwrap_or(usize::MAX);
        let start = |bucket: usize| self.buckets.get(bucket).map(|start| *start as usize);
        let range = start(bucket).zip(start(bucket + 1));
        let entries = range.and_then(|(from, to)| self.entries.get(from..to));
        let equal = entries
            .unwrap_or_default()
            .iter()
            .filter(move |(of, _)| *of == hash.0);
        equal.map(|(_, (needle, offset))| (*needle as usize, *offset as usize))
    }
}

impl Drop for Anchors {
    fn drop(&mut self) {
        self.begin.zeroize();
        self.bitmap.zeroize();
    }
}

/// The word of the bitmap, and bits of it: one alone would let too many pass.
#[inline]
fn bits_of(hash: Hash) -> (usize, [u64; BITS]) {
    let bits = std::array::from_fn(|bit| hash.0 >> (40 - 6 * bit) & 63);
    ((hash.0 >> (64 - WORD_BITS)) as usize, bits)
}
