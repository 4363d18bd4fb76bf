//! How fast are lines read, typed, against what Rust programs read them with today?
//!
//! Every question reads the same generated lines with both, in one thread, and both must read every line. What counts is the processor
//! time of that thread. Ours does more than its peers do: timestamps become moments and numbers are checked, where grok and regex leave text.

mod lines;
mod template;
#[cfg(feature = "vrl")]
mod vrl;

use std::hint::black_box;
use std::time::Duration;

use narae_logparse::format::{access, cri, json};
use narae_logparse::grok::{Patterns, Spelling};
use narae_logparse::time::Context;
use narae_logparse::{Event, Format, Reader, Timestamp};
use rustix::time::{ClockId, clock_gettime};

use crate::report::Report;
use lines::LINES;

// Few lines and many rounds: a round that nothing interrupts is then likely on a busy machine, too.
const ROUNDS: usize = 30;

/// A peer's name, what is appended to the question's, and whether it reads a line.
struct Peer {
    name: &'static str,
    suffix: &'static str,
    read: Box<dyn FnMut(&'static str) -> bool>,
}

impl Peer {
    fn new(
        suffix: &'static str,
        name: &'static str,
        read: impl FnMut(&'static str) -> bool + 'static,
    ) -> Self {
        let read = Box::new(read);
        Self { name, suffix, read }
    }

    /// As many captures as we have fields, as text.
    fn regex(pattern: &str) -> Self {
        let regex = regex::bytes::Regex::new(pattern).expect("a valid pattern");
        let mut places = regex.capture_locations();
        Self::new("_regex", "regex, as many captures", move |line| {
            regex.captures_read(&mut places, line.as_bytes()).is_some()
        })
    }

    /// Nothing without the feature, since VRL is heavy.
    #[cfg_attr(
        not(feature = "vrl"),
        expect(unused_variables, reason = "there is nobody to tell")
    )]
    fn vrl(name: &'static str, log: &'static str, source: &str) -> Option<Self> {
        #[cfg(feature = "vrl")]
        return Some(Self::new("_vrl", name, vrl::reader(log, source)));
        #[cfg(not(feature = "vrl"))]
        None
    }
}

pub fn run(report: &mut Report) {
    if cfg!(not(feature = "vrl")) {
        report.skip("VRL", "built without `--features vrl`");
    }
    entries(report);
    records(report);
    formats(report);
    groks(report);
    template::run(report);
}

/// Formats that are read into a structure of their own.
fn entries(report: &mut Report) {
    let log = lines::access();
    let pattern = combined_pattern();
    let mut peers = vec![
        Peer::new("", "grok crate (Oniguruma)", move |line| {
            pattern
                .match_against(line)
                .map(|found| found.iter().count())
                .is_some()
        }),
        Peer::regex(
            r#"^(\S+) (\S+) (\S+) \[([^\]]+)\] "([^"]*)" (\d+|-) (\d+|-) "([^"]*)" "([^"]*)"$"#,
        ),
    ];
    let source = r#"parse_apache_log!(.message, format: "combined")"#;
    peers.extend(Peer::vrl("VRL parse_apache_log", log, source));
    ask(report, "logparse.combined_entry", log, peers, |line| {
        access::parse_combined(line.as_bytes())
            .map(black_box)
            .is_ok()
    });

    let log = lines::container();
    let mut peers = vec![Peer::regex("^([^ ]+) (stdout|stderr) ([^ ]*) (.*)$")];
    let source = r"parse_regex!(.message, r'^(?P<time>[^ ]+) (?P<stream>stdout|stderr) (?P<tag>[^ ]*) (?P<msg>.*)$')";
    peers.extend(Peer::vrl("VRL parse_regex", log, source));
    ask(report, "logparse.cri_entry", log, peers, |line| {
        cri::parse(line.as_bytes()).map(black_box).is_ok()
    });

    let log = lines::json();
    let mut peers = vec![
        Peer::new("", "serde_json::Value", |line| {
            serde_json::from_str::<serde_json::Value>(line)
                .map(black_box)
                .is_ok()
        }),
        Peer::new("_sonic", "sonic_rs::Value", |line| {
            sonic_rs::from_str::<sonic_rs::Value>(line)
                .map(black_box)
                .is_ok()
        }),
    ];
    peers.extend(Peer::vrl("VRL parse_json", log, "parse_json!(.message)"));
    ask(report, "logparse.json_record", log, peers, |line| {
        json::parse(line.as_bytes()).map(black_box).is_ok()
    });
}

