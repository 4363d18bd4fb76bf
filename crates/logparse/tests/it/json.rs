//! JSON lines, next to `serde_json`.

use narae_logparse::format::json::{self, JsonOptions};
use narae_logparse::{Reason, Value};
use proptest::prelude::*;
use serde_json::Value as Peer;

fn document() -> impl Strategy<Value = Peer> {
    let leaf = prop_oneof![
        Just(Peer::Null),
        any::<bool>().prop_map(Peer::from),
        any::<i64>().prop_map(Peer::from),
        any::<u64>().prop_map(Peer::from),
        (-1e300..1e300).prop_map(Peer::from),
        any::<String>().prop_map(Peer::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Peer::from),
            proptest::collection::hash_map("[a-z\"\\\\é]{0,4}", inner, 0..5)
                .prop_map(|map| Peer::Object(map.into_iter().collect())),
        ]
    })
}

/// What flattening means, on the peer's tree.
fn flatten(prefix: &str, object: &serde_json::Map<String, Peer>, out: &mut Vec<(String, Peer)>) {
    for (key, value) in object {
        let name = format!("{prefix}{key}");
        match value {
            Peer::Object(inner) if !inner.is_empty() => flatten(&format!("{name}."), inner, out),
            _ => out.push((name, value.clone())),
        }
    }
}

fn as_peer(value: &Value<'_>) -> Peer {
    match value {
        Value::Null => Peer::Null,
        Value::Bool(value) => Peer::from(*value),
        Value::Number(number) => serde_json::from_str(&number.literal()).unwrap(),
        Value::Text(text) => Peer::from(text.to_str().unwrap()),
        Value::Json(json) => serde_json::from_str(json).unwrap(),
        other => panic!("JSON has no {other:?}"),
    }
}

proptest! {
    #[test]
    fn what_serde_json_writes_is_read_as_it_means(document in proptest::collection::hash_map(any::<String>(), document(), 0..6)) {
        let document: serde_json::Map<_, _> = document.into_iter().collect();
        let line = serde_json::to_string(&document).unwrap();
        // Read back by the peer, because it rounds some numbers on the way in.
        let document = serde_json::from_str(&line).unwrap();
        let mut expected = Vec::new();
        flatten("", &document, &mut expected);
        let record = json::parse_with(line.as_bytes(), &JsonOptions::default().with_max_name_bytes(1 << 20)).unwrap();
        let found: Vec<_> = record.fields().iter().map(|field| (field.name().to_owned(), as_peer(field.value()))).collect();
        prop_assert_eq!(found, expected);
    }

    /// Text near JSON: both readers agree on what is an object, but for lone surrogates, numbers beyond f64 and our limits.
    #[test]
    fn agrees_with_serde_json_on_what_is_json(line in r#"\{("[a\\u0-9"]{0,5}"[:,{}\[\] ]{0,2}|-?[0-9.eE+]{0,4}|true|nul|[{}\[\],: "]){0,8}\}?"#) {
        let ours = json::parse(line.as_bytes());
        let theirs = serde_json::from_str::<serde_json::Map<String, Peer>>(&line);
        let excused = theirs.as_ref().is_err_and(|e| e.to_string().contains("surrogate") || e.to_string().contains("out of range") || e.to_string().contains("hex escape"));
        prop_assert!(ours.is_ok() == theirs.is_ok() || excused, "{line}: {ours:?} {theirs:?}");
    }

    #[test]
    fn any_bytes_are_read_or_refused(line in proptest::collection::vec(any::<u8>(), 0..100)) {
        if let Err(error) = json::parse(&line) {
            prop_assert!(error.offset() <= line.len());
        }
    }
}

#[test]
fn limits_are_kept_and_named() {
    let nested = |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
    let arrays = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    let reason = |line: &str, options: JsonOptions| {
        json::parse_with(line.as_bytes(), &options)
            .err()
            .map(|e| e.reason())
    };
    let default = JsonOptions::default;
    assert_eq!(reason(&nested(64), default()), None);
    assert_eq!(reason(&nested(65), default()), Some(Reason::TooDeep));
    assert_eq!(reason(&arrays(63), default()), None);
    assert_eq!(reason(&arrays(64), default()), Some(Reason::TooDeep));
    assert_eq!(
        reason(&arrays(1 << 20), default().with_max_depth(usize::MAX)),
        Some(Reason::TooDeep)
    );
    assert_eq!(
        reason(r#"{"a":1,"b":2}"#, default().with_max_fields(1)),
        Some(Reason::TooManyFields)
    );
    assert_eq!(
        reason(r#"{"abc":{"d":1}}"#, default().with_max_name_bytes(4)),
        Some(Reason::NameTooLong)
    );
    assert_eq!(
        reason(r#"{"abc":{"d":1}}"#, default().with_max_name_bytes(5)),
        None
    );
}

#[test]
fn not_utf8_is_refused_where_it_stands() {
    let error = json::parse(b"{\"a\":\"caf\xe9\"}").unwrap_err();
    assert_eq!((error.reason(), error.offset()), (Reason::NotUtf8, 9));
}

#[test]
fn the_time_is_the_first_well_known_name_that_is_one() {
    let time = |line: &str| {
        json::parse(line.as_bytes())
            .unwrap()
            .time()
            .map(|time| time.to_string())
    };
    assert_eq!(
        time(r#"{"ts":1,"time":"2026-01-02T03:04:05Z"}"#).as_deref(),
        Some("2026-01-02T03:04:05Z")
    );
    assert_eq!(
        time(r#"{"time":"2026-01-02T03:04:05Z","@timestamp":"2025-01-02T03:04:05+01:00"}"#)
            .as_deref(),
        Some("2025-01-02T02:04:05Z")
    );
    assert_eq!(time(r#"{"ts":1700000000}"#), None);
}
