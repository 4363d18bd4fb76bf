//! Events on their way to a destination: encoded, queued, sent, and what was settled remembered.
//!
//! One thread does it all: while a request is under way nothing is read, and when the queue is full nothing is read
//! until something was settled. So memory is the queue's bound, one chunk and what the readers hold.

mod client;
mod files;
pub(crate) mod http;
mod kafka;
mod s3;
pub(crate) mod state;

use std::collections::{BTreeMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use narae_logparse::Event;
use narae_logparse::deliver::{Answer, Ending, Outcome, Queue, QueueOptions};
use narae_logparse::encode::{Item, Object, Origin};
use narae_logparse::ledger::Ledger;
use narae_logparse::record::Spans;

pub(crate) use files::Files;
pub(crate) use http::{Http, HttpOptions};
pub(crate) use kafka::{Access, Kafka, Login, Mechanism};
pub(crate) use s3::S3;
use state::State;

use crate::progress;
use crate::status::Status;

/// How long what is queued may take to arrive once the end was asked for.
const DRAIN: Duration = Duration::from_secs(10);
/// How often the state is written.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// The longest sleep while waiting, so that a signal is seen soon.
const NAP: Duration = Duration::from_millis(50);

/// Where events go.
pub(crate) trait Sink {
    /// The event as it will be sent.
    fn encode(&self, event: &Event<'_>, origin: &Origin<'_>) -> Item;

    /// Names what a batch will be sent as. Says whether that must be in the state, on disk, before it is sent.
    fn announce(&mut self, _items: &[&Item]) -> bool {
        false
    }

    /// Sends a batch, however long it takes, and says what became of it.
    fn send(&mut self, items: &[&Item]) -> Answer;

    /// Puts into the state what must be undone after a kill.
    fn remember(&self, _state: &mut State) {}
}

/// An item, and the bytes of its source that are settled with it.
struct Parcel {
    item: Item,
    source: usize,
    spans: Spans,
}

/// What parcels refer to by its number.
struct Source {
    name: String,
    offered: Ledger,
    settled: Ledger,
    changed: bool,
}

/// Takes events to a destination.
pub(crate) struct Shipper {
    queue: Queue<Parcel>,
    sink: Box<dyn Sink>,
    state: State,
    sources: BTreeMap<usize, Source>,
    /// How many numbers were given to sources.
    numbers: usize,
    dead_letters: Option<File>,
    started: Instant,
    saved: Instant,
    stop: Arc<AtomicBool>,
    stopped_at: Option<Instant>,
    status: Arc<Status>,
    /// How long what is queued waits for more to go with it, and since when it does.
    linger: Duration,
    waiting_since: Option<Instant>,
    hurry: bool,
    /// What went wrong last, told once until something else does.
    trouble: String,
}

impl Shipper {
    pub(crate) fn new(
        sink: Box<dyn Sink>,
        state: State,
        max_bytes: usize,
        stop: Arc<AtomicBool>,
    ) -> anyhow::Result<Self> {
        let dead_letters = match state.folder() {
            Some(folder) => Some(append(&folder.join("dead-letters.ndjson"))?),
            None => None,
        };
        let options = QueueOptions::default().with_max_bytes(max_bytes);
        Ok(Self {
            queue: Queue::new(options),
            sink,
            state,
            sources: BTreeMap::new(),
            numbers: 0,
            dead_letters,
            started: Instant::now(),
            saved: Instant::now(),
            stop,
            stopped_at: None,
            status: Arc::default(),
            linger: Duration::ZERO,
            waiting_since: None,
            hurry: false,
            trouble: String::new(),
        })
    }

    /// Lets what is queued wait this long for more, and sends more at once.
    #[must_use]
    pub(crate) fn with_linger(mut self, linger: Duration, max_bytes: usize) -> Self {
        self.linger = linger;
        let options = QueueOptions::default().with_max_bytes(max_bytes);
        self.queue = Queue::new(options.with_batches(100_000, max_bytes / 2));
        self
    }

    pub(crate) const fn state(&mut self) -> &mut State {
        &mut self.state
    }

    /// A number for a source, to offer its events with, and what was offered of it or, before that, settled.
    pub(crate) fn source(&mut self, name: &str) -> (usize, Ledger) {
        let mut known = self.sources.iter();
        if let Some((number, source)) = known.find(|(_, source)| source.name == name) {
            return (*number, source.offered.clone());
        }
        let position = self.state.position(name);
        let source = Source {
            name: name.to_owned(),
            offered: position.clone(),
            settled: position.clone(),
            changed: false,
        };
        self.sources.insert(self.numbers, source);
        self.numbers += 1;
        (self.numbers - 1, position)
    }

    /// Notes that the files of these sources are there, at so many seconds since 1970, and forgets sources whose files are gone for long.
    pub(crate) fn retire(&mut self, present: &HashSet<&str>, now: u64) {
        present.iter().for_each(|name| self.state.saw(name, now));
        // What is on its way refers to its source.
        let under_way = self.sources.values().filter(|source| {
            source.changed || source.offered.frontier() != source.settled.frontier()
        });
        let under_way: HashSet<&str> = under_way.map(|source| &source.name[..]).collect();
        let is_used = |name: &str| present.contains(name) || under_way.contains(name);
        self.state.retire(now, is_used);
        let state = &self.state;
        self.sources.retain(|_, source| state.knows(&source.name));
    }

    /// What is counted.
    pub(crate) fn status(&self) -> &Arc<Status> {
        &self.status
    }

    pub(crate) fn encode(&self, event: &Event<'_>, origin: &Origin<'_>) -> Item {
        self.status.counts().event(event);
        self.sink.encode(event, origin)
    }

    /// Queues an item, as soon as there is room. `spans` is what will be settled of its source with it. Says whether it was
    /// taken: not if the end was asked for and the destination takes nothing.
    pub(crate) fn offer(
        &mut self,
        item: Item,
        source: usize,
        spans: Spans,
    ) -> anyhow::Result<bool> {
        if let Some(source) = self.sources.get_mut(&source) {
            source.offered.record(&spans);
        }
        let bytes = item.bytes() + std::mem::size_of::<Parcel>();
        let mut parcel = Parcel {
            item,
            source,
            spans,
        };
        loop {
            match self.queue.push(parcel, bytes) {
                Ok(_) => return Ok(true),
                Err(back) => parcel = back,
            }
            self.hurry = true;
            if self.must_end() {
                return Ok(false);
            }
            self.pump()?;
        }
    }

    /// Sends what may be sent now, one batch, or naps if there is a pause.
    pub(crate) fn pump(&mut self) -> anyhow::Result<()> {
        let mut counts = self.status.counts();
        counts.active();
        counts.queue(&self.queue);
        drop(counts);
        let now = self.started.elapsed();
        if self.lingers() {
            std::thread::sleep(NAP);
            return self.save_if_due();
        }
        let Some((batch, parcels)) = self.queue.next_batch(now) else {
            if self.queue.pause_until() > now {
                std::thread::sleep((self.queue.pause_until() - now).min(NAP));
            }
            return self.save_if_due();
        };
        let items: Vec<&Item> = parcels.iter().map(|parcel| &parcel.item).collect();
        if self.sink.announce(&items) {
            remember(&mut self.state, &mut self.sources, self.sink.as_ref());
            self.state.save()?;
        }
        let answer = self.sink.send(&items);
        (self.waiting_since, self.hurry) = (None, false);
        let sent = items.len();
        self.tell(&answer);
        let some_done =
            matches!(&answer, Answer::Each(outcomes) if outcomes.contains(&Outcome::Done));
        let endings = self.queue.answer(batch, answer, self.started.elapsed());
        let (ended, mut dead) = (endings.len(), 0);
        for ending in endings {
            let parcel = match ending {
                Ending::Acknowledged(_, parcel) => parcel,
                Ending::DeadLettered(_, parcel, reason) => {
                    dead += 1;
                    self.bury(&parcel, &reason)?;
                    parcel
                }
            };
            if let Some(source) = self.sources.get_mut(&parcel.source) {
                source.settled.record(&parcel.spans);
                source.changed = true;
            }
        }
        let mut counts = self.status.counts();
        counts.requests += 1;
        counts.retries += u64::from(ended < sent);
        counts.failing = !self.trouble.is_empty() && !some_done;
        counts.acknowledged += ended as u64 - dead;
        counts.dead += dead;
        counts.queue(&self.queue);
        drop(counts);
        self.save_if_due()
    }

    /// Sends what is queued for about this long, unless the end is asked for.
    pub(crate) fn pump_for(&mut self, long: Duration) -> anyhow::Result<()> {
        let since = Instant::now();
        self.pump()?;
        while !self.queue.is_empty() && !self.must_stop() && since.elapsed() < long {
            self.pump()?;
        }
        Ok(())
    }

    /// Whether reading should end.
    pub(crate) fn must_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Sends what is queued, for as long as a drain may take if the end was asked for. Says whether all was settled.
    pub(crate) fn drain(&mut self) -> anyhow::Result<bool> {
        while !self.queue.is_empty() && !self.must_end() {
            self.hurry = true;
            self.pump()?;
        }
        self.save()?;
        Ok(self.queue.is_empty())
    }

    /// Remembers what is settled, so that a kill from now on does not send it again.
    pub(crate) fn save(&mut self) -> anyhow::Result<()> {
        self.saved = Instant::now();
        remember(&mut self.state, &mut self.sources, self.sink.as_ref());
        if let Some(file) = &self.dead_letters {
            file.sync_data().context("cannot write dead letters")?;
        }
        self.state.save()
    }

    /// Acknowledged, dead-lettered and still queued.
    pub(crate) fn counts(&self) -> (u64, u64, usize) {
        let counts = self.status.counts();
        (counts.acknowledged, counts.dead, self.queue.len())
    }

    fn must_end(&mut self) -> bool {
        if !self.must_stop() {
            return false;
        }
        self.stopped_at.get_or_insert_with(Instant::now).elapsed() >= DRAIN
    }

    /// Whether what is queued waits for more.
    fn lingers(&mut self) -> bool {
        if self.queue.is_empty() || self.hurry || self.must_stop() {
            return false;
        }
        let since = self.waiting_since.get_or_insert_with(Instant::now);
        since.elapsed() < self.linger
    }

    fn save_if_due(&mut self) -> anyhow::Result<()> {
        if self.saved.elapsed() >= SAVE_EVERY {
            self.save()?;
        }
        Ok(())
    }

    fn tell(&mut self, answer: &Answer) {
        let trouble = match answer {
            // Of items that wait the reason is nowhere else; those that are refused are buried with it.
            Answer::Each(outcomes) => {
                let mut reasons = outcomes.iter().map(|outcome| match outcome {
                    Outcome::Later(reason) => &reason[..],
                    Outcome::Done | Outcome::Refused(_) => "",
                });
                reasons.find(|reason| !reason.is_empty()).unwrap_or("")
            }
            Answer::Later { reason, .. } | Answer::Split(reason) | Answer::Refused(reason) => {
                reason
            }
        };
        if trouble != self.trouble && !trouble.is_empty() {
            progress::clear();
            let _ = writeln!(
                anstream::stderr().lock(),
                "logship: the destination: {trouble}"
            );
        }
        trouble.clone_into(&mut self.trouble);
    }

    fn bury(&mut self, parcel: &Parcel, reason: &str) -> anyhow::Result<()> {
        let mut line = Vec::new();
        let source = self.sources.get(&parcel.source);
        Object::begin(&mut line)
            .text("id", parcel.item.id().as_bytes())
            .text("reason", reason.as_bytes())
            .text(
                "source",
                source.map_or("", |source| &source.name).as_bytes(),
            )
            .number("offset", parcel.spans.start())
            .text("body", parcel.item.body())
            .end();
        line.push(b'\n');
        match &mut self.dead_letters {
            Some(file) => file.write_all(&line).context("cannot write dead letters"),
            None => anstream::stderr()
                .lock()
                .write_all(&line)
                .context("cannot write dead letters"),
        }
    }
}

/// Puts what is settled, and what must be undone after a kill, into the state: both of one moment.
fn remember(state: &mut State, sources: &mut BTreeMap<usize, Source>, sink: &dyn Sink) {
    for source in sources.values_mut().filter(|source| source.changed) {
        state.settled(&source.name, &source.settled);
        source.changed = false;
    }
    sink.remember(state);
}

fn append(path: &Path) -> anyhow::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))
}
