//! The other sides of a proxy, in one process on one thread: the endpoints behind it and the clients in front.
//!
//! It also reads what the proxy's threads have used of a processor (`/proc/PID/task/*/schedstat`), at the very
//! moments at which it begins and ends to count requests.

use std::cell::{Cell, RefCell};
use std::fs;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

/// The argument with which this program only plays endpoints and clients. After it come the endpoints' ports, the
/// milliseconds of a round, how many of them, and each proxy as `PORT/PID`.
pub const LOAD: &str = "--load";

const CLIENTS: usize = 64;
const BODY: usize = 128;
const WARM: Duration = Duration::from_millis(300);
const REQUEST: &[u8] = b"GET /api/v2/items/42?verbose=1 HTTP/1.1\r\nHost: shop.example.com\r\n\
    User-Agent: bench/1.0\r\nAccept: */*\r\n\r\n";
const END: &[u8] = b"\r\n\r\n";

/// What came of one round with one proxy.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    pub requests: u32,
    /// Of those, answered by the first endpoint.
    pub first: u32,
    pub took: Duration,
    /// Of the proxy, on all its threads.
    pub cpu: Duration,
    pub median: Duration,
    pub p99: Duration,
    /// Clients that got no answer, or another than the endpoints'.
    pub failed: u32,
}

impl Round {
    /// From the numbers that [`play`] prints.
    pub fn read(line: &str) -> Option<Self> {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        let mut next = || numbers.next()?.ok();
        let (requests, first) = (next()?, next()?);
        let mut micros = || next().map(|micros| Duration::from_micros(micros.into()));
        let (took, cpu, median, p99) = (micros()?, micros()?, micros()?, micros()?);
        Some(Self {
            requests,
            first,
            took,
            cpu,
            median,
            p99,
            failed: next()?,
        })
    }
}

/// Plays all rounds, each with one proxy after the other, and prints a line for each.
pub fn play(arguments: &[String]) {
    let number = |text: &String| text.parse().expect("a number");
    let [first, second, millis, rounds, proxies @ ..] = arguments else {
        std::process::exit(2);
    };
    let lasts = Duration::from_millis(number(millis));
    let ports = [first, second].map(|port| u16::try_from(number(port)).expect("a port"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    LocalSet::new().block_on(&runtime.expect("a runtime"), async {
        for port in ports {
            let listener = TcpListener::bind(("127.0.0.1", port)).await;
            tokio::task::spawn_local(endpoint(listener.expect("the port is free"), port));
        }
        for _ in 0..number(rounds) {
            for proxy in proxies {
                let (port, process) = proxy.split_once('/').expect("PORT/PID");
                println!("{}", round(port, process, lasts, ports[0]).await);
            }
        }
    });
}

async fn round(port: &str, process: &str, lasts: Duration, first: u16) -> String {
    let counted: Rc<Counted> = Rc::default();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (address, counted) = (format!("127.0.0.1:{port}"), Rc::clone(&counted));
            tokio::task::spawn_local(async move {
                if client(&address, first, &counted).await.is_none() {
                    counted.failed.set(counted.failed.get() + 1);
                }
            })
        })
        .collect();
    tokio::time::sleep(WARM).await;
    counted.on.set(true);
    let (begun, before) = (Instant::now(), cpu(process));
    tokio::time::sleep(lasts).await;
    let (took, used) = (begun.elapsed(), cpu(process).saturating_sub(before));
    clients.iter().for_each(|client| client.abort());
    let mut latencies = counted.latencies.borrow_mut();
    latencies.sort_unstable();
    let at = |part: usize| latencies.get(latencies.len() * part / 100).copied();
    format!(
        "{} {} {} {} {} {} {}",
        latencies.len(),
        counted.first.get(),
        took.as_micros(),
        used.as_micros(),
        at(50).unwrap_or_default(),
        at(99).unwrap_or_default(),
        counted.failed.get(),
    )
}

#[derive(Default)]
struct Counted {
    on: Cell<bool>,
    first: Cell<u32>,
    failed: Cell<u32>,
    /// In microseconds.
    latencies: RefCell<Vec<u32>>,
}

/// Answers every request that has no body.
async fn endpoint(listener: TcpListener, port: u16) {
    let answer: Rc<[u8]> = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\nContent-Type: text/plain\r\nX-Endpoint: {port:05}\r\n\r\n{:BODY$}",
        "hello"
    )
    .into_bytes()
    .into();
    while let Ok((mut stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let answer = Rc::clone(&answer);
        tokio::task::spawn_local(async move {
            let (mut buffer, mut held) = ([0; 8 << 10], 0);
            while let Ok(read @ 1..) = stream.read(&mut buffer[held..]).await {
                held += read;
                // Clients wait for their answers, so there is never more than one request.
                if buffer[..held].ends_with(END) {
                    held = 0;
                    if stream.write_all(&answer).await.is_err() {
                        return;
                    }
                }
            }
        });
    }
}

/// Asks one request after the other on one connection, until an answer is not as it should be.
async fn client(address: &str, first: u16, counted: &Counted) -> Option<()> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let first = format!(": {first:05}");
    let mut buffer = [0; 8 << 10];
    loop {
        let begun = Instant::now();
        stream.write_all(REQUEST).await.ok()?;
        let mut held = 0;
        let head = loop {
            let read = stream.read(&mut buffer[held..]).await.ok()?;
            held += Some(read).filter(|read| *read > 0)?;
            let end = buffer[..held].windows(END.len()).position(|w| w == END);
            if let Some(end) = end
                && held >= end + END.len() + BODY
            {
                break &buffer[..end];
            }
        };
        let right = head.starts_with(b"HTTP/1.1 200") && held == head.len() + END.len() + BODY;
        right.then_some(())?;
        if counted.on.get() {
            let micros = u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX);
            counted.latencies.borrow_mut().push(micros);
            let by_first = head.windows(first.len()).any(|w| w == first.as_bytes());
            counted.first.set(counted.first.get() + u32::from(by_first));
        }
    }
}

/// What all threads of a process have used.
fn cpu(process: &str) -> Duration {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("the proxy runs");
    let used = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(used.sum())
}
