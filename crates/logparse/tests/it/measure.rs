//! Sketches, series, alerts, comparisons and rules: bounds that hold, and answers that are right where the truth is known.

use std::time::Duration;

use narae_logparse::measure::security::{self, Rules};
use narae_logparse::measure::{
    ACCURACY, BurnRate, CompareOptions, Comparison, Level, Objective, Observation, SLO_RULES,
    Series, Side, Sketch, Verdict, Window,
};
use narae_logparse::{Format, Timestamp};
use proptest::prelude::*;

/// Numbers between 0 and 1, the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn observed(status: u16, latency: Option<Duration>) -> Observation {
    let mut seen = Observation::default();
    (seen.status, seen.latency) = (Some(status), latency);
    seen
}

proptest! {
    #[test]
    fn quantiles_are_as_near_as_stated(mut micros in proptest::collection::vec(1_u64..86_400_000_000, 1..300), permille in 0_usize..=1000, cut in any::<prop::sample::Index>()) {
        let cut = cut.index(micros.len());
        let (mut left, mut right) = (Sketch::default(), Sketch::default());
        micros[..cut].iter().for_each(|m| left.add(Duration::from_micros(*m)));
        micros[cut..].iter().for_each(|m| right.add(Duration::from_micros(*m)));
        left.merge(&right);
        prop_assert_eq!(left.count(), micros.len() as u64);
        micros.sort_unstable();
        let rank = (micros.len() * permille).div_ceil(1000).max(1);
        let exact = micros[rank - 1] as f64 / 1e6;
        let found = left.quantile(permille as f64 / 1000.0).unwrap().as_secs_f64();
        prop_assert!((found / exact - 1.0).abs() <= ACCURACY + 1e-6, "{found} for {exact}");
        let mut whole = Sketch::default();
        micros.iter().for_each(|m| whole.add(Duration::from_micros(*m)));
        prop_assert!(whole.buckets().eq(left.buckets()), "merging is adding");
    }

    #[test]
    fn series_lose_nothing_in_any_order_or_split(seconds in proptest::collection::vec(-100_000_i64..100_000, 0..200), most in 2_usize..20) {
        let observation = |second: i64| {
            let mut seen = observed(if second % 7 == 0 { 503 } else { 200 }, None);
            seen.time = Some(Timestamp::from_unix_seconds(second));
            seen
        };
        let mut series = Series::new(Duration::from_secs(1), most);
        let (mut left, mut right) = (Series::new(Duration::from_secs(1), most), Series::new(Duration::from_secs(10), most));
        for (at, second) in seconds.iter().enumerate() {
            series.add(&observation(*second));
            if at % 2 == 0 { left.add(&observation(*second)) } else { right.add(&observation(*second)) }
        }
        left.merge(&right);
        for series in [&series, &left] {
            prop_assert!(series.windows().count() <= most);
            let total = series.total();
            prop_assert_eq!(total.requests, seconds.len() as u64);
            prop_assert_eq!(total.failed_requests, seconds.iter().filter(|s| **s % 7 == 0).count() as u64);
            for (start, _) in series.windows() {
                prop_assert_eq!(start.unix_seconds().rem_euclid(i64::try_from(series.width().as_secs()).unwrap()), 0);
            }
        }
    }

    #[test]
    fn rules_are_read_or_refused(text in prop_oneof![any::<String>(), "((rule|says|when|by|at|different) [a-z |%{}:]{0,20}\n){0,8}"]) {
        if let Err(error) = Rules::parse(&text) {
            prop_assert!(error.line() >= 1 && error.line() <= text.lines().count());
        }
    }
}

#[test]
fn a_sketch_has_edges() {
    let mut sketch = Sketch::default();
    assert_eq!((sketch.quantile(0.5), sketch.mean()), (None, None));
    sketch.add(Duration::ZERO);
    sketch.add(Duration::MAX);
    assert!(sketch.quantile(0.5).unwrap() < Duration::from_micros(2));
    assert!(sketch.quantile(1.0).unwrap() > Duration::from_secs(86_000));
    assert_eq!(sketch.count_above(Duration::from_secs(1)), 1);
}

#[test]
fn a_share_that_falls_on_one_of_them_is_that_one() {
    for many in 1..=200_u64 {
        let mut sketch = Sketch::default();
        // A bucket is 2 % wide: one duration in each.
        (1..=many).for_each(|n| sketch.add(Duration::from_secs_f64(1.05_f64.powf(n as f64) / 1e4)));
        for permille in 1..=1000 {
            let rank = usize::try_from((many * permille).div_ceil(1000)).unwrap();
            let found = sketch.quantile(permille as f64 / 1000.0);
            let exact = sketch.buckets().nth(rank - 1).map(|(at, _)| at);
            assert_eq!(found, exact, "{permille}‰ of {many}");
        }
    }
}

