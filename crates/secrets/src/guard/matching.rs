//! Finds known values in a buffer, in every spelling and through every encoding.
//!
//! A value is recognised by its first window of six decoded bytes and then compared byte for byte. Windows
//! of bytes as they are cost a multiplication and a look into a bitmap each; windows that an escape or a
//! wrapped line runs through are read by the readers of [`units`](super::units), around those places only.

use std::iter::successors;
use std::sync::Arc;

use memchr::{memchr_iter, memchr2_iter};

use super::anchors::{Anchors, Hash, WINDOW};
use super::finding::{Form, What};
use super::known::{KnownValue, KnownValues};
use super::needle::{Needle, Spelling};
use super::scan::{Buffer, Hits, MAX_SPAN_BYTES, Verdict};
use super::units::{Joined, Lines, Percent, Raw, Unescaped, Units, is_blank, is_break};

/// Characters of base64 or hexadecimal digits that stand before a line break for it to be one within a value:
/// tools wrap at 60 to 76.
pub(super) const WRAPPED_LINE: usize = 24;
/// Escapes this close to each other are read in one go.
const CLUSTER_GAP: usize = 32;
/// Known values, ready to be looked for.
pub(super) struct Matcher {
    values: Vec<(Arc<str>, KnownValue)>,
    needles: Vec<Needle>,
    anchors: Anchors,
}

/// A way to read the buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layer {
    Raw,
    Unescaped,
    UnescapedTwice,
    Percent,
    Joined,
    JoinedUnescaped,
}

impl Matcher {
    /// `None` when there is nothing to look for.
    pub(super) fn new(known: KnownValues) -> Option<Self> {
        let values: Vec<_> = known
            .into_values()
            .into_iter()
            .map(|known| (Arc::from(known.name.as_str()), known))
            .collect();
        let mut needles = Vec::new();
        let mut shortest = usize::MAX;
        for (value, (_, known)) in values.iter().enumerate() {
            for spelling in Spelling::all(known.bytes.expose(), known.lines.is_some()) {
                shortest = shortest.min(spelling.len(known.spelt(spelling)));
                needles.push(Needle { value, spelling });
            }
        }
        let anchors = Anchors::new(needles.len(), shortest, |needle, place| {
            let Needle { value, spelling } = needles.get(needle)?;
            spelling.window(values.get(*value)?.1.spelt(*spelling), place)
        });
        (!needles.is_empty()).then_some(Self {
            values,
            needles,
            anchors,
        })
    }

    /// How many spellings are looked for.
    pub(super) fn needles(&self) -> usize {
        self.needles.len()
    }

    /// Looks for every value that begins at `buffer.from` or after it.
    pub(super) fn scan(&self, buffer: &Buffer<'_>, hits: &mut Hits) {
        let fast_end = self.as_they_are(buffer, hits);
        let end = buffer.bytes.len();
        self.roll(Layer::Raw, buffer, fast_end..end, hits);
        let is_special = |at: usize| {
            let bytes = buffer.bytes.get(at..at + 3).unwrap_or_default();
            // The buffer's end may cut an escape: it is looked at again with more.
            match bytes {
                [b'%', high, low] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
                _ => true,
            }
        };
        // From what went before, too: an escape is to be read from its first byte.
        let escapes = memchr2_iter(b'\\', b'%', buffer.bytes);
        self.clusters(buffer, escapes.filter(|at| is_special(*at)), hits);
        for line_break in memchr_iter(b'\n', buffer.bytes) {
            if is_wrap(buffer.bytes, line_break) {
                let start = line_break.saturating_sub(WINDOW);
                self.roll(Layer::Joined, buffer, start..line_break + 1, hits);
            }
        }
    }

