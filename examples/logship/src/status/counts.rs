//! What is counted while files are read and shipped, and its Prometheus text (exposition format 0.0.4).

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use narae_logparse::deliver::Queue;
use narae_logparse::{Event, Format, Reason};

/// Whoever does nothing for so long does nothing any more: longer than a request may take, and several of them.
const LIFE: Duration = Duration::from_secs(300);

/// What has happened so far.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) bytes: u64,
    records: BTreeMap<Format, u64>,
    raw: BTreeMap<Reason, u64>,
    pub(crate) requests: u64,
    /// Requests after which something must be sent again.
    pub(crate) retries: u64,
    pub(crate) acknowledged: u64,
    pub(crate) dead: u64,
    queued: usize,
    queued_bytes: usize,
    /// The last request failed as a whole.
    pub(crate) failing: bool,
    /// Of files being read, how much of them is still to be read.
    lags: BTreeMap<PathBuf, u64>,
    active: Option<Instant>,
}

impl Counts {
    pub(crate) fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Record(record) => *self.records.entry(record.format()).or_default() += 1,
            Event::Raw(raw) => *self.raw.entry(raw.error().reason()).or_default() += 1,
        }
    }

    pub(crate) fn lag(&mut self, path: &Path, bytes: u64) {
        match self.lags.get_mut(path) {
            Some(lag) => *lag = bytes,
            None => drop(self.lags.insert(path.to_owned(), bytes)),
        }
    }

    pub(crate) fn forget(&mut self, path: &Path) {
        self.lags.remove(path);
    }

    pub(crate) fn queue<T>(&mut self, queue: &Queue<T>) {
        (self.queued, self.queued_bytes) = (queue.len(), queue.bytes());
    }

    /// Something is going on.
    pub(crate) fn active(&mut self) {
        self.active = Some(Instant::now());
    }
}

/// Counts that two threads share.
#[derive(Default)]
pub(crate) struct Status(Mutex<Counts>);

impl Status {
    pub(crate) fn counts(&self) -> MutexGuard<'_, Counts> {
        // Counts are whole after every step of a thread that panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether reading and sending go on.
    pub(super) fn is_alive(&self) -> bool {
        let active = self.counts().active;
        active.is_none_or(|at| at.elapsed() < LIFE)
    }

    /// Whether reading has begun and the destination takes what is sent.
    pub(super) fn is_ready(&self) -> bool {
        let counts = self.counts();
        counts.active.is_some() && !counts.failing
    }

    pub(super) fn text(&self) -> String {
        let counts = self.counts();
        let mut out = String::new();
        let mut text = Text(&mut out);
        text.one("bytes_total", "Bytes read.", "counter", counts.bytes);
        let records = counts.records.iter().map(|(format, n)| (format.name(), n));
        let help = "Records, by format.";
        text.each("records_total", help, "counter", "format", records);
        let raw = counts.raw.iter().map(|(reason, n)| (reason.code(), n));
        let help = "Lines that are no record, by reason.";
        text.each("raw_total", help, "counter", "reason", raw);
        let help = "Requests to the destination.";
        text.one("requests_total", help, "counter", counts.requests);
        let help = "Requests after which something is sent again.";
        text.one("retries_total", help, "counter", counts.retries);
        let help = "Events that arrived.";
        text.one("acknowledged_total", help, "counter", counts.acknowledged);
        let help = "Events that were refused.";
        text.one("dead_letters_total", help, "counter", counts.dead);
        let help = "Events on their way.";
        text.one("queue_events", help, "gauge", counts.queued);
        let help = "Bytes of events on their way.";
        text.one("queue_bytes", help, "gauge", counts.queued_bytes);
        let lags = counts.lags.iter();
        let lags = lags.map(|(path, lag)| (path.to_string_lossy(), lag));
        let help = "Bytes of a file that are still to be read.";
        text.each("file_lag_bytes", help, "gauge", "file", lags);
        out
    }
}

struct Text<'t>(&'t mut String);

impl Text<'_> {
    // Writing into a String cannot fail.
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        let _ = writeln!(self.0, "# HELP logship_{name} {help}");
        let _ = writeln!(self.0, "# TYPE logship_{name} {kind}");
    }

    fn one(&mut self, name: &str, help: &str, kind: &str, value: impl Display) {
        self.head(name, help, kind);
        let _ = writeln!(self.0, "logship_{name} {value}");
    }

    fn each(
        &mut self,
        name: &str,
        help: &str,
        kind: &str,
        label: &str,
        values: impl Iterator<Item = (impl AsRef<str>, impl Display)>,
    ) {
        self.head(name, help, kind);
        for (of, value) in values {
            let of = of.as_ref().replace('\\', r"\\").replace('"', "\\\"");
            let of = of.replace('\n', r"\n");
            let _ = writeln!(self.0, "logship_{name}{{{label}=\"{of}\"}} {value}");
        }
    }
}