#[test]
fn levels_are_known_by_any_name() {
    for (line, level) in [
        (r#"{"level":"WARNING"}"#, Some(Level::Warn)),
        (r#"{"level":50}"#, Some(Level::Error)),
        (r#"{"severity":"emerg"}"#, Some(Level::Fatal)),
        (r#"{"level":"whatever"}"#, None),
        (r#"{}"#, None),
    ] {
        assert_eq!(
            Level::of(&Format::Json.parse(line.as_bytes()).unwrap()),
            level,
            "{line}"
        );
    }
}

fn side(requests: u64, failing: f64, median_ms: f64, random: &mut Random) -> Side {
    let mut seen = Window::default();
    for _ in 0..requests {
        let status = if random.next() < failing { 500 } else { 200 };
        let spread: f64 = (0..6).map(|_| random.next() - 0.5).sum();
        let latency = Duration::from_secs_f64(median_ms / 1000.0 * spread.exp());
        seen.add(&observed(status, Some(latency)));
    }
    Side::new(Duration::from_secs(600), seen)
}

#[test]
fn verdicts_are_right_as_often_as_they_say() {
    let mut random = Random(11);
    // What is done to the errors and the latency, and the answers that are right.
    let cases: [(u64, f64, f64, &[Verdict]); 6] = [
        (2000, 0.01, 100.0, &[Verdict::Same, Verdict::Unsure]),
        (2000, 0.05, 100.0, &[Verdict::Worse]),
        (2000, 0.01, 140.0, &[Verdict::Worse]),
        (2000, 0.01, 70.0, &[Verdict::Better, Verdict::Unsure]),
        (20, 0.012, 105.0, &[Verdict::Unsure]),
        (20_000, 0.01, 100.0, &[Verdict::Same]),
    ];
    for (requests, failing, median, right) in cases {
        let rounds = if requests > 10_000 { 3 } else { 30 };
        let wrong = (0..rounds)
            .filter(|_| {
                let before = side(requests, 0.01, 100.0, &mut random);
                let after = side(requests, failing, median, &mut random);
                let verdict =
                    Comparison::new(&before, &after, &CompareOptions::default()).verdict();
                !right.contains(&verdict)
            })
            .count();
        assert!(
            wrong * 20 <= rounds * 2,
            "{wrong} of {rounds} wrong for {failing} and {median} ms"
        );
    }
}

#[test]
fn no_errors_in_few_requests_prove_nothing() {
    let mut random = Random(5);
    let few = side(12, 0.0, 100.0, &mut random);
    let compared = Comparison::new(&few, &few, &CompareOptions::default());
    assert_eq!(compared.errors.unwrap().verdict, Verdict::Unsure);
    let nothing = Comparison::new(&Side::default(), &few, &CompareOptions::default());
    assert_eq!(
        (
            nothing.verdict(),
            nothing.errors,
            nothing.latency,
            nothing.rate
        ),
        (Verdict::Unsure, None, None, None)
    );
}

#[test]
fn a_side_without_requests_is_not_compared_with_one_that_has_them() {
    let mut random = Random(7);
    let requests = side(2000, 0.0, 100.0, &mut random);
    let mut seen = Window::default();
    for _ in 0..2000 {
        seen.add(&Observation::default());
    }
    let lines = Side::new(Duration::from_secs(600), seen);
    for (before, after) in [(&requests, &lines), (&lines, &requests)] {
        let compared = Comparison::new(before, after, &CompareOptions::default());
        assert_eq!(compared.verdict(), Verdict::Unsure);
    }
    let compared = Comparison::new(&lines, &lines, &CompareOptions::default());
    assert_eq!(compared.verdict(), Verdict::Same);
}

#[test]
fn half_the_traffic_is_told_and_decides_nothing() {
    let mut random = Random(6);
    let (whole, half) = (
        side(16_000, 0.01, 100.0, &mut random),
        side(8000, 0.01, 100.0, &mut random),
    );
    let compared = Comparison::new(&whole, &half, &CompareOptions::default());
    assert_eq!(compared.rate.unwrap().verdict, Verdict::Worse);
    assert_eq!(compared.verdict(), Verdict::Same);
}

#[test]
fn new_templates_are_those_only_the_span_after_has() {
    let mut miner = narae_logparse::template::Miner::default();
    let mut id = |line: &str| miner.add(line.as_bytes()).id;
    let (known, more, most) = (
        id("cart saved"),
        id("panic in cart"),
        id("retry of payment failed"),
    );
    let before = Side::default().with_templates([(known, 5)]);
    let after = Side::default().with_templates([(known, 1), (more, 1), (most, 9)]);
    let compared = Comparison::new(&before, &after, &CompareOptions::default());
    assert_eq!(compared.new_templates, [(most, 9), (more, 1)]);
}

#[test]
fn burn_alerts_come_and_go_with_the_fire() {
    let run = |bad_per_minute: &dyn Fn(i64) -> u64, minutes: i64| {
        let mut watch = BurnRate::new(Objective::availability(0.999), SLO_RULES);
        let mut told = Vec::new();
        for minute in 0..minutes {
            let bad = bad_per_minute(minute);
            told.extend(watch.push(Timestamp::from_unix_seconds(minute * 60), 1000 - bad, bad));
        }
        told.extend(watch.finish());
        told.into_iter()
            .map(|alert| (alert.rule.rate, alert.raised, alert.at.unix_seconds() / 60))
            .collect::<Vec<_>>()
    };
    // Within the budget: silence for a week.
    assert_eq!(run(&|_| 0, 7 * 1440), []);
    assert_eq!(run(&|minute| u64::from(minute % 2 == 0), 7 * 1440), []);
    // 5 % for 20 minutes, after half a day: pages in minutes, and is over five minutes after the end.
    let told = run(
        &|minute| if (720..740).contains(&minute) { 50 } else { 0 },
        1440,
    );
    let fast: Vec<_> = told.iter().filter(|(rate, _, _)| *rate == 14.4).collect();
    assert!(
        matches!(fast[..], [(_, true, 738), (_, false, 744)]),
        "{told:?}"
    );
    // A slow burn of twice the budget: nobody is woken, a ticket is written.
    let told = run(&|_| 2, 4 * 1440);
    assert!(
        told.iter().all(|(rate, raised, _)| *rate == 1.0 && *raised) && told.len() == 1,
        "{told:?}"
    );
    // Silence afterwards clears as well.
    let mut watch = BurnRate::new(Objective::availability(0.999), SLO_RULES);
    watch.push(Timestamp::from_unix_seconds(0), 0, 100);
    assert!(
        watch
            .push(Timestamp::from_unix_seconds(60), 0, 100)
            .iter()
            .all(|alert| alert.raised)
    );
    assert!(watch.raised().count() > 0);
    watch.push(Timestamp::from_unix_seconds(5 * 86_400), 100, 0);
    watch.finish();
    assert_eq!(watch.raised().count(), 0);
    // Two requests at night, one failed: too few to wake anyone.
    let mut watch = BurnRate::new(Objective::availability(0.999), SLO_RULES);
    watch.push(Timestamp::from_unix_seconds(0), 1, 1);
    assert_eq!(watch.finish(), []);
}

#[test]
fn an_objective_may_be_about_latency() {
    let objective = Objective::latency(0.99, Duration::from_millis(300));
    let mut seen = Window::default();
    for ms in 1..=1000 {
        seen.add(&observed(200, Some(Duration::from_millis(ms))));
    }
    let (good, bad) = objective.count(&seen);
    assert!((695..=705).contains(&bad) && good + bad == 1000, "{bad}");
    assert!((objective.burn_rate(good, bad) - 70.0).abs() < 1.0);
}

#[test]
fn gelf_and_the_journal_have_syslog_s_levels() {
    let levels = [
        Level::Fatal,
        Level::Fatal,
        Level::Fatal,
        Level::Error,
        Level::Warn,
        Level::Info,
        Level::Info,
        Level::Debug,
    ];
    for (number, level) in levels.into_iter().enumerate() {
        let gelf =
            format!(r#"{{"version":"1.1","host":"w","short_message":"m","level":{number}}}"#);
        let gelf = Format::Gelf.parse(gelf.as_bytes()).unwrap();
        let journal = format!("MESSAGE=m\nPRIORITY={number}\n");
        let journal = Format::Journal.parse(journal.as_bytes()).unwrap();
        assert_eq!(
            (Level::of(&gelf), Level::of(&journal)),
            (Some(level), Some(level))
        );
    }
}

#[test]
fn attacks_are_found_in_the_journal_and_in_gelf() {
    let mut watch = security::Watch::new(Rules::stock());
    let mut told = Vec::new();
    for n in 0..10 {
        let said =
            |address: &str| format!("Failed password for root from {address} port 4{n} ssh2");
        let time = 1_795_236_284 + n;
        let journal = format!(
            "__REALTIME_TIMESTAMP={time}000000\nMESSAGE={}\n",
            said("192.0.2.1")
        );
        let gelf = format!(
            r#"{{"version":"1.1","host":"w","timestamp":{time},"short_message":"{}"}}"#,
            said("192.0.2.2")
        );
        for (format, line) in [(Format::Journal, journal), (Format::Gelf, gelf)] {
            let record = format.parse(line.as_bytes()).unwrap();
            let signals = watch.add(&record).into_iter();
            told.extend(signals.map(|signal| format!("{} {}", signal.rule, signal.source)));
        }
    }
    assert_eq!(
        told,
        [
            "ssh-password-guessing 192.0.2.1",
            "ssh-password-guessing 192.0.2.2"
        ]
    );
}

#[test]
fn the_stock_rules_are_read_and_find_what_they_say() {
    let names: Vec<_> = Rules::stock().names().map(str::to_owned).collect();
    assert_eq!(
        names.len(),
        include_str!("../../src/measure/security/stock.rules")
            .lines()
            .filter(|l| l.starts_with("rule "))
            .count()
    );
    assert!(names.len() >= 8);
    let mut watch = security::Watch::new(Rules::stock());
    let mut told = Vec::new();
    let context = narae_logparse::time::Context::default()
        .with_reference(Timestamp::from_rfc3339(b"2026-11-21T00:00:00Z").unwrap());
    let mut feed = |format: Format, line: String| {
        let record = format.parse_with(line.as_bytes(), &context).unwrap();
        told.extend(
            watch
                .add(&record)
                .into_iter()
                .map(|signal| format!("{} {} {}", signal.rule, signal.source, signal.count)),
        );
    };
    for n in 0..12 {
        feed(
            Format::Syslog,
            format!(
                "<38>Nov 20 10:{n:02}:00 web-1 sshd[9]: Failed password for invalid user u{} from 192.0.2.1 port 4{n} ssh2",
                n % 2
            ),
        );
        feed(
            Format::Syslog,
            format!(
                "<38>Nov 20 11:00:{n:02} web-1 sshd[9]: Failed password for root from 192.0.2.2 port 4{n} ssh2"
            ),
        );
        feed(
            Format::Syslog,
            format!(
                "<38>Nov 20 12:{:02}:00 web-1 sshd[9]: Invalid user name{} from 192.0.2.3 port 9",
                n / 3,
                n / 2
            ),
        );
    }
    let access = |client: &str, second: usize, target: &str, status: u16, agent: &str| {
        format!(
            "{client} - - [20/Nov/2026:13:{:02}:{:02} +0000] \"GET {target} HTTP/1.1\" {status} 0 \"-\" \"{agent}\"",
            second / 60,
            second % 60
        )
    };
    for n in 0..40 {
        feed(
            Format::Combined,
            access("192.0.2.4", n, "/account", 401, "-"),
        );
        feed(
            Format::Combined,
            access("192.0.2.5", n, &format!("/old/{n}"), 404, "-"),
        );
        feed(
            Format::Combined,
            access("192.0.2.6", n, "/favicon.ico", 404, "-"),
        );
        feed(
            Format::Combined,
            access("192.0.2.7", n, "/", 200, "Mozilla/5.0 Nikto/2.5"),
        );
    }
    told.sort();
    assert_eq!(
        told,
        [
            "scanner-agents 192.0.2.7 1",
            "scanner-misses 192.0.2.5 30",
            "ssh-password-guessing 192.0.2.2 10",
            "ssh-user-guessing 192.0.2.3 5",
            "web-login-guessing 192.0.2.4 20",
        ]
    );
}

#[test]
fn a_source_is_told_again_only_after_silence() {
    let rules = Rules::parse("rule r\n when status is 401\n by host\n at 2 in 1m\n").unwrap();
    let mut watch = security::Watch::new(rules);
    let told: Vec<usize> = [0, 10, 20, 30, 200, 210, 211]
        .map(|second| {
            let line = format!(
                "h - - [20/Nov/2026:13:{:02}:{:02} +0000] \"GET / HTTP/1.1\" 401 0 \"-\" \"-\"",
                second / 60,
                second % 60
            );
            watch
                .add(&Format::Combined.parse(line.as_bytes()).unwrap())
                .len()
        })
        .to_vec();
    assert_eq!(told, [0, 1, 0, 0, 0, 1, 0]);
}

#[test]
fn a_bad_rule_is_refused_where_it_stands() {
    for (text, expected) in [
        ("by host", "line 1: a rule begins with: rule NAME"),
        (
            "rule a\n when status is 401\n at 2 in 1m",
            "line 1: the rule a has no \"by\"",
        ),
        (
            "rule a\n\n sometimes",
            "line 3: expected rule, says, when, by, different or at, found \"sometimes\"",
        ),
        (
            "rule a\n when status",
            "line 2: expected: when FIELD is|contains|grok VALUE",
        ),
        (
            "rule a\n at 2 in 1w",
            "line 2: expected: at COUNT in DURATION, such as at 10 in 5m, with a count from 1 to 1000",
        ),
        (
            "rule a\n when m grok %{NOPE}",
            "line 2: the pattern: there is no pattern \"NOPE\" (byte 0 of the pattern)",
        ),
    ] {
        assert_eq!(Rules::parse(text).unwrap_err().to_string(), expected);
    }
}
