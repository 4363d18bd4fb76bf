//! How fast are lines read, typed, against what Rust programs read them with today?
//!
//! Every question reads the same generated lines with both, one thread, and both must read every line. Ours does more than
//! its peers do: timestamps become moments and numbers are checked, where grok and regex leave text.

mod template;

use std::fmt::Write as _;
use std::hint::black_box;

use narae_logparse::format::{access, cri, json};
use narae_logparse::grok::{Patterns, Spelling};
use narae_logparse::time::Context;
use narae_logparse::{Event, Format, Reader, Timestamp};

use crate::report::Report;

// Few lines and many rounds: a round that nothing interrupts is then likely on a busy machine, too.
const LINES: usize = 5_000;
const ROUNDS: usize = 30;

pub fn run(report: &mut Report) {
    combined(report);
    containers(report);
    objects(report);
    records(report);
    formats(report);
    groks(report);
    template::run(report);
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

/// Formats that most people read with a regular expression, against the one they would write: the captures of as many
/// fields, as text. klog's and Spring's are the ones of the collectors' documentation.
fn formats(report: &mut Report) {
    let reference = Timestamp::from_rfc3339(b"2026-11-21T00:00:00Z").expect("a time");
    let context = Context::default().with_reference(reference);
    for (name, format, pattern, log) in [
        (
            "logparse.klog_record",
            Format::Klog,
            r"^([IWEF])(\d{4} \d{2}:\d{2}:\d{2}\.\d{6})\s+(\d+) ([^:]+):(\d+)\] (.*)$",
            generated(|n, log| {
                writeln!(
                    log,
                    "I1121 04:44:{:02}.{:06} {:7} controller.go:{}] Reconciling deployment shop/web generation {n}",
                    n % 60,
                    n * 7 % 1_000_000,
                    n % 30,
                    n % 1900
                )
            }),
        ),
        (
            "logparse.syslog_record",
            Format::Syslog,
            r"^<(\d+)>(\w{3} [ \d]\d \d{2}:\d{2}:\d{2}) (\S+) ([^\[: ]+)\[(\d+)\]: (.*)$",
            generated(|n, log| {
                writeln!(
                    log,
                    "<{}>Nov 21 04:44:{:02} node-{} kubelet[{n}]: Connection from 10.0.0.{} accepted",
                    n % 192,
                    n % 60,
                    n % 40,
                    n % 250
                )
            }),
        ),
        (
            "logparse.spring_record",
            Format::Spring,
            r"^(\S+)\s+([A-Z]+) (\d+) --- \[([^\]]*)\] \[([^\]]*)\] (\S+)\s+: (.*)$",
            generated(|n, log| {
                writeln!(
                    log,
                    "2026-11-21T04:44:{:02}.{:03}Z  INFO 1 --- [shop] [nio-8080-exec-{}] c.e.shop.OrderService                     : order {n} placed",
                    n % 60,
                    n % 1000,
                    n % 9
                )
            }),
        ),
        (
            "logparse.envoy_record",
            Format::Envoy,
            r#"^\[([^\]]+)\] "(\S+) (\S+) ([^"]+)" (\d+) (\S+) (\S+) (\S+) (\S+) (\S+) "([^"]*)" "([^"]*)" "([^"]*)" "([^"]*)" "([^"]*)"$"#,
            generated(|n, log| {
                writeln!(
                    log,
                    "[2026-11-21T04:44:{:02}.123Z] \"GET /cart/{n} HTTP/1.1\" 200 - 0 {n} 12 11 \"10.0.0.{}\" \"curl/8.5.0\" \"cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2\" \"shop.svc\" \"10.0.1.{}:8080\"",
                    n % 60,
                    n % 250,
                    n % 250
                )
            }),
        ),
        (
            "logparse.logfmt_record",
            Format::Logfmt,
            r#"^ts=(\S+) level=(\S+) caller=(\S+) msg="((?:[^"\\]|\\.)*)" status=(\d+) duration=(\S+) id=(\S+)$"#,
            generated(|n, log| {
                writeln!(
                    log,
                    "ts=2026-11-21T04:44:{:02}Z level=info caller=cart.go:{} msg=\"order \\\"{n}\\\" placed\" status=200 duration={}ms id=o{n}",
                    n % 60,
                    n % 900,
                    n % 99
                )
            }),
        ),
    ] {
        let regex = regex::bytes::Regex::new(pattern).expect("a valid pattern");
        let mut places = regex.capture_locations();
        let theirs = || {
            count(&log, |line| {
                regex.captures_read(&mut places, line.as_bytes()).is_some()
            })
        };
        let ours = || {
            count(&log, |line| {
                format
                    .parse_with(line.as_bytes(), &context)
                    .map(black_box)
                    .is_ok()
            })
        };
        compare(report, name, "regex, as many captures", &log, ours, theirs);
    }
}

/// The same stock pattern with both; then what twice the line costs where a backtracker explodes.
fn groks(report: &mut Report) {
    let log = access_log();
    let stock = Patterns::stock(Spelling::Legacy);
    let mut ours = stock
        .compile("%{COMBINEDAPACHELOG}")
        .expect("a stock pattern");
    let theirs = grok::Grok::with_default_patterns()
        .compile("%{COMBINEDAPACHELOG}", true)
        .expect("a stock pattern");
    compare(
        report,
        "logparse.grok_combined",
        "grok crate (Oniguruma)",
        &log,
        || {
            count(&log, |line| {
                ours.parse(line.as_bytes()).map(black_box).is_ok()
            })
        },
        || {
            count(&log, |line| {
                theirs
                    .match_against(line)
                    .map(|found| found.iter().count())
                    .is_some()
            })
        },
    );

    let pattern = format!("^{}end$", "%{DATA} ".repeat(9));
    let mut adversarial = stock.compile(&pattern).expect("a pattern");
    let mut twice = adversarial.clone();
    let line = |times: usize| format!("{}END", "[x] e.f.g ".repeat(times));
    let (short, long) = (line(500), line(1000));
    report.compare(
        "logparse.grok_twice_the_line",
        "twice the line (0.45 or more is linear)",
        "nine DATA on 5 kB that do not match",
        ROUNDS,
        || assert!(black_box(twice.parse(long.as_bytes())).is_err()),
        || assert!(black_box(adversarial.parse(short.as_bytes())).is_err()),
    );
}

fn generated(write: impl Fn(usize, &mut String) -> std::fmt::Result) -> String {
    generated_lines(LINES, write)
}

fn generated_lines(lines: usize, write: impl Fn(usize, &mut String) -> std::fmt::Result) -> String {
    (0..lines).fold(String::new(), |mut log, n| {
        write(n, &mut log).expect("writing to a string");
        log
    })
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
