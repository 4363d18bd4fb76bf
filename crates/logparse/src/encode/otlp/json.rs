//! OTLP in JSON: names in lower camel case, 64-bit integers as texts, trace and span ids in hexadecimal, bytes in base64.

use base64::Engine as _;

use super::super::{display, write_str};
use super::{Any, LogRecord};

pub(super) fn request(resources: &[(&[u8], Vec<&[u8]>)]) -> Vec<u8> {
    let mut out = b"{\"resourceLogs\":[".to_vec();
    for (number, (resource, records)) in resources.iter().enumerate() {
        out.extend_from_slice(if number > 0 { b"," } else { b"" });
        out.extend_from_slice(b"{\"resource\":{\"attributes\":");
        out.extend_from_slice(resource);
        out.extend_from_slice(
            b"},\"scopeLogs\":[{\"scope\":{\"name\":\"narae-logparse\"},\"logRecords\":[",
        );
        out.extend_from_slice(&records.join(&b','));
        out.extend_from_slice(b"]}]}");
    }
    out.extend_from_slice(b"]}");
    out
}

pub(super) fn attributes(attributes: &[(String, Any)], out: &mut Vec<u8>) {
    out.push(b'[');
    for (number, (name, value)) in attributes.iter().enumerate() {
        out.extend_from_slice(if number > 0 { b"," } else { b"" });
        out.extend_from_slice(b"{\"key\":");
        write_str(name, out);
        out.extend_from_slice(b",\"value\":");
        any(value, out);
        out.push(b'}');
    }
    out.push(b']');
}

pub(super) fn record(record: &LogRecord, out: &mut Vec<u8>) {
    display(
        &format_args!(
            "{{\"timeUnixNano\":\"{}\",\"observedTimeUnixNano\":\"{}\"",
            record.time, record.observed
        ),
        out,
    );
    if record.severity > 0 {
        display(
            &format_args!(",\"severityNumber\":{}", record.severity),
            out,
        );
    }
    if let Some(text) = &record.severity_text {
        out.extend_from_slice(b",\"severityText\":");
        write_str(text, out);
    }
    if let Some(body) = &record.body {
        out.extend_from_slice(b",\"body\":");
        any(body, out);
    }
    out.extend_from_slice(b",\"attributes\":");
    attributes(&record.attributes, out);
    for (name, id) in [("traceId", &record.trace_id), ("spanId", &record.span_id)] {
        if let Some(id) = id {
            display(&format_args!(",\"{name}\":\""), out);
            id.iter()
                .for_each(|byte| display(&format_args!("{byte:02x}"), out));
            out.push(b'"');
        }
    }
    out.push(b'}');
}

fn any(value: &Any, out: &mut Vec<u8>) {
    match value {
        Any::Text(text) => {
            out.extend_from_slice(b"{\"stringValue\":");
            write_str(text, out);
        }
        Any::Bool(value) => display(&format_args!("{{\"boolValue\":{value}"), out),
        Any::Int(value) => display(&format_args!("{{\"intValue\":\"{value}\""), out),
        Any::Double(value) => display(&format_args!("{{\"doubleValue\":{value:?}"), out),
        Any::Bytes(bytes) => {
            let text = base64::engine::general_purpose::STANDARD.encode(bytes);
            display(&format_args!("{{\"bytesValue\":\"{text}\""), out);
        }
        Any::Array(values) => {
            out.extend_from_slice(b"{\"arrayValue\":{\"values\":[");
            for (number, value) in values.iter().enumerate() {
                out.extend_from_slice(if number > 0 { b"," } else { b"" });
                any(value, out);
            }
            out.extend_from_slice(b"]}");
        }
        Any::Empty => out.push(b'{'),
    }
    out.push(b'}');
}
