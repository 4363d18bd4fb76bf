//! Every record ends acknowledged, dead-lettered with a reason, or still queued, whatever a server answers.
//!
//! [`Queue`] is a state machine without sockets and clock: the caller asks for a batch, sends it, and tells what became of it
//! ([`Answer`]); [`Protocol`] makes requests of batches and answers of responses.
//!
//! | answer | what becomes of the records |
//! |---|---|
//! | one outcome for each | acknowledged, dead-lettered, or sent again, each by its own |
//! | later (429, 503, cut connection, an answer nobody understands) | all are sent again, after a pause |
//! | too large, or one of them is not understood | sent again in halves; alone, dead-lettered |
//! | refused | all dead-lettered |
//!
//! **Invariants**, which a property test drives with every kind of answer: a record is in exactly one place; none is acknowledged or dead-lettered
//! twice; an answer to a batch that is not out changes nothing. Sending again after an unknown end is
//! safe where ids are deterministic ([`Origin::id`](crate::encode::Origin::id)).
//!
//! **Bounds.** [`QueueOptions`]: what is queued and out together stays below `max_bytes`, else [`Queue::push`] gives the record back, and the caller
//! reads no further. Pauses double from `pause` to `max_pause`, with a jitter that comes from the queue's own state; a server's `Retry-After` is taken up to
//! [`MAX_RETRY_AFTER`].

mod answer;
mod protocol;

use std::collections::BTreeMap;
use std::time::Duration;

pub use answer::{Answer, Outcome, Response};
pub use protocol::Protocol;

/// The longest pause that a server may ask for.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);

/// Limits and pauses of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueOptions {
    max_bytes: usize,
    batch_records: usize,
    batch_bytes: usize,
    pause: Duration,
    max_pause: Duration,
    max_attempts: Option<u32>,
}

impl QueueOptions {
    /// Sets how many bytes may be queued and out together; 32 MiB unless told.
    #[must_use]
    pub const fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets how many records, at least one, and about how many bytes go out at once; 2,000 and 4 MiB unless told.
    #[must_use]
    pub const fn with_batches(mut self, records: usize, bytes: usize) -> Self {
        self.batch_records = if records == 0 { 1 } else { records };
        self.batch_bytes = bytes;
        self
    }

    /// Sets the first pause after a failure and the longest; 0.5 s and 60 s unless told.
    #[must_use]
    pub const fn with_pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.pause = first;
        self.max_pause = longest;
        self
    }

    /// Sets after how many attempts a record that is refused for now is dead-lettered; never unless told.
    #[must_use]
    pub const fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            max_bytes: 32 << 20,
            batch_records: 2000,
            batch_bytes: 4 << 20,
            pause: Duration::from_millis(500),
            max_pause: Duration::from_secs(60),
            max_attempts: None,
        }
    }
}

/// A record's number in its queue, counted from 0 as they are pushed.
pub type Sequence = u64;

/// The number of a batch that is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(u64);

/// How a record ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it arrived or it did not")]
pub enum Ending<T> {
    /// The server has it.
    Acknowledged(Sequence, T),
    /// The server will never take it, for this reason.
    DeadLettered(Sequence, T, String),
}

