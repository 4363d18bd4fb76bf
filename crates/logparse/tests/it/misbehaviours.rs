//! What other readers are known to get wrong on these formats.

use narae_logparse::line::{LineOptions, Part};
use narae_logparse::multiline::Rules;
use narae_logparse::reader::ReaderOptions;
use narae_logparse::time::Context;
use narae_logparse::{Event, Format, Reader, Reason, Timestamp, Value, detect};

fn read(format: Format, options: &ReaderOptions, input: &[u8]) -> Vec<String> {
    let mut reader = Reader::with_options(format, options);
    reader.push(input);
    reader.finish();
    let mut shown = Vec::new();
    while let Some(event) = reader.next_event() {
        shown.push(match event {
            Event::Record(record) => {
                let message =
                    record
                        .get("message")
                        .or(record.get("status"))
                        .map(|value| match value {
                            Value::Text(text) => {
                                String::from_utf8_lossy(&text.decode()).into_owned()
                            }
                            other => other.as_integer::<u64>().unwrap().to_string(),
                        });
                format!("{} {}", record.part().name(), message.unwrap())
            }
            Event::Raw(raw) => format!(
                "raw {} at {}+{}",
                raw.error().reason().code(),
                raw.line().offset(),
                raw.error().offset()
            ),
        });
    }
    reader.verify().unwrap();
    shown
}

#[test]
fn partial_lines_of_two_streams_are_not_glued_together() {
    let input = b"\
2026-01-01T00:00:00Z stdout P out-1 \n\
2026-01-01T00:00:00Z stderr P err-1 \n\
2026-01-01T00:00:00Z stdout P out-2 \n\
2026-01-01T00:00:00Z stderr F err-2\n\
2026-01-01T00:00:00Z stdout F out-3\n\
2026-01-01T00:00:00Z stdout P never ends";
    let found = read(Format::Cri, &ReaderOptions::default(), input);
    assert_eq!(
        found,
        [
            "whole err-1 err-2",
            "whole out-1 out-2 out-3",
            "head never ends"
        ]
    );
}

#[test]
fn docker_s_partial_lines_are_joined_per_stream() {
    let line = |stream: &str, log: &str| {
        format!("{{\"log\":\"{log}\",\"stream\":\"{stream}\",\"time\":\"2026-01-01T00:00:00Z\"}}\n")
    };
    let half = "x".repeat(16 << 10);
    let input = [
        line("stdout", &half),
        line("stderr", "alarm\\n"),
        line("stdout", "end\\n"),
        line("stderr", "cut"),
    ];
    let found = read(
        Format::Docker,
        &ReaderOptions::default(),
        input.concat().as_bytes(),
    );
    assert_eq!(
        found,
        [
            "whole alarm".to_owned(),
            format!("whole {half}end"),
            "head cut".to_owned()
        ]
    );
}

#[test]
fn traces_of_two_streams_are_joined_apart() {
    let input = b"\
2026-01-01T00:00:00Z stdout F ERROR out\n\
2026-01-01T00:00:00Z stderr F ERROR err\n\
2026-01-01T00:00:00Z stdout F java.lang.IllegalStateException: o\n\
2026-01-01T00:00:00Z stderr F Traceback (most recent call last):\n\
2026-01-01T00:00:00Z stdout P \tat a.B\n\
2026-01-01T00:00:00Z stderr F   File \"a.py\", line 1, in f\n\
2026-01-01T00:00:00Z stdout F .c(B.java:1)\n\
2026-01-01T00:00:00Z stderr F KeyError: 'e'\n\
2026-01-01T00:00:00Z stdout F INFO next\n";
    let options = ReaderOptions::default().with_multiline(Rules::traces());
    let found = read(Format::Cri, &options, input);
    assert_eq!(
        found,
        [
            "whole ERROR out\njava.lang.IllegalStateException: o\n\tat a.B.c(B.java:1)",
            "whole INFO next",
            "whole ERROR err\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 'e'",
        ]
    );
}

#[test]
fn a_trace_is_part_of_the_record_of_its_line() {
    let options = ReaderOptions::default().with_multiline(Rules::traces());
    let spring = b"2026-11-21T04:44:44.123Z ERROR 1 --- [           main] a.B : failed\r\n\r\na.b.SomeException: x\r\n\tat a.B.c(B.java:1)\r\n";
    let found = read(Format::Spring, &options, spring);
    assert_eq!(
        found,
        ["whole failed\r\n\r\na.b.SomeException: x\r\n\tat a.B.c(B.java:1)"]
    );

    // JSON says nothing of further lines.
    let mut reader = Reader::with_options(Format::Json, &options);
    reader.push(b"{\"msg\":\"failed\"}\r\na.b.SomeException: x\r\n");
    reader.finish();
    let Some(Event::Record(record)) = reader.next_event() else {
        panic!("a record was expected")
    };
    let continuation = record.get("continuation").and_then(Value::to_str);
    assert_eq!(continuation.as_deref(), Some("a.b.SomeException: x"));
}

