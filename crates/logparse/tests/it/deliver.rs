//! Delivery under every kind of answer, and what is sent to whom.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use narae_logparse::deliver::{Answer, Ending, Outcome, Protocol, Queue, QueueOptions, Response};
use narae_logparse::encode::otlp::{self, Encoding};
use narae_logparse::encode::{Item, Origin, bulk, loki};
use narae_logparse::kubernetes::Source;
use narae_logparse::{Event, Format, Reader, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Encodes every event of a log.
fn items(
    format: Format,
    log: &[u8],
    encode: impl Fn(&Event<'_>, &Origin<'_>) -> Item,
) -> Vec<Item> {
    let path = "/var/log/containers/web-0_shop_nginx-4f53.log";
    let resource = Source::from_path(path).unwrap().describe(|_| None);
    let origin = Origin::new("disk-7", path, Timestamp::from_unix_seconds(1_795_236_284))
        .with_resource(&resource);
    let mut reader = Reader::new(format);
    reader.push(log);
    reader.finish();
    let mut found = Vec::new();
    while let Some(event) = reader.next_event() {
        found.push(encode(&event, &origin));
    }
    found
}

const LOG: &[u8] = b"{\"time\":\"2026-11-21T04:44:44.5Z\",\"level\":\"error\",\"msg\":\"no\",\"n\":12345678901234567890,\"f\":1.5,\"i\":-3,\"t\":true,\"z\":null,\"a\":[1],\"n2\":7,\"n2\":8,\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\",\"span_id\":\"b7ad6b7169203331\"}\nnot json \xff\n";

#[test]
fn bulk_documents_are_created_under_ids_that_stay() {
    let found = items(Format::Json, LOG, |event, origin| {
        bulk::item(event, origin, "logs-shop-default")
    });
    let again = items(Format::Json, LOG, |event, origin| {
        bulk::item(event, origin, "logs-shop-default")
    });
    assert_eq!(found, again);
    let body = String::from_utf8(Protocol::Bulk.request(&found)).unwrap();
    assert!(body.ends_with('\n'));
    let lines: Vec<Value> = body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 4);
    for (action, item) in [(&lines[0], &found[0]), (&lines[2], &found[1])] {
        assert_eq!(
            action,
            &json!({"create": {"_index": "logs-shop-default", "_id": item.id()}})
        );
        assert_eq!(item.id().len(), 32);
    }
    assert_ne!(found[0].id(), found[1].id());
    assert_eq!(lines[1]["@timestamp"], "2026-11-21T04:44:44.500Z");
    assert_eq!(lines[1]["k8s.namespace.name"], "shop");
    assert_eq!(lines[1]["n2"], json!([7, 8]));
    assert_eq!(lines[3]["@reason"], "not_utf8");
    assert_eq!(lines[3]["@timestamp"], "2026-11-21T04:44:44Z");
    assert_eq!(lines[3]["message.base64"], "bm90IGpzb24g/w==");
    // Written down: ids that changed would store everything twice after an upgrade.
    assert_eq!(found[0].id(), "4c5e383d79c72436dbe0413a64240f0c");
}

#[test]
fn a_second_timestamp_never_reaches_a_data_stream() {
    let log = b"{\"@timestamp\":\"2026-11-21T04:44:44Z\",\"a\":1}\n{\"@timestamp\":12}\n";
    let found = items(Format::Json, log, |event, origin| {
        bulk::item(event, origin, "i")
    });
    let documents: Vec<Value> = found
        .iter()
        .map(|item| serde_json::from_str(item.text().unwrap().lines().nth(1).unwrap()).unwrap())
        .collect();
    assert_eq!(documents[0]["@timestamp"], "2026-11-21T04:44:44Z");
    assert_eq!(documents[0].get("timestamp"), None);
    assert_eq!(
        (&documents[1]["@timestamp"], &documents[1]["timestamp"]),
        (&json!("2026-11-21T04:44:44Z"), &json!(12))
    );
}