/// Records on their way.
///
/// ```
/// use narae_logparse::deliver::{Answer, Ending, Outcome, Queue, QueueOptions};
/// use std::time::Duration;
///
/// let mut queue = Queue::new(QueueOptions::default());
/// for record in ["one", "two", "three"] {
///     queue.push(record, record.len()).map_err(|_| "full")?;
/// }
/// let now = Duration::ZERO; // by the caller's clock
/// let (batch, records) = queue.next_batch(now).ok_or("nothing to send")?;
/// assert_eq!(records, [&"one", &"two", &"three"]);
///
/// let answer = Answer::Each(vec![Outcome::Done, Outcome::Later("busy".into()), Outcome::Refused("mapping".into())]);
/// let endings = queue.answer(batch, answer, now);
/// assert_eq!(endings, [Ending::Acknowledged(0, "one"), Ending::DeadLettered(2, "three", "mapping".into())]);
/// assert_eq!(queue.settled(), 1); // everything before the second record has ended
/// assert!(queue.next_batch(now).is_none()); // a pause
/// let (_, again) = queue.next_batch(queue.pause_until()).ok_or("nothing to send")?;
/// assert_eq!(again, [&"two"]);
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone)]
pub struct Queue<T> {
    options: QueueOptions,
    ready: BTreeMap<Sequence, Entry<T>>,
    out: BTreeMap<BatchId, Vec<(Sequence, Entry<T>)>>,
    bytes: usize,
    next: Sequence,
    batches: u64,
    failures: u32,
    pause_until: Duration,
}

#[derive(Debug, Clone)]
struct Entry<T> {
    record: T,
    bytes: usize,
    attempts: u32,
    /// With how many others it may go out at most.
    company: usize,
}

impl<T> Queue<T> {
    /// An empty queue.
    pub const fn new(options: QueueOptions) -> Self {
        Self {
            options,
            ready: BTreeMap::new(),
            out: BTreeMap::new(),
            bytes: 0,
            next: 0,
            batches: 0,
            failures: 0,
            pause_until: Duration::ZERO,
        }
    }

    /// Queues a record of so many bytes.
    ///
    /// # Errors
    ///
    /// The queue is full; the record comes back. An empty queue takes one of any size.
    pub fn push(&mut self, record: T, bytes: usize) -> Result<Sequence, T> {
        if self.bytes > 0 && self.bytes.saturating_add(bytes) > self.options.max_bytes {
            return Err(record);
        }
        self.bytes = self.bytes.saturating_add(bytes);
        let sequence = self.next;
        self.next += 1;
        let entry = Entry {
            record,
            bytes,
            attempts: 0,
            company: usize::MAX,
        };
        self.ready.insert(sequence, entry);
        Ok(sequence)
    }

    /// What to send next, oldest first; `None` if there is nothing, or a pause. `now` is the time since any fixed moment.
    pub fn next_batch(&mut self, now: Duration) -> Option<(BatchId, Vec<&T>)> {
        if now < self.pause_until {
            return None;
        }
        let mut company = self.options.batch_records;
        let (mut bytes, mut taken) = (0_usize, Vec::new());
        while let Some((_, entry)) = self.ready.first_key_value() {
            bytes = bytes.saturating_add(entry.bytes);
            company = company.min(entry.company);
            let full = taken.len() >= company || bytes > self.options.batch_bytes;
            if full && !taken.is_empty() {
                break;
            }
            taken.extend(self.ready.pop_first());
        }
        if taken.is_empty() {
            return None;
        }
        taken.iter_mut().for_each(|(_, entry)| entry.attempts += 1);
        let id = BatchId(self.batches);
        self.batches += 1;
        let batch = self.out.entry(id).or_insert(taken);
        Some((id, batch.iter().map(|(_, entry)| &entry.record).collect()))
    }

    /// The records of a batch that is out, as they were sent.
    pub fn batch(&self, id: BatchId) -> impl Iterator<Item = &T> {
        let batch = self.out.get(&id).into_iter().flatten();
        batch.map(|(_, entry)| &entry.record)
    }

