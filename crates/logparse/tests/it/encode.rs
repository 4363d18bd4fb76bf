//! Records as NDJSON: what is written is JSON and says the same.

use narae_logparse::Format;
use narae_logparse::encode::Object;
use proptest::prelude::*;

fn encode(format: Format, line: &[u8]) -> String {
    let mut out = Vec::new();
    Object::begin(&mut out)
        .record(&format.parse(line).unwrap())
        .end();
    String::from_utf8(out).unwrap()
}

proptest! {
    #[test]
    fn any_bytes_come_back_from_the_json(bytes in prop_oneof![proptest::collection::vec(any::<u8>(), 0..40), any::<String>().prop_map(String::into_bytes)]) {
        use base64::Engine as _;
        let value: serde_json::Value = serde_json::from_str(&encode(Format::Plain, &bytes)).unwrap();
        let exact = match value.get("message.base64") {
            Some(encoded) => base64::engine::general_purpose::STANDARD.decode(encoded.as_str().unwrap()).unwrap(),
            None => value["message"].as_str().unwrap().as_bytes().to_vec(),
        };
        prop_assert_eq!(value.get("message.base64").is_some(), std::str::from_utf8(&bytes).is_err());
        prop_assert_eq!(exact, bytes);
    }
}

#[test]
fn nothing_is_rounded_dropped_or_repeated() {
    let line = br#"{"n":1.10,"big":123456789012345678901234567890,"s":"\ud800\/","l":[ 1 ],"o":{},"a.b":1,"a":{"b":null},"n":"x"}"#;
    let expected = r#"{"n":[1.10,"x"],"big":123456789012345678901234567890,"s":"\ud800\/","l":[ 1 ],"o":{},"a.b":[1,null]}"#;
    assert_eq!(encode(Format::Json, line), expected);
}

#[test]
fn repeated_names_cost_time_in_their_number_only() {
    let members: Vec<String> = (0..4000)
        .map(|n| format!("\"k{}\":{n}", n % 2000))
        .collect();
    let value: serde_json::Value = serde_json::from_str(&encode(
        Format::Json,
        format!("{{{}}}", members.join(",")).as_bytes(),
    ))
    .unwrap();
    assert_eq!(value["k7"], serde_json::json!([7, 2007]));
    assert_eq!(value.as_object().unwrap().len(), 2000);
}

#[test]
fn escapes_of_access_logs_are_undone_and_json_s_made() {
    let line = br#"h - - [10/Oct/2000:13:55:36 +0000] "-" 000 - "\x00\x7f" "caf\xe9 \"q\"""#;
    let expected = concat!(
        r#"{"host":"h","ident":null,"user":null,"time":"2000-10-10T13:55:36Z","request":null,"status":0,"bytes":null,"#,
        r#""referer":"\u0000\u007f","user_agent":"caf"#,
        "\u{FFFD}",
        r#" \"q\"","user_agent.base64":"Y2Fm6SAicSI="}"#
    );
    assert_eq!(encode(Format::Combined, line), expected);
}
