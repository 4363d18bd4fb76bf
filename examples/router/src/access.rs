//! The access log: one line per request in Envoy's default format, written by a thread of its own.
//!
//! A reader of stdout that is slow or gone must not hold up traffic: the queue is bounded, lines
//! that find it full are dropped, and the next one that fits is preceded by how many.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write as _};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hyper::header::{HOST, HeaderMap, HeaderName, USER_AGENT};
use hyper::http::uri::PathAndQuery;
use hyper::{Request, StatusCode};
use jiff::Timestamp;

use crate::body::Companion;
use crate::headers::{FORWARDED_FOR, REQUEST_ID};
use crate::metrics::Counters;

/// Lines that may wait for stdout. At 32 KiB of headers each they stay below 256 MiB.
const QUEUE_LINES: usize = 8192;

/// How long the end of the process waits for a reader that has stopped reading.
const FINISH_TIMEOUT: Duration = Duration::from_secs(2);

/// Where finished requests are written down.
#[derive(Clone)]
pub(crate) struct AccessLog {
    lines: SyncSender<String>,
    lost: Arc<AtomicU64>,
}

impl AccessLog {
    pub(crate) fn start() -> io::Result<(Self, Writer)> {
        let (lines, queue) = sync_channel(QUEUE_LINES);
        let lost = Arc::default();
        let log = Self { lines, lost };
        let thread = std::thread::Builder::new().name("access log".into());
        let thread = thread.spawn(move || write_out(&queue))?;
        Ok((log, Writer(thread)))
    }

    fn write(&self, mut line: String) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            line.insert_str(
                0,
                &format!("# {lost} lines lost: stdout is read too slowly\n"),
            );
        }
        if self.lines.try_send(line).is_err() {
            self.lost.fetch_add(lost + 1, Ordering::Relaxed);
        }
    }
}

/// The thread that writes; it ends when every [`AccessLog`] is gone.
pub(crate) struct Writer(JoinHandle<()>);

impl Writer {
    /// Lets it write what is queued, for a while.
    pub(crate) fn finish(self) {
        let deadline = Instant::now() + FINISH_TIMEOUT;
        // Joining would have no limit.
        while !self.0.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn write_out(queue: &Receiver<String>) {
    let mut out = BufWriter::new(io::stdout());
    while let Ok(line) = queue.recv() {
        // A reader that went away is no reason to stop serving.
        let _ = out.write_all(line.as_bytes());
        while let Ok(line) = queue.try_recv() {
            let _ = out.write_all(line.as_bytes());
        }
        let _ = out.flush();
    }
}

/// Bytes of a request's body, counted where they pass.
#[derive(Clone, Default)]
pub(crate) struct Received(Arc<AtomicU64>);

impl Received {
    pub(crate) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// One request on its way to becoming a line; it becomes one when dropped.
pub(crate) struct Entry {
    log: AccessLog,
    begin: String,
    end: String,
    started: Instant,
    status: StatusCode,
    flags: &'static str,
    received: Received,
    sent: u64,
    upstream_time: Option<Duration>,
    endpoint: Option<Arc<str>>,
    counters: Option<Arc<Counters>>,
}

impl Entry {
    pub(crate) fn new<B>(log: AccessLog, client: IpAddr, request: &Request<B>) -> Self {
        let when = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
        let target = request
            .uri()
            .path_and_query()
            .map_or("/", PathAndQuery::as_str);
        let (method, version) = (request.method(), request.version());
        let headers = request.headers();
        let client = client.to_canonical();
        let forwarded_for = match headers.get(FORWARDED_FOR) {
            Some(chain) => format!("{},{client}", quoted(chain.as_bytes())),
            None => client.to_string(),
        };
        let authority = request.uri().authority();
        Self {
            log,
            begin: format!(
                "[{when}] \"{method} {} {version:?}\"",
                quoted(target.as_bytes())
            ),
            end: format!(
                "\"{forwarded_for}\" \"{}\" \"{}\" \"{}\"",
                field(headers, &USER_AGENT),
                field(headers, &REQUEST_ID),
                authority.map_or_else(|| field(headers, &HOST), |a| quoted(a.as_str().as_bytes()))
            ),
            started: Instant::now(),
            // What stands if the client leaves before there is a status, as Envoy writes it.
            status: StatusCode::OK,
            flags: "DC",
            received: Received::default(),
            sent: 0,
            upstream_time: None,
            endpoint: None,
            counters: None,
        }
    }

    pub(crate) fn received(&self) -> Received {
        self.received.clone()
    }

    /// For whom it counts.
    pub(crate) fn of(&mut self, counters: &Arc<Counters>) {
        self.counters = Some(Arc::clone(counters));
    }

    pub(crate) fn sent_to(&mut self, endpoint: Arc<str>) {
        self.endpoint = Some(endpoint);
    }

    /// `flags` are Envoy's, `-` if all is well.
    pub(crate) fn answered(&mut self, status: StatusCode, flags: &'static str) {
        self.status = status;
        self.flags = flags;
        if self.endpoint.is_some() && flags == "-" {
            self.upstream_time = Some(self.started.elapsed());
        }
    }
}

impl Companion for Entry {
    fn passed(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        let left = self.flags == "DC";
        let status = if left { 0 } else { self.status.as_u16() };
        if let Some(counters) = &self.counters {
            counters.ended(status, took);
        }
        let upstream_time = self.upstream_time.map(|time| time.as_millis().to_string());
        self.log.write(format!(
            "{} {status} {} {} {} {} {} {} \"{}\"\n",
            self.begin,
            self.flags,
            self.received.0.load(Ordering::Relaxed),
            self.sent,
            took.as_millis(),
            upstream_time.as_deref().unwrap_or("-"),
            self.end,
            self.endpoint.as_deref().unwrap_or("-"),
        ));
    }
}

fn field(headers: &HeaderMap, name: &HeaderName) -> String {
    headers
        .get(name)
        .map_or_else(|| "-".to_owned(), |value| quoted(value.as_bytes()))
}

/// Nothing a client sends can end the quotes or the line: Envoy's format has no escapes, so what could is
/// written as `\xHH`.
fn quoted(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'"' | b'\\' | 0..=0x1f | 0x7f.. => {
                let _ = write!(out, "\\x{byte:02X}");
            }
            _ => out.push(char::from(byte)),
        }
    }
    out
}