#[test]
fn otlp_json_says_it_as_the_specification_has_it() {
    let found = items(Format::Json, LOG, |event, origin| {
        otlp::item(event, origin, Encoding::Json)
    });
    let request: Value =
        serde_json::from_slice(&Protocol::Otlp(Encoding::Json).request(&found)).unwrap();
    let [resource] = request["resourceLogs"].as_array().unwrap().as_slice() else {
        panic!("{request}")
    };
    let attributes = |of: &Value| -> BTreeMap<String, Value> {
        let list = of["attributes"].as_array().unwrap();
        let map: BTreeMap<_, _> = list
            .iter()
            .map(|pair| {
                (
                    pair["key"].as_str().unwrap().to_owned(),
                    pair["value"].clone(),
                )
            })
            .collect();
        assert_eq!(map.len(), list.len(), "every key once");
        map
    };
    assert_eq!(
        attributes(&resource["resource"])["k8s.pod.name"],
        json!({"stringValue": "web-0"})
    );
    let records = resource["scopeLogs"][0]["logRecords"].as_array().unwrap();
    assert_eq!(records.len(), 2);
    let record = &records[0];
    assert_eq!(record["timeUnixNano"], "1795236284500000000");
    assert_eq!(record["observedTimeUnixNano"], "1795236284000000000");
    assert_eq!(
        (&record["severityNumber"], &record["severityText"]),
        (&json!(17), &json!("error"))
    );
    assert_eq!(record["body"], json!({"stringValue": "no"}));
    assert_eq!(
        (&record["traceId"], &record["spanId"]),
        (
            &json!("0af7651916cd43dd8448eb211c80319c"),
            &json!("b7ad6b7169203331")
        )
    );
    let own = attributes(record);
    for (name, value) in [
        ("n", json!({"stringValue": "12345678901234567890"})),
        ("f", json!({"doubleValue": 1.5})),
        ("i", json!({"intValue": "-3"})),
        ("t", json!({"boolValue": true})),
        ("a", json!({"stringValue": "[1]"})),
        (
            "n2",
            json!({"arrayValue": {"values": [{"intValue": "7"}, {"intValue": "8"}]}}),
        ),
        ("log.record.uid", json!({"stringValue": found[0].id()})),
    ] {
        assert_eq!(own[name], value, "{name}");
    }
    assert!(!own.contains_key("z") && !own.contains_key("trace_id") && !own.contains_key("time"));
    assert_eq!(
        records[1]["body"],
        json!({"bytesValue": "bm90IGpzb24g/w=="})
    );
}

