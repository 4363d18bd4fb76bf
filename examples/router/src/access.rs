//! The access log: one line per request in Envoy's default format, written by a thread of its own.
//!
//! Each worker appends to a text of its own, which the writer takes every few milliseconds while there is one. A
//! reader of stdout that is slow or gone must not hold up traffic: texts are bounded, lines
//! that do not fit are dropped, and the next one that does is preceded by how many.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant, SystemTime};

use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Request, StatusCode, Uri, Version};
use jiff::Timestamp;

use crate::body::Companion;
use crate::flags::Flags;
use crate::headers::{FORWARDED_FOR, REQUEST_ID};
use crate::metrics::Counters;
use crate::worker::{PerWorker, WorkerId};

/// What may wait for stdout, of all workers together.
const QUEUE_BYTES: usize = 32 << 20;

/// How long lines are collected, so that a busy worker does not wake the writer for each.
const COLLECTING: Duration = Duration::from_millis(5);

/// How long the end of the process waits for a reader that has stopped reading.
const FINISH_TIMEOUT: Duration = Duration::from_secs(2);

/// Where finished requests are written down.
#[derive(Clone)]
pub(crate) struct AccessLog {
    texts: Arc<PerWorker<Mutex<Text>>>,
    writer: Thread,
}

/// The lines of one worker.
#[derive(Default)]
struct Text {
    lines: String,
    lost: u64,
    /// The second since 1970 that was written last, and how.
    second: (i64, String),
}

impl AccessLog {
    pub(crate) fn start(workers: NonZeroUsize) -> io::Result<(Self, Writer)> {
        let texts = Arc::new(PerWorker::new(workers));
        let ending = Arc::<AtomicBool>::default();
        let (taking, told) = (Arc::clone(&texts), Arc::clone(&ending));
        let thread = std::thread::Builder::new().name("access log".into());
        let thread = thread.spawn(move || write_out(&taking, &told))?;
        let log = Self {
            texts,
            writer: thread.thread().clone(),
        };
        Ok((log, Writer { thread, ending }))
    }

    fn write(&self, worker: WorkerId, entry: &Entry, line: &Line, took: Duration) {
        let mut text = lock(self.texts.of(worker));
        let first = text.lines.is_empty();
        if text.lines.len() > QUEUE_BYTES / self.texts.count() {
            text.lost += 1;
            return;
        }
        let lost = std::mem::take(&mut text.lost);
        if lost > 0 {
            let _ = writeln!(text.lines, "# {lost} lines lost: stdout is read too slowly");
        }
        // Writing to a text does not fail.
        let _ = line.write(&mut text, entry, took);
        drop(text);
        if first {
            self.writer.unpark();
        }
    }
}

/// The thread that writes.
pub(crate) struct Writer {
    thread: JoinHandle<()>,
    ending: Arc<AtomicBool>,
}

