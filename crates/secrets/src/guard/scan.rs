//! One look at a buffer: what begins in it, and from where on it takes more bytes to tell.
//!
//! INVARIANT: what is decided about a byte does not depend on where the buffer ends or how it came:
//! what more bytes could change is undecided, and is looked at again with them.

use super::Guard;
use super::finding::What;

/// Most bytes one finding is looked for over; what is not whole by then is none.
pub(super) const MAX_SPAN_BYTES: usize = 128 * 1024;
/// Bytes before the first undecided one that are kept, to know what stands before it.
pub(super) const HISTORY_BYTES: usize = 64;

/// What is looked at.
pub(super) struct Buffer<'b> {
    pub(super) bytes: &'b [u8],
    /// What begins before is decided already.
    pub(super) from: usize,
    /// Nothing follows.
    pub(super) is_complete: bool,
    /// What is decided leaves at once, so no more may be left undecided than has to be.
    pub(super) is_flushed: bool,
}

/// What became of a place that could begin something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    No,
    /// The buffer ends too early to tell.
    Undecided,
    /// It does, up to this offset.
    Found(usize),
}

/// What was found in a buffer.
pub(super) struct Hits {
    from: usize,
    length: usize,
    is_complete: bool,
    undecided: usize,
    found: Vec<(usize, What)>,
}

impl Hits {
    /// Records the verdict about `start`.
    pub(super) fn add(&mut self, start: usize, verdict: Verdict, what: impl FnOnce() -> What) {
        match verdict {
            Verdict::No => {}
            Verdict::Undecided => self.undecided(start),
            Verdict::Found(_) if start < self.from => {}
            Verdict::Found(_) => self.found.push((start, what())),
        }
    }

    /// Something may begin at `start`.
    pub(super) fn undecided(&mut self, start: usize) {
        let is_given_up = self.length.saturating_sub(start) > MAX_SPAN_BYTES;
        if !self.is_complete && !is_given_up && start >= self.from {
            self.undecided = self.undecided.min(start);
        }
    }
}

impl Guard {
    /// Everything that begins in the decided part of `buffer`, in order, and where the undecided part begins.
    pub(super) fn scan(&self, buffer: &Buffer<'_>) -> (Vec<(usize, What)>, usize) {
        let mut hits = Hits {
            from: buffer.from,
            length: buffer.bytes.len(),
            is_complete: buffer.is_complete,
            undecided: buffer.bytes.len(),
            found: Vec::new(),
        };
        if let Some(matcher) = &self.matcher {
            matcher.scan(buffer, &mut hits);
        }
        if let Some(shapes) = &self.shapes {
            shapes.scan(buffer, &mut hits);
        }
        let Hits {
            undecided,
            mut found,
            ..
        } = hits;
        found.retain(|(start, _)| *start < undecided);
        found.sort_unstable();
        found.dedup_by(|later, first| later.0 == first.0 && later.1.is_same(&first.1));
        (found, undecided)
    }
}

impl What {
    /// Whether it is the same secret, in whatever form.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Known { name, .. }, Self::Known { name: other, .. }) => name == other,
            (this, other) => this == other,
        }
    }
}
