//! `--format grok:PATTERN` and `--multiline`: formats and groups of lines of the user's own.

use std::fs;

use serde_json::Value;

use crate::place::Place;
use crate::server::Server;
use crate::{logship, records, text};

const SHOP: &str = "grok:^%{TIMESTAMP_ISO8601:timestamp} %{LOGLEVEL:level} %{WORD:[shop][till]} took %{NUMBER:duration_ms:float}ms";
const TILL: &[u8] = b"\
2026-11-21 04:44:44,500 ERROR kiosk took 12.5ms for order 7
2026-11-21 04:44:45,500 INFO till took 3ms
nothing of the kind
";

#[test]
fn a_pattern_of_one_s_own_is_a_format() {
    let output = logship(&["--format", SHOP, "-"], TILL);
    assert!(output.status.success());
    let found = records(&output);
    let [first, second, raw] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(first["@format"], "grok");
    assert_eq!(first["timestamp"], "2026-11-21 04:44:44,500");
    assert_eq!(first["shop.till"], "kiosk");
    assert_eq!(first["duration_ms"], 12.5);
    // What the pattern does not reach is not lost.
    let line = "2026-11-21 04:44:44,500 ERROR kiosk took 12.5ms for order 7";
    assert_eq!(first["message"], line);
    assert_eq!(second["duration_ms"], 3);
    assert_eq!(
        (&raw["reason"], &raw["raw"], &raw["at"]),
        (
            &"no_match".into(),
            &"nothing of the kind".into(),
            &Value::from(0)
        )
    );
    let said = text(&output.stderr);
    for line in [
        "records   2 (grok 2)\n",
        "unparsed  1 (no_match 1)\n",
        "levels    error 1, info 1\n",
        "time      2026-11-21T04:44:44.500Z to 2026-11-21T04:44:45.500Z\n",
        "bytes     123 read, 123 accounted for\n",
    ] {
        assert!(said.contains(line), "{line}{said}");
    }
}

#[test]
fn requests_that_a_stock_pattern_explains_are_counted_as_those_of_the_format_are() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    let format = "--format=grok:%{COMBINEDAPACHELOG}";
    // Of lines that are cut or have something behind, a pattern takes what fits; the format does not.
    let log = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/access.log"
    ))
    .unwrap();
    let log: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').take(5).collect();
    let stats = |format| text(&logship(&["stats", format], &log.concat()).stdout);
    let (own, known) = (stats(format), stats("--format=combined"));
    let row = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("{name}: {text}")).to_owned()
    };
    for name in ["records", "requests", "statuses", "errors"] {
        let (own, known) = (row(&own, name), row(&known, name));
        assert_eq!(own.replace("grok", "combined"), known);
    }
    assert!(own.contains("GET /cart/<*> redirect"), "{own}");
    let path = page.to_str().unwrap();
    let made = logship(&["report", format, "access.log", "-o", path], b"");
    assert!(made.status.success());
    assert!(fs::read_to_string(page).unwrap().contains("grok"));
}

#[test]
fn what_is_wrong_with_a_pattern_is_pointed_at() {
    let output = logship(&["--format", "grok:%{WORD:a} %{WRD:b}", "-"], b"");
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    let shown = "there is no pattern \"WRD\" (byte 10 of the pattern)\n\n  %{WORD:a} %{WRD:b}\n            ^\n";
    assert!(said.contains(shown), "{said}");

    // Bytes are not columns.
    let output = logship(&["stats", "--multiline", "start:주문 (", "-"], b"");
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("\n\n  주문 (\n"), "{said}");
    let mark = said.lines().find(|line| line.trim() == "^").unwrap();
    assert!(mark.len() <= "  ab (^".len(), "{said}");

    for wrong in ["begin:x", "traces:x", "start"] {
        let output = logship(&["--multiline", wrong, "-"], b"");
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("expected traces, indentation, start:PATTERN"));
    }
    let output = logship(&["--format", "grk", "-"], b"");
    assert!(text(&output.stderr).contains("auto or grok:PATTERN"));
}

/// The messages that rules make of lines.
fn messages(rules: &[&str], format: &str, lines: &str) -> Vec<String> {
    let mut arguments = vec!["--format", format];
    for rule in rules {
        arguments.extend(["--multiline", rule]);
    }
    let output = logship(&arguments, lines.as_bytes());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains(&format!("{0} read, {0} accounted for", lines.len())));
    let found = records(&output).into_iter();
    found
        .map(|record| {
            let rest = record["continuation"].as_str().unwrap_or_default();
            format!("{}{rest}", record["message"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn lines_are_joined_by_rules_of_one_s_own() {
    let lines = "21 one\nmore\n\tof it\n22 two\n& still two\nthree\n";
    let plain = |rules: &[&str]| messages(rules, "plain", lines);
    let starts = [r"start:^%{MONTHDAY} "];
    let joined = ["21 one\nmore\n\tof it", "22 two\n& still two\nthree"];
    assert_eq!(plain(&starts), joined);
    let either = plain(&["start:^21", "start:^t"]);
    assert_eq!(
        either,
        ["21 one\nmore\n\tof it\n22 two\n& still two", "three"]
    );
    let continued = plain(&["continue:^&", "indentation"]);
    let expected = ["21 one", "more\n\tof it", "22 two\n& still two", "three"];
    assert_eq!(continued, expected);

    // A pattern reads the first line; the others go with it, also where the pattern has a `message`.
    let day = "grok:^%{MONTHDAY:day} ";
    assert_eq!(messages(&starts, day, lines), joined);
    let named = "grok:^%{MONTHDAY:day} %{GREEDYDATA:message}";
    let found = messages(&starts, named, lines);
    assert_eq!(found, ["onemore\n\tof it", "two& still two\nthree"]);

    // Beside stack traces.
    let trace = "ERROR failed\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\n& more\n";
    let both = messages(&["traces", "continue:^&"], "plain", trace);
    assert_eq!(both, [trace.trim_end()]);
}

#[test]
fn what_is_shipped_is_read_by_the_same_rules_also_after_a_restart() {
    let mut place = Place::new();
    place.format = "grok:^%{MONTHDAY:day} %{WORD:what}";
    let server = Server::start(&[]);
    let to = ["--to", "opensearch", &server.url];
    let to = [&to[..], &["--multiline", "start:^[0-9]"]].concat();
    for (day, documents) in [(21, 1), (22, 2)] {
        place.append("app.log", &format!("{day} order\n  of a cart\n"));
        let (code, said) = place.start(&to, "app.log").wait();
        assert_eq!(code, Some(0), "{said}");
        let mut found = server.documents();
        found.sort_by_key(|document| document["@offset"].as_u64());
        assert_eq!(found.len(), documents, "{found:?}");
        let last = found.last().unwrap();
        assert_eq!(last["@format"], "grok");
        assert_eq!(last["day"], day.to_string());
        assert_eq!(last["message"], format!("{day} order\n  of a cart"));
    }
}
