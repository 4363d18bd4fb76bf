//! Typed values on demand: what a field says as a number, duration, time or address.

use std::time::Duration;

use narae_logparse::record::{Escaping, Text, Unit};
use narae_logparse::{Format, Value};

fn json(literal: &str) -> Value<'static> {
    let line = format!("{{\"v\":{literal}}}");
    Format::Json
        .parse(line.as_bytes())
        .unwrap()
        .get("v")
        .unwrap()
        .clone()
        .into_owned()
}

#[test]
fn integers_fit_exactly_or_not_at_all() {
    assert_eq!(json("255").as_integer::<u8>(), Some(255));
    assert_eq!(json("256").as_integer::<u8>(), None);
    assert_eq!(
        json("-9223372036854775808").as_integer::<i64>(),
        Some(i64::MIN)
    );
    assert_eq!(json("1.0").as_integer::<u8>(), None);
    assert_eq!(json("\"42\"").as_integer::<u64>(), Some(42));
    assert_eq!(json("true").as_integer::<u64>(), None);
}

#[test]
fn durations_are_exact() {
    assert_eq!(
        json("0.1").as_duration(Unit::Seconds),
        Some(Duration::from_millis(100))
    );
    assert_eq!(
        json("\"1.000000001\"").as_duration(Unit::Seconds),
        Some(Duration::new(1, 1))
    );
    assert_eq!(
        json("1500.25").as_duration(Unit::Milliseconds),
        Some(Duration::from_micros(1_500_250))
    );
    assert_eq!(
        json("7.9999").as_duration(Unit::Nanoseconds),
        Some(Duration::from_nanos(7))
    );
    assert_eq!(json("-1").as_duration(Unit::Seconds), None);
    assert_eq!(json("1e3").as_duration(Unit::Seconds), None);
    assert_eq!(
        json("99999999999999999999999999999999999999999").as_duration(Unit::Seconds),
        None
    );
}

#[test]
fn addresses_times_and_truth() {
    assert_eq!(
        json("\"2001:db8::1\"").as_address().map(|ip| ip.is_ipv6()),
        Some(true)
    );
    assert_eq!(json("\"192.0.2.1:80\"").as_address(), None);
    assert_eq!(
        json("\"10/Oct/2000:13:55:36 -0700\"").as_time(),
        json("\"2000-10-10T20:55:36Z\"").as_time()
    );
    assert_eq!(json("false").as_bool(), Some(false));
    assert_eq!(json("\"1e999\"").as_f64(), None);
    assert_eq!(json("2.5").as_f64(), Some(2.5));
}

#[test]
fn an_owned_record_is_the_same_record() {
    let line = br#"{"a":{"b":"\n"},"n":1.50,"l":[1],"z":null,"t":true}"#.to_vec();
    let record = Format::Json.parse(&line).unwrap();
    let owned = record.clone().into_owned();
    assert_eq!(owned, record);
    drop(line);
    assert_eq!(
        owned.get("a.b").and_then(|value| value.to_str()).as_deref(),
        Some("\n")
    );
}

#[test]
fn invalid_escapes_stand_for_themselves() {
    for raw in [r"\q", r"\x4", r"\xzz", r"a\"] {
        assert_eq!(
            Text::new(raw.as_bytes(), Escaping::Access)
                .decode()
                .as_ref(),
            raw.as_bytes()
        );
    }
    assert_eq!(
        Text::new(&br"\x00\xFf"[..], Escaping::Access)
            .decode()
            .as_ref(),
        b"\x00\xff"
    );
    assert!(Text::new(&br"\xff"[..], Escaping::Access).to_str().is_err());
}

#[cfg(feature = "serde")]
#[test]
fn records_serialise() {
    let record = Format::Json.parse(br#"{"time":"2026-01-02T03:04:05Z","n":1.50,"i":-7,"big":123456789012345678901234567890,"l":[1]}"#).unwrap();
    let found = serde_json::to_value(&record).unwrap();
    let expected = serde_json::json!({
        "format": "json", "time": "2026-01-02T03:04:05Z", "part": "whole", "offset": 0,
        "fields": {"time": "2026-01-02T03:04:05Z", "n": 1.5, "i": -7, "big": "123456789012345678901234567890", "l": "[1]"},
    });
    assert_eq!(found, expected);
}