/// A protobuf message as numbers and values, for those that hold others all the way down.
fn fields(mut message: &[u8]) -> Vec<(u64, Result<u64, &[u8]>)> {
    fn varint(message: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in 0.. {
            let (byte, rest) = message.split_first().unwrap();
            *message = rest;
            value |= u64::from(byte & 0x7f) << (7 * shift);
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let value = match key & 7 {
            0 => Ok(varint(&mut message)),
            1 => {
                let (eight, rest) = message.split_first_chunk::<8>().unwrap();
                message = rest;
                Ok(u64::from_le_bytes(*eight))
            }
            2 => {
                let length = usize::try_from(varint(&mut message)).unwrap();
                let (bytes, rest) = message.split_at(length);
                message = rest;
                Err(bytes)
            }
            other => panic!("wire type {other}"),
        };
        found.push((key >> 3, value));
    }
    found
}

/// What OTLP makes of one line: severity, body and attributes.
fn otlp_record(format: Format, line: &[u8]) -> Value {
    let found = items(format, line, |event, origin| {
        otlp::item(event, origin, Encoding::Json)
    });
    let request = Protocol::Otlp(Encoding::Json).request(&found);
    let request: Value = serde_json::from_slice(&request).unwrap();
    request["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0].clone()
}

#[test]
fn otlp_takes_one_field_for_the_body_and_keeps_the_others() {
    let line =
        br#"{"msg":"a","msg":"b","trace_id":"no","trace_id":"0af7651916cd43dd8448eb211c80319c"}"#;
    let record = otlp_record(Format::Json, line);
    assert_eq!(record["body"], json!({"stringValue": "b"}));
    assert_eq!(record["traceId"], "0af7651916cd43dd8448eb211c80319c");
    let attributes = record["attributes"].as_array().unwrap();
    for (key, value) in [("msg", "a"), ("trace_id", "no")] {
        let expected = json!({"key": key, "value": {"stringValue": value}});
        assert!(attributes.contains(&expected), "{record}");
    }
}

#[test]
fn otlp_finds_the_text_and_level_of_gelf_and_the_journal() {
    let gelf = br#"{"version":"1.1","host":"w","short_message":"disk full","level":2}"#;
    let journal = b"__REALTIME_TIMESTAMP=1795236284000000\nMESSAGE=disk full\nPRIORITY=3\n\n";
    for (format, line, severity) in [
        (Format::Gelf, &gelf[..], 21),
        (Format::Journal, journal, 17),
    ] {
        let record = otlp_record(format, line);
        let found = (&record["body"], &record["severityNumber"]);
        let expected = (&json!({"stringValue": "disk full"}), &json!(severity));
        assert_eq!(found, expected, "{record}");
    }
}

#[test]
fn otlp_protobuf_says_the_same() {
    let found = items(Format::Json, LOG, |event, origin| {
        otlp::item(event, origin, Encoding::Protobuf)
    });
    let request = Protocol::Otlp(Encoding::Protobuf).request(&found);
    let inner = |message: &[u8], number: u64| -> Vec<Vec<u8>> {
        fields(message)
            .into_iter()
            .filter(|(n, _)| *n == number)
            .map(|(_, v)| v.unwrap_err().to_vec())
            .collect()
    };
    let [resource_logs] = inner(&request, 1).try_into().unwrap();
    let [resource] = inner(&resource_logs, 1).try_into().unwrap();
    let names: Vec<String> = inner(&resource, 1)
        .iter()
        .map(|pair| String::from_utf8(inner(pair, 1)[0].clone()).unwrap())
        .collect();
    assert_eq!(
        names[..3],
        ["log.file.path", "k8s.namespace.name", "k8s.pod.name"]
    );
    let [scope_logs] = inner(&resource_logs, 2).try_into().unwrap();
    let records = inner(&scope_logs, 2);
    assert_eq!(records.len(), 2);
    let record = fields(&records[0]);
    assert_eq!(record[0], (1, Ok(1_795_236_284_500_000_000)));
    assert_eq!(record[1], (2, Ok(17)));
    assert_eq!(record[2], (3, Err(&b"error"[..])));
    assert_eq!(inner(&inner(&records[0], 5)[0], 1), [b"no"]);
    assert_eq!(inner(&records[0], 9)[0].len(), 16);
    assert_eq!(record.last(), Some(&(11, Ok(1_795_236_284_000_000_000))));
    let value = |name: &str| {
        let pairs = inner(&records[0], 6);
        let pair = pairs
            .iter()
            .find(|pair| inner(pair, 1)[0] == name.as_bytes())
            .unwrap();
        inner(pair, 2)[0].clone()
    };
    assert_eq!(fields(&value("i")), [(3, Ok((-3_i64).cast_unsigned()))]);
    assert_eq!(fields(&value("f")), [(4, Ok(1.5_f64.to_bits()))]);
    assert_eq!(fields(&value("t")), [(2, Ok(1))]);
    assert_eq!(inner(&inner(&records[1], 5)[0], 7), [b"not json \xff"]);
}

#[test]
fn loki_streams_have_few_labels() {
    let found = items(Format::Json, LOG, |event, origin| {
        loki::item(event, origin, "shop")
    });
    let request: Value = serde_json::from_slice(&Protocol::Loki.request(&found)).unwrap();
    let [stream] = request["streams"].as_array().unwrap().as_slice() else {
        panic!("{request}")
    };
    assert_eq!(
        stream["stream"],
        json!({
            "job": "shop", "filename": "/var/log/containers/web-0_shop_nginx-4f53.log", "k8s_namespace_name": "shop",
            "k8s_pod_name": "web-0", "k8s_container_name": "nginx", "k8s_statefulset_name": "web",
        })
    );
    let values = stream["values"].as_array().unwrap();
    assert_eq!(values[0][0], "1795236284500000000");
    let line: Value = serde_json::from_str(values[0][1].as_str().unwrap()).unwrap();
    assert_eq!(line["msg"], "no");
}

fn answered(protocol: Protocol, status: u16, body: &str, ids: &[&str]) -> Answer {
    let items: Vec<Item> = ids
        .iter()
        .map(|id| Item::new((*id).to_owned(), Vec::new(), Vec::new()))
        .collect();
    protocol.answer(&Response::new(status, body.as_bytes()), &items)
}

#[test]
fn each_item_of_bulk_has_its_own_outcome_in_any_order() {
    let body = r#"{"took":3,"errors":true,"items":[
        {"create":{"_id":"d","status":429,"error":{"type":"rejected","reason":"busy"}}},
        {"create":{"_id":"b","status":409,"error":{"type":"version_conflict_engine_exception","reason":"exists"}}},
        {"create":{"_id":"a","status":201}},
        {"create":{"_id":"stranger","status":201}},
        {"create":{"_id":"c","status":400,"error":{"type":"mapper_parsing_exception","reason":"failed to parse, [x] \"y\"","caused_by":{"type":"t"}}}}]}"#;
    let Answer::Each(outcomes) = answered(Protocol::Bulk, 200, body, &["a", "b", "c", "d", "e"])
    else {
        panic!()
    };
    let refused =
        Outcome::Refused("400 mapper_parsing_exception: failed to parse, [x] \"y\"".to_owned());
    assert_eq!(
        outcomes,
        [
            Outcome::Done,
            Outcome::Done,
            refused,
            Outcome::Later("429 rejected: busy".to_owned()),
            Outcome::Later("the answer to _bulk lacks an item".to_owned())
        ]
    );
    // Whoever may not write to an index today may tomorrow.
    for status in [401, 403] {
        let body = format!(
            r#"{{"items":[{{"create":{{"_id":"a","status":{status},"error":{{"type":"security_exception","reason":"no"}}}}}}]}}"#
        );
        let later = Outcome::Later(format!("{status} security_exception: no"));
        let answer = answered(Protocol::Bulk, 200, &body, &["a"]);
        assert_eq!(answer, Answer::Each(vec![later]));
    }
    for body in ["", "{", "{}", "[]", r#"{"items":{}}"#, r#"{"items":3}"#] {
        assert!(
            matches!(
                answered(Protocol::Bulk, 200, body, &["a"]),
                Answer::Later { .. }
            ),
            "{body}"
        );
    }
}