    /// Windows of bytes as they are; answers where the first is that was not looked at.
    fn as_they_are(&self, buffer: &Buffer<'_>, hits: &mut Hits) -> usize {
        let step = self.anchors.step();
        let mut at = buffer.from;
        while let Some(word) = buffer.bytes.get(at..at + 8) {
            let word = word.try_into().map(u64::from_le_bytes).unwrap_or_default();
            // Six of the eight.
            let hash = Hash::of(word << 16);
            if self.anchors.may_have(hash) {
                for (needle, offset) in self.anchors.needles(hash) {
                    if let Some(start) = at.checked_sub(offset) {
                        self.candidate(needle, start, Layer::Raw, buffer, hits);
                    }
                }
            }
            at += step;
        }
        // What begins less than a step before may have been stepped over.
        (at + 1).saturating_sub(step).max(buffer.from)
    }

    /// Windows that an escape runs through.
    fn clusters(&self, buffer: &Buffer<'_>, escapes: impl Iterator<Item = usize>, hits: &mut Hits) {
        let mut escapes = escapes.peekable();
        while let Some(first) = escapes.next() {
            let last = successors(Some(first), |before| {
                escapes.next_if(|next| next - before <= CLUSTER_GAP)
            });
            let last = last.last().unwrap_or(first);
            let start = first.saturating_sub(WINDOW);
            let within = buffer.bytes.get(first..=last).unwrap_or_default();
            let range = start..last + 1;
            if within.contains(&b'%') {
                self.roll(Layer::Percent, buffer, range.clone(), hits);
            }
            if !within.contains(&b'\\') {
                continue;
            }
            self.roll(Layer::Unescaped, buffer, range.clone(), hits);
            // The byte after the last escape's `\` may be the second of two.
            let end = buffer.bytes.len().min(last + 2);
            let within = buffer.bytes.get(first..end).unwrap_or_default();
            if within.windows(2).any(|pair| pair == br"\\") {
                self.roll(Layer::UnescapedTwice, buffer, range.clone(), hits);
            }
            let wraps = memchr_iter(b'\\', within).any(|at| is_wrap(buffer.bytes, first + at));
            if wraps {
                self.roll(Layer::JoinedUnescaped, buffer, range, hits);
            }
        }
    }

