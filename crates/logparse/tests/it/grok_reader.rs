//! A reader whose format is a grok pattern: nothing of a line is lost, whatever the pattern names.

use std::collections::BTreeMap;

use narae_logparse::grok::{Groks, Patterns, Spelling};
use narae_logparse::multiline::Rules;
use narae_logparse::reader::ReaderOptions;
use narae_logparse::record::Field;
use narae_logparse::{Event, Format, Reader, Reason, Value};

type Found = Result<BTreeMap<String, String>, (Reason, usize)>;

/// What a reader with a pattern makes of an input, as names and values, or the reason and the byte.
fn read(pattern: &str, rules: Option<Rules>, input: &str) -> Vec<Found> {
    let pattern = Patterns::stock(Spelling::Ecs).compile(pattern).unwrap();
    let options = ReaderOptions::default().with_grok(Groks::new([pattern]));
    let options = rules
        .into_iter()
        .fold(options, ReaderOptions::with_multiline);
    let mut reader = Reader::with_options(Format::Grok, &options);
    let mut found = Vec::new();
    for piece in input.as_bytes().chunks(7) {
        reader.push(piece);
        while let Some(event) = reader.next_event() {
            found.push(fields(&event));
        }
    }
    reader.finish();
    while let Some(event) = reader.next_event() {
        found.push(fields(&event));
    }
    reader.verify().unwrap();
    found
}

fn fields(event: &Event<'_>) -> Found {
    let record = match event {
        Event::Raw(raw) => return Err((raw.error().reason(), raw.error().offset())),
        Event::Record(record) => record,
    };
    assert_eq!(record.format(), Format::Grok);
    let pair = |field: &Field<'_>| {
        let text = match field.value() {
            Value::Number(number) => number.literal().into_owned(),
            value => value.to_str().unwrap().into_owned(),
        };
        (field.name().to_owned(), text)
    };
    let time = record.time();
    let time = time.map(|time| ("TIME".to_owned(), time.to_string()));
    Ok(record.fields().iter().map(pair).chain(time).collect())
}

#[test]
fn a_reader_reads_by_patterns_and_loses_nothing() {
    let pairs = |pairs: &[(&str, &str)]| -> Found {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Ok(pairs.iter().map(owned).collect())
    };
    let input = "x 7 y\nnone\n\n8";
    let expected = [
        pairs(&[("n", "7"), ("message", "x 7 y")]),
        Err((Reason::NoMatch, 0)),
        Err((Reason::Blank, 0)),
        pairs(&[("n", "8"), ("message", "8")]),
    ];
    assert_eq!(read("%{INT:n}", None, input), expected);

    // The pattern's own message; further lines beside it.
    let rules = || Some(Rules::indentation());
    let input = "a 1\n b\n\tc\n2\n";
    let expected = [
        pairs(&[("message", "a 1"), ("continuation", " b\n\tc")]),
        pairs(&[("message", "2")]),
    ];
    assert_eq!(read("(?<message>.*)", rules(), input), expected);
    let expected = [
        pairs(&[("n", "1"), ("message", "a 1\n b\n\tc")]),
        pairs(&[("n", "2"), ("message", "2")]),
    ];
    assert_eq!(read("%{INT:n}", rules(), input), expected);
    // Digits further down are not looked for.
    assert_eq!(
        read("%{INT:n}", rules(), "a\n 1\n"),
        [Err((Reason::NoMatch, 0))]
    );
}

#[test]
fn a_pattern_s_timestamp_is_the_record_s_time() {
    for (pattern, line, expected) in [
        (
            "%{HTTPDATE:timestamp}",
            "10/Oct/2026:13:55:00 +0900",
            "2026-10-10T04:55:00Z",
        ),
        (
            "%{TIMESTAMP_ISO8601:time}",
            "2026-11-21 04:44:44,5",
            "2026-11-21T04:44:44.500Z",
        ),
        (
            "%{TIMESTAMP_ISO8601:[@timestamp]}",
            "2026-11-21T04:44:44+09:00",
            "2026-11-20T19:44:44Z",
        ),
        (
            "%{HTTPDERROR_DATE:timestamp}",
            "Wed Oct 11 14:32:52.123456 2000",
            "2000-10-11T14:32:52.123456Z",
        ),
        (
            "%{NUMBER:timestamp:float} ",
            "1286536309.586 1",
            "2010-10-08T11:11:49.586Z",
        ),
    ] {
        let found = read(pattern, None, line);
        assert_eq!(found[0].as_ref().unwrap()["TIME"], expected, "{line}");
    }
    // Neither a word nor how long something took is a moment.
    for line in ["yesterday", "12"] {
        let found = read("%{WORD:time}", None, line);
        assert_eq!(found[0].as_ref().unwrap().get("TIME"), None);
    }
}

#[test]
fn whether_it_matches_is_what_parsing_says() {
    let mut pattern = Patterns::stock(Spelling::Ecs).compile("^%{INT}$").unwrap();
    for line in ["7", "x", "", "7 "] {
        assert_eq!(
            pattern.is_match(line.as_bytes()),
            pattern.parse(line.as_bytes()).is_ok(),
            "{line:?}"
        );
    }
}
