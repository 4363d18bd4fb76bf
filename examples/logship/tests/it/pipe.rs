//! What comes through a pipe is passed on as it comes; and memory does not grow with what is read.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use narae_logparse::Timestamp;

use crate::server::Server;
use crate::{peak_memory, until};

const LINE: &str = "{\"n\":1}\n";

/// A `logship` whose standard input stays open.
struct Piped {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
}

impl Piped {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_logship"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take(),
            output: child.stdout.take().map(BufReader::new),
            child,
        }
    }

    fn write(&mut self, text: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(text.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let output = self.output.as_mut().unwrap();
        output.read_line(&mut line).unwrap();
        line
    }

    fn ends_well(mut self) -> bool {
        drop(self.input.take());
        if let Some(mut output) = self.output.take() {
            std::io::copy(&mut output, &mut std::io::sink()).unwrap();
        }
        self.child.wait().unwrap().success()
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_line_is_printed_while_the_pipe_it_came_through_stays_open() {
    let mut logship = Piped::start(&["-"]);
    for _ in 0..3 {
        logship.write(LINE);
        let line = logship.line();
        assert!(line.contains("\"@format\":\"json\""), "{line}");
    }
    // A group, too, is handed over when nothing more comes.
    let mut joined = Piped::start(&["--multiline", "start:^a", "--format", "plain", "-"]);
    joined.write("a\nb\n");
    assert!(joined.line().contains("\"message\":\"a\\nb\""));
    assert!(logship.ends_well() && joined.ends_well());
}

#[test]
fn a_line_is_shipped_while_the_pipe_it_came_through_stays_open() {
    let server = Server::start(&[]);
    let mut logship = Piped::start(&["--to", "opensearch", &server.url]);
    for count in 1..=3 {
        logship.write(LINE);
        server.wait(|documents| documents.len() == count);
    }
    assert!(logship.ends_well());

    // Asked to end while the pipe is silent, it does.
    let mut logship = Piped::start(&["--to", "opensearch", &server.url]);
    logship.write(LINE);
    server.wait(|documents| documents.len() == 4);
    let process = logship.child.id().to_string();
    let killed = Command::new("kill").arg(process).status();
    assert!(killed.unwrap().success());
    assert_eq!(logship.child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_line_without_a_time_has_the_moment_it_came() {
    let server = Server::start(&[]);
    let mut logship = Piped::start(&["--to", "opensearch", &server.url]);
    logship.write(LINE);
    server.wait(|documents| documents.len() == 1);
    let between = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let between = Timestamp::from_unix(between.unwrap()).unwrap();
    logship.write(LINE);
    let documents = server.wait(|documents| documents.len() == 2);
    let times = documents.iter().map(|document| {
        let time = document["@timestamp"].as_str().unwrap();
        Timestamp::from_rfc3339(time.as_bytes()).unwrap()
    });
    let (before, after): (Vec<_>, Vec<_>) = times.partition(|time| *time < between);
    assert_eq!((before.len(), after.len()), (1, 1));
    assert!(logship.ends_well());
}

/// Lines of several formats, with traces, of at least so many bytes.
fn mixed(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 1024);
    for n in 0_usize.. {
        if text.len() >= bytes {
            break;
        }
        let (minute, second, status) = (n / 60 % 60, n % 60, [200, 200, 404, 503][n % 4]);
        text.push_str(&format!(
            "192.0.2.{} - - [10/Oct/2026:13:{minute:02}:{second:02} +0000] \"GET /cart/{n}?id=7 HTTP/1.1\" {status} {n} \"-\" \"curl/8.5.0\"\n\
             {{\"time\":\"2026-11-21T04:{minute:02}:{second:02}Z\",\"level\":\"error\",\"msg\":\"order {n} of w{} failed\",\"duration_ms\":{}}}\n\
             I1121 04:{minute:02}:{second:02}.{:06}       7 controller.go:{}] Reconciling deployment shop/web{n}\n\
             java.lang.IllegalStateException: no cart {n}\n\tat shop.Cart.pay(Cart.java:{})\n",
            n % 250,
            n * 7 % 5000,
            n % 1000,
            n % 1_000_000,
            n % 2000,
            n % 300
        ));
    }
    text
}

/// Standard input comes after the file; once more of it was taken than a pipe holds, the file has been read.
fn after(arguments: &[&str], file: &Path) -> u64 {
    let files = [file.to_str().unwrap(), "-"];
    let mut logship = Piped::start(&[arguments, &files].concat());
    let mut output = logship.output.take().unwrap();
    let reader = std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    logship.write(&LINE.repeat((512 << 10) / LINE.len()));
    let peak = peak_memory(logship.child.id());
    assert!(logship.ends_well());
    reader.join().unwrap().unwrap();
    peak
}

fn printing(file: &Path) -> u64 {
    after(&["--multiline", "traces"], file)
}

fn stats(file: &Path) -> u64 {
    after(&["stats"], file)
}

/// Everything has arrived in a folder before memory is looked at.
fn shipping(file: &Path) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let to = [
        "--follow",
        "--buffer",
        "1",
        "--to",
        "file",
        out.to_str().unwrap(),
    ];
    let logship = Piped::start(&[&to[..], &[file.to_str().unwrap()]].concat());
    let written = || -> usize {
        let entries = std::fs::read_dir(&out).into_iter().flatten();
        let lines = |entry: std::io::Result<std::fs::DirEntry>| {
            let file = BufReader::new(File::open(entry.unwrap().path()).unwrap());
            file.lines().count()
        };
        entries.map(lines).sum()
    };
    let lines = BufReader::new(File::open(file).unwrap()).lines().count();
    until("every line in the folder", || written() >= lines);
    peak_memory(logship.child.id())
}

#[test]
fn memory_does_not_grow_when_ten_times_as_much_is_printed() {
    assert_flat(printing);
}

#[test]
fn memory_does_not_grow_when_ten_times_as_much_is_summed_up() {
    assert_flat(stats);
}

#[test]
fn memory_does_not_grow_when_ten_times_as_much_is_shipped() {
    assert_flat(shipping);
}

fn assert_flat(peak: impl Fn(&Path) -> u64) {
    const BYTES: usize = 1 << 20;
    // What an allocator may do differently: a quarter of what reading it whole would take.
    const SLACK: u64 = 5 << 19;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes| {
        let path = folder.path().join(name);
        std::fs::write(&path, mixed(bytes)).unwrap();
        path
    };
    let (once, ten_times) = (file("once.log", BYTES), file("ten-times.log", 10 * BYTES));
    // How much of the program itself counts depends on how much of it was read before.
    peak(&once);
    let (once, ten_times) = (peak(&once), peak(&ten_times));
    assert!(
        ten_times < once + SLACK,
        "{once} bytes for {BYTES}, {ten_times} for ten times as much"
    );
}