#[test]
fn statuses_of_whole_requests() {
    let otlp = Protocol::Otlp(Encoding::Json);
    for (protocol, status, kind) in [
        (Protocol::Bulk, 413, "split"),
        (Protocol::Bulk, 400, "split"),
        (Protocol::Bulk, 401, "later"),
        (Protocol::Bulk, 404, "later"),
        (Protocol::Bulk, 429, "later"),
        (Protocol::Bulk, 500, "later"),
        (Protocol::Bulk, 503, "later"),
        (Protocol::Bulk, 0, "later"),
        (otlp, 400, "refused"),
        (otlp, 413, "split"),
        (otlp, 500, "refused"),
        (otlp, 501, "refused"),
        (otlp, 502, "later"),
        (otlp, 429, "later"),
        (otlp, 403, "later"),
        (Protocol::Loki, 204, "done"),
        (Protocol::Loki, 400, "split"),
        (Protocol::Loki, 500, "later"),
    ] {
        let found = match answered(protocol, status, "{}", &["a"]) {
            Answer::Each(outcomes) => {
                assert_eq!(outcomes, [Outcome::Done]);
                "done"
            }
            Answer::Later { .. } => "later",
            Answer::Split(_) => "split",
            Answer::Refused(_) => "refused",
        };
        assert_eq!(found, kind, "{protocol:?} {status}");
    }
    let response = Response::new(503, b"busy").with_retry_after("7");
    let answer = Protocol::Bulk.answer(&response, &[]);
    assert_eq!(
        answer,
        Answer::Later {
            after: Some(Duration::from_secs(7)),
            reason: "answered 503: busy".into()
        }
    );
}

#[test]
fn a_partial_success_is_never_sent_again() {
    let json = Protocol::Otlp(Encoding::Json);
    for body in [
        "",
        "{}",
        r#"{"partialSuccess":{}}"#,
        r#"{"partialSuccess":{"errorMessage":"a warning"}}"#,
        r#"{"partialSuccess":{"rejectedLogRecords":"0"}}"#,
    ] {
        assert_eq!(
            answered(json, 200, body, &["a", "b"]),
            Answer::Each(vec![Outcome::Done, Outcome::Done]),
            "{body}"
        );
    }
    for body in [
        r#"{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"too old"}}"#,
        r#"{"partialSuccess":{"rejectedLogRecords":1,"errorMessage":"too old"}}"#,
    ] {
        assert!(
            matches!(answered(json, 200, body, &["a", "b"]), Answer::Refused(reason) if reason.contains("1 of 2") && reason.contains("too old"))
        );
    }
    let protobuf = Protocol::Otlp(Encoding::Protobuf);
    assert!(
        matches!(answered(protobuf, 200, "\x0a\x09\x08\x02\x12\x05stale", &["a", "b"]), Answer::Refused(reason) if reason.contains("2 of 2") && reason.contains("stale"))
    );
    assert!(matches!(
        answered(protobuf, 200, "\x0a\x7f", &["a"]),
        Answer::Each(_)
    ));
}

