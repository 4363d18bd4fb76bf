//! Double-entry for bytes: whatever went in is in a record or was kept raw for a reason, once.
//!
//! **Invariant:** after [`Ledger::verify`] succeeds, the spans entered are disjoint and cover the input.
//! Entries may come out of order, as a message joined from several lines comes after lines that stand between
//! them. The ledger holds a frontier, below which everything is entered, and the ranges beyond it:
//! memory is in the number of gaps, time per entry is logarithmic in it, constant when there are none.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::error::Reason;
use crate::record::Spans;

/// Accounts for the bytes of one input.
///
/// ```
/// use narae_logparse::Reason;
/// use narae_logparse::ledger::{Imbalance, Ledger};
///
/// let mut ledger = Ledger::default();
/// ledger.raw(10..15, Reason::UnclosedQuote);
/// assert_eq!(ledger.verify(15), Err(Imbalance::Missing { start: 0, end: 10 }));
/// ledger.record(&(0..10).into());
/// ledger.verify(15)?;
/// assert_eq!((ledger.record_bytes(), ledger.raw_bytes()), (10, 5));
/// # Ok::<(), Imbalance>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// INVARIANT: every byte below is entered.
    frontier: u64,
    /// Start to end of what is entered beyond the frontier. INVARIANT: disjoint, touching neither it nor each other.
    ahead: BTreeMap<u64, u64>,
    /// The start of the first entry that overlaps an earlier one.
    twice: Option<u64>,
    records: u64,
    record_bytes: u64,
    raw_bytes: u64,
    reasons: BTreeMap<Reason, u64>,
}

/// A ledger that does not add up: a defect of whoever kept it, never of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a byte is entered once, or not at all, or more often"
)]
pub enum Imbalance {
    /// Bytes of the input that are in no record and were not kept raw.
    #[error("bytes {start} to {end} are accounted for nowhere")]
    Missing {
        /// The first of them.
        start: u64,
        /// The one after the last.
        end: u64,
    },
    /// An entry that overlaps another, or lies beyond the end of the input.
    #[error("the entry at byte {at} overlaps another or lies beyond the input")]
    Excess {
        /// Where it starts.
        at: u64,
    },
}

impl Ledger {
    /// A ledger of an input whose bytes before this offset are somebody else's.
    pub fn starting_at(offset: u64) -> Self {
        Self {
            frontier: offset,
            ..Self::default()
        }
    }

    /// The offset below which every byte is entered: where to read on from another time without losing any.
    pub const fn frontier(&self) -> u64 {
        self.frontier
    }

    /// Enters a record.
    pub fn record(&mut self, spans: &Spans) {
        self.records += 1;
        for span in spans.iter() {
            self.record_bytes += span.end - span.start;
            self.enter(span);
        }
    }

    /// Enters bytes that were kept as they are.
    pub fn raw(&mut self, span: Range<u64>, reason: Reason) {
        *self.reasons.entry(reason).or_default() += 1;
        self.raw_bytes += span.end.saturating_sub(span.start);
        self.enter(span);
    }

    /// Enters bytes that are accounted for elsewhere.
    pub fn pass(&mut self, span: Range<u64>) {
        self.enter(span);
    }

    /// What is entered beyond the frontier, in order: with the frontier, where an earlier reader stood ([`Reader::skip`](crate::Reader::skip)).
    pub fn ahead(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.ahead.iter().map(|(start, end)| *start..*end)
    }

    /// How many records there were.
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// Bytes in records, line endings included.
    pub const fn record_bytes(&self) -> u64 {
        self.record_bytes
    }

    /// Bytes kept raw, line endings included.
    pub const fn raw_bytes(&self) -> u64 {
        self.raw_bytes
    }

    /// How often each reason for keeping bytes raw occurred, in the order of [`Reason`].
    pub fn reasons(&self) -> impl Iterator<Item = (Reason, u64)> + '_ {
        self.reasons.iter().map(|(reason, count)| (*reason, *count))
    }

    /// How many gaps there are before the last byte entered: what the ledger's memory grows with.
    pub fn gaps(&self) -> usize {
        self.ahead.len()
    }

    /// Checks that the entries are the input, each byte once.
    ///
    /// # Errors
    ///
    /// The first [`Imbalance`].
    pub fn verify(&self, input_bytes: u64) -> Result<(), Imbalance> {
        if let Some(at) = self.twice {
            return Err(Imbalance::Excess { at });
        }
        let end = self
            .ahead
            .last_key_value()
            .map_or(self.frontier, |(_, end)| *end);
        if end > input_bytes {
            return Err(Imbalance::Excess { at: input_bytes });
        }
        if self.frontier < input_bytes {
            let end = self.ahead.keys().next().copied().unwrap_or(input_bytes);
            return Err(Imbalance::Missing {
                start: self.frontier,
                end,
            });
        }
        Ok(())
    }

    fn enter(&mut self, span: Range<u64>) {
        if span.is_empty() {
            return;
        }
        let before = self
            .ahead
            .range(..span.end)
            .next_back()
            .map_or(self.frontier, |(_, end)| *end);
        if before > span.start {
            self.twice.get_or_insert(span.start);
            return;
        }
        if span.start > self.frontier {
            // Neighbours become one range, or a message that never ends would make the ledger grow with the input.
            let end = self.ahead.remove(&span.end).unwrap_or(span.end);
            match self.ahead.range_mut(..span.start).next_back() {
                Some((_, before)) if *before == span.start => *before = end,
                _ => drop(self.ahead.insert(span.start, end)),
            }
            return;
        }
        self.frontier = span.end;
        while let Some(end) = self.ahead.remove(&self.frontier) {
            self.frontier = end;
        }
    }
}
