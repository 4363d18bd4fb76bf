//! A guard that is fed an output piece by piece.
//!
//! Memory: one buffer of [`CAPACITY`] bytes, wiped on drop, and [`MAX_FINDINGS`] findings.

use std::fmt;

use zeroize::Zeroizing;

use super::Guard;
use super::finding::{Finding, What};
use super::scan::{Buffer, HISTORY_BYTES, MAX_SPAN_BYTES};

/// Most findings kept of one output; it must not be written after the first.
pub const MAX_FINDINGS: usize = 1000;

/// New bytes that are gathered before the next look.
pub(super) const BLOCK: usize = 64 * 1024;
// Of a full buffer some bytes are decided: what may begin at its first undecided byte is given up after
// `MAX_SPAN_BYTES`, but for one escape more.
pub(super) const CAPACITY: usize = HISTORY_BYTES + MAX_SPAN_BYTES + 2 * BLOCK;

/// Looks through one output as it comes, in pieces of any size.
///
/// ```
/// use narae_secrets::SecretBytes;
/// use narae_secrets::guard::{Guard, KnownValues};
///
/// let mut known = KnownValues::new();
/// known.insert("shop/db/password", &SecretBytes::from("pa55word".to_owned()));
/// let guard = Guard::new(known);
///
/// let mut scanner = guard.scanner();
/// scanner.feed(b"user: shop\npassword: cGE1");
/// scanner.feed(b"NXdvcmQ=\n");
/// let findings = scanner.finish();
/// assert_eq!(findings[0].to_string(), "2:11: the value of shop/db/password in base64");
/// ```
pub struct Scanner<'g> {
    guard: &'g Guard,
    buffer: Zeroizing<Vec<u8>>,
    /// In the buffer: what begins before this is decided.
    from: usize,
    /// How much of the buffer the last look had.
    seen: usize,
    place: Place,
    findings: Vec<Finding>,
}

/// Where the byte at `from` stands in the output.
#[derive(Clone, Copy, Debug)]
struct Place {
    offset: u64,
    line: u64,
    column: u64,
}

impl<'g> Scanner<'g> {
    pub(super) fn new(guard: &'g Guard) -> Self {
        Self {
            guard,
            buffer: Zeroizing::new(Vec::new()),
            from: 0,
            seen: 0,
            place: Place::START,
            findings: Vec::new(),
        }
    }

    /// Takes the next bytes of the output.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        if self.buffer.capacity() == 0 && !bytes.is_empty() {
            // All at once: growing would leave copies behind.
            self.buffer.reserve_exact(CAPACITY);
        }
        while !bytes.is_empty() {
            let room = (self.seen + BLOCK).min(CAPACITY) - self.buffer.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.buffer.len() >= self.seen + BLOCK || self.buffer.len() >= CAPACITY {
                self.look(false, false);
                self.forget();
            }
        }
    }

    /// What was found so far.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Everything that was found; the output is complete.
    #[must_use]
    pub fn finish(mut self) -> Vec<Finding> {
        self.end();
        self.findings
    }

    /// Looks at what is there; nothing follows.
    pub(super) fn end(&mut self) {
        self.look(true, false);
    }

    /// Decides as much as can be decided now.
    pub(super) fn settle(&mut self) {
        self.look(false, true);
        self.forget();
    }

    /// Bytes of the output, from its start, about which all is decided.
    pub(super) fn decided(&self) -> u64 {
        self.place.offset
    }

    fn look(&mut self, is_complete: bool, is_flushed: bool) {
        let buffer = Buffer {
            bytes: &self.buffer,
            from: self.from,
            is_complete,
            is_flushed,
        };
        let (found, undecided) = self.guard.scan(&buffer);
        for (start, what) in found {
            self.move_to(start);
            self.report(what);
        }
        self.move_to(undecided);
        self.seen = self.buffer.len();
    }

    fn report(&mut self, what: What) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(self.place.finding(what));
        }
    }

    fn move_to(&mut self, at: usize) {
        self.place
            .pass(self.buffer.get(self.from..at).unwrap_or_default());
        self.from = at;
    }

    /// Drops what is decided, but for what has to be known of it.
    fn forget(&mut self) {
        let gone = self.from.saturating_sub(HISTORY_BYTES);
        self.buffer.drain(..gone);
        self.from -= gone;
        self.seen -= gone;
    }
}

/// Every finding of an output that is at hand.
pub(super) fn findings(guard: &Guard, bytes: &[u8]) -> Vec<Finding> {
    let buffer = Buffer {
        bytes,
        from: 0,
        is_complete: true,
        is_flushed: false,
    };
    let (mut place, mut at) = (Place::START, 0);
    let found = guard.scan(&buffer).0.into_iter().take(MAX_FINDINGS);
    found
        .map(|(start, what)| {
            place.pass(bytes.get(at..start).unwrap_or_default());
            at = start;
            place.finding(what)
        })
        .collect()
}

impl Place {
    const START: Self = Self {
        offset: 0,
        line: 1,
        column: 1,
    };

    fn pass(&mut self, bytes: &[u8]) {
        let line_breaks = memchr::memchr_iter(b'\n', bytes).count();
        self.line += line_breaks as u64;
        self.offset += bytes.len() as u64;
        let rest = match memchr::memrchr(b'\n', bytes) {
            None => bytes,
            Some(last) => {
                self.column = 1;
                bytes.get(last + 1..).unwrap_or_default()
            }
        };
        // Bytes that continue a character are none of their own.
        let characters = rest.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        self.column += characters as u64;
    }

    fn finding(self, what: What) -> Finding {
        Finding {
            offset: self.offset,
            line: self.line,
            column: self.column,
            what,
        }
    }
}

impl fmt::Debug for Scanner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner")
            .field("decided", &self.place.offset)
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}