/// What a server does to a batch, as the test chooses.
#[derive(Debug, Clone)]
enum Does {
    Each(Vec<u8>),
    Short,
    Later(Option<u64>),
    Split,
    Refuse,
    /// Answers a batch that was already answered.
    Twice,
    Silence,
}

fn does() -> impl Strategy<Value = Does> {
    prop_oneof![
        4 => proptest::collection::vec(0_u8..6, 1..8).prop_map(Does::Each),
        1 => Just(Does::Short),
        2 => proptest::option::of(0_u64..5).prop_map(Does::Later),
        2 => Just(Does::Split),
        1 => Just(Does::Refuse),
        1 => Just(Does::Twice),
        1 => Just(Does::Silence),
    ]
}

proptest! {
    /// Nothing lost, nothing ended twice, whatever is answered; and a server that recovers gets everything.
    #[test]
    fn every_record_ends_once_or_is_queued(
        sizes in proptest::collection::vec(1_usize..50, 1..60),
        answers in proptest::collection::vec(does(), 0..40),
        records in 1_usize..9,
        attempts in proptest::option::of(1_u32..4),
    ) {
        let mut options = QueueOptions::default().with_batches(records, 120).with_max_bytes(300);
        if let Some(attempts) = attempts {
            options = options.with_max_attempts(attempts);
        }
        let mut queue = Queue::new(options);
        let mut pending: Vec<usize> = (0..sizes.len()).rev().collect();
        let mut ended = BTreeSet::new();
        let mut stalled = Vec::new();
        let mut last = None;
        let mut now = Duration::ZERO;
        let mut answers = answers.into_iter();
        while !pending.is_empty() || !queue.is_empty() {
            while let Some(next) = pending.pop() {
                match queue.push(next, sizes[next]) {
                    Ok(sequence) => prop_assert_eq!(sequence, next as u64),
                    Err(back) => {
                        pending.push(back);
                        break;
                    }
                }
            }
            prop_assert!(queue.bytes() <= 300);
            now = now.max(queue.pause_until());
            let mut endings = Vec::new();
            let batch = queue.next_batch(now).map(|(id, sent)| (id, sent.into_iter().copied().collect::<Vec<_>>()));
            match batch {
                None => {
                    // Only what a silent server holds is left: the connection is closed at last.
                    let id = stalled.pop().unwrap();
                    endings.extend(queue.answer(id, Answer::unknown("closed"), now));
                }
                Some((id, sent)) => {
                    prop_assert!(!sent.is_empty() && sent.len() <= records);
                    prop_assert!(sent.windows(2).all(|pair| pair[0] < pair[1]));
                    prop_assert!(sent.iter().all(|record| !ended.contains(record)), "an ended record was sent");
                    let answer = match answers.next() {
                        None => Answer::Each(vec![Outcome::Done; sent.len()]),
                        Some(Does::Each(kinds)) => Answer::Each(sent.iter().zip(kinds.iter().cycle()).map(|(_, kind)| match kind {
                            0..=2 => Outcome::Done,
                            3 | 4 => Outcome::Later("busy".into()),
                            _ => Outcome::Refused("no".into()),
                        }).collect()),
                        Some(Does::Short) => Answer::Each(vec![Outcome::Done; sent.len() - 1]),
                        Some(Does::Later(after)) => Answer::Later { after: after.map(Duration::from_secs), reason: "busy".into() },
                        Some(Does::Split) => Answer::Split("too large".into()),
                        Some(Does::Refuse) => Answer::Refused("no".into()),
                        Some(Does::Twice) => {
                            if let Some(last) = last {
                                prop_assert_eq!(queue.answer(last, Answer::Each(vec![Outcome::Done; sent.len()]), now), []);
                            }
                            Answer::Each(vec![Outcome::Done; sent.len()])
                        }
                        Some(Does::Silence) => {
                            stalled.push(id);
                            continue;
                        }
                    };
                    endings.extend(queue.answer(id, answer, now));
                    last = Some(id);
                }
            }
            for ending in endings {
                let (sequence, record) = match ending {
                    Ending::Acknowledged(sequence, record) => (sequence, record),
                    Ending::DeadLettered(sequence, record, reason) => {
                        prop_assert!(!reason.is_empty());
                        (sequence, record)
                    }
                };
                prop_assert_eq!(sequence, record as u64);
                prop_assert!(ended.insert(record), "ended twice");
            }
            let first_open = (0..sizes.len()).find(|record| !ended.contains(record)).unwrap_or(sizes.len()) as u64;
            prop_assert!(queue.settled() <= first_open);
            prop_assert_eq!(queue.len() + ended.len() + pending.len(), sizes.len());
            prop_assert_eq!(queue.bytes(), (0..sizes.len()).filter(|r| !ended.contains(r) && !pending.contains(r)).map(|r| sizes[r]).sum::<usize>());
        }
        prop_assert_eq!(ended.len(), sizes.len());
        prop_assert_eq!(queue.settled(), sizes.len() as u64);
    }

    #[test]
    fn any_answer_is_an_answer(status in any::<u16>(), body in proptest::collection::vec(any::<u8>(), 0..200), header in any::<String>()) {
        let sent: Vec<Item> = (0..3).map(|n: u8| Item::new(n.to_string(), Vec::new(), Vec::new())).collect();
        for protocol in [Protocol::Bulk, Protocol::Otlp(Encoding::Json), Protocol::Otlp(Encoding::Protobuf), Protocol::Loki] {
            let response = Response::new(status, &body).with_retry_after(&header);
            if let Answer::Each(outcomes) = protocol.answer(&response, &sent) {
                prop_assert_eq!(outcomes.len(), 3);
            }
        }
    }

    #[test]
    fn requests_of_any_lines_are_json(lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..5)) {
        let log = lines.join(&b'\n');
        for protocol in [Protocol::Otlp(Encoding::Json), Protocol::Loki, Protocol::Bulk] {
            let found = items(Format::Plain, &log, |event, origin| match protocol {
                Protocol::Bulk => bulk::item(event, origin, "i"),
                Protocol::Loki => loki::item(event, origin, "j"),
                _ => otlp::item(event, origin, Encoding::Json),
            });
            let ids: BTreeSet<&str> = found.iter().map(Item::id).collect();
            prop_assert_eq!(ids.len(), found.len());
            let request = protocol.request(&found);
            for document in if protocol == Protocol::Bulk { request.split_inclusive(|b| *b == b'\n').collect() } else { vec![&request[..]] } {
                prop_assert!(serde_json::from_slice::<Value>(document).is_ok());
            }
        }
        for item in items(Format::Plain, &log, |event, origin| otlp::item(event, origin, Encoding::Protobuf)) {
            prop_assert!(fields(item.body()).len() >= 3);
        }
    }
}