#[test]
fn two_upstreams_do_not_shift_the_fields_of_ingress_nginx() {
    let line = br#"h - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 100 "-" "a" 80 0.013 [u] [] 172.17.0.6:8080, 172.17.0.7:8080 0, 100 0.001, 0.012 502, 200 id"#;
    let record = Format::IngressNginx.parse(line).unwrap();
    let lengths = match record.get("upstream_response_length") {
        Some(Value::List(lengths)) => lengths.iter().map(Value::as_integer::<u64>).collect(),
        _ => Vec::new(),
    };
    assert_eq!(lengths, [Some(0), Some(100)]);
    assert_eq!(
        record.get("request_id").and_then(Value::to_str).as_deref(),
        Some("id")
    );
}

#[test]
fn dates_without_year_are_never_in_the_future() {
    let received = Timestamp::from_rfc3339(b"2026-11-21T00:00:00Z").unwrap();
    let options =
        ReaderOptions::default().with_context(Context::default().with_reference(received));
    for (line, expected) in [
        ("<13>Feb 29 10:00:00 h su: m", "2024-02-29T10:00:00Z"),
        ("<13>Dec 31 23:59:59 h su: m", "2025-12-31T23:59:59Z"),
    ] {
        let mut reader = Reader::with_options(Format::Syslog, &options);
        reader.push(line.as_bytes());
        reader.finish();
        let time = match reader.next_event() {
            Some(Event::Record(record)) => record.time().map(|time| time.to_string()),
            _ => None,
        };
        assert_eq!(time.as_deref(), Some(expected));
    }
}

#[test]
fn a_long_line_does_not_end_the_file() {
    let good = r#"h - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 0 "-" "a""#;
    let input = format!("{good}\n{}\n{good}\n", "x".repeat(40 << 10));
    let options =
        ReaderOptions::default().with_lines(LineOptions::default().with_max_line_bytes(32 << 10));
    let found = read(Format::Combined, &options, input.as_bytes());
    assert_eq!(
        found,
        [
            "whole 200",
            "raw line_too_long at 66+0",
            "raw line_too_long at 32834+0",
            "whole 200"
        ]
    );
}

#[test]
fn a_long_line_of_plain_text_is_records_that_say_so() {
    let options =
        ReaderOptions::default().with_lines(LineOptions::default().with_max_line_bytes(16));
    let found = read(
        Format::Plain,
        &options,
        b"0123456789abcdef0123456789abcdefg\n\nnext",
    );
    assert_eq!(
        found,
        [
            "head 0123456789abcdef",
            "middle 0123456789abcdef",
            "tail g",
            "whole ",
            "whole next"
        ]
    );
}

#[test]
fn a_missing_closing_quote_is_raw_with_reason_and_offset() {
    let good = r#"h - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 0 "-" "a""#;
    let input = format!("{good}\n{}\n\n{good}", good.trim_end_matches('"'));
    let found = read(
        Format::Combined,
        &ReaderOptions::default(),
        input.as_bytes(),
    );
    assert_eq!(
        found,
        [
            "whole 200",
            "raw unclosed_quote at 66+62",
            "raw blank at 131+0",
            "whole 200"
        ]
    );
}

#[test]
fn a_line_that_never_fits_costs_time_in_its_length_only() {
    // The shape that makes backtracking engines give up: every bracket might begin the time.
    let line = format!("h - {}", "[x] [10/Oct/2000:13:55:36 +0000] ".repeat(20_000));
    let error = Format::Combined.parse(line.as_bytes()).unwrap_err();
    assert_eq!(error.reason(), Reason::BadTimestamp);
}

#[test]
fn flushing_hands_over_what_waits_and_marks_it() {
    let mut reader = Reader::new(Format::Cri);
    reader.push(b"2026-01-01T00:00:00Z stdout P a\n2026-01-01T00:00:00Z std");
    assert_eq!(reader.next_event(), None);
    reader.flush();
    let part = |event: Option<Event<'_>>| match event {
        Some(Event::Record(record)) => Some(record.part()),
        _ => None,
    };
    assert_eq!(part(reader.next_event()), Some(Part::Head));
    assert_eq!(reader.next_event(), None);
    reader.push(b"out F b\n");
    assert_eq!(part(reader.next_event()), Some(Part::Tail));
    reader.verify().unwrap();
}

#[test]
fn formats_are_recognised_and_doubt_is_said() {
    let of = |sample: &str| {
        let found = detect::detect(sample.as_bytes());
        (found.format(), (found.confidence() * 100.0).round())
    };
    let access = r#"h - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 0 "-" "a""#;
    assert_eq!(
        of(&format!("{access}\n\n{access}\ngarbage\n")),
        (Format::Combined, 67.0)
    );
    assert_eq!(
        of("2026-01-01T00:00:00Z stdout F {\"a\":1}"),
        (Format::Cri, 100.0)
    );
    assert_eq!(of("{\"a\":1}\r\n{\"a\":2}\r\n{\"a"), (Format::Json, 100.0));
    assert_eq!(of("one\ntwo\n{\"a\":1}\n"), (Format::Plain, 67.0));
    assert_eq!(of(""), (Format::Plain, 0.0));
}