    /// Looks at every window that begins within `starts`, read through `layer`.
    fn roll(
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
        // Where each of the last windows begins, the oldest first.
        let mut starts = [units.at(); WINDOW];
        let mut read = 0;
        loop {
            let at = units.at();
            let Some(unit) = units.next() else {
                self.cut_off(word, read, starts, at, buffer, hits);
                return;
            };
            word = word >> 8 | u64::from(unit) << 56;
            starts.rotate_left(1);
            if let Some(newest) = starts.last_mut() {
                *newest = at;
            }
            read += 1;
            if read < WINDOW {
                continue;
            }
            let [start, ..] = starts;
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
        starts: [usize; WINDOW],
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
            let (Some(start), Some(units)) = (starts.get(WINDOW - count), have.get(8 - count..))
            else {
                continue;
            };
            if !buffer.is_flushed || self.begins_with(units) {
                hits.undecided(*start);
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

    /// Compares a needle with what stands at `start`.
    fn candidate(
        &self,
        needle: usize,
        start: usize,
        layer: Layer,
        buffer: &Buffer<'_>,
        hits: &mut Hits,
    ) {
        let Some(needle) = self.needles.get(needle).copied() else {
            return;
        };
        let (verdict, plain) = self.compare(needle, layer, buffer, start);
        if let Some((name, _)) = self.values.get(needle.value) {
            let form = needle.spelling.form(plain);
            hits.add(start, verdict, || What::Known {
                name: name.clone(),
                form,
            });
        }
    }

    /// Compares through `layer`; bytes as they are may go on with escapes or over lines.
    fn compare(
        &self,
        needle: Needle,
        layer: Layer,
        buffer: &Buffer<'_>,
        start: usize,
    ) -> (Verdict, Form) {
        let through = |layer| self.compare_through(needle, layer, buffer, start);
        let mut verdict = through(layer);
        if layer != Layer::Raw || !matches!(verdict, Verdict::No) {
            return (verdict, layer.form());
        }
        let others = match needle.spelling {
            Spelling::Plain | Spelling::Lines => {
                &[Layer::Unescaped, Layer::UnescapedTwice, Layer::Percent][..]
            }
            _ => &[
                Layer::Joined,
                Layer::JoinedUnescaped,
                Layer::Unescaped,
                Layer::Percent,
            ],
        };
        for other in others {
            match through(*other) {
                Verdict::No => {}
                Verdict::Undecided => verdict = Verdict::Undecided,
                found @ Verdict::Found(_) => return (found, other.form()),
            }
        }
        (verdict, Form::Plain)
    }

    fn compare_through(
        &self,
        needle: Needle,
        layer: Layer,
        buffer: &Buffer<'_>,
        start: usize,
    ) -> Verdict {
        let raw = Raw::new(buffer.bytes, start);
        match layer {
            Layer::Raw => self.compare_units(needle, raw, start),
            Layer::Unescaped => self.compare_units(needle, Unescaped::new(raw), start),
            Layer::UnescapedTwice => {
                self.compare_units(needle, Unescaped::new(Unescaped::new(raw)), start)
            }
            Layer::Percent => self.compare_units(needle, Percent::new(raw), start),
            Layer::Joined => self.compare_units(needle, Joined::new(raw), start),
            Layer::JoinedUnescaped => {
                self.compare_units(needle, Joined::new(Unescaped::new(raw)), start)
            }
        }
    }

    fn compare_units(&self, needle: Needle, units: impl Units, start: usize) -> Verdict {
        match needle.spelling {
            Spelling::Lines => compare(self.units(needle), Lines::new(units), start),
            _ => compare(self.units(needle), units, start),
        }
    }

    fn units(&self, needle: Needle) -> impl Iterator<Item = u8> {
        let known = self.values.get(needle.value);
        let value = known.map_or(&[][..], |(_, known)| known.spelt(needle.spelling));
        needle.spelling.units(value)
    }
}

impl KnownValue {
    /// The bytes that a spelling spells.
    fn spelt(&self, spelling: Spelling) -> &[u8] {
        match (&self.lines, spelling) {
            (Some(lines), Spelling::Lines) => lines.expose(),
            _ => self.bytes.expose(),
        }
    }
}

impl Layer {
    fn form(self) -> Form {
        match self {
            Self::Raw | Self::Joined => Form::Plain,
            Self::Unescaped | Self::UnescapedTwice | Self::JoinedUnescaped => Form::Escaped,
            Self::Percent => Form::Percent,
        }
    }
}

fn compare(expected: impl Iterator<Item = u8>, mut units: impl Units, start: usize) -> Verdict {
    for expected in expected {
        match units.next() {
            None => return Verdict::Undecided,
            Some(unit) if unit != expected => return Verdict::No,
            Some(_) if units.at() - start > MAX_SPAN_BYTES => return Verdict::No,
            Some(_) => {}
        }
    }
    Verdict::Found(units.at())
}

/// Whether the line break at `at`, perhaps written `\n`, stands within wrapped base64 or hexadecimal digits.
fn is_wrap(bytes: &[u8], at: usize) -> bool {
    let Some(before) = bytes.get(..at) else {
        return false;
    };
    let after = bytes.get(at..).unwrap_or_default();
    let before = match after {
        [b'\\', b'\\' | b'n' | b'r' | b'\n', ..] | [b'\\'] => {
            let escapes = [&br"\r"[..], br"\\r", br"\"];
            escapes
                .iter()
                .find_map(|escape| before.strip_suffix(*escape))
                .unwrap_or(before)
        }
        [b'\\', ..] => return false,
        _ => before.strip_suffix(b"\r").unwrap_or(before),
    };
    let Some(line) = before.last_chunk::<WRAPPED_LINE>() else {
        return false;
    };
    // Most lines end here: a blank is looked for in all of them at once.
    if line.iter().fold(false, |any, byte| any | (*byte == b' ')) {
        return false;
    }
    let is_wrapped = line
        .iter()
        .rev()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte));
    let next = after
        .iter()
        .find(|byte| !is_break(**byte) && !is_blank(**byte));
    is_wrapped && next.is_none_or(|byte| byte.is_ascii_alphanumeric() || b"+/-_\\".contains(byte))
}