#[test]
fn pauses_grow_and_the_server_s_word_counts() {
    let mut queue = Queue::new(QueueOptions::default());
    queue.push("a", 1).unwrap();
    let mut now = Duration::ZERO;
    let mut pauses = Vec::new();
    for _ in 0..12 {
        let (id, _) = queue.next_batch(now).unwrap();
        queue.answer(id, Answer::unknown("cut"), now);
        assert!(queue.next_batch(now).is_none());
        pauses.push(queue.pause_until() - now);
        now = queue.pause_until();
    }
    assert!(pauses[0] >= Duration::from_millis(250) && pauses[0] <= Duration::from_millis(500));
    assert!(pauses[11] >= Duration::from_secs(30) && pauses[11] <= Duration::from_secs(60));
    let (id, _) = queue.next_batch(now).unwrap();
    queue.answer(
        id,
        Answer::Later {
            after: Some(Duration::from_secs(90)),
            reason: String::new(),
        },
        now,
    );
    assert_eq!(queue.pause_until() - now, Duration::from_secs(90));
    let (id, _) = queue.next_batch(queue.pause_until()).unwrap();
    queue.answer(
        id,
        Answer::Later {
            after: Some(Duration::MAX),
            reason: String::new(),
        },
        now,
    );
    assert!(queue.pause_until() - now <= Duration::from_secs(600));
}
