//! The access log: one line per request, written by a thread of its own.
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

use hyper::header::{HeaderMap, HeaderName, REFERER, USER_AGENT};
use hyper::{Request, StatusCode};
use jiff::Timestamp;

use crate::body::Companion;

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

/// One request on its way to becoming a line; it becomes one when dropped.
pub(crate) struct Entry {
    log: AccessLog,
    begin: String,
    end: String,
    started: Instant,
    backend: String,
    status: StatusCode,
    bytes: u64,
}

impl Entry {
    pub(crate) fn new<B>(log: AccessLog, client: IpAddr, request: &Request<B>) -> Self {
        let when = Timestamp::now().strftime("%d/%b/%Y:%H:%M:%S +0000");
        let target = request.uri().to_string();
        let (method, version) = (request.method(), request.version());
        Self {
            log,
            begin: format!(
                "{} - - [{when}] \"{method} {} {version:?}\"",
                client.to_canonical(),
                quoted(target.as_bytes())
            ),
            end: format!(
                "\"{}\" \"{}\"",
                field(request.headers(), REFERER),
                field(request.headers(), USER_AGENT)
            ),
            started: Instant::now(),
            backend: "-".to_owned(),
            // What stands if the client leaves before there is a status, as nginx writes it.
            status: StatusCode::from_u16(499).unwrap_or_default(),
            bytes: 0,
        }
    }

    pub(crate) fn picked(&mut self, backend: &str) {
        backend.clone_into(&mut self.backend);
    }

    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.status = status;
    }
}

impl Companion for Entry {
    fn passed(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.log.write(format!(
            "{} {} {} {} backend={} seconds={:.6}\n",
            self.begin,
            self.status.as_u16(),
            self.bytes,
            self.end,
            self.backend,
            self.started.elapsed().as_secs_f64()
        ));
    }
}

fn field(headers: &HeaderMap, name: HeaderName) -> String {
    headers
        .get(name)
        .map_or_else(|| "-".to_owned(), |value| quoted(value.as_bytes()))
}

/// As nginx escapes: nothing a client sends can end the quotes or the line.
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