impl Writer {
    /// Lets it write what is there, for a while, and end.
    pub(crate) fn finish(self) {
        self.ending.store(true, Ordering::Release);
        self.thread.thread().unpark();
        let deadline = Instant::now() + FINISH_TIMEOUT;
        // Joining would have no limit.
        while !self.thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn write_out(texts: &PerWorker<Mutex<Text>>, ending: &AtomicBool) {
    let mut out = io::stdout();
    let mut lines = String::new();
    loop {
        // Before the texts are looked at: what was logged by then is written.
        let last = ending.load(Ordering::Acquire);
        let mut quiet = true;
        for text in texts.iter() {
            std::mem::swap(&mut lock(text).lines, &mut lines);
            quiet &= lines.is_empty();
            // A reader that went away is no reason to stop serving.
            let _ = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
            lines.clear();
            // A burst is no reason to keep its memory.
            lines.shrink_to(64 << 10);
        }
        if last {
            return;
        }
        if quiet {
            // Whoever logs first wakes it.
            std::thread::park();
        } else {
            std::thread::sleep(COLLECTING);
        }
    }
}

fn lock(text: &Mutex<Text>) -> MutexGuard<'_, Text> {
    // Half a line is the worst that a panic could leave.
    text.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes of a request's body, counted where they pass.
#[derive(Clone, Default)]
pub(crate) struct Received(Arc<AtomicU64>);

impl Received {
    pub(crate) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// One request on its way to being counted and becoming a line, which happens when it is dropped.
pub(crate) struct Entry {
    worker: WorkerId,
    /// What is said of the request, if anything is logged.
    line: Option<(AccessLog, Box<Line>)>,
    started: Instant,
    /// None until there is one.
    status: Option<StatusCode>,
    flags: Flags,
    received: Option<Received>,
    sent: u64,
    upstream_time: Option<Duration>,
    endpoint: Option<Arc<str>>,
    counters: Arc<Counters>,
}

impl Entry {
    /// `counters` are those it counts for if it gets no further.
    pub(crate) fn new<B>(
        log: Option<&AccessLog>,
        worker: WorkerId,
        client: IpAddr,
        counters: &Arc<Counters>,
        request: &Request<B>,
    ) -> Box<Self> {
        let line = log.map(|log| (log.clone(), Box::new(Line::of(client, request))));
        Box::new(Self {
            worker,
            line,
            started: Instant::now(),
            status: None,
            flags: Flags::NONE,
            received: None,
            sent: 0,
            upstream_time: None,
            endpoint: None,
            counters: Arc::clone(counters),
        })
    }

    /// Where the bytes of its body are counted.
    pub(crate) fn received(&mut self) -> Received {
        self.received.get_or_insert_default().clone()
    }

    /// For whom it counts.
    pub(crate) fn of(&mut self, counters: &Arc<Counters>) {
        self.counters = Arc::clone(counters);
    }

    pub(crate) fn sent_to(&mut self, endpoint: Arc<str>) {
        self.endpoint = Some(endpoint);
    }

    /// Who it was sent to last, if anybody.
    pub(crate) fn endpoint(&self) -> &str {
        self.endpoint.as_deref().unwrap_or_default()
    }

    pub(crate) fn answered(&mut self, status: StatusCode, flags: Flags) {
        self.status = Some(status);
        self.went_wrong(flags);
    }

    /// Something did, whatever the answer is.
    pub(crate) fn went_wrong(&mut self, flags: Flags) {
        self.flags = self.flags | flags;
    }

    /// With an endpoint's answer, which began then.
    pub(crate) fn passed_on(&mut self, status: StatusCode, began: Instant) {
        self.answered(status, Flags::NONE);
        self.upstream_time = Some(began.saturating_duration_since(self.started));
    }

    /// 0 if the client left before there was one.
    fn final_status(&self) -> u16 {
        self.status.map_or(0, |status| status.as_u16())
    }
}

impl Companion for Entry {
    fn passed(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.status.is_none() {
            self.went_wrong(Flags::DC);
        }
        let took = self.started.elapsed();
        self.counters.ended(self.worker, self.final_status(), took);
        if let Some((log, line)) = self.line.take() {
            log.write(self.worker, self, &line, took);
        }
    }
}

/// What is said of a request, as it came.
struct Line {
    when: SystemTime,
    client: IpAddr,
    method: Method,
    uri: Uri,
    version: Version,
    forwarded_for: Option<HeaderValue>,
    agent: Option<HeaderValue>,
    id: Option<HeaderValue>,
    host: Option<HeaderValue>,
}

impl Line {
    fn of<B>(client: IpAddr, request: &Request<B>) -> Self {
        let field = |name: &HeaderName| HeaderMap::get(request.headers(), name).cloned();
        Self {
            when: SystemTime::now(),
            client: client.to_canonical(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            forwarded_for: field(&FORWARDED_FOR),
            agent: field(&USER_AGENT),
            id: field(&REQUEST_ID),
            host: field(&HOST),
        }
    }

    fn write(&self, text: &mut Text, entry: &Entry, took: Duration) -> fmt::Result {
        text.write_time(self.when)?;
        let out = &mut text.lines;
        let target = self.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let (method, version) = (&self.method, self.version);
        write!(out, " \"{method} ")?;
        quote(out, target.as_bytes());
        write!(
            out,
            " {version:?}\" {} {} {} {} {} ",
            entry.final_status(),
            entry.flags,
            entry
                .received
                .as_ref()
                .map_or(0, |r| r.0.load(Ordering::Relaxed)),
            entry.sent,
            took.as_millis(),
        )?;
        match entry.upstream_time {
            Some(time) => write!(out, "{} \"", time.as_millis())?,
            None => out.push_str("- \""),
        }
        if let Some(chain) = &self.forwarded_for {
            quote(out, chain.as_bytes());
            out.push(',');
        }
        write!(out, "{}", self.client)?;
        for field in [&self.agent, &self.id] {
            out.push_str("\" \"");
            quote(out, field.as_ref().map_or(b"-", HeaderValue::as_bytes));
        }
        out.push_str("\" \"");
        match self.uri.authority() {
            Some(authority) => quote(out, authority.as_str().as_bytes()),
            None => quote(out, self.host.as_ref().map_or(b"-", HeaderValue::as_bytes)),
        }
        writeln!(out, "\" \"{}\"", entry.endpoint.as_deref().unwrap_or("-"))
    }
}

impl Text {
    fn write_time(&mut self, when: SystemTime) -> fmt::Result {
        let when = Timestamp::try_from(when).unwrap_or_default();
        let (second, written) = &mut self.second;
        if *second != when.as_second() || written.is_empty() {
            written.clear();
            write!(written, "{}", when.strftime("%Y-%m-%dT%H:%M:%S"))?;
            *second = when.as_second();
        }
        write!(self.lines, "[{written}.{:03}Z]", when.subsec_millisecond())
    }
}

/// Nothing a client sends can end the quotes or the line: Envoy's format has no escapes, so what could is
/// written as `\xHH`.
fn quote(out: &mut String, bytes: &[u8]) {
    let plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | 0..=0x1f | 0x7f..);
    if let (true, Ok(text)) = (bytes.iter().all(plain), std::str::from_utf8(bytes)) {
        return out.push_str(text);
    }
    for byte in bytes {
        if plain(byte) {
            out.push(char::from(*byte));
        } else {
            let _ = write!(out, "\\x{byte:02X}");
        }
    }
}
