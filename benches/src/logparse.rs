//! How fast are lines read, typed, against what Rust programs read them with today?
//!
//! Every question reads the same generated lines with both, one thread, and both must read every line. Ours does more than
//! its peers do: timestamps become moments and numbers are checked, where grok and regex leave text.

use std::fmt::Write as _;
use std::hint::black_box;

use narae_logparse::format::{access, cri, json};
use narae_logparse::{Event, Format, Reader};

use crate::report::Report;

// Few lines and many rounds: a round that nothing interrupts is then likely on a busy machine, too.
const LINES: usize = 5_000;
const ROUNDS: usize = 30;

pub fn run(report: &mut Report) {
    combined(report);
    containers(report);
    objects(report);
    records(report);
}

fn combined(report: &mut Report) {
    let log = access_log();
    let pattern = grok::Grok::with_default_patterns()
        .compile("%{COMBINEDAPACHELOG}", true)
        .expect("a stock pattern");
    let theirs = || {
        count(&log, |line| {
            pattern
                .match_against(line)
                .map(|found| found.iter().count())
                .is_some()
        })
    };
    let ours = || {
        count(&log, |line| {
            access::parse_combined(line.as_bytes())
                .map(black_box)
                .is_ok()
        })
    };
    compare(
        report,
        "logparse.combined_entry",
        "grok crate (Oniguruma)",
        &log,
        ours,
        theirs,
    );

    let regex = regex::bytes::Regex::new(
        r#"^(\S+) (\S+) (\S+) \[([^\]]+)\] "([^"]*)" (\d+|-) (\d+|-) "([^"]*)" "([^"]*)"$"#,
    )
    .expect("a valid pattern");
    let mut places = regex.capture_locations();
    let theirs = || {
        count(&log, |line| {
            regex.captures_read(&mut places, line.as_bytes()).is_some()
        })
    };
    let ours = || {
        count(&log, |line| {
            access::parse_combined(line.as_bytes())
                .map(black_box)
                .is_ok()
        })
    };
    compare(
        report,
        "logparse.combined_entry_regex",
        "regex, nine captures",
        &log,
        ours,
        theirs,
    );
}

fn containers(report: &mut Report) {
    let log = container_log();
    let regex = regex::bytes::Regex::new("^([^ ]+) (stdout|stderr) ([^ ]*) (.*)$")
        .expect("a valid pattern");
    let mut places = regex.capture_locations();
    let theirs = || {
        count(&log, |line| {
            regex.captures_read(&mut places, line.as_bytes()).is_some()
        })
    };
    let ours = || {
        count(&log, |line| {
            cri::parse(line.as_bytes()).map(black_box).is_ok()
        })
    };
    compare(
        report,
        "logparse.cri_entry",
        "regex (Fluent Bit's pattern)",
        &log,
        ours,
        theirs,
    );
}

fn objects(report: &mut Report) {
    let log = json_log();
    let theirs = || {
        count(&log, |line| {
            serde_json::from_str::<serde_json::Value>(line)
                .map(black_box)
                .is_ok()
        })
    };
    let ours = || {
        count(&log, |line| {
            json::parse(line.as_bytes()).map(black_box).is_ok()
        })
    };
    compare(
        report,
        "logparse.json_record",
        "serde_json::Value",
        &log,
        ours,
        theirs,
    );
}

/// The whole way from bytes in chunks to uniform records with a ledger.
fn records(report: &mut Report) {
    let log = access_log();
    let pattern = grok::Grok::with_default_patterns()
        .compile("%{COMBINEDAPACHELOG}", true)
        .expect("a stock pattern");
    let theirs = || {
        count(&log, |line| {
            pattern
                .match_against(line)
                .map(|found| found.iter().count())
                .is_some()
        })
    };
    let ours = || {
        let mut reader = Reader::new(Format::Combined);
        let mut records = 0;
        for chunk in log.as_bytes().chunks(64 << 10) {
            reader.push(chunk);
            while let Some(event) = reader.next_event() {
                records += usize::from(matches!(black_box(event), Event::Record(_)));
            }
        }
        reader.finish();
        reader.verify().expect("every byte is accounted for");
        assert_eq!(records, LINES);
    };
    compare(
        report,
        "logparse.combined_reader",
        "grok crate (Oniguruma)",
        &log,
        ours,
        theirs,
    );
}

fn compare(
    report: &mut Report,
    name: &str,
    peer: &str,
    log: &str,
    mut ours: impl FnMut(),
    theirs: impl FnMut(),
) {
    let best = (0..ROUNDS).map(|_| {
        let start = std::time::Instant::now();
        ours();
        start.elapsed().as_secs_f64()
    });
    let rate = log.len() as f64 / 1e6 / best.fold(f64::INFINITY, f64::min);
    let note = format!(
        "{LINES} lines, {:.1} MB; ours {rate:.0} MB/s",
        log.len() as f64 / 1e6
    );
    report.compare(name, peer, &note, ROUNDS, ours, theirs);
}

/// Reads every line, and insists that each is read.
fn count(log: &str, mut read: impl FnMut(&str) -> bool) {
    assert_eq!(log.lines().filter(|line| read(line)).count(), LINES);
}

fn access_log() -> String {
    let agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0";
    (0..LINES).fold(String::new(), |mut log, n| {
        let (a, b, status, size) = (n % 250, n * 7 % 250, [200, 200, 304, 404, 502][n % 5], n * 31 % 100_000);
        let (minute, second) = (n / 60 % 60, n % 60);
        let _ = writeln!(log, "192.0.{a}.{b} - - [10/Oct/2026:13:{minute:02}:{second:02} +0900] \"GET /shop/cart/{n}?page={a} HTTP/1.1\" {status} {size} \"https://shop.example/\" \"{agent}\"");
        log
    })
}

fn container_log() -> String {
    (0..LINES).fold(String::new(), |mut log, n| {
        let (stream, nanos) = (["stdout", "stderr"][n % 2], n * 48_271 % 1_000_000_000);
        let _ = writeln!(log, "2026-11-21T04:44:44.{nanos:09}Z {stream} F order {n} placed by customer {} in 12 ms, cart of 3", n * 17 % 9999);
        log
    })
}

fn json_log() -> String {
    (0..LINES).fold(String::new(), |mut log, n| {
        let _ = writeln!(log, "{{\"time\":\"2026-11-21T04:44:44.123456789Z\",\"level\":\"info\",\"logger\":\"shop.cart\",\"msg\":\"order {n} placed\",\"http\":{{\"method\":\"GET\",\"status\":{},\"path\":\"/shop/cart/{n}\"}},\"duration_ms\":{}.25,\"user\":\"u{n}\",\"ok\":true,\"tags\":[\"a\",\"b\"]}}", [200, 404, 503][n % 3], n % 900);
        log
    })
}
