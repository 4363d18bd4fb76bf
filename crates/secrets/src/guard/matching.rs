//! Finds known values in a buffer, in every spelling and through every encoding.
//!
//! A value is recognised by its first window of six decoded bytes and then compared byte for byte. Windows
//! of bytes as they are cost a multiplication and a look into a bitmap each; windows that an escape or a
//! wrapped line runs through are read by the readers of [`units`](super::units), around those places only.

use std::sync::Arc;

use memchr::{memchr, memchr_iter, memchr2_iter};

use super::anchors::{Anchors, Hash, MAX_STEP, TOGETHER};
use super::finding::{Form, What};
use super::known::{KnownValue, KnownValues};
use super::needle::{Needle, Spelling};
use super::roll::Layer;
use super::scan::{Buffer, Hits, MAX_SPAN_BYTES, Verdict};
use super::units::{Joined, Lines, Percent, Raw, Unescaped, Units, escaped_byte};
use super::wrap::{WRAPPED_LINE, is_wrap, may_be_wrapped};

/// Escapes this close to each other are read in one go.
const CLUSTER_GAP: usize = 32;

/// Known values, ready to be looked for.
pub(super) struct Matcher {
    values: Vec<(Arc<str>, KnownValue)>,
    pub(super) needles: Vec<Needle>,
    pub(super) anchors: Anchors,
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
                shortest = shortest.min(known.recognised_by(spelling));
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
        // Of breaks closer to each other than a wrapped line is long, none but the first can be one.
        let mut from = WRAPPED_LINE;
        let next = |from| memchr(b'\n', buffer.bytes.get(from..)?).map(|at| from + at);
        while let Some(line_break) = next(from) {
            if may_be_wrapped(buffer.bytes, line_break) && is_wrap(buffer.bytes, line_break) {
                let start = line_break.saturating_sub(self.anchors.reach());
                self.roll(Layer::Joined, buffer, start..line_break + 1, hits);
            }
            from = line_break + 1 + WRAPPED_LINE;
        }
    }

    /// Windows of bytes as they are; answers where the first is that was not looked at.
    fn as_they_are(&self, buffer: &Buffer<'_>, hits: &mut Hits) -> usize {
        match self.anchors.step() {
            1 => self.in_steps::<1>(buffer, hits),
            2 => self.in_steps::<2>(buffer, hits),
            3 => self.in_steps::<3>(buffer, hits),
            4 => self.in_steps::<4>(buffer, hits),
            5 => self.in_steps::<5>(buffer, hits),
            6 => self.in_steps::<6>(buffer, hits),
            _ => self.in_steps::<MAX_STEP>(buffer, hits),
        }
    }

    fn in_steps<const STEP: usize>(&self, buffer: &Buffer<'_>, hits: &mut Hits) -> usize {
        let mut at = buffer.from;
        let rest = |at| buffer.bytes.get(at..).unwrap_or_default();
        while let Some(bytes) = rest(at).first_chunk() {
            let end = at + TOGETHER * STEP;
            if self.anchors.may_have_any::<STEP>(bytes) {
                for at in (at..end).step_by(STEP) {
                    self.anchored(at, buffer, hits);
                }
            }
            at = end;
        }
        while self.anchored(at, buffer, hits) {
            at += STEP;
        }
        // What begins less than a step before may have been stepped over.
        (at + 1).saturating_sub(STEP).max(buffer.from)
    }

    /// What the window at `at`, of bytes as they are, may be part of; `false` where too few bytes are left to tell.
    fn anchored(&self, at: usize, buffer: &Buffer<'_>, hits: &mut Hits) -> bool {
        let Some(hash) = Hash::of_window_at(buffer.bytes, at) else {
            return false;
        };
        if self.anchors.may_have(hash) {
            for (needle, offset) in self.anchors.needles(hash) {
                if let Some(start) = at.checked_sub(offset) {
                    self.candidate(needle, start, Layer::Raw, buffer, hits);
                }
            }
        }
        true
    }

    /// Windows that an escape runs through.
    fn clusters(&self, buffer: &Buffer<'_>, escapes: impl Iterator<Item = usize>, hits: &mut Hits) {
        let mut escapes = escapes.peekable();
        while let Some(first) = escapes.next() {
            let mut matters = self.matters(buffer.bytes, first);
            let mut last = first;
            while let Some(next) = escapes.next_if(|next| next - last <= CLUSTER_GAP) {
                matters |= self.matters(buffer.bytes, next);
                last = next;
            }
            let start = first.saturating_sub(self.anchors.reach());
            let within = buffer.bytes.get(first..=last).unwrap_or_default();
            let range = start..last + 1;
            if matters && within.contains(&b'%') {
                self.roll(Layer::Percent, buffer, range.clone(), hits);
            }
            if !within.contains(&b'\\') {
                continue;
            }
            if matters {
                self.roll(Layer::Unescaped, buffer, range.clone(), hits);
            }
            // The byte after the last escape's `\` may be the second of two.
            let end = buffer.bytes.len().min(last + 2);
            let within = buffer.bytes.get(first..end).unwrap_or_default();
            if matters && within.windows(2).any(|pair| pair == br"\\") {
                self.roll(Layer::UnescapedTwice, buffer, range.clone(), hits);
            }
            let wraps = memchr_iter(b'\\', within).any(|at| is_wrap(buffer.bytes, first + at));
            if wraps {
                self.roll(Layer::JoinedUnescaped, buffer, range, hits);
            }
        }
    }

    /// Whether the escape at `at` can run through what a needle is recognised by: what it stands for is in that. With JSON
    /// within JSON, each of several `\` is asked about for itself.
    fn matters(&self, bytes: &[u8], at: usize) -> bool {
        let byte = escaped_byte(bytes.get(at..).unwrap_or_default());
        byte.is_none_or(|byte| self.anchors.begin_with(byte))
    }

    /// Compares a needle with what stands at `start`.
    pub(super) fn candidate(
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

    pub(super) fn units(&self, needle: Needle) -> impl Iterator<Item = u8> {
        let known = self.values.get(needle.value);
        let value = known.map_or(&[][..], |(_, known)| known.spelt(needle.spelling));
        needle.spelling.units(value)
    }
}

impl KnownValue {
    /// How many bytes of a spelling stand together: of lines, those of the first.
    fn recognised_by(&self, spelling: Spelling) -> usize {
        let spelt = self.spelt(spelling);
        let line = match spelling {
            Spelling::Lines => memchr(b'\n', spelt),
            _ => None,
        };
        line.unwrap_or(spelling.len(spelt))
    }

    /// The bytes that a spelling spells.
    fn spelt(&self, spelling: Spelling) -> &[u8] {
        match (&self.lines, spelling) {
            (Some(lines), Spelling::Lines) => lines.expose(),
            _ => self.bytes.expose(),
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
