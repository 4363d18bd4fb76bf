//! Runs `tests/data/FORMAT/lines.txt`: every line with what it must become. `⏎` stands for a line feed, `⇥` for a tab, `␛` for
//! escape and `␀` for NUL. The reference is 2026-11-21, the zone UTC.

use narae_logparse::time::Context;
use narae_logparse::{Format, Record, Timestamp, Value};

#[test]
fn lines_become_what_the_files_say() {
    let mut failures = Vec::new();
    let mut checked = 0;
    for format in Format::ALL
        .iter()
        .filter(|format| **format != Format::Plain)
    {
        let path = format!(
            "{}/tests/data/{format}/lines.txt",
            env!("CARGO_MANIFEST_DIR")
        );
        let file = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = file
            .lines()
            .skip_while(|line| line.starts_with('#'))
            .collect();
        for (number, pair) in lines.chunks(2).enumerate() {
            let [line, expected] = pair else {
                panic!("{path}: a line without expectation: {pair:?}")
            };
            checked += 1;
            if let Err(found) = check(*format, line, expected) {
                failures.push(format!(
                    "{path}, case {}: {line}\n  wanted {expected}\n  found  {found}",
                    number + 1
                ));
            }
        }
    }
    assert!(checked > 150, "only {checked} cases were found");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn check(format: Format, line: &str, expected: &str) -> Result<(), String> {
    let signs = [("⏎", "\n"), ("⇥", "\t"), ("␛", "\u{1b}"), ("␀", "\0")];
    let line = signs.iter().fold(line.to_owned(), |line, (sign, meant)| {
        line.replace(sign, meant)
    });
    let reference = Timestamp::from_rfc3339(b"2026-11-21T00:00:00Z").unwrap();
    let parsed = format.parse_with(
        line.as_bytes(),
        &Context::default().with_reference(reference),
    );
    if let Some(reason) = expected.strip_prefix("!! ") {
        let error = parsed.err().ok_or("a record")?;
        let found = format!(
            "{} {} {}",
            error.reason().code(),
            error.field(),
            error.offset()
        );
        return if found == reason { Ok(()) } else { Err(found) };
    }
    let record = parsed.map_err(|error| error.to_string())?;
    for wanted in expected
        .strip_prefix("=> ")
        .ok_or("no => or !!")?
        .split(" | ")
    {
        let (name, value) = wanted.split_once('=').ok_or("no = in the expectation")?;
        let found = shown(&record, name);
        if found != value {
            return Err(format!("{name}={found}"));
        }
    }
    Ok(())
}

fn shown(record: &Record<'_>, name: &str) -> String {
    show(record.get(name))
}

fn show(value: Option<&Value<'_>>) -> String {
    match value {
        None => "absent".to_owned(),
        Some(Value::Null) => "null".to_owned(),
        Some(Value::Bool(value)) => value.to_string(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Time(time)) => time.to_string(),
        Some(Value::Json(json)) => json.to_string(),
        Some(Value::List(values)) => {
            let shown: Vec<String> = values.iter().map(|value| show(Some(value))).collect();
            format!("[{}]", shown.join(", "))
        }
        Some(Value::Text(text)) => {
            let control = |c: char| match c {
                '\n' => "\\n".to_owned(),
                '\t' => "\t".to_owned(),
                c if c.is_control() => format!("\\x{:02x}", u32::from(c)),
                c => c.to_string(),
            };
            text.to_str().unwrap().chars().map(control).collect()
        }
        Some(other) => format!("{other:?}"),
    }
}