    /// Tells what became of a batch: which records ended, in order.
    pub fn answer(&mut self, id: BatchId, answer: Answer, now: Duration) -> Vec<Ending<T>> {
        let Some(batch) = self.out.remove(&id) else {
            return Vec::new();
        };
        match answer {
            Answer::Each(outcomes) if outcomes.len() == batch.len() => {
                self.each(batch, outcomes, now)
            }
            // Nobody can say which record an outcome is about.
            Answer::Each(_) => self.later(batch, None, "the server's answer did not fit", now),
            Answer::Later { after, reason } => self.later(batch, after, &reason, now),
            Answer::Split(reason) if batch.len() > 1 => {
                let company = batch.len().div_ceil(2);
                for (sequence, entry) in batch {
                    self.ready.insert(sequence, Entry { company, ..entry });
                }
                let _ = reason;
                Vec::new()
            }
            Answer::Split(reason) | Answer::Refused(reason) => {
                let dead = batch.into_iter().map(|(sequence, entry)| {
                    self.bytes -= entry.bytes;
                    Ending::DeadLettered(sequence, entry.record, reason.clone())
                });
                dead.collect()
            }
        }
    }

    /// Every record before this one has ended: where to read on from after a restart.
    pub fn settled(&self) -> Sequence {
        let out = self.out.values().flatten().map(|(sequence, _)| *sequence);
        let ready = self.ready.keys().next().copied();
        out.chain(ready).min().unwrap_or(self.next)
    }

    /// Until when nothing is sent.
    pub const fn pause_until(&self) -> Duration {
        self.pause_until
    }

    /// How many bytes are queued and out.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many records are queued and out.
    pub fn len(&self) -> usize {
        self.ready.len() + self.out.values().map(Vec::len).sum::<usize>()
    }

    /// Whether every record has ended.
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.out.is_empty()
    }

    /// How many batches are out.
    pub fn batches_out(&self) -> usize {
        self.out.len()
    }

    fn each(
        &mut self,
        batch: Vec<(Sequence, Entry<T>)>,
        outcomes: Vec<Outcome>,
        now: Duration,
    ) -> Vec<Ending<T>> {
        let mut endings = Vec::with_capacity(batch.len());
        let mut failed = false;
        for ((sequence, entry), outcome) in batch.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Done => {
                    self.bytes -= entry.bytes;
                    endings.push(Ending::Acknowledged(sequence, entry.record));
                }
                Outcome::Refused(reason) => {
                    self.bytes -= entry.bytes;
                    endings.push(Ending::DeadLettered(sequence, entry.record, reason));
                }
                Outcome::Later(reason) => {
                    failed = true;
                    endings.extend(self.again(sequence, entry, &reason));
                }
            }
        }
        if failed {
            self.pause(None, now);
        } else {
            self.failures = 0;
        }
        endings
    }

    fn later(
        &mut self,
        batch: Vec<(Sequence, Entry<T>)>,
        after: Option<Duration>,
        reason: &str,
        now: Duration,
    ) -> Vec<Ending<T>> {
        self.pause(after, now);
        let endings = batch.into_iter();
        endings
            .filter_map(|(sequence, entry)| self.again(sequence, entry, reason))
            .collect()
    }

    fn again(&mut self, sequence: Sequence, entry: Entry<T>, reason: &str) -> Option<Ending<T>> {
        if self
            .options
            .max_attempts
            .is_some_and(|most| entry.attempts >= most)
        {
            self.bytes -= entry.bytes;
            let reason = format!("{reason} ({} attempts)", entry.attempts);
            return Some(Ending::DeadLettered(sequence, entry.record, reason));
        }
        self.ready.insert(sequence, entry);
        None
    }

    fn pause(&mut self, after: Option<Duration>, now: Duration) {
        let doubled = 2_u32.saturating_pow(self.failures.min(20));
        self.failures = self.failures.saturating_add(1);
        let longest = self
            .options
            .pause
            .saturating_mul(doubled)
            .min(self.options.max_pause);
        // Between half and all of it, so that many senders do not come back together; spread by what differs between them.
        let spread =
            (self.next ^ self.batches.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let pause = longest.mul_f64(0.5 + 0.5 * spread as f64 / f64::from(u32::MAX));
        let pause = after.map_or(pause, |after| after.min(MAX_RETRY_AFTER).max(pause));
        self.pause_until = self.pause_until.max(now.saturating_add(pause));
    }
}
