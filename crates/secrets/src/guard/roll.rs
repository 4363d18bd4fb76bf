//! Windows of decoded bytes, each one after the other: where an encoding runs through them, and at a buffer's end.

use super::anchors::{Hash, WINDOW};
use super::finding::Form;
use super::matching::Matcher;
use super::scan::{Buffer, Hits};
use super::units::{Joined, Percent, Raw, Unescaped, Units};

/// A way to read the buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    Raw,
    Unescaped,
    UnescapedTwice,
    Percent,
    Joined,
    JoinedUnescaped,
}

/// Where units begin, by their numbers; the last eight are known.
struct Starts([usize; 8]);

impl Starts {
    fn set(&mut self, unit: usize, start: usize) {
        if let Some(slot) = self.0.get_mut(unit % 8) {
            *slot = start;
        }
    }

    fn get(&self, unit: usize) -> usize {
        self.0.get(unit % 8).copied().unwrap_or_default()
    }
}

impl Matcher {
    /// Looks at every window that begins within `starts`, read through `layer`.
    pub(super) fn roll(
        &self,
        layer: Layer,
        buffer: &Buffer<'_>,
        starts: std::ops::Range<usize>,
        hits: &mut Hits,
    ) {
        let raw = Raw::new(buffer.bytes, starts.start);
        match layer {
            Layer::Raw => self.roll_through(raw, layer, buffer, starts.end, hits),
            Layer::Unescaped => {
                self.roll_through(Unescaped::new(raw), layer, buffer, starts.end, hits)
            }
            Layer::UnescapedTwice => {
                let twice = Unescaped::new(Unescaped::new(raw));
                self.roll_through(twice, layer, buffer, starts.end, hits);
            }
            Layer::Percent => self.roll_through(Percent::new(raw), layer, buffer, starts.end, hits),
            Layer::Joined => self.roll_through(Joined::new(raw), layer, buffer, starts.end, hits),
            Layer::JoinedUnescaped => {
                let joined = Joined::new(Unescaped::new(raw));
                self.roll_through(joined, layer, buffer, starts.end, hits);
            }
        }
    }

    fn roll_through(
        &self,
        mut units: impl Units,
        layer: Layer,
        buffer: &Buffer<'_>,
        end: usize,
        hits: &mut Hits,
    ) {
        let mut word = 0_u64;
        // Where each of the last units begins, in turn.
        let mut starts = Starts([units.at(); 8]);
        let mut read = 0;
        loop {
            let at = units.at();
            let Some(unit) = units.next() else {
                self.cut_off(word, read, &starts, at, buffer, hits);
                return;
            };
            word = word >> 8 | u64::from(unit) << 56;
            starts.set(read, at);
            read += 1;
            if read < WINDOW {
                continue;
            }
            let start = starts.get(read - WINDOW);
            if start >= end {
                return;
            }
            let hash = Hash::of(word);
            if self.anchors.may_have(hash) {
                let begin = self
                    .anchors
                    .needles(hash)
                    .filter(|(_, offset)| *offset == 0);
                for (needle, _) in begin {
                    self.candidate(needle, start, layer, buffer, hits);
                }
            }
        }
    }

    /// The buffer ends within a window: what could still become a value is undecided.
    fn cut_off(
        &self,
        word: u64,
        read: usize,
        starts: &Starts,
        at: usize,
        buffer: &Buffer<'_>,
        hits: &mut Hits,
    ) {
        // An escape that is cut off.
        if matches!(buffer.bytes.get(at), Some(b'\\' | b'%')) {
            hits.undecided(at);
        }
        let have = word.to_le_bytes();
        for count in 1..WINDOW.min(read + 1) {
            let units = have.get(8 - count..).unwrap_or_default();
            if !buffer.is_flushed || self.begins_with(units) {
                hits.undecided(starts.get(read - count));
            }
        }
    }

    /// Whether some needle begins with these few bytes.
    fn begins_with(&self, units: &[u8]) -> bool {
        self.needles.iter().any(|needle| {
            let begin = self.units(*needle).take(units.len());
            begin.eq(units.iter().copied())
        })
    }
}

impl Layer {
    pub(super) fn form(self) -> Form {
        match self {
            Self::Raw | Self::Joined => Form::Plain,
            Self::Unescaped | Self::UnescapedTwice | Self::JoinedUnescaped => Form::Escaped,
            Self::Percent => Form::Percent,
        }
    }
}
