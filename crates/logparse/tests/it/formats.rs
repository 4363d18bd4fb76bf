//! What holds for every format.

use narae_logparse::reader::ReaderOptions;
use narae_logparse::time::Context;
use narae_logparse::{Event, Format, Reader, Record, Timestamp, Value, detect};
use proptest::prelude::*;

/// Every good line of the case files, with its format.
fn lines() -> Vec<(Format, Vec<u8>)> {
    let mut lines = Vec::new();
    for format in Format::ALL
        .iter()
        .filter(|format| **format != Format::Plain)
    {
        let path = format!(
            "{}/tests/data/{format}/lines.txt",
            env!("CARGO_MANIFEST_DIR")
        );
        let file = std::fs::read_to_string(path).unwrap();
        let pairs: Vec<&str> = file
            .lines()
            .skip_while(|line| line.starts_with('#'))
            .collect();
        for pair in pairs.chunks(2) {
            let [line, expected] = pair else { continue };
            if !expected.starts_with("=> ") {
                continue;
            }
            let signs = [("⏎", "\n"), ("⇥", "\t"), ("␛", "\u{1b}"), ("␀", "\0")];
            let line = signs
                .iter()
                .fold((*line).to_owned(), |line, (sign, meant)| {
                    line.replace(sign, meant)
                });
            lines.push((*format, line.into_bytes()));
        }
    }
    lines
}

/// The texts and literals of a record stand in the line, in its order, none inside another.
fn stands_in(record: &Record<'_>, line: &[u8]) -> Result<(), String> {
    let mut rest = line;
    let mut place = |name: &str, raw: &[u8]| {
        let found = rest
            .windows(raw.len().max(1))
            .position(|window| window == raw);
        match (raw.is_empty(), found) {
            (true, _) => Ok(()),
            (false, Some(at)) => {
                rest = rest.get(at + raw.len()..).unwrap_or_default();
                Ok(())
            }
            (false, None) => Err(format!("{name} is not where it should be")),
        }
    };
    for field in record.fields() {
        // These are what the line means, not how it is written.
        if matches!(field.name(), "level" | "facility" | "severity" | "stream")
            || field.name().starts_with("syslog.")
        {
            continue;
        }
        match field.value() {
            Value::Text(text) => place(field.name(), text.raw())?,
            Value::Json(json) => place(field.name(), json.as_bytes())?,
            Value::Number(number) => place(field.name(), number.literal().as_bytes())?,
            Value::List(values) => {
                for value in values {
                    match value {
                        Value::Text(text) => place(field.name(), text.raw())?,
                        Value::Number(number) => place(field.name(), number.literal().as_bytes())?,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn check(format: Format, line: &[u8]) -> Result<(), TestCaseError> {
    let context = Context::default()
        .with_reference(Timestamp::from_rfc3339(b"2026-11-21T00:00:00Z").unwrap());
    match format.parse_with(line, &context) {
        Err(error) => prop_assert!(error.offset() <= line.len(), "{format} {error}"),
        // Docker's members come in any order.
        Ok(record) if format != Format::Docker => {
            let found = stands_in(&record, line);
            prop_assert!(found.is_ok(), "{format} {}: {record:?}", found.unwrap_err());
        }
        Ok(_) => {}
    }
    Ok(())
}

#[test]
fn the_good_lines_are_read_and_in_order() {
    let lines = lines();
    assert!(lines.len() > 100, "only {} lines were found", lines.len());
    for (format, line) in lines {
        check(format, &line).unwrap();
    }
}

proptest! {
    /// Bytes changed, removed and added: explained in order, or refused within the line.
    #[test]
    fn a_damaged_line_is_explained_or_refused(which in any::<prop::sample::Index>(), damage in proptest::collection::vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), Just(b' '), Just(b'"'), Just(b'['), Just(b':'), Just(b',')], 0..4), 1..5)) {
        let lines = lines();
        let (_, line) = &lines[which.index(lines.len())];
        let mut line = line.clone();
        for (at, byte, how) in damage {
            let at = at.index(line.len());
            match how {
                0 => line[at] = byte,
                1 if line.len() > 1 => drop(line.remove(at)),
                2 => line.truncate(at + 1),
                _ => line.insert(at, byte),
            }
        }
        for format in Format::ALL {
            check(*format, &line)?;
        }
    }
}

#[test]
fn names_are_unique_and_read_back() {
    for format in Format::ALL {
        assert_eq!(format.name().parse::<Format>(), Ok(*format));
    }
    let error = "xml".parse::<Format>().unwrap_err().to_string();
    assert!(
        error.contains("\"xml\"") && error.contains("combined, common"),
        "{error}"
    );
}

/// The good lines of every case file are recognised as what they are.
#[test]
fn each_format_is_detected_from_its_own_lines() {
    for format in Format::ALL
        .iter()
        .filter(|format| **format != Format::Plain)
    {
        let own = lines().into_iter().filter(|(of, _)| of == format);
        let ending: &[u8] = if *format == Format::Journal {
            b"\n"
        } else {
            b""
        };
        let sample: Vec<u8> = own
            .flat_map(|(_, line)| [&line, ending, b"\n"].concat())
            .collect();
        let detection = detect::detect(&sample);
        assert_eq!(detection.format(), *format, "{:?}", detection.found());
        assert!(
            detection.confidence() > 0.7,
            "{format} {}",
            detection.confidence()
        );
    }
}

#[test]
fn a_file_of_several_programs_is_read_with_all_their_formats() {
    let access = r#"h - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 0 "-" "a""#;
    let input = format!(
        "{access}\nlevel=info msg=x\n{{\"a\":1}}\nstarted\n{access}\nlevel=info msg=y\n{access}\n"
    );
    let detection = detect::detect(input.as_bytes());
    assert_eq!(detection.format(), Format::Plain);
    let formats = detection.formats();
    assert_eq!(
        formats,
        [
            Format::Combined,
            Format::Logfmt,
            Format::Json,
            Format::Plain
        ]
    );

    let options = ReaderOptions::default().with_other_formats(formats.iter().skip(1).copied());
    let mut reader = Reader::with_options(Format::Combined, &options);
    reader.push(input.as_bytes());
    reader.finish();
    let mut found = Vec::new();
    while let Some(event) = reader.next_event() {
        if let Event::Record(record) = event {
            found.push(record.format().name())
        }
    }
    assert_eq!(
        found,
        [
            "combined", "logfmt", "json", "plain", "combined", "logfmt", "combined"
        ]
    );
    reader.verify().unwrap();
}