/// The whole way from bytes in chunks to uniform records with a ledger.
fn records(report: &mut Report) {
    let log = lines::access();
    let pattern = combined_pattern();
    let theirs = || {
        count(log, |line| {
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
    let name = "logparse.combined_reader";
    compare(report, name, "grok crate (Oniguruma)", log, ours, theirs);
}

/// Formats that most people read with a regular expression, against the one they would write; klog's and Spring's are the ones of the
/// collectors' documentation. And against VRL's function, where it has one.
fn formats(report: &mut Report) {
    let reference = Timestamp::from_rfc3339(b"2026-11-21T00:00:00Z").expect("a time");
    let context = Context::default().with_reference(reference);
    for (name, format, vrl, pattern, log) in [
        (
            "logparse.klog_record",
            Format::Klog,
            Some(("VRL parse_klog", "parse_klog!(.message)")),
            r"^([IWEF])(\d{4} \d{2}:\d{2}:\d{2}\.\d{6})\s+(\d+) ([^:]+):(\d+)\] (.*)$",
            lines::klog(),
        ),
        (
            "logparse.syslog_record",
            Format::Syslog,
            Some(("VRL parse_syslog", "parse_syslog!(.message)")),
            r"^<(\d+)>(\w{3} [ \d]\d \d{2}:\d{2}:\d{2}) (\S+) ([^\[: ]+)\[(\d+)\]: (.*)$",
            lines::syslog(),
        ),
        (
            "logparse.spring_record",
            Format::Spring,
            None,
            r"^(\S+)\s+([A-Z]+) (\d+) --- \[([^\]]*)\] \[([^\]]*)\] (\S+)\s+: (.*)$",
            lines::spring(),
        ),
        (
            "logparse.envoy_record",
            Format::Envoy,
            None,
            r#"^\[([^\]]+)\] "(\S+) (\S+) ([^"]+)" (\d+) (\S+) (\S+) (\S+) (\S+) (\S+) "([^"]*)" "([^"]*)" "([^"]*)" "([^"]*)" "([^"]*)"$"#,
            lines::envoy(),
        ),
        (
            "logparse.logfmt_record",
            Format::Logfmt,
            Some(("VRL parse_logfmt", "parse_logfmt!(.message)")),
            r#"^ts=(\S+) level=(\S+) caller=(\S+) msg="((?:[^"\\]|\\.)*)" status=(\d+) duration=(\S+) id=(\S+)$"#,
            lines::logfmt(),
        ),
    ] {
        let mut peers = vec![Peer::regex(pattern)];
        peers.extend(vrl.and_then(|(peer, source)| Peer::vrl(peer, log, source)));
        ask(report, name, log, peers, |line| {
            format
                .parse_with(line.as_bytes(), &context)
                .map(black_box)
                .is_ok()
        });
    }
}

/// The same stock pattern with both; then what twice the line costs where a backtracker explodes.
fn groks(report: &mut Report) {
    let log = lines::access();
    let stock = Patterns::stock(Spelling::Legacy);
    let mut ours = stock
        .compile("%{COMBINEDAPACHELOG}")
        .expect("a stock pattern");
    let theirs = combined_pattern();
    compare(
        report,
        "logparse.grok_combined",
        "grok crate (Oniguruma)",
        log,
        || {
            count(log, |line| {
                ours.parse(line.as_bytes()).map(black_box).is_ok()
            })
        },
        || {
            count(log, |line| {
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

fn combined_pattern() -> grok::Pattern {
    grok::Grok::with_default_patterns()
        .compile("%{COMBINEDAPACHELOG}", true)
        .expect("a stock pattern")
}

/// Compares ours with each peer in turn.
fn ask(
    report: &mut Report,
    name: &str,
    log: &'static str,
    peers: Vec<Peer>,
    mut ours: impl FnMut(&str) -> bool,
) {
    for mut peer in peers {
        let name = format!("{name}{}", peer.suffix);
        compare(
            report,
            &name,
            peer.name,
            log,
            || count(log, &mut ours),
            || count(log, &mut peer.read),
        );
    }
}

/// Runs both in turn and records the least processor time of each.
fn compare(
    report: &mut Report,
    name: &str,
    peer: &str,
    log: &str,
    mut ours: impl FnMut(),
    mut theirs: impl FnMut(),
) {
    let (mut best, mut their_best) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        best = best.min(processor_time(&mut ours));
        their_best = their_best.min(processor_time(&mut theirs));
    }
    let megabytes = log.len() as f64 / 1e6;
    let rate = megabytes / best.as_secs_f64();
    let note = format!("{LINES} lines, {megabytes:.1} MB; ours {rate:.0} MB/s");
    report.record(name, peer, &note, best, their_best);
}

/// What the thread spends on it.
fn processor_time(work: &mut impl FnMut()) -> Duration {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::try_from(time).expect("a positive time")
    };
    let start = now();
    work();
    now() - start
}

/// Reads every line, and insists that each is read.
fn count(log: &'static str, mut read: impl FnMut(&'static str) -> bool) {
    assert_eq!(log.lines().filter(|line| read(line)).count(), LINES);
}
