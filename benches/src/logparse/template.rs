//! How fast are templates mined, against drain3 with its defaults?
//!
//! drain3 runs in its own Python (`NARAE_PYTHON`, default `python3`) and times itself, so that starting Python does not count.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use narae_logparse::template::Miner;

use crate::report::Report;

const LINES: usize = 50_000;
const ROUNDS: usize = 5;

const DRAIN3: &str = "
import logging, sys, time
logging.disable(logging.CRITICAL)
from drain3 import TemplateMiner
lines = sys.stdin.read().splitlines()
miner = TemplateMiner()
start = time.perf_counter()
for line in lines:
    miner.add_log_message(line)
print(time.perf_counter() - start, len(miner.drain.clusters))
";

pub fn run(report: &mut Report) {
    let python = std::env::var_os("NARAE_PYTHON").unwrap_or_else(|| "python3".into());
    let found = Command::new(&python)
        .args(["-c", "import drain3"])
        .stderr(Stdio::null())
        .status();
    if !found.is_ok_and(|status| status.success()) {
        report.skip("drain3", "`python3 -c 'import drain3'` fails");
        return;
    }
    let log = log();
    let (mut ours, mut theirs) = (Duration::MAX, Duration::MAX);
    let (mut templates, mut clusters) = (0, 0);
    for round in 0..ROUNDS {
        let start = Instant::now();
        let mut miner = Miner::default();
        for line in log.lines() {
            miner.add(line.as_bytes());
        }
        ours = ours.min(start.elapsed());
        templates = miner.templates().len();
        if round < 2 {
            let (time, found) = drain3(&python, log);
            theirs = theirs.min(time);
            clusters = found;
        }
    }
    let note = format!(
        "{LINES} lines of services and Kubernetes; {templates} templates against {clusters}; ours {:.2} million lines/s",
        LINES as f64 / 1e6 / ours.as_secs_f64()
    );
    report.record("logparse.template", "drain3", &note, ours, theirs);
}

fn drain3(python: &std::ffi::OsStr, log: &str) -> (Duration, usize) {
    let mut child = Command::new(python)
        .args(["-c", DRAIN3])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(log.as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8(output.stdout).expect("numbers");
    let mut numbers = text.split_whitespace();
    let seconds = numbers.next().and_then(|text| text.parse().ok());
    let clusters = numbers.next().and_then(|text| text.parse().ok());
    (
        Duration::from_secs_f64(seconds.expect("seconds")),
        clusters.expect("a count"),
    )
}

fn log() -> &'static str {
    super::lines::generated(LINES, |n, log| {
        let (a, b) = (n % 250, n * 7 % 250);
        let user = ["anna", "ben", "chloe", "dmitri", "eve"][n % 5];
        use std::fmt::Write as _;
        match n * 31 % 7 {
            0 => writeln!(log, "order {n} placed by customer {user} in {a}.{b}ms"),
            1 => writeln!(
                log,
                "Accepted password for {user} from 10.0.{a}.{b} port {n} ssh2"
            ),
            2 => writeln!(log, "Reconciling deployment shop/web generation {n}"),
            3 => writeln!(
                log,
                "Received block blk_-{n}{a} of size {b} from /10.1.{b}.{a}:50010"
            ),
            4 => writeln!(
                log,
                "GET /cart/{n}?page={a} answered 200 in {b} ms to 192.0.{b}.{a}"
            ),
            5 => writeln!(
                log,
                "upstream timed out (110: Connection timed out) while reading response header from upstream, client: 10.9.{a}.{b}, server: shop.example"
            ),
            _ => writeln!(
                log,
                "cache miss for key cart:{n}, loading from database shop"
            ),
        }
    })
}
